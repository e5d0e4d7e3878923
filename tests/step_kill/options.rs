//! The command line, as far as test runners use it.

/// What is to be done with the rows.
pub(crate) enum Mode {
    Run,
    List,
}

pub(crate) struct Options {
    pub(crate) mode: Mode,
    /// Every instruction of every row.
    pub(crate) long: bool,
    /// Rows at a time.
    pub(crate) jobs: usize,
    exact: bool,
    /// Every row here counts as not ignored.
    ignored: bool,
    filters: Vec<String>,
    skipped: Vec<String>,
}

impl Options {
    pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let mut options = Options {
            mode: Mode::Run,
            long: std::env::var_os("STEP_KILL_LONG").is_some(),
            jobs: processors,
            exact: false,
            ignored: false,
            filters: Vec::new(),
            skipped: Vec::new(),
        };
        while let Some(argument) = arguments.next() {
            let (name, value) = match argument.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (argument.as_str(), None),
            };
            let mut value = || {
                let value = value.clone().or_else(|| arguments.next());
                value.ok_or_else(|| format!("{name} needs a value"))
            };
            match name {
                "--list" => options.mode = Mode::List,
                "--long" => options.long = true,
                "--exact" => options.exact = true,
                "--ignored" => options.ignored = true,
                "--skip" => options.skipped.push(value()?),
                "--test-threads" => {
                    options.jobs = value()?
                        .parse()
                        .map_err(|_| "--test-threads needs a number")?;
                }
                // They change what the standard harness prints or measures.
                "--format" | "--color" | "--logfile" | "-Z" => drop(value()?),
                "--nocapture" | "--no-capture" | "--include-ignored" | "--show-output"
                | "--quiet" | "-q" | "--bench" | "--test" => {}
                _ if name.starts_with('-') => return Err(format!("unknown option {name}")),
                _ => options.filters.push(argument),
            }
        }
        Ok(options)
    }

    pub(crate) fn selects(&self, name: &str) -> bool {
        let fits = |filter: &String| {
            if self.exact {
                name == filter
            } else {
                name.contains(filter)
            }
        };
        !self.ignored
            && (self.filters.is_empty() || self.filters.iter().any(fits))
            && !self.skipped.iter().any(fits)
    }
}
