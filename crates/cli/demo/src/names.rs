//! The same blocks by other names: C23, the C library's own names, C++ operators.

use crate::blocks::address;
use crate::{Tour, c, lookup};
use std::ffi::c_void;

/// Plain C++ allocating operators and the operator that takes their block back.
const OPERATORS: [(&str, &str, &str, &str); 2] = [
    ("operator new(100)", "_Znwm", "operator delete(p)", "_ZdlPv"),
    ("operator new[](100)", "_Znam", "operator delete[](p)", "_ZdaPv"),
];

pub fn tour(tour: &mut Tour) {
    tour.topic("names");
    sized(tour);
    library(tour);
    tour.topic("c++");
    operators(tour);
    aligned_operators(tour);
}

fn sized(tour: &mut Tour) {
    match lookup!("free_sized", fn(*mut c_void, usize)) {
        None => tour.absent("free_sized"),
        Some(free_sized) => {
            // SAFETY: the block is given back once, with the size it was asked for.
            unsafe { free_sized(c::malloc(100), 100) };
            tour.show("free_sized(malloc(100), 100)", "freed", true);
        }
    }
    match lookup!("free_aligned_sized", fn(*mut c_void, usize, usize)) {
        None => tour.absent("free_aligned_sized"),
        Some(free_aligned_sized) => {
            // SAFETY: as above, with its alignment.
            unsafe { free_aligned_sized(c::aligned_alloc(64, 128), 64, 128) };
            tour.show("free_aligned_sized(p, 64, 128)", "freed", true);
        }
    }
    match lookup!("cfree", fn(*mut c_void)) {
        None => tour.absent("cfree"),
        Some(cfree) => {
            // SAFETY: the block is given back once.
            unsafe { cfree(c::malloc(100)) };
            tour.show("cfree(malloc(100))", "freed", true);
        }
    }
}

fn library(tour: &mut Tour) {
    let Some(malloc) = lookup!("__libc_malloc", fn(usize) -> *mut c_void) else {
        return tour.absent("__libc_malloc");
    };
    let Some(free) = lookup!("__libc_free", fn(*mut c_void)) else {
        return tour.absent("__libc_free");
    };
    // SAFETY: the block is given back once, to the family it is from.
    unsafe {
        let block = malloc(100);
        tour.show("__libc_malloc(100)", address(block), !block.is_null());
        free(block);
    }
    tour.show("__libc_free(block)", "freed", true);
}

fn operators(tour: &mut Tour) {
    for (new_text, new_name, delete_text, delete_name) in OPERATORS {
        let new = lookup!(new_name, fn(usize) -> *mut c_void);
        let delete = lookup!(delete_name, fn(*mut c_void));
        let (Some(new), Some(delete)) = (new, delete) else {
            tour.absent(new_text);
            continue;
        };
        // SAFETY: the block is given back once, to the operator's partner.
        unsafe {
            let block = new(100);
            tour.show(new_text, address(block), !block.is_null());
            delete(block);
        }
        tour.show(delete_text, "freed", true);
    }
    let new = lookup!("_ZnwmRKSt9nothrow_t", fn(usize, *const u8) -> *mut c_void);
    let delete = lookup!("_ZdlPvm", fn(*mut c_void, usize));
    let (Some(new), Some(delete)) = (new, delete) else {
        return tour.absent("operator new(size, nothrow)");
    };
    let nothrow = 0u8;
    // SAFETY: `std::nothrow_t` is empty, its address is not read; the block is given back once.
    unsafe {
        let refused = new(isize::MAX as usize + 1, &nothrow);
        tour.show("operator new(PTRDIFF_MAX+1, nothrow)", address(refused), refused.is_null());
        let block = new(100, &nothrow);
        tour.show("operator new(100, nothrow)", address(block), !block.is_null());
        delete(block, 100);
    }
    tour.show("operator delete(p, 100)", "freed", true);
}

fn aligned_operators(tour: &mut Tour) {
    let new = lookup!("_ZnwmSt11align_val_t", fn(usize, usize) -> *mut c_void);
    let delete = lookup!("_ZdlPvmSt11align_val_t", fn(*mut c_void, usize, usize));
    let (Some(new), Some(delete)) = (new, delete) else {
        return tour.absent("operator new(size, align)");
    };
    // SAFETY: the block is given back once, with its size and alignment.
    unsafe {
        let block = new(100, 128);
        tour.show(
            "operator new(100, align 128)",
            address(block),
            !block.is_null() && block.addr().is_multiple_of(128),
        );
        delete(block, 100, 128);
    }
    tour.show("operator delete(p, 100, align 128)", "freed", true);
}
