//! Ordered and hashed maps that grow, are searched, walked in ranges, and shrink.

use crate::input::{Checksum, HashMap, Sequence};
use std::collections::BTreeMap;

/// What the hashed map points to.
struct Session {
    started: u64,
    user: String,
    parts: Vec<u32>,
}

/// Works on maps that come to hold about `size` entries each; the checksum.
pub fn run(size: u64) -> u64 {
    let mut checksum = Checksum::default();
    let mut numbers = Sequence::new(3);
    let mut store = BTreeMap::new();
    let mut sessions = HashMap::default();
    for _ in 0..size * 2 {
        change_store(&mut store, size, &mut numbers, &mut checksum);
        change_sessions(&mut sessions, size, &mut numbers, &mut checksum);
    }
    let (low, high) = (store.split_off(&key(size)), store);
    for (key, value) in high.iter().chain(&low) {
        checksum.bytes(key.as_bytes());
        checksum.number(value.len() as u64);
    }
    let mut left: Vec<_> = sessions.into_iter().collect();
    left.sort_unstable_by_key(|(id, _)| *id);
    for (id, session) in left {
        checksum.number(id ^ session.started);
        checksum.bytes(session.user.as_bytes());
    }
    checksum.value()
}

fn key(number: u64) -> String {
    format!("user:{:06}:{:x}", number % 1_000_000, number >> 4)
}

/// One step on the ordered map: mostly a new value, at times a removal or a walk over some neighbours.
fn change_store(
    store: &mut BTreeMap<String, Vec<u8>>,
    size: u64,
    numbers: &mut Sequence,
    checksum: &mut Checksum,
) {
    let key = key(numbers.below(size * 2));
    match numbers.below(16) {
        0..=8 => {
            let value = vec![numbers.next() as u8; numbers.length(512)];
            if let Some(old) = store.insert(key, value) {
                checksum.number(old.len() as u64);
            }
        }
        9..=11 => {
            if let Some(old) = store.remove(&key) {
                checksum.number(u64::from(old[0]));
            }
        }
        12 => {
            let some: Vec<(String, usize)> =
                store.range(key..).take(12).map(|(key, value)| (key.clone(), value.len())).collect();
            checksum.number(some.iter().map(|(key, len)| key.len() as u64 + *len as u64).sum());
        }
        _ => {
            let value = store.entry(key).or_default();
            value.extend_from_slice(&numbers.next().to_le_bytes());
            checksum.number(value.len() as u64);
        }
    }
}

/// One step on the hashed map.
fn change_sessions(
    sessions: &mut HashMap<u64, Box<Session>>,
    size: u64,
    numbers: &mut Sequence,
    checksum: &mut Checksum,
) {
    let id = numbers.below(size * 2);
    match numbers.below(8) {
        0..=3 => {
            let parts = vec![id as u32; numbers.length(24)];
            let session = Session { started: numbers.next(), user: format!("user {id}"), parts };
            if let Some(old) = sessions.insert(id, Box::new(session)) {
                checksum.number(old.started);
            }
        }
        4..=5 => {
            if let Some(old) = sessions.remove(&id) {
                checksum.number(old.parts.len() as u64);
            }
        }
        _ => {
            if let Some(session) = sessions.get_mut(&id) {
                session.parts.push(numbers.next() as u32);
                checksum.number(session.parts.iter().map(|part| u64::from(*part)).sum());
            }
        }
    }
}
