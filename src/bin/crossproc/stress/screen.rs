//! The progress bar, on a terminal.

use indicatif::{ProgressBar, ProgressStyle};
use std::time::Duration;

pub(crate) struct Screen(ProgressBar);

impl Screen {
    /// A bar for one primitive, on standard error; nothing there if that is not a terminal.
    pub(crate) fn new(primitive: &'static str, total: Duration, quiet: bool) -> Self {
        if quiet {
            return Self(ProgressBar::hidden());
        }
        let style = ProgressStyle::with_template("{prefix:>8} [{bar:40}] {percent:>3}%  {msg}")
            .expect("the template is well-formed")
            .progress_chars("=> ");
        let bar = ProgressBar::new(total.as_millis() as u64)
            .with_style(style)
            .with_prefix(primitive);
        Self(bar)
    }

    pub(crate) fn show(&self, elapsed: Duration, moved: u64, kills: u64) {
        self.0.set_position(elapsed.as_millis() as u64);
        let rate = moved as f64 / elapsed.as_secs_f64().max(f64::EPSILON) / 1e6;
        self.0
            .set_message(format!("{rate:.1} M operations/s, {kills} kills"));
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
