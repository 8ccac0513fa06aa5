//! Who serves this program's memory, proved where the allocator has a way to prove it.
//!
//! Each proof asks the allocator about a block that the program has just been given: an allocator that does not
//! know the block does not serve it.
//!
//! # Safety
//!
//! Calls of the allocators' own functions, on blocks that live until the call is over.

#![allow(unsafe_code)]

/// The size of the block that is asked about: not a size class of any allocator.
const SIZE: usize = 100_003;

/// Family and version, as `mimalloc 3.3.2`.
pub fn serving() -> Result<String, String> {
    let block = vec![7u8; SIZE].into_boxed_slice();
    let (name, known) = identity(&block);
    if known {
        Ok(name)
    } else {
        Err(format!("{name} does not serve this program: it does not know its blocks"))
    }
}

/// The version that the lock file gives to `package`, for allocators that do not say theirs.
#[cfg(any(feature = "heapwright", feature = "snmalloc", feature = "tcmalloc", feature = "rpmalloc"))]
fn locked(package: &str) -> &'static str {
    let after = include_str!("../Cargo.lock").split_once(&format!("name = \"{package}\"\nversion = \""));
    after.and_then(|(_, rest)| rest.split('"').next()).unwrap_or("unknown")
}

/// The address of `block` as C functions take it.
#[cfg(not(any(feature = "heapwright", feature = "rusty_alloc")))]
fn address(block: &[u8]) -> *mut libc::c_void {
    block.as_ptr().cast_mut().cast()
}

/// The C library's malloc, by the object that holds it.
#[expect(
    clippy::disallowed_methods,
    reason = "here malloc is the C library's, and only its address is taken"
)]
#[cfg(all(feature = "system", target_env = "gnu"))]
fn identity(block: &[u8]) -> (String, bool) {
    let mut object = std::mem::MaybeUninit::<libc::Dl_info>::zeroed();
    // SAFETY: an address in the program and a place for the answer.
    let found = unsafe { libc::dladdr(libc::malloc as *const libc::c_void, object.as_mut_ptr()) };
    // SAFETY: zero is valid, and so is what dladdr has written.
    let name = unsafe { object.assume_init() }.dli_fname;
    // SAFETY: a string of the C library's.
    let version = unsafe { std::ffi::CStr::from_ptr(libc::gnu_get_libc_version()) };
    let version = format!("glibc {}", version.to_string_lossy());
    if found == 0 || name.is_null() {
        return (version, false);
    }
    // SAFETY: the loader's string for an object that stays loaded.
    let file = unsafe { std::ffi::CStr::from_ptr(name) }.to_string_lossy();
    // SAFETY: a live block.
    let usable = unsafe { libc::malloc_usable_size(address(block)) };
    (version, file.contains("libc.so") && usable >= SIZE)
}

/// musl's malloc: a static program has one C library, and nobody else takes its `malloc`.
#[cfg(all(feature = "system", target_env = "musl"))]
fn identity(block: &[u8]) -> (String, bool) {
    unsafe extern "C" {
        // What the C library calls itself; hidden from other objects, not from what is linked into this one.
        static __libc_version: [libc::c_char; 1];
    }
    // SAFETY: a string that the C library is linked with.
    let version = unsafe { std::ffi::CStr::from_ptr((&raw const __libc_version).cast()) };
    // SAFETY: a live block.
    let usable = unsafe { libc::malloc_usable_size(address(block)) };
    (format!("musl {}", version.to_string_lossy()), usable >= SIZE)
}

#[cfg(feature = "heapwright")]
fn identity(block: &[u8]) -> (String, bool) {
    let before = heapwright::count(heapwright::Counter::LiveBytes);
    // Looked at, or the compiler may do without it.
    let another = std::hint::black_box(block.to_vec());
    let grown = heapwright::count(heapwright::Counter::LiveBytes).wrapping_sub(before);
    drop(another);
    (format!("heapwright {}", locked("heapwright")), (SIZE as u64..2 * SIZE as u64).contains(&grown))
}

#[cfg(any(feature = "mimalloc3", feature = "mimalloc2"))]
fn identity(block: &[u8]) -> (String, bool) {
    unsafe extern "C" {
        fn mi_version() -> libc::c_int;
        fn mi_is_in_heap_region(block: *const libc::c_void) -> bool;
    }
    // SAFETY: no arguments.
    let version = unsafe { mi_version() };
    // SAFETY: any address.
    let known = unsafe { mi_is_in_heap_region(address(block)) };
    (format!("mimalloc {}.{}.{}", version / 10_000, version / 100 % 100, version % 100), known)
}

#[cfg(feature = "jemalloc")]
fn identity(block: &[u8]) -> (String, bool) {
    use std::ptr::{from_mut, null_mut};
    let mut version: *const libc::c_char = std::ptr::null();
    let mut size = size_of_val(&version);
    // SAFETY: the name ends with zero, the answer is a pointer, and nothing is written.
    let told = unsafe {
        tikv_jemalloc_sys::mallctl(
            c"version".as_ptr(),
            from_mut(&mut version).cast(),
            &mut size,
            null_mut(),
            0,
        )
    };
    let mut version = match told {
        // SAFETY: jemalloc's own string.
        0 => unsafe { std::ffi::CStr::from_ptr(version) }.to_string_lossy().into_owned(),
        _ => String::new(),
    };
    version.truncate(version.find('-').unwrap_or(version.len()));
    let mut arena: libc::c_uint = 0;
    let mut size = size_of_val(&arena);
    let mut asked = address(block);
    // SAFETY: the name ends with zero, the answer is a number, the question a pointer.
    let looked_up = unsafe {
        let name = c"arenas.lookup".as_ptr();
        let question = from_mut(&mut asked).cast();
        tikv_jemalloc_sys::mallctl(
            name,
            from_mut(&mut arena).cast(),
            &mut size,
            question,
            size_of_val(&asked),
        )
    };
    (format!("jemalloc {version}"), looked_up == 0)
}

/// Its version is the package's, which is released with it.
#[cfg(feature = "snmalloc")]
fn identity(block: &[u8]) -> (String, bool) {
    // SAFETY: a live block, whose size snmalloc keeps by address.
    let usable = unsafe { snmalloc_sys::sn_rust_usable_size(address(block)) };
    (format!("snmalloc {}", locked("snmalloc-sys")), (SIZE..2 * SIZE).contains(&usable))
}

#[cfg(feature = "rusty_alloc")]
fn identity(block: &[u8]) -> (String, bool) {
    (format!("rusty_alloc {}", rusty_alloc::VERSION), rusty_alloc::alloc::is_in_heap_region(block.as_ptr()))
}

/// It has no version; the package's stands for it.
#[cfg(feature = "tcmalloc")]
fn identity(block: &[u8]) -> (String, bool) {
    unsafe extern "C" {
        fn MallocExtension_Internal_GetOwnership(block: *const libc::c_void) -> libc::c_int;
    }
    const OWNED: libc::c_int = 1;
    // SAFETY: any address.
    let ownership = unsafe { MallocExtension_Internal_GetOwnership(address(block)) };
    (format!("tcmalloc {}", locked("libtcmalloc-sys")), ownership == OWNED)
}

/// It does not say its version: the commit is the package's, and the CHANGELOG of that commit begins with 1.4.3.
#[cfg(feature = "rpmalloc")]
fn identity(block: &[u8]) -> (String, bool) {
    unsafe extern "C" {
        fn rpmalloc_usable_size(block: *mut libc::c_void) -> libc::size_t;
    }
    // SAFETY: a live block of the program's allocator, which this one is.
    let usable = unsafe { rpmalloc_usable_size(address(block)) };
    let version = locked("rpmalloc-sys");
    let version = if version.ends_with("+b097fd0") { "1.4.3+b097fd0" } else { version };
    (format!("rpmalloc {version}"), (SIZE..2 * SIZE).contains(&usable))
}
