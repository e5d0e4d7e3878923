//! Two programs that meet by name: one places orders, the other fills them.
//!
//! Either may start first; either may be killed and started again.
//!
//! ```console
//! $ cargo run --example orders -- fill &
//! $ cargo run --example orders -- place 3
//! $ cargo run --example orders -- close
//! ```

use crossproc::Queue;
use crossproc::bytemuck::{CheckedBitPattern, NoUninit};
use std::process::ExitCode;

/// What both programs take an order to be. Its layout is checked when the queue is opened.
#[derive(Clone, Copy, Debug, NoUninit, CheckedBitPattern)]
#[repr(C)]
struct Order {
    id: u64,
    cents: u64,
}

const NAME: &str = "orders";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let result = match args[..] {
        ["fill"] => fill(),
        ["place", count] if count.parse::<u64>().is_ok() => place(count.parse().unwrap_or(0)),
        ["close"] => close(),
        _ => {
            eprintln!("usage: orders fill | place COUNT | close");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Fills orders until the queue is closed, and then removes its name.
fn fill() -> crossproc::Result<()> {
    let orders = Queue::<Order>::open_or_create(NAME, 1024)?;
    let mut cents = 0;
    for order in &orders {
        println!("filled {order:?}");
        cents += order.cents;
    }
    println!("{cents} cents in all");
    orders.unlink()
}

fn place(count: u64) -> crossproc::Result<()> {
    let orders = Queue::<Order>::open_or_create(NAME, 1024)?;
    for id in 1..=count {
        orders.send(Order {
            id,
            cents: id * 100,
        })?;
    }
    Ok(())
}

fn close() -> crossproc::Result<()> {
    Queue::<Order>::open(NAME)?.close();
    Ok(())
}
