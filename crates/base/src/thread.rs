//! A number that tells running threads apart.
//!
//! The thread pointer is one register read, needs no initialisation and differs between any two threads that
//! run at the same time (System V ABI: the word at `fs:0` holds its own address; AAPCS64: `tpidr_el0`).
//! A thread that ends may leave its number to a later one, so it may only be compared while the thread lives.
//!
//! # Safety
//!
//! The two assembly reads touch a register and, on x86-64, the first word of the thread control block, which
//! the ABI guarantees to exist in every thread.

#![allow(unsafe_code)]

/// The calling thread's number; never zero.
#[inline]
#[must_use]
pub fn current() -> usize {
    let id: usize;
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: module header; the ABI puts the thread pointer at fs:0.
    unsafe {
        core::arch::asm!("mov {}, fs:[0]", out(reg) id, options(nostack, preserves_flags, readonly, pure));
    }
    #[cfg(all(target_arch = "aarch64", not(miri)))]
    // SAFETY: module header; reading the register has no effect.
    unsafe {
        core::arch::asm!("mrs {}, tpidr_el0", out(reg) id, options(nostack, preserves_flags, readonly, pure));
    }
    #[cfg(any(miri, not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
    compile_error!("thread::current needs a way to read this architecture's thread pointer");
    id
}

#[cfg(test)]
mod tests {
    extern crate std;

    #[test]
    fn running_threads_have_different_numbers() {
        let here = super::current();
        assert_ne!(here, 0);
        assert_eq!(here, super::current());
        let there = std::thread::spawn(super::current).join().unwrap();
        assert_ne!(here, there);
    }
}
