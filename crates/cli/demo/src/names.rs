//! The same blocks by other names: C23, the C library's own names, C++ operators.

use crate::blocks::address;
use crate::{Tour, c, lookup};
use std::ffi::c_void;

const SIZE: usize = 100;
const ALIGN: usize = 128;

/// The arguments of an operator beside the size or the block: its form in the C++ ABI's name.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    Plain,
    Nothrow,
    Sized,
    Aligned,
    AlignedNothrow,
    SizedAligned,
}

impl Form {
    const fn text(self) -> &'static str {
        match self {
            Form::Plain => "",
            Form::Nothrow => ", nothrow",
            Form::Sized => ", 100",
            Form::Aligned => ", align 128",
            Form::AlignedNothrow => ", align 128, nothrow",
            Form::SizedAligned => ", 128, align 128",
        }
    }

    fn is_aligned(self) -> bool {
        matches!(self, Form::Aligned | Form::AlignedNothrow | Form::SizedAligned)
    }
}

/// How the names of the forms of `operator new` end.
const NEW: [(Form, &str); 4] = [
    (Form::Plain, ""),
    (Form::Nothrow, "RKSt9nothrow_t"),
    (Form::Aligned, "St11align_val_t"),
    (Form::AlignedNothrow, "St11align_val_tRKSt9nothrow_t"),
];

/// How the names of the forms of `operator delete` end.
const DELETE: [(Form, &str); 6] = [
    (Form::Plain, ""),
    (Form::Nothrow, "RKSt9nothrow_t"),
    (Form::Sized, "m"),
    (Form::Aligned, "St11align_val_t"),
    (Form::AlignedNothrow, "St11align_val_tRKSt9nothrow_t"),
    (Form::SizedAligned, "mSt11align_val_t"),
];

pub fn tour(tour: &mut Tour) {
    tour.topic("names");
    sized(tour);
    library(tour);
    library_aligned(tour);
    tour.topic("c++");
    for (text, new, delete) in [("", "_Znwm", "_ZdlPv"), ("[]", "_Znam", "_ZdaPv")] {
        NEW.iter().for_each(|(form, end)| operator_new(tour, *form, text, &format!("{new}{end}")));
        DELETE.iter().for_each(|(form, end)| operator_delete(tour, *form, text, &format!("{delete}{end}")));
    }
}

fn sized(tour: &mut Tour) {
    match lookup!("free_sized", fn(*mut c_void, usize)) {
        None => tour.absent("free_sized"),
        Some(free_sized) => {
            // SAFETY: the block is given back once, with the size it was asked for.
            unsafe { free_sized(c::malloc(SIZE), SIZE) };
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
            unsafe { cfree(c::malloc(SIZE)) };
            tour.show("cfree(malloc(100))", "freed", true);
        }
    }
}

fn library(tour: &mut Tour) {
    let malloc = lookup!("__libc_malloc", fn(usize) -> *mut c_void);
    let calloc = lookup!("__libc_calloc", fn(usize, usize) -> *mut c_void);
    let realloc = lookup!("__libc_realloc", fn(*mut c_void, usize) -> *mut c_void);
    let free = lookup!("__libc_free", fn(*mut c_void));
    let (Some(malloc), Some(calloc), Some(realloc), Some(free)) = (malloc, calloc, realloc, free) else {
        return tour.absent("__libc_malloc, __libc_calloc, __libc_realloc, __libc_free");
    };
    // SAFETY: blocks are given back once, to the family they are from.
    unsafe {
        let block = malloc(SIZE);
        tour.show("__libc_malloc(100)", address(block), !block.is_null());
        let larger = realloc(block, 5000);
        tour.show("__libc_realloc(block, 5000)", address(larger), !larger.is_null());
        free(larger);
        tour.show("__libc_free(block)", "freed", true);
        let block = calloc(10, 10).cast::<u8>();
        let zero = !block.is_null() && (0..100).all(|i| block.add(i).read() == 0);
        tour.show("__libc_calloc(10, 10)", address(block.cast()), zero);
        free(block.cast());
    }
    match lookup!("__libc_reallocarray", fn(*mut c_void, usize, usize) -> *mut c_void) {
        None => tour.absent("__libc_reallocarray"),
        Some(reallocarray) => {
            // SAFETY: as above.
            unsafe {
                let block = reallocarray(malloc(SIZE), 30, 40);
                tour.show("__libc_reallocarray(block, 30, 40)", address(block), !block.is_null());
                free(block);
            }
        }
    }
}

fn library_aligned(tour: &mut Tour) {
    let free = lookup!("__libc_free", fn(*mut c_void));
    let memalign = lookup!("__libc_memalign", fn(usize, usize) -> *mut c_void);
    let (Some(free), Some(memalign)) = (free, memalign) else {
        return tour.absent("__libc_memalign");
    };
    let mut aligned = |call: &str, align: usize, block: *mut c_void| {
        tour.show(call, address(block), !block.is_null() && block.addr().is_multiple_of(align));
        // SAFETY: the block is given back once.
        unsafe { free(block) };
    };
    // SAFETY: plain requests.
    aligned("__libc_memalign(128, 100)", ALIGN, unsafe { memalign(ALIGN, SIZE) });
    for name in ["__libc_valloc", "__libc_pvalloc"] {
        if let Some(function) = lookup!(name, fn(usize) -> *mut c_void) {
            // SAFETY: as above.
            aligned(&format!("{name}(100)"), 4096, unsafe { function(SIZE) });
        }
    }
}

/// `std::nothrow` is an empty object: its address is not read.
static NOTHROW: u8 = 0;

fn operator_new(tour: &mut Tour, form: Form, array: &str, name: &str) {
    let call = format!("operator new{array}({SIZE}{})", form.text());
    let Some(symbol) = c::symbol(name) else { return tour.absent(&call) };
    type Number = unsafe extern "C" fn(usize, usize, *const u8) -> *mut c_void;
    type Tagged = unsafe extern "C" fn(usize, *const u8) -> *mut c_void;
    // SAFETY: the name says which type the operator has; one argument more than it takes is not looked at
    // (the aligned form without `nothrow`, the plain one); the block is given back once, by `free`.
    unsafe {
        let block = if form.is_aligned() {
            std::mem::transmute::<*mut c_void, Number>(symbol)(SIZE, ALIGN, &NOTHROW)
        } else {
            std::mem::transmute::<*mut c_void, Tagged>(symbol)(SIZE, &NOTHROW)
        };
        let align = if form.is_aligned() { ALIGN } else { 16 };
        let right = !block.is_null() && block.addr().is_multiple_of(align);
        tour.show(&call, format!("{} ({name})", address(block)), right);
        c::free(block);
    }
}

fn operator_delete(tour: &mut Tour, form: Form, array: &str, name: &str) {
    let call = format!("operator delete{array}(p{})", form.text());
    let Some(symbol) = c::symbol(name) else { return tour.absent(&call) };
    type Two = unsafe extern "C" fn(*mut c_void, usize);
    type Three = unsafe extern "C" fn(*mut c_void, usize, usize);
    // SAFETY: as in `operator_new`; `NOTHROW`'s address goes in the register of a number. The block has the
    // size and alignment that the form names, and is given back once.
    unsafe {
        if form.is_aligned() {
            let block = c::aligned_alloc(ALIGN, ALIGN);
            let function = std::mem::transmute::<*mut c_void, Three>(symbol);
            match form {
                Form::SizedAligned => function(block, ALIGN, ALIGN),
                _ => function(block, ALIGN, (&raw const NOTHROW).addr()),
            }
        } else {
            std::mem::transmute::<*mut c_void, Two>(symbol)(c::malloc(SIZE), SIZE);
        }
    }
    tour.show(&call, format!("freed ({name})"), true);
}
