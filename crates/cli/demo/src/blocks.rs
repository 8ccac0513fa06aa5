//! Asking for blocks: plain, zeroed, resized, aligned, and more than there is.

use crate::{Tour, c, lookup};
use std::ffi::c_void;
use std::ptr::null_mut;
use std::slice;

pub fn tour(tour: &mut Tour) {
    tour.topic("blocks");
    plain(tour);
    zeroed(tour);
    tour.topic("resize");
    resized(tour);
    array(tour);
    tour.topic("aligned");
    aligned(tour);
    by_page(tour);
    tour.topic("refused");
    refused(tour);
}

/// How an address is shown; its last digits say how it is aligned.
pub fn address(block: *mut c_void) -> String {
    if block.is_null() { "NULL".to_owned() } else { format!("{block:p}") }
}

fn is_aligned(block: *mut c_void, align: usize) -> bool {
    !block.is_null() && block.addr().is_multiple_of(align)
}

fn plain(tour: &mut Tour) {
    // SAFETY: see the program's header; both empty blocks are only compared and given back.
    unsafe {
        let block = c::malloc(100);
        tour.show("malloc(100)", address(block), is_aligned(block, 16));
        let (empty, other) = (c::malloc(0), c::malloc(0));
        tour.show(
            "malloc(0)",
            format!("{}, and {} the next time", address(empty), address(other)),
            empty != other,
        );
        c::set_errno(77);
        c::free(block);
        c::free(empty);
        c::free(other);
        tour.show("free(block)", format!("errno stays {}", c::errno()), c::errno() == 77);
        c::free(null_mut());
        tour.show("free(NULL)", "nothing happens", true);
    }
}

fn zeroed(tour: &mut Tour) {
    // SAFETY: see the program's header: 8000 bytes are asked for, and read.
    unsafe {
        let dirty = c::malloc(8000);
        if !dirty.is_null() {
            slice::from_raw_parts_mut(dirty.cast::<u8>(), 8000).fill(0xA5);
        }
        c::free(dirty);
        let block = c::calloc(1000, 8).cast::<u8>();
        let zero = !block.is_null() && slice::from_raw_parts(block, 8000).iter().all(|byte| *byte == 0);
        tour.show(
            "calloc(1000, 8)",
            format!("{}, {}", address(block.cast()), if zero { "all zero" } else { "NOT all zero" }),
            zero,
        );
        c::free(block.cast());
    }
}

/// A block filled with a pattern that `kept` recognises.
unsafe fn filled(size: usize) -> *mut c_void {
    // SAFETY: the block has `size` bytes when it is there.
    unsafe {
        let block = c::malloc(size).cast::<u8>();
        if !block.is_null() {
            for i in 0..size {
                block.add(i).write(i as u8 ^ 0x5A);
            }
        }
        block.cast()
    }
}

/// Whether the first `size` bytes are as `filled` wrote them.
unsafe fn kept(block: *mut c_void, size: usize) -> bool {
    // SAFETY: the caller's block has at least `size` bytes.
    !block.is_null() && unsafe { (0..size).all(|i| block.cast::<u8>().add(i).read() == i as u8 ^ 0x5A) }
}

fn resized(tour: &mut Tour) {
    // SAFETY: see the program's header; an old block is not used after `realloc` took it.
    unsafe {
        let block = c::realloc(null_mut(), 50);
        tour.show("realloc(NULL, 50)", address(block), is_aligned(block, 16));
        c::free(block);
        for (from, to) in [(100, 105), (100, 4000), (4000, 100), (48 << 20, 96 << 20)] {
            let old = filled(from);
            let before = old.addr();
            let new = c::realloc(old, to);
            let good = kept(new, from.min(to));
            let place = if new.addr() == before { "in place" } else { "moved" };
            let contents = if good { "contents kept" } else { "contents LOST" };
            tour.show(&format!("realloc({from} → {to})"), format!("{place}, {contents}"), good);
            c::free(new);
        }
        let old = filled(64);
        let new = c::realloc(old, isize::MAX as usize + 1);
        let (error, good) = (c::errno(), new.is_null() && kept(old, 64));
        tour.show(
            "realloc(64 → PTRDIFF_MAX+1)",
            format!("{}, errno {error}; the old block is kept", address(new)),
            good && error == c::ENOMEM,
        );
        c::free(old);
        let gone = c::realloc(c::malloc(64), 0);
        let kept = if gone.is_null() { "" } else { ", and an empty one given" };
        tour.show("realloc(block, 0)", format!("{}: the block is freed{kept}", address(gone)), true);
        c::free(gone);
    }
}

fn array(tour: &mut Tour) {
    let Some(reallocarray) = lookup!("reallocarray", fn(*mut c_void, usize, usize) -> *mut c_void) else {
        return tour.absent("reallocarray");
    };
    // SAFETY: see the program's header.
    unsafe {
        let block = reallocarray(null_mut(), 30, 40);
        tour.show("reallocarray(NULL, 30, 40)", address(block), !block.is_null());
        let same = reallocarray(block, usize::MAX / 2, 3);
        let error = c::errno();
        tour.show(
            "reallocarray(block, SIZE_MAX/2, 3)",
            format!("{}, errno {error}: the product overflows", address(same)),
            same.is_null() && error == c::ENOMEM,
        );
        c::free(block);
    }
}

fn aligned(tour: &mut Tour) {
    // SAFETY: see the program's header.
    unsafe {
        let block = c::aligned_alloc(64, 256);
        tour.show("aligned_alloc(64, 256)", address(block), is_aligned(block, 64));
        c::free(block);
        let mut block = null_mut();
        let code = c::posix_memalign(&mut block, 4096, 100);
        tour.show(
            "posix_memalign(&p, 4096, 100)",
            format!("{code}, p = {}", address(block)),
            code == 0 && is_aligned(block, 4096),
        );
        c::free(block);
        let mut untouched = null_mut();
        let code = c::posix_memalign(&mut untouched, 24, 100);
        tour.show(
            "posix_memalign(&p, 24, 100)",
            format!("{code} (EINVAL): 24 is no power of two"),
            code == c::EINVAL && untouched.is_null(),
        );
    }
    let Some(memalign) = lookup!("memalign", fn(usize, usize) -> *mut c_void) else {
        return tour.absent("memalign");
    };
    for (text, align) in [("memalign(2 MiB, 100)", 2 << 20), ("memalign(1 GiB, 100)", 1 << 30)] {
        // SAFETY: see the program's header.
        unsafe {
            let block = memalign(align, 100);
            tour.show(text, address(block), is_aligned(block, align));
            c::free(block);
        }
    }
}

fn by_page(tour: &mut Tour) {
    for name in ["valloc", "pvalloc"] {
        let Some(function) = lookup!(name, fn(usize) -> *mut c_void) else {
            tour.absent(name);
            continue;
        };
        // SAFETY: see the program's header.
        unsafe {
            let block = function(100);
            tour.show(&format!("{name}(100)"), address(block), is_aligned(block, 4096));
            c::free(block);
        }
    }
}

fn refused(tour: &mut Tour) {
    let (half, over) = (usize::MAX / 2, isize::MAX as usize + 1);
    let mut refusal = |call: &str, answer: &dyn Fn() -> *mut c_void| {
        c::set_errno(0);
        let block = answer();
        let error = c::errno();
        let name = if error == c::ENOMEM { "ENOMEM".to_owned() } else { error.to_string() };
        tour.show(call, format!("{}, errno {name}", address(block)), block.is_null() && error == c::ENOMEM);
        // SAFETY: what was answered is given back once.
        unsafe { c::free(block) };
    };
    // SAFETY: sizes are plain numbers; whatever is returned is only given back.
    unsafe {
        refusal("malloc(PTRDIFF_MAX+1)", &|| c::malloc(over));
        refusal("malloc(SIZE_MAX)", &|| c::malloc(usize::MAX));
        refusal("calloc(SIZE_MAX/2, 3)", &|| c::calloc(half, 3));
        refusal("aligned_alloc(64, PTRDIFF_MAX+1)", &|| c::aligned_alloc(64, over));
    }
}
