//! The C functions the tour calls, as `<stdlib.h>`, `<malloc.h>` and `<dlfcn.h>` declare them.

use std::ffi::{CStr, CString, c_char, c_int, c_void};

/// `struct mallinfo2` of `<malloc.h>`; `struct mallinfo` has the same fields as `int`.
#[repr(C)]
#[derive(Default, Clone, Copy)]
pub struct MallInfo<T> {
    pub arena: T,
    pub ordblks: T,
    pub smblks: T,
    pub hblks: T,
    pub hblkhd: T,
    pub usmblks: T,
    pub fsmblks: T,
    pub uordblks: T,
    pub fordblks: T,
    pub keepcost: T,
}

/// `Dl_info` of `<dlfcn.h>`.
#[repr(C)]
pub struct DlInfo {
    pub file: *const c_char,
    pub base: *mut c_void,
    pub symbol: *const c_char,
    pub address: *mut c_void,
}

unsafe extern "C" {
    pub fn malloc(size: usize) -> *mut c_void;
    pub fn free(block: *mut c_void);
    pub fn calloc(count: usize, size: usize) -> *mut c_void;
    pub fn realloc(block: *mut c_void, size: usize) -> *mut c_void;
    pub fn posix_memalign(out: *mut *mut c_void, align: usize, size: usize) -> c_int;
    pub fn aligned_alloc(align: usize, size: usize) -> *mut c_void;
    pub fn fork() -> c_int;
    pub fn waitpid(pid: c_int, status: *mut c_int, options: c_int) -> c_int;
    pub fn _exit(status: c_int) -> !;
    fn dlsym(handle: *mut c_void, name: *const c_char) -> *mut c_void;
    fn dladdr(address: *const c_void, info: *mut DlInfo) -> c_int;
    fn __errno_location() -> *mut c_int;
}

/// The error numbers the tour expects.
pub const ENOMEM: c_int = 12;
pub const EINVAL: c_int = 22;

pub fn errno() -> c_int {
    // SAFETY: the C library's errno of this thread is always there.
    unsafe { *__errno_location() }
}

pub fn set_errno(value: c_int) {
    // SAFETY: as in `errno`.
    unsafe { *__errno_location() = value }
}

/// The address of an exported function, as the dynamic loader resolves it for this program.
pub fn symbol(name: &str) -> Option<*mut c_void> {
    let name = CString::new(name).ok()?;
    // SAFETY: a null handle is RTLD_DEFAULT; the name ends with a zero byte.
    let address = unsafe { dlsym(std::ptr::null_mut(), name.as_ptr()) };
    (!address.is_null()).then_some(address)
}

/// The file that serves an address.
pub fn served_by(address: *const c_void) -> Option<String> {
    let mut info = DlInfo {
        file: std::ptr::null(),
        base: std::ptr::null_mut(),
        symbol: std::ptr::null(),
        address: std::ptr::null_mut(),
    };
    // SAFETY: `info` is a writable `Dl_info`; its file name, if any, lives as long as the file is loaded.
    unsafe {
        if dladdr(address, &mut info) == 0 || info.file.is_null() {
            return None;
        }
        Some(CStr::from_ptr(info.file).to_string_lossy().into_owned())
    }
}

/// Looks an exported function up and gives it its C type.
#[macro_export]
macro_rules! lookup {
    ($name:expr, fn($($argument:ty),*) $(-> $result:ty)?) => {
        $crate::c::symbol($name).map(|address| {
            // SAFETY: the function of that name has this type in the C headers.
            unsafe {
                std::mem::transmute::<
                    *mut std::ffi::c_void,
                    unsafe extern "C" fn($($argument),*) $(-> $result)?,
                >(address)
            }
        })
    };
}
