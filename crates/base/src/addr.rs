//! Units that cross floors: bytes and alignments, with arithmetic that cannot wrap.

/// A length in bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Bytes(pub usize);

impl Bytes {
    /// One KiB.
    pub const KIB: usize = 1 << 10;
    /// One MiB.
    pub const MIB: usize = 1 << 20;
    /// One GiB.
    pub const GIB: usize = 1 << 30;
}

/// An alignment: a power of two, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Align(usize);

impl Align {
    /// Every address is aligned to one byte.
    pub const ONE: Align = Align(1);

    /// The alignment `bytes`, or `None` unless it is a power of two.
    #[must_use]
    pub const fn new(bytes: usize) -> Option<Align> {
        if bytes.is_power_of_two() { Some(Align(bytes)) } else { None }
    }

    /// The alignment in bytes.
    #[must_use]
    pub const fn bytes(self) -> usize {
        self.0
    }
}

/// `value` rounded up to a multiple of `align`, a power of two; `None` when the result does not fit.
#[must_use]
#[inline]
pub const fn align_up(value: usize, align: usize) -> Option<usize> {
    debug_assert!(align.is_power_of_two());
    match value.checked_add(align - 1) {
        Some(sum) => Some(sum & !(align - 1)),
        None => None,
    }
}

/// The operating system refused memory or addresses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OutOfPages;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn align_up_rounds_and_refuses_to_wrap() {
        assert_eq!(align_up(0, 4096), Some(0));
        assert_eq!(align_up(1, 4096), Some(4096));
        assert_eq!(align_up(4096, 4096), Some(4096));
        assert_eq!(align_up(usize::MAX, 2), None);
    }

    #[test]
    fn only_powers_of_two_are_alignments() {
        assert_eq!(Align::new(0), None);
        assert_eq!(Align::new(24), None);
        assert_eq!(Align::new(64).map(Align::bytes), Some(64));
    }
}
