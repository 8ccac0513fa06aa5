//! Size → class → block size.
//!
//! Sixteen-byte steps up to 128 bytes, then eight classes per doubling up to 16 KiB: a block is at most one
//! eighth larger than what was asked for above 128 bytes. Every class is a multiple of 16, and the class of a
//! size that is a multiple of a power of two `a` has blocks that are multiples of `a`: aligned requests need
//! no slabs of their own.

use heapwright_base::Bytes;

/// Log2 of the classes per doubling.
const STEPS: u32 = 3;
/// Classes up to this size are multiples of 16.
const LINEAR: usize = 128;
/// Requests up to this size find their slab by one shift.
pub const SMALL_MAX: usize = 1024;
/// Requests up to this size get a block of a slab.
pub const SLAB_MAX: usize = 16 * Bytes::KIB;
/// Number of classes.
pub const CLASSES: usize = class_of(SLAB_MAX) + 1;
/// Entries of the table by `(size + 15) / 16`.
pub const DIRECT: usize = SMALL_MAX / 16 + 1;

/// The class of a request of `size` bytes, at most [`SLAB_MAX`]; zero bytes count as one.
#[inline]
#[must_use]
pub const fn class_of(size: usize) -> usize {
    if size <= LINEAR {
        return size.saturating_sub(1) / 16;
    }
    let last = size - 1;
    let log = usize::BITS - 1 - last.leading_zeros();
    // `last >> (log - STEPS)` is the leading one and STEPS more bits: 8 to 15.
    LINEAR / 16 + ((log - 7) << STEPS) as usize + (last >> (log - STEPS)) - (1 << STEPS)
}

/// The block size of a class in bytes.
#[inline]
#[must_use]
pub const fn block_size(class: usize) -> usize {
    if class < LINEAR / 16 {
        return (class + 1) * 16;
    }
    let above = class - LINEAR / 16;
    ((1 << STEPS) + above % (1 << STEPS) + 1) << (above / (1 << STEPS) + 4)
}

/// The length of a slab of that class in bytes: at least eight blocks.
#[inline]
#[must_use]
pub const fn slab_len(class: usize) -> usize {
    let block = block_size(class);
    let least = 64 * Bytes::KIB;
    if block * 8 <= least { least } else { (block * 8).next_power_of_two() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_fits_its_class_and_no_smaller_one() {
        for size in 1..=SLAB_MAX {
            let class = class_of(size);
            assert!(size <= block_size(class), "{size}");
            assert!(class == 0 || size > block_size(class - 1), "{size}");
        }
        assert_eq!(class_of(0), 0);
        assert_eq!(block_size(CLASSES - 1), SLAB_MAX);
    }

    #[test]
    fn waste_is_at_most_an_eighth() {
        for size in 129..=SLAB_MAX {
            let waste = block_size(class_of(size)) - size;
            assert!(waste * 8 <= size, "{size} wastes {waste}");
        }
    }

    #[test]
    fn multiples_of_an_alignment_have_aligned_blocks() {
        for shift in 4..=12 {
            let align = 1usize << shift;
            for size in (align..=SLAB_MAX).step_by(align) {
                assert_eq!(block_size(class_of(size)) % align, 0, "size {size} align {align}");
            }
        }
    }

    #[test]
    fn slabs_hold_at_least_eight_blocks_and_their_count_fits_its_field() {
        for class in 0..CLASSES {
            let blocks = slab_len(class) / block_size(class);
            assert!((8..=u16::MAX as usize).contains(&blocks), "class {class}: {blocks}");
        }
    }
}
