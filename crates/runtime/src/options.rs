//! Options: `HEAPWRIGHT_CONF="key=value,key=value"`.
//!
//! Read once, straight from the environment block, without a call that might allocate. Whatever cannot be
//! used is reported in one line and the rest is used: an unknown key with its nearest match, a value that is
//! no value, a key that a set-uid program may not take from its caller.
//!
//! # Sharing
//! Each option is an atomic of its own, written once at the start and read with Relaxed: none of them guards
//! anything else.
//!
//! # Safety
//!
//! Reads the environment block and its C strings, which the C library keeps valid at start.

#![allow(unsafe_code)]

use core::ffi::{CStr, c_char};
use heapwright_base::Line;
use heapwright_base::sync::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use heapwright_os::linux::write_error;
use heapwright_span::Limits;

/// What to do with a pointer that is not ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Foreign {
    /// Name it and abort.
    Abort,
    /// Leave it alone.
    Ignore,
    /// Give it to the C library's own `free`.
    Forward,
}

/// The option keys, in the order in which they are described.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Key {
    Foreign,
    HugeThreshold,
    HugePages,
    DirtyLimit,
    PurgeDelay,
    PurgeThread,
    Stats,
    Verbose,
}

impl Key {
    const ALL: [Key; 8] = [
        Key::Foreign,
        Key::HugeThreshold,
        Key::HugePages,
        Key::DirtyLimit,
        Key::PurgeDelay,
        Key::PurgeThread,
        Key::Stats,
        Key::Verbose,
    ];

    const fn name(self) -> &'static str {
        match self {
            Key::Foreign => "foreign",
            Key::HugeThreshold => "huge_threshold",
            Key::HugePages => "huge_pages",
            Key::DirtyLimit => "dirty_limit",
            Key::PurgeDelay => "purge_delay",
            Key::PurgeThread => "purge_thread",
            Key::Stats => "stats",
            Key::Verbose => "verbose",
        }
    }

    /// Whether a set-uid program may take it from its caller: only what costs nothing but memory.
    const fn is_safe(self) -> bool {
        !matches!(self, Key::Foreign | Key::Stats | Key::PurgeThread)
    }
}

/// The options of a process.
#[derive(Debug)]
pub struct Options {
    read: AtomicBool,
    given: [AtomicBool; Key::ALL.len()],
    foreign: AtomicU8,
    verbose: AtomicBool,
    purge_thread: AtomicBool,
    /// A copy: programs that set their title write over the environment.
    stats: [AtomicU8; STATS_MOST],
    stats_len: AtomicUsize,
}

/// Longest name of a folder for statistics files.
const STATS_MOST: usize = 256;

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

unsafe extern "C" {
    /// The environment block: environ(7).
    static environ: *const *const c_char;
}

/// No heap is as large as this.
const NEVER: usize = usize::MAX;

const VARIABLE: &[u8] = b"HEAPWRIGHT_CONF=";

impl Options {
    /// The defaults.
    #[must_use]
    pub const fn new() -> Self {
        Options {
            read: AtomicBool::new(false),
            given: [const { AtomicBool::new(false) }; Key::ALL.len()],
            foreign: AtomicU8::new(0),
            verbose: AtomicBool::new(false),
            purge_thread: AtomicBool::new(false),
            stats: [const { AtomicU8::new(0) }; STATS_MOST],
            stats_len: AtomicUsize::new(0),
        }
    }

    /// What to do with foreign pointers.
    pub fn foreign(&self) -> Foreign {
        match self.foreign.load(Ordering::Relaxed) {
            1 => Foreign::Ignore,
            2 => Foreign::Forward,
            _ => Foreign::Abort,
        }
    }

    /// Whether to describe the options at start.
    pub fn verbose(&self) -> bool {
        self.verbose.load(Ordering::Relaxed)
    }

    /// Whether to start the purge thread.
    pub fn purge_thread(&self) -> bool {
        self.purge_thread.load(Ordering::Relaxed)
    }

    /// Appends the folder for statistics files to a line, if there is one; answers whether.
    pub fn stats(&self, line: &mut Line) -> bool {
        let len = self.stats_len.load(Ordering::Relaxed);
        for byte in self.stats.iter().take(len) {
            line.raw(&[byte.load(Ordering::Relaxed)]);
        }
        len > 0
    }

    /// Reads the environment, once; does nothing as long as there is none.
    pub fn read(&self, limits: &Limits) {
        // SAFETY: the C library's variable; null until it has started.
        let block = unsafe { environ };
        if block.is_null() || self.read.swap(true, Ordering::Relaxed) {
            return;
        }
        // SAFETY: getauxval reads a value that the kernel left for the process.
        let secure = unsafe { libc::getauxval(libc::AT_SECURE) } != 0;
        if let Some(text) = find(block) {
            for item in text.split(|&byte| byte == b',').filter(|item| !item.is_empty()) {
                self.take(item, secure, limits);
            }
        }
    }

    fn take(&self, item: &'static [u8], secure: bool, limits: &Limits) {
        let at = item.iter().position(|&byte| byte == b'=').unwrap_or(item.len());
        let (name, value) = (item.get(..at).unwrap_or(item), item.get(at + 1..).unwrap_or(b""));
        let Some(key) = Key::ALL.into_iter().find(|key| key.name().as_bytes() == name) else {
            report_unknown(name);
            return;
        };
        if secure && !key.is_safe() {
            complain(&[b"option ", name, b" is ignored in a set-uid program"]);
            return;
        }
        if self.set(key, value, limits) {
            self.given[key as usize].store(true, Ordering::Relaxed);
        } else {
            complain(&[b"option ", name, b" cannot be `", value, b"'; ", expectation(key).as_bytes()]);
        }
    }

    fn set(&self, key: Key, value: &'static [u8], limits: &Limits) -> bool {
        match key {
            Key::Foreign => match value {
                b"abort" => self.foreign.store(0, Ordering::Relaxed),
                b"ignore" => self.foreign.store(1, Ordering::Relaxed),
                b"forward" => self.foreign.store(2, Ordering::Relaxed),
                _ => return false,
            },
            Key::HugeThreshold => {
                let Some(size) = parse_size(value) else { return false };
                limits
                    .huge_threshold
                    .store(size.max(heapwright_engine::size_class::SLAB_MAX + 1), Ordering::Relaxed);
                limits.huge_bound.store(0, Ordering::Relaxed);
            }
            Key::HugePages => {
                let from = if value == b"never" { Some(NEVER) } else { parse_size(value) };
                let Some(from) = from else { return false };
                limits.huge_pages_from.store(from, Ordering::Relaxed);
            }
            Key::DirtyLimit => {
                let Some(size) = parse_size(value) else { return false };
                limits.dirty_floor.store(size, Ordering::Relaxed);
                limits.dirty_fixed.store(true, Ordering::Relaxed);
            }
            Key::PurgeDelay => {
                let Some(time) = parse_time(value) else { return false };
                limits.purge_delay.store(time, Ordering::Relaxed);
            }
            Key::PurgeThread => {
                let Some(on) = parse_switch(value) else { return false };
                self.purge_thread.store(on, Ordering::Relaxed);
            }
            Key::Verbose => {
                let Some(on) = parse_switch(value) else { return false };
                self.verbose.store(on, Ordering::Relaxed);
            }
            Key::Stats => {
                if value.is_empty() || value.len() > STATS_MOST {
                    return false;
                }
                for (to, &from) in self.stats.iter().zip(value) {
                    to.store(from, Ordering::Relaxed);
                }
                self.stats_len.store(value.len(), Ordering::Relaxed);
            }
        }
        true
    }

    /// Writes each option, its value and where it comes from, a line each.
    pub fn describe(&self, limits: &Limits, out: &mut dyn FnMut(&[u8])) {
        for key in Key::ALL {
            let mut line = Line::new();
            line.text("heapwright: ").text(key.name()).text("=");
            match key {
                Key::Foreign => {
                    line.text(match self.foreign() {
                        Foreign::Abort => "abort",
                        Foreign::Ignore => "ignore",
                        Foreign::Forward => "forward",
                    });
                }
                Key::HugeThreshold => {
                    line.decimal(limits.huge_threshold.load(Ordering::Relaxed) as u64);
                }
                Key::HugePages => {
                    match limits.huge_pages_from.load(Ordering::Relaxed) {
                        NEVER => line.text("never"),
                        from => line.decimal(from as u64),
                    };
                }
                Key::DirtyLimit => {
                    line.decimal(limits.dirty_floor.load(Ordering::Relaxed) as u64);
                }
                Key::PurgeDelay => {
                    line.decimal(limits.purge_delay.load(Ordering::Relaxed)).text("ms");
                }
                Key::PurgeThread => {
                    line.decimal(u64::from(self.purge_thread()));
                }
                Key::Stats => {
                    self.stats(&mut line);
                }
                Key::Verbose => {
                    line.decimal(u64::from(self.verbose()));
                }
            }
            let given = self.given[key as usize].load(Ordering::Relaxed);
            line.text(if given { " (env)\n" } else { " (default)\n" });
            out(line.as_bytes());
        }
    }
}

/// The value of our variable in an environment block.
fn find(mut block: *const *const c_char) -> Option<&'static [u8]> {
    loop {
        // SAFETY: the block ends with a null pointer, which is where the loop ends.
        let entry = unsafe { *block };
        if entry.is_null() {
            return None;
        }
        // SAFETY: each entry is a C string.
        let text = unsafe { CStr::from_ptr(entry) }.to_bytes();
        if let Some(value) = text.strip_prefix(VARIABLE) {
            return Some(value);
        }
        // SAFETY: the entry was not the last.
        block = unsafe { block.add(1) };
    }
}

#[cold]
#[inline(never)]
fn complain(parts: &[&[u8]]) {
    let mut line = Line::new();
    line.text("heapwright: HEAPWRIGHT_CONF: ");
    for part in parts {
        line.raw(part);
    }
    write_error(line.text("\n").as_bytes());
}

#[cold]
#[inline(never)]
fn report_unknown(name: &[u8]) {
    let nearest = Key::ALL.into_iter().min_by_key(|key| distance(name, key.name().as_bytes()));
    match nearest.filter(|key| distance(name, key.name().as_bytes()) <= 1 + name.len() / 3) {
        Some(key) => {
            complain(&[b"unknown option `", name, b"'; did you mean `", key.name().as_bytes(), b"'?"]);
        }
        None => complain(&[b"unknown option `", name, b"'; see docs/options.md for the list"]),
    }
}

const fn expectation(key: Key) -> &'static str {
    match key {
        Key::Foreign => "say abort, ignore or forward",
        Key::HugeThreshold | Key::DirtyLimit => "say a size such as 4M or 262144",
        Key::HugePages => "say never, or a size such as 16M",
        Key::PurgeDelay => "say a time such as 500ms or 2s",
        Key::PurgeThread | Key::Verbose => "say 0 or 1",
        Key::Stats => "say a folder, in at most 256 bytes",
    }
}

/// Edits between two names (Levenshtein's distance), for names up to a small length.
#[inline(never)]
fn distance(a: &[u8], b: &[u8]) -> usize {
    const MOST: usize = 32;
    if a.len() > MOST || b.len() > MOST {
        return MOST;
    }
    let mut row = [0usize; MOST + 1];
    for (i, cell) in row.iter_mut().enumerate() {
        *cell = i;
    }
    for (i, &x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &y) in b.iter().enumerate() {
            let change = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[inline(never)]
fn parse_number(text: &[u8]) -> Option<(usize, &[u8])> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, rest) = text.split_at_checked(digits)?;
    let mut value = 0usize;
    for &digit in number {
        value = value.checked_mul(10)?.checked_add(usize::from(digit - b'0'))?;
    }
    (digits > 0).then_some((value, rest))
}

/// A size in bytes: a number with an optional suffix of powers of 1024.
#[inline(never)]
fn parse_size(text: &[u8]) -> Option<usize> {
    let (value, suffix) = parse_number(text)?;
    let shift = match suffix {
        b"" | b"B" => 0,
        b"K" | b"k" | b"KiB" => 10,
        b"M" | b"m" | b"MiB" => 20,
        b"G" | b"g" | b"GiB" => 30,
        _ => return None,
    };
    value.checked_mul(1 << shift).filter(|&size| size <= isize::MAX as usize)
}

/// A time in milliseconds: a number with a unit.
fn parse_time(text: &[u8]) -> Option<u64> {
    let (value, suffix) = parse_number(text)?;
    match suffix {
        b"" | b"ms" => Some(value as u64),
        b"s" => (value as u64).checked_mul(1000),
        _ => None,
    }
}

fn parse_switch(text: &[u8]) -> Option<bool> {
    match text {
        b"1" | b"true" | b"on" => Some(true),
        b"0" | b"false" | b"off" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_binary_suffixes() {
        assert_eq!(parse_size(b"262144"), Some(262_144));
        assert_eq!(parse_size(b"4M"), Some(4 << 20));
        assert_eq!(parse_size(b"1GiB"), Some(1 << 30));
        assert_eq!(parse_size(b""), None);
        assert_eq!(parse_size(b"4X"), None);
        assert_eq!(parse_size(b"99999999999999999999"), None);
        assert_eq!(parse_size(b"9999999999G"), None);
    }

    #[test]
    fn times_have_units() {
        assert_eq!(parse_time(b"250ms"), Some(250));
        assert_eq!(parse_time(b"2s"), Some(2000));
        assert_eq!(parse_time(b"2h"), None);
    }

    #[test]
    fn distance_counts_edits() {
        assert_eq!(distance(b"stats", b"stats"), 0);
        assert_eq!(distance(b"stat", b"stats"), 1);
        assert_eq!(distance(b"foriegn", b"foreign"), 2);
        assert_eq!(distance(b"", b"abc"), 3);
    }
}
