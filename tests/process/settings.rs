//! What a builder sets, and what is refused.

use std::collections::BTreeMap;
use std::env;
use std::path::PathBuf;
use std::{fs, thread};

use crossproc::Error;
use crossproc::process::{JoinError, Resource, Setting, builder, current};
use rustix::process::{getpriority_process, getrlimit};

fn variables((): ()) -> BTreeMap<String, String> {
    env::vars().collect()
}

#[test]
fn environment_variables_are_set_and_removed() {
    guarded!();
    let child = builder()
        .env("CROSSPROC_TEST_SET", "é = x")
        .env_remove("PATH");
    let mut expected = variables(());
    expected.insert("CROSSPROC_TEST_SET".into(), "é = x".into());
    assert!(expected.remove("PATH").is_some());
    assert_eq!(child.spawn(variables, ()).unwrap().join(), Ok(expected));
}

#[test]
fn a_cleared_environment_has_what_is_set_afterwards() {
    guarded!();
    let child = builder().env("BEFORE", "1").env_clear().env("AFTER", "2");
    let expected = BTreeMap::from([("AFTER".into(), "2".into())]);
    assert_eq!(child.spawn(variables, ()).unwrap().join(), Ok(expected));
}

#[test]
fn what_cannot_be_an_environment_or_a_name_is_refused() {
    guarded!();
    let refused = [
        builder().env("", "x"),
        builder().env("A=B", "x"),
        builder().env("A\0", "x"),
        builder().env("A", "x\0"),
        builder().name("a\0b"),
    ];
    for builder in refused {
        let error = builder.spawn(|()| (), ()).unwrap_err();
        assert!(matches!(error, Error::InvalidSetting { .. }), "{error}");
    }
}

#[test]
fn a_working_directory_is_found_from_here_or_refused() {
    guarded!();
    fn directory((): ()) -> PathBuf {
        env::current_dir().unwrap()
    }
    let here = fs::canonicalize(".").unwrap();
    for (given, expected) in [("/proc", "/proc".into()), ("src", here.join("src"))] {
        let child = builder().current_dir(given).spawn(directory, ()).unwrap();
        assert_eq!(child.join(), Ok(expected));
    }
    for missing in ["/no/such/directory", "Cargo.toml"] {
        let error = builder().current_dir(missing).spawn(directory, ());
        let error = error.unwrap_err();
        assert!(matches!(error, Error::File { .. }), "{error}");
        assert!(error.to_string().contains(missing), "{error}");
    }
}

#[test]
fn a_child_has_the_name_it_is_given_or_its_function_s() {
    guarded!();
    fn names((): ()) -> (String, String) {
        let shown = fs::read_to_string("/proc/self/comm").unwrap();
        let name = current().name().unwrap().to_owned();
        (name, shown.trim_end().into())
    }
    let child = builder().name("counts the sheep").spawn(names, ()).unwrap();
    assert_eq!(child.name(), "counts the sheep");
    let shown = "counts the shee";
    assert_eq!(child.join(), Ok(("counts the sheep".into(), shown.into())));

    let child = builder().spawn(names, ()).unwrap();
    assert_eq!(child.name(), "names");
    assert_eq!(child.join(), Ok(("names".into(), "names".into())));

    let closure = builder().spawn(|()| names(()), ()).unwrap();
    assert_eq!(
        closure.name(),
        "a_child_has_the_name_it_is_given_or_its_function_s"
    );
    closure.join().unwrap();
}

fn allowed((): ()) -> Vec<usize> {
    let set = rustix::thread::sched_getaffinity(None).unwrap();
    (0..1024)
        .filter(|processor| set.is_set(*processor))
        .collect()
}

#[test]
fn a_child_is_bound_to_processors_with_all_its_threads() {
    guarded!();
    fn of_a_thread((): ()) -> Vec<usize> {
        thread::spawn(|| allowed(())).join().unwrap()
    }
    for processor in allowed(()) {
        let child = builder().affinity([processor]);
        assert_eq!(
            child.spawn(of_a_thread, ()).unwrap().join(),
            Ok(vec![processor])
        );
    }
}

fn refusal(builder: crossproc::process::Builder) -> Setting {
    match builder.spawn(|()| (), ()).unwrap().join() {
        Err(JoinError::Setting { setting, reason }) => {
            assert!(!reason.is_empty());
            setting
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn processors_that_there_are_not_are_refused() {
    guarded!();
    let some = allowed(())[0];
    for processors in [vec![], vec![1023], vec![some, 1023], vec![usize::MAX]] {
        assert_eq!(refusal(builder().affinity(processors)), Setting::Affinity);
    }
}

#[test]
fn niceness_is_added() {
    guarded!();
    fn niceness((): ()) -> i32 {
        getpriority_process(None).unwrap()
    }
    let here = niceness(());
    let child = builder().nice(3).spawn(niceness, ()).unwrap();
    assert_eq!(child.join(), Ok((here + 3).min(19)));
}

#[test]
fn limits_are_set() {
    guarded!();
    fn limits((): ()) -> [(Option<u64>, Option<u64>); 2] {
        use rustix::process::Resource::{Core, Nofile};
        [Nofile, Core]
            .map(getrlimit)
            .map(|limit| (limit.current, limit.maximum))
    }
    let core = limits(())[1];
    let child = builder()
        .limit(Resource::OpenFiles, 40, 50)
        .limit(Resource::CoreFile, 0, core.1);
    let expected = [(Some(40), Some(50)), (Some(0), core.1)];
    assert_eq!(child.spawn(limits, ()).unwrap().join(), Ok(expected));
}

#[test]
fn a_soft_limit_above_the_hard_one_is_refused() {
    guarded!();
    let refused = builder().limit(Resource::OpenFiles, 50, 40);
    assert_eq!(refusal(refused), Setting::Limit(Resource::OpenFiles));
}

/// Who may do anything gives that up first, in a child.
#[test]
fn what_takes_a_right_is_refused_to_those_who_have_it_not() {
    guarded!();
    fn unprivileged((): ()) -> (Setting, Setting) {
        use rustix::process::{Resource::Nice, Rlimit, setrlimit};
        let none = Rlimit {
            current: Some(0),
            maximum: Some(0),
        };
        setrlimit(Nice, none).unwrap();
        // SAFETY: changes this process's user, for good, and the keeper's with it.
        unsafe {
            if libc::geteuid() == 0 {
                assert_eq!(libc::setuid(65534), 0);
            }
            // What a change of user has taken away: to be found in /proc by its own user, as children of it are.
            libc::prctl(libc::PR_SET_DUMPABLE, 1);
        }
        let limited = builder().limit(Resource::Niceness, 40, 40);
        (refusal(builder().nice(-1)), refusal(limited))
    }
    let refused = builder().spawn(unprivileged, ()).unwrap().join();
    let expected = (Setting::Nice, Setting::Limit(Resource::Niceness));
    assert_eq!(refused, Ok(expected));
}
