//! What lives in a manager: what it does, in one process and between processes, and what becomes of it when those who use it are stopped or killed.
//!
//! The backstop is an hour away in these tests, so a wake that gets lost is a hang, which the watchdog reports.

#[path = "../support/asleep.rs"]
mod asleep;
#[path = "../support/forked.rs"]
mod forked;
#[path = "../support/plain.rs"]
mod plain;
#[path = "../support/mod.rs"]
mod support;

#[macro_use]
#[path = "../sync/children.rs"]
mod children;

mod list;
mod list_deaths;
mod namespace;

// These tests hold nothing that a guard stands for; naming what there is for guards keeps the compiler from calling it dead.
const _: () = {
    use children::Holder;
    let _: [fn(&Holder); 2] = [Holder::stop, Holder::go_on];
    let _: (fn(fn()) -> Holder, fn(&mut Holder)) = (Holder::of, Holder::kill);
    let _: (fn(Holder), fn(fn(), fn())) = (Holder::let_go, children::killed_while_another_sleeps);
};
