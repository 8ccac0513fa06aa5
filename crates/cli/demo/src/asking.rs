//! Asking the allocator about itself, and telling it to give memory back.

use crate::c::MallInfo;
use crate::{Tour, c, lookup};
use std::ffi::{c_char, c_int, c_void};
use std::hint::black_box;

pub fn tour(tour: &mut Tour) {
    tour.topic("ask");
    usable(tour);
    infos(tour);
    reports(tour);
    options(tour);
    tour.topic("trim");
    trim(tour);
}

fn usable(tour: &mut Tour) {
    let Some(usable) = lookup!("malloc_usable_size", fn(*mut c_void) -> usize) else {
        return tour.absent("malloc_usable_size");
    };
    for size in [1, 100, 1000, 100_000, 10 << 20] {
        // SAFETY: the block is live; its usable bytes may all be written.
        unsafe {
            let block = c::malloc(size);
            let bytes = usable(block);
            if !block.is_null() {
                block.cast::<u8>().write_bytes(1, bytes);
            }
            tour.show(&format!("malloc_usable_size(malloc({size}))"), bytes.to_string(), bytes >= size);
            c::free(block);
        }
    }
    // SAFETY: NULL is allowed.
    let none = unsafe { usable(std::ptr::null_mut()) };
    tour.show("malloc_usable_size(NULL)", none.to_string(), none == 0);
}

fn infos(tour: &mut Tour) {
    // SAFETY: the block is held while the numbers are taken, and given back once.
    let block = unsafe { c::malloc(4 << 20) };
    match lookup!("mallinfo2", fn() -> MallInfo<usize>) {
        None => tour.absent("mallinfo2"),
        Some(function) => {
            // SAFETY: the function takes nothing and returns the structure by value.
            let info = unsafe { function() };
            let text =
                format!("in use {}, free {}, in mappings {}", info.uordblks, info.fordblks, info.hblkhd);
            tour.show("mallinfo2()", text, info.uordblks + info.hblkhd >= 4 << 20);
        }
    }
    match lookup!("mallinfo", fn() -> MallInfo<c_int>) {
        None => tour.absent("mallinfo"),
        Some(function) => {
            // SAFETY: as above.
            let info = unsafe { function() };
            let text = format!("in use {}, free {}: the old form, in int", info.uordblks, info.fordblks);
            tour.show("mallinfo()", text, true);
        }
    }
    // SAFETY: see above.
    unsafe { c::free(block) };
}

unsafe extern "C" {
    fn open_memstream(text: *mut *mut c_char, len: *mut usize) -> *mut c_void;
    fn fclose(file: *mut c_void) -> c_int;
}

fn reports(tour: &mut Tour) {
    match lookup!("malloc_info", fn(c_int, *mut c_void) -> c_int) {
        None => tour.absent("malloc_info"),
        Some(function) => {
            let (mut text, mut len) = (std::ptr::null_mut::<c_char>(), 0usize);
            // SAFETY: the stream writes `text` and `len` until it is closed; after that they are ours.
            let (code, report) = unsafe {
                let stream = open_memstream(&mut text, &mut len);
                let code = function(0, stream);
                fclose(stream);
                let bytes = std::slice::from_raw_parts(text.cast::<u8>(), len);
                let report = String::from_utf8_lossy(bytes).into_owned();
                c::free(text.cast());
                (code, report)
            };
            let first = report.lines().next().unwrap_or("").trim().to_owned();
            let text = format!("{code}, {} bytes of XML that begin {first}", report.len());
            tour.show(
                "malloc_info(0, stream)",
                text,
                code == 0 && report.trim_start().starts_with("<malloc"),
            );
        }
    }
    match lookup!("malloc_stats", fn()) {
        None => tour.absent("malloc_stats"),
        Some(function) => {
            // SAFETY: the function writes to standard error.
            unsafe { function() };
            tour.show("malloc_stats()", "written to standard error", true);
        }
    }
}

fn options(tour: &mut Tour) {
    let Some(mallopt) = lookup!("mallopt", fn(c_int, c_int) -> c_int) else {
        return tour.absent("mallopt");
    };
    const M_MMAP_THRESHOLD: c_int = -3;
    // SAFETY: the function takes numbers.
    let (known, unknown) = unsafe { (mallopt(M_MMAP_THRESHOLD, 4 << 20), mallopt(12_345, 1)) };
    tour.show("mallopt(M_MMAP_THRESHOLD, 4 MiB)", known.to_string(), known == 1);
    tour.show("mallopt(12345, 1)", format!("{unknown}, an option nobody knows"), true);
}

/// Resident bytes of this process, where `/proc` tells.
fn resident() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find(|line| line.starts_with("VmRSS:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<usize>().ok()? * 1024)
}

fn trim(tour: &mut Tour) {
    let blocks: Vec<*mut c_void> = (0..400_000)
        .map(|i: usize| {
            // SAFETY: the block has at least 64 bytes, and is touched in its first.
            unsafe {
                let block = c::malloc(64 + i % 200);
                if !block.is_null() {
                    black_box(block.cast::<u8>()).write(1);
                }
                block
            }
        })
        .collect();
    let full = resident();
    for block in &blocks {
        // SAFETY: each block is given back once.
        unsafe { c::free(*block) };
    }
    drop(blocks);
    let freed = resident();
    let Some(malloc_trim) = lookup!("malloc_trim", fn(usize) -> c_int) else {
        return tour.absent("malloc_trim");
    };
    // SAFETY: the function takes a number.
    let answer = unsafe { malloc_trim(0) };
    let after = resident();
    let mib = |bytes: Option<usize>| {
        bytes.map_or("unknown".to_owned(), |bytes| format!("{:.1} MiB", bytes as f64 / 1_048_576.0))
    };
    tour.show("RSS with 400 000 blocks live", mib(full), true);
    tour.show("RSS when they are freed", mib(freed), true);
    let less = full.zip(after).is_none_or(|(full, after)| after < full);
    tour.show("malloc_trim(0)", format!("{answer}, RSS now {}", mib(after)), less);
}
