//! The program of the workspace: threads that allocate, a sum that does not depend on time.
use std::collections::{BTreeMap, HashMap};

fn churn(seed: u64, rounds: u64) -> usize {
    let (mut table, mut order, mut x) = (HashMap::new(), BTreeMap::new(), seed);
    for i in 0..rounds {
        x = x.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        table.entry(x >> 54).or_insert_with(Vec::new).push(format!("{i}"));
        order.insert(x >> 50, vec![x; (x >> 60) as usize]);
        if i % 5 == 0 {
            table.remove(&(x >> 53 & 1023));
        }
    }
    table.values().flatten().map(String::len).sum::<usize>() + order.values().map(Vec::len).sum::<usize>()
}

fn main() {
    let rounds = std::env::args().nth(1).and_then(|a| a.parse().ok()).unwrap_or(1000);
    let threads: Vec<_> = (0..8).map(|i| std::thread::spawn(move || churn(i + 1, rounds))).collect();
    for thread in threads {
        println!("{}", thread.join().unwrap());
    }
    println!("{} {}", second::total(), third::TABLE.iter().sum::<u64>());
}
