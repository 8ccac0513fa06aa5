//! Threads, fork, and who serves `malloc`.

use crate::{Tour, c};
use std::ffi::c_void;
use std::process::ExitCode;

pub fn tour(tour: &mut Tour) {
    tour.topic("process");
    let server = c::symbol("malloc").and_then(|address| c::served_by(address));
    tour.show("who serves malloc", server.as_deref().unwrap_or("unknown"), server.is_some());
    other_thread(tour);
    many_threads(tour);
    forked(tour);
}

/// What `heapwright doctor` asks: `key=value` lines.
pub fn probe() -> ExitCode {
    let server = c::symbol("malloc").and_then(|address| c::served_by(address));
    println!("malloc={}", server.as_deref().unwrap_or("unknown"));
    println!("libc={}", libc_version());
    for line in crate::native::configuration().unwrap_or_default().lines() {
        println!("conf={line}");
    }
    ExitCode::SUCCESS
}

fn libc_version() -> String {
    let Some(version) = crate::lookup!("gnu_get_libc_version", fn() -> *const std::ffi::c_char) else {
        return if cfg!(target_env = "musl") { "musl".to_owned() } else { "unknown".to_owned() };
    };
    // SAFETY: the C library returns a text that lives as long as it does.
    let version = unsafe { std::ffi::CStr::from_ptr(version()) };
    format!("glibc {}", version.to_string_lossy())
}

/// An address that may go to another thread.
struct Sent(Vec<*mut c_void>);
// SAFETY: blocks belong to nobody in particular: any thread may write and free them.
unsafe impl Send for Sent {}

fn other_thread(tour: &mut Tour) {
    let made = std::thread::spawn(|| {
        // SAFETY: plain requests.
        Sent((0..1000).map(|i| unsafe { c::malloc(16 + i) }).collect())
    });
    let Ok(Sent(blocks)) = made.join() else {
        return tour.show("blocks of an ended thread", "the thread failed", false);
    };
    let all = blocks.iter().all(|block| !block.is_null());
    for block in blocks {
        // SAFETY: each block is given back once; its thread has ended.
        unsafe { c::free(block) };
    }
    tour.show("free of 1000 blocks of an ended thread", "freed", all);
}

fn many_threads(tour: &mut Tour) {
    let threads: Vec<_> = (0..8)
        .map(|seed: usize| {
            std::thread::spawn(move || {
                let mut sum = 0usize;
                for i in 0..10_000usize {
                    let text = vec![seed as u8; 1 + (i * 37) % 2000];
                    sum += text.len();
                }
                sum
            })
        })
        .collect();
    let sum: usize = threads.into_iter().filter_map(|thread| thread.join().ok()).sum();
    tour.show("80 000 blocks in 8 threads", format!("{sum} bytes asked for and freed"), sum > 0);
}

fn forked(tour: &mut Tour) {
    let block = Box::new([7u8; 500]);
    // SAFETY: the child only allocates, frees and leaves by `_exit`.
    let pid = unsafe { c::fork() };
    if pid == 0 {
        let text = vec![1u8; 100_000];
        let good = text.iter().all(|byte| *byte == 1) && block[499] == 7;
        drop(block);
        drop(text);
        // SAFETY: ends the child without the parent's buffered output.
        unsafe { c::_exit(if good { 0 } else { 1 }) }
    }
    let mut status = -1;
    // SAFETY: waits for the child just made.
    let waited = unsafe { c::waitpid(pid, &mut status, 0) };
    tour.show(
        "fork, then malloc and free in the child",
        format!("child ended with {}", status >> 8),
        waited == pid && status == 0,
    );
}
