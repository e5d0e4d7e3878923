//! Estimates pi: the workers of a pool throw points into a square and count those in the circle inside it. The estimate gets better as their counts come in,
//! in whatever order. Each input is a seed, so that every run gives the same answer, on however many processors.
//!
//! ```console
//! $ cargo run --release --example pi
//! ```

use std::f64::consts::PI;
use std::process::ExitCode;

use crossproc::Pool;

const THROWS: u32 = 1_000_000;
const SEEDS: u64 = 64;
/// Of an estimate that is no mishap; one that is farther off comes up once in 16,000 choices of seeds.
const MOST_SIGMAS: f64 = 4.0;

/// SplitMix64 (Steele, Lea, Flood 2014): the next number from 0 up to 1.
fn next(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
}

/// How many of so many points are in the circle.
fn hits(mut seed: u64) -> u32 {
    let mut hit = || {
        let (x, y) = (next(&mut seed), next(&mut seed));
        x * x + y * y < 1.0
    };
    (0..THROWS).map(|_| u32::from(hit())).sum()
}

fn main() -> crossproc::Result<ExitCode> {
    crossproc::init();
    let pool = Pool::builder().build()?;
    // Far enough apart that no two of them come to share a number.
    let seeds = (1..=SEEDS).map(|number| number << 32);
    let (mut hit, mut thrown) = (0.0, 0.0);
    let mut sigmas = f64::INFINITY;
    for (done, hits) in (1..).zip(pool.map_unordered(hits, seeds)) {
        hit += f64::from(hits?);
        thrown += f64::from(THROWS);
        let estimate = 4.0 * hit / thrown;
        // Each throw is a hit with probability pi/4.
        let sigma = (PI * (4.0 - PI) / thrown).sqrt();
        sigmas = (estimate - PI).abs() / sigma;
        if done % 8 == 0 {
            println!("{thrown:>9} throws: {estimate:.6}, ± {sigma:.6}");
        }
    }
    println!("off by {sigmas:.2} sigma");
    Ok(if sigmas < MOST_SIGMAS {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
