//! `mallopt`: glibc's knobs. The one that has a meaning here is honoured, the others are taken note of.

use core::ffi::c_int;

use crate::process::Process;

/// `mallopt`: 1 for done or harmless, 0 for a value that glibc refuses too.
#[must_use]
pub fn mallopt<P: Process>(parameter: c_int, value: c_int) -> c_int {
    // glibc takes the value for a size: a negative one is a very large threshold.
    let bytes = value as usize;
    match parameter {
        M_MMAP_THRESHOLD => c_int::from(P::set_huge_threshold(bytes)),
        M_MXFAST => c_int::from(bytes <= LARGEST_FAST),
        _ => 1,
    }
}

const M_MXFAST: c_int = 1;
const M_MMAP_THRESHOLD: c_int = -3;

/// glibc's bound on the size of its fast bins.
const LARGEST_FAST: usize = 80 * size_of::<usize>() / 4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::Fake;

    #[test]
    fn the_threshold_arrives() {
        assert_eq!(mallopt::<Fake>(M_MMAP_THRESHOLD, 1 << 20), 1);
        assert_eq!(Fake::threshold(), 1 << 20);
        assert_eq!(mallopt::<Fake>(M_MMAP_THRESHOLD, -1), 1);
        assert_eq!(Fake::threshold(), usize::MAX);
    }

    #[test]
    fn other_knobs_answer_as_glibc_does() {
        for parameter in [-1, -2, -4, -5, -6, -7, -8, 2, 3, 4, 12345] {
            assert_eq!(mallopt::<Fake>(parameter, 64), 1, "{parameter}");
        }
        assert_eq!(mallopt::<Fake>(M_MXFAST, 160), 1);
        assert_eq!(mallopt::<Fake>(M_MXFAST, 161), 0);
        assert_eq!(mallopt::<Fake>(M_MXFAST, -1), 0);
    }
}
