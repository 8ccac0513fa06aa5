//! What has no standard name: the functions of `heapwright.h`.

use crate::blocks::address;
use crate::{Tour, c, lookup};
use std::ffi::{CStr, c_char, c_void};

pub fn tour(tour: &mut Tour) {
    tour.topic("native");
    version(tour);
    blocks(tour);
    counters(tour);
    switches(tour);
}

fn version(tour: &mut Tour) {
    let Some(function) = lookup!("hw_version", fn() -> *const c_char) else {
        return tour.absent("hw_version");
    };
    // SAFETY: the text lives as long as the library.
    let version = unsafe { CStr::from_ptr(function()) };
    tour.show("hw_version()", version.to_string_lossy(), !version.is_empty());
}

fn blocks(tour: &mut Tour) {
    let aligned = lookup!("hw_aligned_alloc", fn(usize, usize) -> *mut c_void);
    let usable = lookup!("hw_usable_size", fn(*const c_void) -> usize);
    let free = lookup!("hw_free", fn(*mut c_void));
    let (Some(aligned), Some(usable), Some(free)) = (aligned, usable, free) else {
        return tour.absent("hw_aligned_alloc, hw_usable_size, hw_free");
    };
    // SAFETY: the block is given back once, and not used afterwards.
    unsafe {
        let block = aligned(64, 100);
        tour.show("hw_aligned_alloc(64, 100)", address(block), !block.is_null() && block.addr() % 64 == 0);
        let bytes = usable(block);
        tour.show("hw_usable_size(block)", bytes.to_string(), bytes >= 100);
        free(block);
        tour.show("hw_free(block)", "freed", true);
        free(c::malloc(100));
        tour.show("hw_free(malloc(100))", "freed: both families are one heap", true);
    }
    let Some(free_sized) = lookup!("hw_free_sized", fn(*mut c_void, usize)) else {
        return tour.absent("hw_free_sized");
    };
    // SAFETY: the block is given back once, with its size.
    unsafe { free_sized(c::malloc(100), 100) };
    tour.show("hw_free_sized(malloc(100), 100)", "freed", true);
    resized(tour);
}

fn resized(tour: &mut Tour) {
    let calloc = lookup!("hw_calloc", fn(usize, usize) -> *mut c_void);
    let realloc = lookup!("hw_realloc", fn(*mut c_void, usize) -> *mut c_void);
    let malloc = lookup!("hw_malloc", fn(usize) -> *mut c_void);
    let (Some(calloc), Some(realloc), Some(malloc)) = (calloc, realloc, malloc) else {
        return tour.absent("hw_malloc, hw_calloc, hw_realloc");
    };
    // SAFETY: each block is given back once; the resized one is read inside its size.
    unsafe {
        let plain = malloc(100);
        tour.show("hw_malloc(100)", address(plain), !plain.is_null());
        c::free(plain);
        let block = realloc(calloc(10, 10), 5000);
        let zero = !block.is_null() && (0..100).all(|i| block.cast::<u8>().add(i).read() == 0);
        tour.show("hw_realloc(hw_calloc(10, 10), 5000)", address(block), zero);
        c::free(block);
    }
}

fn counters(tour: &mut Tour) {
    let count = lookup!("hw_counter_count", fn() -> usize);
    let name = lookup!("hw_counter_name", fn(usize) -> *const c_char);
    let value = lookup!("hw_counter_at", fn(usize) -> u64);
    let by_name = lookup!("hw_counter", fn(*const c_char, *mut u64) -> bool);
    let (Some(count), Some(name), Some(value), Some(by_name)) = (count, name, value, by_name) else {
        return tour.absent("hw_counter_count, hw_counter_name, hw_counter_at, hw_counter");
    };
    // SAFETY: indices are below the count, beyond which NULL is the answer.
    let number = unsafe { count() };
    // SAFETY: as above.
    let beyond = unsafe { name(number) };
    tour.show("hw_counter_count()", number.to_string(), number > 0 && beyond.is_null());
    for index in 0..number {
        // SAFETY: as above; a name lives as long as the library.
        unsafe {
            let name = CStr::from_ptr(name(index));
            let text = format!("{} = {}", name.to_string_lossy(), value(index));
            tour.show(&format!("hw_counter_name, hw_counter_at({index})"), text, !name.is_empty());
        }
    }
    let (mut live, mut nothing) = (0u64, 77u64);
    // SAFETY: both names are C strings, both values ours.
    let (known, unknown) =
        unsafe { (by_name(c"live_bytes".as_ptr(), &mut live), by_name(c"no_such".as_ptr(), &mut nothing)) };
    tour.show("hw_counter(\"live_bytes\", &value)", format!("{known}, value = {live}"), known);
    tour.show("hw_counter(\"no_such\", &value)", format!("{unknown}"), !unknown && nothing == 77);
}

fn switches(tour: &mut Tour) {
    match lookup!("hw_trim", fn() -> bool) {
        None => tour.absent("hw_trim"),
        Some(trim) => {
            // SAFETY: the function takes nothing.
            let answer = unsafe { trim() };
            tour.show("hw_trim()", answer.to_string(), true);
        }
    }
    match lookup!("hw_set_huge_threshold", fn(usize) -> bool) {
        None => tour.absent("hw_set_huge_threshold"),
        Some(set) => {
            // SAFETY: the function takes a number.
            let answer = unsafe { set(8 << 20) };
            tour.show("hw_set_huge_threshold(8 MiB)", answer.to_string(), answer);
        }
    }
    match configuration() {
        None => tour.absent("hw_describe"),
        Some(text) => {
            for line in text.lines().filter(|line| !line.trim().is_empty()) {
                tour.show("hw_describe(writer, context)", line.replace('\t', " "), true);
            }
        }
    }
}

/// Text that `hw_describe` writes, in a place of fixed size: its writer may not allocate.
struct Text {
    bytes: [u8; 8192],
    len: usize,
}

/// The effective options, as the library describes them.
pub fn configuration() -> Option<String> {
    type Writer = unsafe extern "C" fn(*const c_char, usize, *mut c_void);
    let describe = lookup!("hw_describe", fn(Option<Writer>, *mut c_void))?;
    unsafe extern "C" fn write(text: *const c_char, length: usize, context: *mut c_void) {
        // SAFETY: the context is the `Text` below; the text has `length` bytes.
        unsafe {
            let place = &mut *context.cast::<Text>();
            let length = length.min(place.bytes.len() - place.len);
            let text = std::slice::from_raw_parts(text.cast::<u8>(), length);
            place.bytes[place.len..place.len + length].copy_from_slice(text);
            place.len += length;
        }
    }
    let mut text = Box::new(Text { bytes: [0; 8192], len: 0 });
    // SAFETY: the writer and its context belong together.
    unsafe { describe(Some(write), (&raw mut *text).cast()) };
    Some(String::from_utf8_lossy(&text.bytes[..text.len]).into_owned())
}
