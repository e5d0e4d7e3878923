//! The command-line program: stress-tests the primitives across all cores.

fn main() {
    crossproc::init();
}
