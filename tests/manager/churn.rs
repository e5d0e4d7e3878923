//! Memory comes back, whatever is done how often. `MANAGER_CHURN=1000000` does it a million times.

use std::collections::HashMap;

use crossproc::{Dict, Manager};

fn rounds() -> u64 {
    let rounds = std::env::var("MANAGER_CHURN").map(|rounds| rounds.parse());
    rounds.map_or(30_000, |rounds| rounds.expect("a number of rounds"))
}

/// Xorshift (Marsaglia, 2003).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

#[test]
fn used_memory_returns_and_no_more_is_committed() {
    guarded!();
    let manager = Manager::new().unwrap();
    let dict: Dict<u64, Vec<u8>> = manager.dict("dict").unwrap();
    let empty = manager.memory().unwrap().used;
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let mut model: HashMap<u64, usize> = HashMap::new();
    let mut warm = 0;
    let rounds = rounds();
    for round in 0..2 * rounds {
        let key = random.below(400);
        // Mostly small, sometimes many pages.
        let most = [40, 300, 3000, 30_000][random.below(4) as usize];
        let len = random.below(most) as usize;
        if random.below(3) == 0 {
            let old = dict.remove(&key).unwrap().map(|value| value.len());
            assert_eq!(old, model.remove(&key));
        } else {
            let old = dict.insert(&key, &vec![key as u8; len]).unwrap();
            assert_eq!(old.map(|value| value.len()), model.insert(key, len));
        }
        if round == rounds {
            warm = manager.memory().unwrap().committed;
        }
    }
    assert_eq!(dict.len(), model.len());
    for (key, len) in &model {
        assert_eq!(dict.get(key), Ok(Some(vec![*key as u8; *len])));
    }
    // An eighth more is committed at a time, which is once.
    let committed = manager.memory().unwrap().committed;
    assert!(
        committed <= warm + warm / 8,
        "{warm} half way, {committed} now"
    );
    // A page of each class may stay with each shard; of what is removed one by one.
    for key in model.keys() {
        dict.remove(key).unwrap();
    }
    let kept = manager.memory().unwrap().used - empty;
    assert!(kept <= 16 * 21 * 4096, "{kept} bytes in use for nothing");
    dict.clear().unwrap();
    assert_eq!(manager.memory().unwrap().used, empty, "and none after that");
}
