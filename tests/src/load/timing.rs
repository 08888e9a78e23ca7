//! Times of requests, and what is said of them.

use serde_json::{Value, json};
use std::time::Duration;

/// What a load came to.
#[derive(Debug, Clone, Default)]
pub struct Timing {
    pub records: u64,
    pub bytes: u64,
    pub wall: Duration,
    /// One for each request, in any order.
    pub latencies: Vec<Duration>,
}

impl Timing {
    /// Adds what another thread did at the same time.
    pub fn join(&mut self, other: Self) {
        self.records += other.records;
        self.bytes += other.bytes;
        self.wall = self.wall.max(other.wall);
        self.latencies.extend(other.latencies);
    }

    /// The latency that the given part (in thousandths) of the requests did not exceed.
    pub fn quantile(&mut self, thousandths: usize) -> Duration {
        self.latencies.sort_unstable();
        let last = self.latencies.len().saturating_sub(1);
        self.latencies.get(last * thousandths / 1000).copied().unwrap_or_default()
    }

    pub fn json(mut self) -> Value {
        let millis = |d: Duration| (d.as_micros() as f64) / 1000.0;
        let seconds = self.wall.as_secs_f64().max(1e-9);
        json!({
            "records": self.records,
            "bytes": self.bytes,
            "seconds": seconds,
            "records_per_second": (self.records as f64 / seconds).round(),
            "mb_per_second": (self.bytes as f64 / seconds / 1e4).round() / 100.0,
            "p50_ms": millis(self.quantile(500)),
            "p99_ms": millis(self.quantile(990)),
            "max_ms": millis(self.quantile(1000)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_the_sorted_latencies() {
        let latencies = (1..=101).rev().map(Duration::from_millis).collect();
        let mut timing = Timing { latencies, ..Timing::default() };
        assert_eq!([0, 500, 990, 1000].map(|q| timing.quantile(q).as_millis()), [1, 51, 100, 101]);
    }
}
