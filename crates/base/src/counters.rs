//! The list of counters: their names, meaning and place in a statistics file.
//!
//! One list makes the enum, the names and the file. A statistics file is what a process leaves for
//! `heapwright run`: [`FILE_LEN`] bytes, little-endian 64-bit words; word 0 is [`MAGIC`], word
//! [`Counter::Pid`] the process, and so on in the order of [`Counter`]. A word that a version does not know
//! is zero.

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
