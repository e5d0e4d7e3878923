//! Order statistics.

/// The value that a share `q` of the others, from 0 to 1, lies below.
pub fn quantile(values: &mut [f64], q: f64) -> f64 {
    if values.is_empty() {
        return f64::NAN;
    }
    values.sort_unstable_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * q).round() as usize]
}

pub fn median(values: &mut [f64]) -> f64 {
    quantile(values, 0.5)
}
