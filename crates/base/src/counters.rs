//! The list of counters: their names, meaning and place in a statistics file.
//!
//! One list makes the enum, the names and the file. A statistics file is what a process leaves for
//! `heapwright run`: [`FILE_LEN`] bytes, little-endian 64-bit words; word 0 is [`MAGIC`], word
//! [`Counter::Pid`] the process, and so on in the order of [`Counter`]. A word that a version does not know
//! is zero.

use crate::sync::{AtomicPtr, AtomicU64, Ordering};

/// `HWSTATS1`, read as a little-endian word: the first word of a statistics file.
pub const MAGIC: u64 = u64::from_le_bytes(*b"HWSTATS1");

/// Length of a statistics file in bytes.
pub const FILE_LEN: usize = 4096;

macro_rules! counters {
    ($($variant:ident $name:literal $text:literal,)*) => {
        /// A counter, in bytes unless its description says otherwise. Its discriminant is its word in a
        /// statistics file.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(usize)]
        #[non_exhaustive]
        pub enum Counter {
            /// The file's magic number.
            Magic = 0,
            $(#[doc = $text] $variant,)*
        }

        impl Counter {
            /// Every counter but the magic number, in file order.
            pub const ALL: &'static [Counter] = &[$(Counter::$variant,)*];

            /// The counter's name in JSON.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    Counter::Magic => "magic",
                    $(Counter::$variant => $name,)*
                }
            }
        }
    };
}

counters! {
    Pid "pid" "Process id (a number).",
    State "state" "1 while the process runs, 2 when its exit was seen and the counts are exact (a number).",
    Allocations "allocations" "Blocks handed out so far (a number).",
    Frees "frees" "Blocks given back so far (a number).",
    LiveBlocks "live_blocks" "Blocks handed out and not given back (a number).",
    LiveBytes "live_bytes" "Bytes of live blocks, rounded to their size class.",
    PeakLiveBytes "peak_live_bytes" "The largest value of `live_bytes`, to within one slab per size class and thread.",
    SpanBytes "span_bytes" "Bytes of address space that slabs and large blocks occupy now.",
    PeakSpanBytes "peak_span_bytes" "The largest value of `span_bytes`.",
    DirtyBytes "dirty_bytes" "Freed bytes kept for reuse, still resident.",
    CommittedBytes "committed_bytes" "Bytes the operating system has promised us.",
    ReturnedBytes "returned_bytes" "Bytes given back to the operating system so far.",
    MetaBytes "meta_bytes" "Bytes of our own metadata.",
    HugeBlocks "huge_blocks" "Live blocks with a mapping of their own (a number).",
    HugeBytes "huge_bytes" "Bytes of those blocks.",
    HugeThreshold "huge_threshold" "Size from which a block gets a mapping of its own, now.",
    Heaps "heaps" "Thread heaps ever made (a number).",
    Purges "purges" "Purge calls so far (a number).",
    Remaps "remaps" "Reallocations done by moving pages instead of bytes (a number).",
    Adoptions "adoptions" "Heaps of ended threads taken over (a number).",
    RemoteFrees "remote_frees" "Frees by a thread that did not own the block, collected so far (a number).",
    Failures "failures" "Requests answered with NULL because memory ran out (a number).",
}

/// How many words of a statistics file are in use.
pub const COUNT: usize = Counter::ALL.len() + 1;

/// The words of a statistics file.
pub type Words = [AtomicU64; COUNT];

/// A set of counters that may live in memory shared with an observer.
///
/// # Sharing
/// ```text
/// field   written by                       read by      order
/// at      the runtime, at start and fork   any thread   Release publishes the new words to the Acquire in `cell`
/// words   any thread                       any thread   Relaxed: each is a number of its own
/// ```
///
/// # Safety
///
/// `at` is null (then `own` is meant) or the address of words that are never unmapped: the contract of
/// [`Tally::redirect`].
#[derive(Debug)]
pub struct Tally {
    own: Words,
    at: AtomicPtr<Words>,
}

impl Default for Tally {
    fn default() -> Self {
        Self::new()
    }
}

#[allow(unsafe_code)]
impl Tally {
    /// All zero.
    #[cfg(not(loom))]
    #[must_use]
    pub const fn new() -> Self {
        Tally { own: [const { AtomicU64::new(0) }; COUNT], at: AtomicPtr::new(core::ptr::null_mut()) }
    }

    /// All zero.
    #[cfg(loom)]
    #[must_use]
    pub fn new() -> Self {
        Tally { own: core::array::from_fn(|_| AtomicU64::new(0)), at: AtomicPtr::new(core::ptr::null_mut()) }
    }

    fn cell(&self, counter: Counter) -> &AtomicU64 {
        // Acquire: pairs with the Release in `redirect`.
        let at = self.at.load(Ordering::Acquire);
        // SAFETY: contract of `redirect`: the words live for ever.
        let words = if at.is_null() { &self.own } else { unsafe { &*at } };
        &words[counter as usize]
    }

    /// Whether somebody outside may be reading.
    pub fn is_shared(&self) -> bool {
        !self.at.load(Ordering::Relaxed).is_null()
    }

    /// The counter's value.
    pub fn get(&self, counter: Counter) -> u64 {
        self.cell(counter).load(Ordering::Relaxed)
    }

    /// Sets the counter.
    pub fn set(&self, counter: Counter, value: u64) {
        self.cell(counter).store(value, Ordering::Relaxed);
    }

    /// Adds to the counter and answers the sum.
    pub fn add(&self, counter: Counter, value: u64) -> u64 {
        self.cell(counter).fetch_add(value, Ordering::Relaxed).wrapping_add(value)
    }

    /// Subtracts from the counter.
    pub fn sub(&self, counter: Counter, value: u64) {
        self.cell(counter).fetch_sub(value, Ordering::Relaxed);
    }

    /// Raises the counter to at least `value`.
    pub fn raise(&self, counter: Counter, value: u64) {
        let cell = self.cell(counter);
        if cell.load(Ordering::Relaxed) < value {
            cell.fetch_max(value, Ordering::Relaxed);
        }
    }

    /// Continues in `words`, or in the set's own words when it is `None`, with the values of now.
    ///
    /// # Safety
    ///
    /// - `words` stay valid for ever.
    /// - No other thread counts meanwhile, or a few counts may be lost.
    pub unsafe fn redirect(&self, words: Option<&'static Words>) {
        let target = words.unwrap_or_else(|| {
            // SAFETY: a `Tally` that is redirected to itself lives as long as itself.
            unsafe { &*core::ptr::from_ref(&self.own) }
        });
        for &counter in Counter::ALL {
            target[counter as usize].store(self.get(counter), Ordering::Relaxed);
        }
        target[Counter::Magic as usize].store(MAGIC, Ordering::Relaxed);
        let at = words.map_or(core::ptr::null_mut(), |words| (&raw const *words).cast_mut());
        // Release: publishes the copied values to the Acquire in `cell`.
        self.at.store(at, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_fits_its_file_and_is_in_order() {
        assert!((Counter::ALL.len() + 1) * 8 <= FILE_LEN);
        for (i, counter) in Counter::ALL.iter().enumerate() {
            assert_eq!(*counter as usize, i + 1, "{}", counter.name());
        }
    }
}
