//! Where and with what it was measured.

use std::fs;
use std::process::Command;
use std::thread::available_parallelism;

use crate::place::Cores;

pub fn fields(cores: Cores) -> Vec<(&'static str, String)> {
    let system = rustix::system::uname();
    vec![
        ("processor", processor()),
        (
            "cores",
            format!("{} and {} of {}", cores.first, cores.second, online()),
        ),
        (
            "system",
            format!(
                "{} {}{}",
                system.sysname().to_string_lossy(),
                system.release().to_string_lossy(),
                if is_virtual() {
                    ", virtual machine"
                } else {
                    ""
                },
            ),
        ),
        ("crossproc", commit()),
        ("rivals", rivals()),
        (
            "polling",
            "one pause between looks, never a sleep; locks and signals block, spinning first if they do so".to_owned(),
        ),
    ]
}

fn cpu_info(field: &str) -> Option<String> {
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with(field))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn processor() -> String {
    let parts = ["model name", "cpu family", "model\t", "stepping"].map(cpu_info);
    match parts {
        [Some(name), Some(family), Some(model), Some(stepping)] => {
            format!("{name} (family {family}, model {model}, stepping {stepping})")
        }
        _ => std::env::consts::ARCH.to_owned(),
    }
}

fn is_virtual() -> bool {
    cpu_info("flags").is_some_and(|flags| flags.split(' ').any(|flag| flag == "hypervisor"))
}

fn online() -> String {
    let list = fs::read_to_string("/sys/devices/system/cpu/online");
    list.map_or_else(
        |_| {
            available_parallelism()
                .map_or(0, |count| count.get())
                .to_string()
        },
        |list| list.trim().to_owned(),
    )
}

/// The commit that was compiled, as far as git can tell.
fn commit() -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git")
            .args(["-C", env!("CARGO_MANIFEST_DIR")])
            .args(arguments)
            .output();
        let output = output.ok().filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    match git(&["rev-parse", "--short", "HEAD"]) {
        Some(commit) => match git(&["status", "--porcelain", "../../src"]).as_deref() {
            Some("") => commit,
            _ => format!("{commit} with changes"),
        },
        None => "commit unknown".to_owned(),
    }
}

/// The versions in the lock file.
fn rivals() -> String {
    let lock = include_str!("../Cargo.lock");
    let version = |name: &str| {
        let (_, after) = lock.split_once(&format!("name = \"{name}\"\nversion = \""))?;
        Some(format!("{name} {}", after.split_once('"')?.0))
    };
    let found: Vec<String> = [
        "rtrb",
        "crossbeam-queue",
        "raw_sync",
        "iceoryx2",
        "procspawn",
    ]
    .into_iter()
    .filter_map(version)
    .collect();
    found.join(", ")
}
