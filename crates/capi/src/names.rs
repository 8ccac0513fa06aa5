//! The counters' names as C strings, made at compile time from the one list of counters.

use core::ffi::CStr;

use heapwright_base::counters::Counter;

/// The counter at a place of the list, if there is one.
#[must_use]
pub fn counter_at(index: usize) -> Option<Counter> {
    Counter::ALL.get(index).copied()
}

/// The name of the counter at a place of the list.
#[must_use]
pub fn name_at(index: usize) -> Option<&'static CStr> {
    CStr::from_bytes_until_nul(NAMES.get(index)?).ok()
}

/// The counter with this name.
#[must_use]
pub fn counter_named(name: &CStr) -> Option<Counter> {
    Counter::ALL.iter().copied().find(|counter| counter.name().as_bytes() == name.to_bytes())
}

/// Longest name plus its NUL; a longer one does not compile.
const WIDTH: usize = 24;

static NAMES: [[u8; WIDTH]; Counter::ALL.len()] = {
    let mut names = [[0; WIDTH]; Counter::ALL.len()];
    let mut i = 0;
    while i < names.len() {
        let name = Counter::ALL[i].name().as_bytes();
        assert!(name.len() < WIDTH);
        let mut k = 0;
        while k < name.len() {
            names[i][k] = name[k];
            k += 1;
        }
        i += 1;
    }
    names
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_counter_is_found_by_place_and_by_name() {
        for (i, &counter) in Counter::ALL.iter().enumerate() {
            let name = name_at(i).unwrap();
            assert_eq!(name.to_bytes(), counter.name().as_bytes());
            assert_eq!(counter_named(name), Some(counter));
            assert_eq!(counter_at(i), Some(counter));
        }
        assert_eq!(name_at(Counter::ALL.len()), None);
        assert_eq!(counter_named(c"no such counter"), None);
    }
}
