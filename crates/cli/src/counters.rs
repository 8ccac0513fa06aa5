//! The format of a statistics file: [`FILE_LEN`] bytes, little-endian 64-bit words, one for each [`Counter`].
//!
//! The list of counters is the library's own, copied by the build script.

/// `HWSTATS1`, read as a little-endian word: the first word of a statistics file.
pub const MAGIC: u64 = u64::from_le_bytes(*b"HWSTATS1");

/// Length of a statistics file in bytes.
pub const FILE_LEN: usize = 4096;

macro_rules! counters {
    ($($variant:ident $name:literal $text:literal,)*) => {
        /// A counter.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(usize)]
        pub enum Counter {
            $(#[doc = $text] $variant,)*
        }

        impl Counter {
            /// Every counter but the magic number, in file order.
            pub const ALL: &'static [Counter] = &[$(Counter::$variant,)*];

            /// Its word in a statistics file; the first is [`MAGIC`].
            pub const fn word(self) -> usize {
                self as usize + 1
            }

            /// The counter's name in JSON.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Counter::$variant => $name,)*
                }
            }
        }
    };
}

include!(concat!(env!("OUT_DIR"), "/counters.rs"));
