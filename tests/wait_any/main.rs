//! Waiting for whichever of several sources comes first. The backstop is an hour away here, so a wake that gets lost is a hang.

#[path = "../support/asleep.rs"]
mod asleep;
#[path = "../sync/children.rs"]
#[macro_use]
mod children;
#[path = "../support/forked.rs"]
mod forked;
#[path = "../support/plain.rs"]
mod plain;
#[path = "../support/mod.rs"]
mod support;

mod deaths;
mod many;
mod sources;
mod wakes;

// `children` and those that it uses are shared with another test; naming what is not needed here keeps the compiler from calling it dead.
const _: () = {
    let _ = (children::Holder::stop, children::Holder::go_on);
    let _ = (children::Holder::pid, children::Holder::let_go);
};
