//! Who serves `malloc` in this process.
//!
//! Nobody is believed by name. The address that a plain call of `malloc` reaches lies in one loaded object; the
//! rest of the family must lie in the same one; and what proves the allocator is a function of that very object
//! which only this allocator has, and which says the version where it can. The object's build id ends the line, so
//! that another file under the same path is another answer.
//!
//! # Safety
//!
//! Functions of the loaded object are called through the signatures that their allocators publish.
#![allow(unsafe_code)]

use libc::{c_char, c_int, c_void, size_t};
use std::ffi::{CStr, CString};

/// Family, version, file and build id, as `mimalloc 3.3.2 /path/lib.so build-id 1a2b`; `mixed: …` where the calls of
/// the family do not all come from one object.
pub fn serving() -> String {
    let calls = calls();
    let objects: Vec<Option<Object>> = calls.iter().map(|(_, address)| Object::of(*address)).collect();
    let Some(first) = objects[0].as_ref() else {
        return "unknown - no object holds malloc".to_owned();
    };
    if objects.iter().any(|object| object.as_ref().map(|object| object.base) != Some(first.base)) {
        let parts: Vec<String> = calls
            .iter()
            .zip(&objects)
            .map(|((name, _), object)| format!("{name} {}", path_of(object)))
            .collect();
        return format!("mixed: {}", parts.join(", "));
    }
    let (family, version) = first.family();
    format!(
        "{family} {version} {} build-id {}",
        first.path,
        build_id(calls[0].1).unwrap_or_else(|| "-".to_owned())
    )
}

/// Where plain calls of this program go.
#[allow(clippy::disallowed_methods, reason = "their addresses are asked for; nothing is called")]
fn calls() -> [(&'static str, *const c_void); 6] {
    [
        ("malloc", libc::malloc as *const c_void),
        ("free", libc::free as *const c_void),
        ("calloc", libc::calloc as *const c_void),
        ("realloc", libc::realloc as *const c_void),
        ("posix_memalign", libc::posix_memalign as *const c_void),
        ("aligned_alloc", libc::aligned_alloc as *const c_void),
    ]
}

/// A loaded object: the program or a library.
struct Object {
    /// Where it is loaded.
    base: *mut c_void,
    /// Its file, in full where it can be said.
    path: String,
}

impl Object {
    /// The object that holds an address.
    fn of(address: *const c_void) -> Option<Self> {
        // SAFETY: all-zero is a valid value: null pointers.
        let mut info: libc::Dl_info = unsafe { std::mem::zeroed() };
        // SAFETY: dladdr takes any address and fills `info`.
        if unsafe { libc::dladdr(address, &raw mut info) } == 0 || info.dli_fname.is_null() {
            return None;
        }
        // SAFETY: dladdr succeeded: the name is a C string that lives as long as the object.
        let name = unsafe { CStr::from_ptr(info.dli_fname) }.to_string_lossy().into_owned();
        let path = std::fs::canonicalize(&name).map_or(name, |path| path.to_string_lossy().into_owned());
        Some(Self { base: info.dli_fbase, path })
    }

    /// A function of this very object, not one of the same name elsewhere.
    fn function(&self, name: &str) -> Option<*mut c_void> {
        let name = CString::new(name).ok()?;
        // SAFETY: dlsym reads the name, a C string.
        let address = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
        let held = !address.is_null() && Self::of(address).is_some_and(|object| object.base == self.base);
        held.then_some(address)
    }

    /// The allocator's family and its version, `-` where it does not say one.
    fn family(&self) -> (String, String) {
        for (family, mark, version) in MARKS {
            if let Some(function) = self.function(mark) {
                return ((*family).to_owned(), version(function).unwrap_or_else(|| "-".to_owned()));
            }
        }
        let own = self.function("heapwright_bench_peer").and_then(text);
        match own.as_deref().and_then(|text| text.split_once(' ')) {
            Some((family, version)) => (family.to_owned(), version.replace(' ', "_")),
            None => ("unknown".to_owned(), "-".to_owned()),
        }
    }
}

/// The file of an object that may not be there.
fn path_of(object: &Option<Object>) -> &str {
    object.as_ref().map_or("nowhere", |object| &object.path)
}

/// Asks a function of the object for the version.
type Version = fn(*mut c_void) -> Option<String>;

/// The family, a function that only its library has, and how to ask for the version.
const MARKS: &[(&str, &str, Version)] = &[
    ("heapwright", "hw_version", text),
    ("mimalloc", "mi_version", mimalloc),
    ("jemalloc", "mallctl", jemalloc),
    ("gperftools", "tc_version", gperftools),
    ("scudo", "__scudo_print_stats", silent),
    ("glibc", "gnu_get_libc_version", text),
];

/// A function without arguments that returns a C string.
fn text(function: *mut c_void) -> Option<String> {
    // SAFETY: `MARKS` and `heapwright_bench_peer`: the signature is theirs.
    let function: extern "C" fn() -> *const c_char = unsafe { std::mem::transmute(function) };
    let said = function();
    // SAFETY: the signature promises a C string, or nothing.
    (!said.is_null()).then(|| unsafe { CStr::from_ptr(said) }.to_string_lossy().into_owned())
}

/// `int mi_version(void)`.
fn mimalloc(function: *mut c_void) -> Option<String> {
    // SAFETY: the signature in mimalloc.h.
    let function: extern "C" fn() -> c_int = unsafe { std::mem::transmute(function) };
    Some(mimalloc_version(function()))
}

/// The number of `mi_version` as text: five digits since 2.3 and 3.3 (30302), three before (212).
fn mimalloc_version(number: c_int) -> String {
    if number >= 10_000 {
        format!("{}.{}.{}", number / 10_000, number / 100 % 100, number % 100)
    } else {
        format!("{}.{}.{}", number / 100, number / 10 % 10, number % 10)
    }
}

/// `int mallctl(const char *name, void *old, size_t *old_len, void *new, size_t new_len)`, asked for `version`.
fn jemalloc(function: *mut c_void) -> Option<String> {
    type Control = extern "C" fn(*const c_char, *mut c_void, *mut size_t, *mut c_void, size_t) -> c_int;
    // SAFETY: the signature in jemalloc.h.
    let control: Control = unsafe { std::mem::transmute(function) };
    let mut said: *const c_char = std::ptr::null();
    let mut len = size_of_val(&said);
    if control(c"version".as_ptr(), (&raw mut said).cast(), &raw mut len, std::ptr::null_mut(), 0) != 0 {
        return None;
    }
    if said.is_null() {
        return None;
    }
    // SAFETY: `version` is a C string that lives as long as the object.
    let said = unsafe { CStr::from_ptr(said) }.to_string_lossy();
    Some(said.split('-').next().unwrap_or_default().to_owned())
}

/// `const char *tc_version(int *major, int *minor, const char **patch)`.
fn gperftools(function: *mut c_void) -> Option<String> {
    type Ask = extern "C" fn(*mut c_int, *mut c_int, *mut *const c_char) -> *const c_char;
    // SAFETY: the signature in gperftools/tcmalloc.h.
    let ask: Ask = unsafe { std::mem::transmute(function) };
    let (mut major, mut minor, mut patch) = (0, 0, std::ptr::null());
    ask(&raw mut major, &raw mut minor, &raw mut patch);
    Some(format!("{major}.{minor}"))
}

/// The library has no version to say.
fn silent(_: *mut c_void) -> Option<String> {
    None
}

/// The build id of the object that holds an address, in hexadecimal.
fn build_id(address: *const c_void) -> Option<String> {
    let mut search = Search { address: address as usize, found: None };
    // SAFETY: `visit` has the signature asked for, and `search` outlives the walk.
    unsafe { libc::dl_iterate_phdr(Some(visit), (&raw mut search).cast()) };
    search.found
}

/// What [`visit`] looks for and finds.
struct Search {
    /// An address in the object.
    address: usize,
    /// Its build id.
    found: Option<String>,
}

/// Looks at one loaded object; ends the walk at the one that holds the address.
unsafe extern "C" fn visit(info: *mut libc::dl_phdr_info, _: size_t, search: *mut c_void) -> c_int {
    // SAFETY: `build_id` passed a Search; dl_iterate_phdr passes a valid record.
    let (info, search) = unsafe { (&*info, &mut *search.cast::<Search>()) };
    // SAFETY: the loader's own description of the object's segments.
    let segments = unsafe { std::slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum)) };
    let start = |segment: &libc::Elf64_Phdr| info.dlpi_addr as usize + segment.p_vaddr as usize;
    let holds = |segment: &&libc::Elf64_Phdr| {
        segment.p_type == libc::PT_LOAD
            && (search.address.wrapping_sub(start(segment))) < segment.p_memsz as usize
    };
    if !segments.iter().any(|segment| holds(&segment)) {
        return 0;
    }
    for segment in segments.iter().filter(|segment| segment.p_type == libc::PT_NOTE) {
        // SAFETY: a note segment of a loaded object is mapped for reading.
        let notes =
            unsafe { std::slice::from_raw_parts(start(segment) as *const u8, segment.p_memsz as usize) };
        search.found = search.found.take().or_else(|| build_id_in(notes));
    }
    1
}

/// The build id among notes: each three words (lengths of name and text, kind), the name, the text, filled to four
/// bytes.
fn build_id_in(notes: &[u8]) -> Option<String> {
    let word =
        |at: usize| Some(u32::from_ne_bytes(notes.get(at..at.checked_add(4)?)?.try_into().ok()?) as usize);
    let mut at = 0;
    loop {
        let (name_len, text_len, kind) = (word(at)?, word(at + 4)?, word(at + 8)?);
        let name = at + 12;
        let text = name.checked_add(name_len.checked_next_multiple_of(4)?)?;
        let end = text.checked_add(text_len)?;
        if kind == BUILD_ID && notes.get(name..name + name_len)? == b"GNU\0" {
            return Some(notes.get(text..end)?.iter().map(|byte| format!("{byte:02x}")).collect());
        }
        at = end.checked_next_multiple_of(4)?;
    }
}

/// `NT_GNU_BUILD_ID`.
const BUILD_ID: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn glibc_serves_a_plain_process() {
        let said = serving();
        let words: Vec<&str> = said.split(' ').collect();
        assert_eq!(words[0], "glibc", "{said}");
        assert!(words[1].starts_with("2."), "{said}");
        assert!(words[2].contains("libc.so"), "{said}");
        assert_eq!(words[3], "build-id", "{said}");
        assert!(words[4].len() >= 16, "{said}");
    }

    #[test]
    fn a_function_of_another_object_is_no_proof() {
        let libc = Object::of(calls()[0].1).expect("malloc lies somewhere");
        assert!(libc.function("gnu_get_libc_version").is_some());
        let own = Object::of(serving as *const c_void).expect("the test lies somewhere");
        assert!(own.function("gnu_get_libc_version").is_none());
    }

    #[test]
    fn mimalloc_numbers() {
        assert_eq!(mimalloc_version(30302), "3.3.2");
        assert_eq!(mimalloc_version(20302), "2.3.2");
        assert_eq!(mimalloc_version(212), "2.1.2");
    }

    #[test]
    fn notes() {
        let note = |name: &[u8], kind: u32, text: &[u8]| {
            let mut bytes = Vec::new();
            for word in [name.len() as u32, text.len() as u32, kind] {
                bytes.extend(word.to_ne_bytes());
            }
            for part in [name, text] {
                bytes.extend(part);
                bytes.resize(bytes.len().next_multiple_of(4), 0);
            }
            bytes
        };
        let id = note(b"GNU\0", 3, &[0x1a, 0x2b, 0xff]);
        assert_eq!(build_id_in(&id).as_deref(), Some("1a2bff"));
        let second = [note(b"GNU\0", 5, &[1, 2, 3, 4, 5]), note(b"stapsdt\0", 3, &[9]), id.clone()].concat();
        assert_eq!(build_id_in(&second).as_deref(), Some("1a2bff"));
        assert_eq!(build_id_in(&second[..second.len() - 3]), None);
        assert_eq!(build_id_in(&[]), None);
    }
}
