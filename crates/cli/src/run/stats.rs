//! Statistics files: what each process of the run left behind.

use crate::counters::{Counter, FILE_LEN, MAGIC};
use std::fs;
use std::path::Path;

/// The value of [`Counter::State`] when the process ended in order.
const COMPLETE: u64 = 2;

/// What one process counted.
#[derive(Clone)]
pub struct Record {
    words: Vec<u64>,
}

impl Record {
    /// Reads the bytes of a statistics file.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let words: Vec<u64> = bytes
            .chunks_exact(8)
            .take(FILE_LEN / 8)
            .map(|word| u64::from_le_bytes(word.try_into().unwrap_or_default()))
            .collect();
        let complete = words.first() == Some(&MAGIC) && words.len() > Counter::State.word();
        complete.then_some(Record { words })
    }

    /// A counter's value; zero if its writer did not know it.
    pub fn get(&self, counter: Counter) -> u64 {
        self.words.get(counter.word()).copied().unwrap_or(0)
    }

    /// Whether the process saw its own end, so that the counts are exact.
    pub fn is_complete(&self) -> bool {
        self.get(Counter::State) == COMPLETE
    }
}

/// The records of a run.
#[derive(Default)]
pub struct Records {
    /// The program's own process.
    pub own: Option<Record>,
    /// Processes it started, and theirs.
    pub others: Vec<Record>,
    /// Files that are no statistics: left by a process that ended while it began.
    pub unreadable: usize,
}

impl Records {
    /// Reads all files in `folder`; `pid` is the program's own process.
    pub fn read(folder: &Path, pid: u32) -> Self {
        let mut records = Records::default();
        let Ok(entries) = fs::read_dir(folder) else { return records };
        for entry in entries.flatten() {
            let path = entry.path();
            if path.extension().is_none_or(|extension| extension != "hwstats") {
                continue;
            }
            match fs::read(&path).ok().and_then(|bytes| Record::parse(&bytes)) {
                None => records.unreadable += 1,
                Some(record) if record.get(Counter::Pid) == u64::from(pid) => records.own = Some(record),
                Some(record) => records.others.push(record),
            }
        }
        records.others.sort_by_key(|record| record.get(Counter::Pid));
        records
    }

    /// The sum of a counter over the other processes.
    pub fn sum(&self, counter: Counter) -> u64 {
        self.others.iter().fold(0, |sum, record| sum.saturating_add(record.get(counter)))
    }

    /// The largest value of a counter among the other processes.
    pub fn largest(&self, counter: Counter) -> u64 {
        self.others.iter().map(|record| record.get(counter)).max().unwrap_or(0)
    }

    /// How many of the other processes did not see their own end.
    pub fn unfinished(&self) -> usize {
        self.others.iter().filter(|record| !record.is_complete()).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(pid: u64, state: u64, allocations: u64) -> Vec<u8> {
        let mut bytes = vec![0; FILE_LEN];
        for (word, value) in [
            (0, MAGIC),
            (Counter::Pid.word(), pid),
            (Counter::State.word(), state),
            (Counter::Allocations.word(), allocations),
        ] {
            bytes[word * 8..word * 8 + 8].copy_from_slice(&value.to_le_bytes());
        }
        bytes
    }

    #[test]
    fn a_file_is_read_by_the_list_of_counters() {
        let record = Record::parse(&file(7, 2, 1234)).expect("a statistics file");
        assert_eq!(record.get(Counter::Allocations), 1234);
        assert_eq!(record.get(Counter::Failures), 0);
        assert!(record.is_complete());
        assert!(!Record::parse(&file(7, 1, 0)).expect("a statistics file").is_complete());
    }

    #[test]
    fn what_is_no_statistics_file_is_refused() {
        assert!(Record::parse(b"").is_none());
        assert!(Record::parse(&[0; FILE_LEN]).is_none());
        assert!(Record::parse(b"HWSTATS1").is_none());
    }

    #[test]
    fn own_and_other_processes_are_told_apart() {
        let folder = std::env::temp_dir().join(format!("heapwright-stats-test-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        for (name, bytes) in [
            ("10.hwstats", file(10, 2, 5)),
            ("11.hwstats", file(11, 2, 70)),
            ("12.hwstats", file(12, 1, 800)),
            ("13.hwstats", Vec::new()),
            ("notes.txt", Vec::new()),
        ] {
            fs::write(folder.join(name), bytes).expect("a file");
        }
        let records = Records::read(&folder, 10);
        fs::remove_dir_all(&folder).expect("the folder goes");
        assert_eq!(records.own.as_ref().map(|own| own.get(Counter::Allocations)), Some(5));
        assert_eq!(records.others.len(), 2);
        assert_eq!(records.sum(Counter::Allocations), 870);
        assert_eq!(records.largest(Counter::Allocations), 800);
        assert_eq!((records.unfinished(), records.unreadable), (1, 1));
    }
}
