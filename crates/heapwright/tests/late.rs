//! A shared library that brings this allocator, opened late, used on threads, and closed.

#![allow(unsafe_code)]

use std::ffi::CString;
use std::path::PathBuf;
use std::process::Command;
use std::thread;

/// Builds the plugin with these compiler flags, in a folder of its own.
fn plugin(name: &str, flags: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "-p", "heapwright", "--example", "plugin"])
        .env("CARGO_TARGET_DIR", &folder)
        .env("RUSTFLAGS", flags)
        .status()
        .expect("cargo runs");
    assert!(built.success(), "the plugin does not build");
    let library = folder.join("debug/examples/libplugin.so");
    assert!(library.exists(), "{} is missing", library.display());
    library
}

#[test]
fn a_library_with_its_own_allocator_comes_and_goes() {
    comes_and_goes(plugin("initial-exec", ""));
}

#[test]
fn so_does_one_that_needs_no_static_tls() {
    let library = plugin("general-dynamic", "--cfg heapwright_general_dynamic");
    let dynamic = Command::new("readelf").arg("-d").arg(&library).output().expect("readelf (binutils) runs");
    let dynamic = String::from_utf8_lossy(&dynamic.stdout).into_owned();
    assert!(dynamic.contains("INIT_ARRAY"), "readelf has not read the library:\n{dynamic}");
    assert!(!dynamic.contains("STATIC_TLS"), "the library asks for static TLS:\n{dynamic}");
    comes_and_goes(library);
}

fn comes_and_goes(library: PathBuf) {
    let path = CString::new(library.into_os_string().into_encoded_bytes()).unwrap();
    for _ in 0..3 {
        // SAFETY: a C string; the library's constructors expect nothing.
        let handle = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
        assert!(!handle.is_null(), "dlopen failed");
        let symbol = |name: &std::ffi::CStr| {
            // SAFETY: a live handle and a C string.
            let at = unsafe { libc::dlsym(handle, name.as_ptr()) };
            assert!(!at.is_null(), "{name:?} is missing");
            at
        };
        // SAFETY: the plugin's function has this type.
        let work: extern "C" fn(u64) -> u64 = unsafe { std::mem::transmute(symbol(c"plugin_work")) };
        // SAFETY: as above.
        let allocations: extern "C" fn() -> u64 =
            unsafe { std::mem::transmute(symbol(c"plugin_allocations")) };
        let n = 5_000u64;
        let sum = (0..n * 4).sum::<u64>();
        // A thread of the program, which has used the library, outlives the library's handle.
        let (done, wait) = std::sync::mpsc::channel();
        let (finish, go) = std::sync::mpsc::channel::<()>();
        let user = thread::spawn(move || {
            done.send(work(n)).unwrap();
            let _ = go.recv();
        });
        assert_eq!(wait.recv().unwrap(), sum);
        assert!(allocations() > n * 4);
        // SAFETY: a live handle, not used afterwards.
        assert_eq!(unsafe { libc::dlclose(handle) }, 0);
        finish.send(()).unwrap();
        user.join().unwrap();
    }
}
