//! What a C++ `operator new` does when memory is out: it becomes the C++ runtime's.
//!
//! The standard wants the new-handler called and `bad_alloc` thrown. An exception must not cross a Rust frame,
//! and a Rust library has no business calling `__cxa_throw`; but the runtime next in the program's search order
//! has an `operator new` that does all of it in a loop around `malloc`, and that `malloc` is ours. So the
//! exported forms are a few lines of assembly: ask for the block; if there is none, restore the arguments and
//! *jump* to the next definition of the same name. When anything is thrown, no frame of ours exists.
//!
//! The forms that do not throw jump the same way, because the runtime's call the new-handler too; without a
//! runtime they answer NULL. A throwing form without a runtime has nothing true to say to its caller: it
//! writes one line and aborts.
//!
//! # Safety
//!
//! [`next`] hands `dlsym` names that the list below makes; the stubs touch only their own stack and pass their
//! arguments on untouched.

#![allow(unsafe_code)]

use core::ffi::{CStr, c_void};
use core::ptr::null_mut;

use heapwright_base::Violation;

macro_rules! forms {
    ($($variant:ident $symbol:literal $throws:literal,)*) => {
        /// A form of `operator new`, by its name in the Itanium ABI.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(usize)]
        pub enum Form {
            $(#[doc = $symbol] $variant,)*
        }

        impl Form {
            /// Every form, in the order of their numbers.
            pub const ALL: &'static [Form] = &[$(Form::$variant,)*];

            /// Its symbol.
            #[must_use]
            pub fn symbol(self) -> &'static CStr {
                let name: &[u8] = match self { $(Form::$variant => concat!($symbol, "\0").as_bytes(),)* };
                CStr::from_bytes_until_nul(name).unwrap_or_default()
            }

            /// The form to go on with for a size. Some runtimes round a size up to the alignment without
            /// looking for overflow, and succeed with a block of no bytes. A size that no alignment can save
            /// fails just as well without one; the forms differ in trailing arguments that nobody reads then.
            fn fit_for(self, size: usize) -> Form {
                match self {
                    _ if isize::try_from(size).is_ok() => self,
                    Form::NewAligned => Form::New,
                    Form::NewArrayAligned => Form::NewArray,
                    Form::NewAlignedNothrow => Form::NewNothrow,
                    Form::NewArrayAlignedNothrow => Form::NewArrayNothrow,
                    other => other,
                }
            }

            /// Whether it reports failure by an exception.
            #[must_use]
            pub const fn throws(self) -> bool {
                match self { $(Form::$variant => $throws,)* }
            }
        }
    };
}

forms! {
    New "_Znwm" true,
    NewArray "_Znam" true,
    NewNothrow "_ZnwmRKSt9nothrow_t" false,
    NewArrayNothrow "_ZnamRKSt9nothrow_t" false,
    NewAligned "_ZnwmSt11align_val_t" true,
    NewArrayAligned "_ZnamSt11align_val_t" true,
    NewAlignedNothrow "_ZnwmSt11align_val_tRKSt9nothrow_t" false,
    NewArrayAlignedNothrow "_ZnamSt11align_val_tRKSt9nothrow_t" false,
}

/// Where a form that found no memory goes on: the address of the C++ runtime's definition, or of a function
/// that answers NULL. Called from the stubs, with the number of a form and the size that was asked for.
pub extern "C" fn next(form: usize, size: usize) -> *mut c_void {
    let Some(&form) = Form::ALL.get(form) else { return no_block as *mut c_void };
    let found = runtime_definition(form.fit_for(size).symbol());
    if !found.is_null() {
        return found;
    }
    if form.throws() {
        die(Violation::NoNewHandler);
    }
    no_block as *mut c_void
}

/// The definition after ours in the search order. A program that loads its C++ part late and privately (a
/// Python extension, say) does not have the runtime there, but has it loaded under one of the known names.
fn runtime_definition(symbol: &CStr) -> *mut c_void {
    // SAFETY: a C string; module header.
    let found = unsafe { libc::dlsym(libc::RTLD_NEXT, symbol.as_ptr()) };
    if !found.is_null() {
        return found;
    }
    for library in [c"libstdc++.so.6", c"libc++abi.so.1", c"libc++.so.1"] {
        // SAFETY: a C string; with RTLD_NOLOAD nothing is loaded, and no constructor runs.
        let handle = unsafe { libc::dlopen(library.as_ptr(), libc::RTLD_LAZY | libc::RTLD_NOLOAD) };
        if handle.is_null() {
            continue;
        }
        // The reference that `dlopen` took is kept: a runtime we jump into must not be unloaded.
        // SAFETY: an open handle and a C string.
        let found = unsafe { libc::dlsym(handle, symbol.as_ptr()) };
        if !found.is_null() {
            return found;
        }
    }
    null_mut()
}

extern "C" fn no_block() -> *mut c_void {
    null_mut()
}

fn die(violation: Violation) -> ! {
    let line = violation.message(0);
    let text = line.as_bytes();
    // SAFETY: the buffer is a slice.
    unsafe { libc::write(libc::STDERR_FILENO, text.as_ptr().cast(), text.len()) };
    // SAFETY: no contract.
    unsafe { libc::abort() }
}

/// Defines one exported form of `operator new` as assembly.
///
/// `$allocate` is an `extern "C"` function with the form's own leading arguments (size, or size and alignment)
/// that answers NULL on failure and leaves `errno` alone. The three argument registers are kept across it,
/// whether the form uses them or not. The unwind rows let a debugger, or an exception thrown by a program's
/// own signal handler, pass.
#[macro_export]
macro_rules! operator_new {
    ($(#[$doc:meta])* $name:ident, $form:ident, $allocate:path) => {
        $(#[$doc])*
        #[unsafe(naked)]
        #[unsafe(no_mangle)]
        #[allow(non_snake_case)]
        pub unsafe extern "C" fn $name() {
            #[cfg(target_arch = "x86_64")]
            core::arch::naked_asm!(
                ".cfi_startproc",
                "push rdi",
                ".cfi_adjust_cfa_offset 8",
                "push rsi",
                ".cfi_adjust_cfa_offset 8",
                "push rdx",
                ".cfi_adjust_cfa_offset 8",
                "call {allocate}",
                "test rax, rax",
                "je 2f",
                "add rsp, 24",
                ".cfi_remember_state",
                ".cfi_adjust_cfa_offset -24",
                "ret",
                "2:",
                ".cfi_restore_state",
                "mov edi, {form}",
                "mov rsi, [rsp + 16]",
                "call {next}",
                "pop rdx",
                ".cfi_adjust_cfa_offset -8",
                "pop rsi",
                ".cfi_adjust_cfa_offset -8",
                "pop rdi",
                ".cfi_adjust_cfa_offset -8",
                "jmp rax",
                ".cfi_endproc",
                allocate = sym $allocate,
                next = sym $crate::operators::next,
                form = const $crate::operators::Form::$form as usize,
            );
            #[cfg(target_arch = "aarch64")]
            core::arch::naked_asm!(
                ".cfi_startproc",
                "hint #34", // bti c
                "stp x29, x30, [sp, #-48]!",
                ".cfi_def_cfa_offset 48",
                ".cfi_offset x29, -48",
                ".cfi_offset x30, -40",
                "stp x0, x1, [sp, #16]",
                "str x2, [sp, #32]",
                "bl {allocate}",
                "cbz x0, 2f",
                "ldp x29, x30, [sp], #48",
                ".cfi_remember_state",
                ".cfi_def_cfa_offset 0",
                ".cfi_restore x29",
                ".cfi_restore x30",
                "ret",
                "2:",
                ".cfi_restore_state",
                "mov x0, #{form}",
                "ldr x1, [sp, #16]",
                "bl {next}",
                "mov x16, x0",
                "ldp x0, x1, [sp, #16]",
                "ldr x2, [sp, #32]",
                "ldp x29, x30, [sp], #48",
                ".cfi_def_cfa_offset 0",
                ".cfi_restore x29",
                ".cfi_restore x30",
                "br x16", // through x16, as a landing pad marked for calls demands
                ".cfi_endproc",
                allocate = sym $allocate,
                next = sym $crate::operators::next,
                form = const $crate::operators::Form::$form as usize,
            );
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_numbered_in_order() {
        for (i, &form) in Form::ALL.iter().enumerate() {
            assert_eq!(form as usize, i);
            assert!(form.symbol().to_bytes().starts_with(b"_Zn"));
        }
    }

    #[test]
    fn a_size_beyond_all_goes_on_without_its_alignment() {
        assert_eq!(Form::NewAligned.fit_for(usize::MAX), Form::New);
        assert_eq!(Form::NewArrayAlignedNothrow.fit_for(usize::MAX), Form::NewArrayNothrow);
        assert_eq!(Form::NewAligned.fit_for(isize::MAX as usize), Form::NewAligned);
        for &form in Form::ALL {
            assert_eq!(form.fit_for(usize::MAX).throws(), form.throws());
        }
    }

    #[test]
    fn a_form_that_may_answer_null_does() {
        assert_eq!(no_block(), null_mut());
        assert_eq!(next(usize::MAX, 1), no_block as *mut c_void);
    }
}
