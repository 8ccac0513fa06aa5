//! `mallinfo`, `mallinfo2`, `malloc_stats`, `malloc_info`: glibc's reports, answered from our counters.
//!
//! | glibc's word | here |
//! |---|---|
//! | `arena` | address space of slabs and large blocks, and dirty pages kept for reuse; without huge blocks |
//! | `hblks`, `hblkhd` | huge blocks: those with a mapping of their own |
//! | `uordblks` | live bytes, without huge blocks |
//! | `fordblks` | `arena` − `uordblks` |
//! | `ordblks` | 1 if there is free memory: free blocks are not counted one by one |
//! | `keepcost` | dirty bytes: what `malloc_trim` would give back |
//!
//! The other fields are 0, as in a glibc without fast bins.
//!
//! # Safety
//!
//! `malloc_info` passes the caller's stream to `fwrite`; `malloc_stats` writes a buffer of its own.

#![allow(unsafe_code)]

use core::ffi::c_int;

use heapwright_base::counters::Counter;
use heapwright_base::fatal::Line;

use crate::process::Process;

macro_rules! info {
    ($name:ident, $field:ty, $text:literal) => {
        #[doc = $text]
        #[repr(C)]
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[allow(missing_docs)]
        pub struct $name {
            pub arena: $field,
            pub ordblks: $field,
            pub smblks: $field,
            pub hblks: $field,
            pub hblkhd: $field,
            pub usmblks: $field,
            pub fsmblks: $field,
            pub uordblks: $field,
            pub fordblks: $field,
            pub keepcost: $field,
        }
    };
}

info!(Mallinfo2, usize, "`struct mallinfo2`; see the table above.");
info!(Mallinfo, c_int, "`struct mallinfo`: the same in `int`s, which wrap as glibc's do.");

/// `mallinfo2`.
#[must_use]
pub fn mallinfo2<P: Process>() -> Mallinfo2 {
    P::settle();
    let read = |counter| usize::try_from(P::counter(counter)).unwrap_or(usize::MAX);
    let (huge, dirty) = (read(Counter::HugeBytes), read(Counter::DirtyBytes));
    let used = read(Counter::LiveBytes).saturating_sub(huge);
    // The counters are read one after the other while other threads go on: keep the sum right.
    let arena = (read(Counter::SpanBytes).saturating_sub(huge) + dirty).max(used);
    Mallinfo2 {
        arena,
        ordblks: usize::from(arena > used),
        hblks: read(Counter::HugeBlocks),
        hblkhd: huge,
        uordblks: used,
        fordblks: arena - used,
        keepcost: dirty,
        ..Mallinfo2::default()
    }
}

/// `mallinfo`.
#[must_use]
pub fn mallinfo<P: Process>() -> Mallinfo {
    let wide = mallinfo2::<P>();
    Mallinfo {
        arena: wide.arena as c_int,
        ordblks: wide.ordblks as c_int,
        hblks: wide.hblks as c_int,
        hblkhd: wide.hblkhd as c_int,
        uordblks: wide.uordblks as c_int,
        fordblks: wide.fordblks as c_int,
        keepcost: wide.keepcost as c_int,
        ..Mallinfo::default()
    }
}

/// `malloc_stats`: glibc's lines, then ours, on standard error, without a stream and without allocating.
pub fn malloc_stats<P: Process>() {
    write_stats::<P>(&mut |line| {
        // SAFETY: the buffer is a slice; a refused write is nobody's business.
        unsafe { libc::write(libc::STDERR_FILENO, line.as_ptr().cast(), line.len()) };
    });
}

fn write_stats<P: Process>(out: &mut dyn FnMut(&[u8])) {
    let info = mallinfo2::<P>();
    let rows = [
        ("Total (incl. mmap):\nsystem bytes     = ", info.arena + info.hblkhd),
        ("in use bytes     = ", info.uordblks + info.hblkhd),
        ("max mmap regions = ", info.hblks),
        ("max mmap bytes   = ", info.hblkhd),
    ];
    for (label, value) in rows {
        out(Line::new().text(label).decimal(value as u64).text("\n").as_bytes());
    }
    for &counter in Counter::ALL {
        let value = P::counter(counter);
        out(Line::new()
            .text("heapwright ")
            .text(counter.name())
            .text(" = ")
            .decimal(value)
            .text("\n")
            .as_bytes());
    }
}

/// `malloc_info`: glibc's XML, with our counters as elements of their own.
///
/// # Safety
///
/// - `stream` is an open stream.
#[must_use]
pub unsafe fn malloc_info<P: Process>(options: c_int, stream: *mut libc::FILE) -> c_int {
    if options != 0 {
        return libc::EINVAL;
    }
    let mut refused = false;
    write_xml::<P>(&mut |text| {
        // SAFETY: caller: `stream` is open; the text is a slice.
        let written = unsafe { libc::fwrite(text.as_ptr().cast(), 1, text.len(), stream) };
        refused |= written != text.len();
    });
    if refused { -1 } else { 0 }
}

fn write_xml<P: Process>(out: &mut dyn FnMut(&[u8])) {
    let info = mallinfo2::<P>();
    let now = (info.arena + info.hblkhd) as u64;
    let peak = P::counter(Counter::PeakSpanBytes).max(now);
    out(b"<malloc version=\"1\">\n<heap nr=\"0\">\n<sizes>\n</sizes>\n");
    totals(out, &info, now, peak);
    out(b"</heap>\n");
    totals(out, &info, now, peak);
    out(b"<heapwright>\n");
    for &counter in Counter::ALL {
        element(out, "counter name", counter.name(), &[("value", P::counter(counter))]);
    }
    out(b"</heapwright>\n</malloc>\n");
}

/// The summary that glibc gives for each heap and again for all of them; there is one heap here.
fn totals(out: &mut dyn FnMut(&[u8]), info: &Mallinfo2, now: u64, peak: u64) {
    element(out, "total type", "fast", &[("count", 0), ("size", 0)]);
    element(out, "total type", "rest", &[("count", info.ordblks as u64), ("size", info.fordblks as u64)]);
    element(out, "total type", "mmap", &[("count", info.hblks as u64), ("size", info.hblkhd as u64)]);
    element(out, "system type", "current", &[("size", now)]);
    element(out, "system type", "max", &[("size", peak)]);
    element(out, "aspace type", "total", &[("size", now)]);
    element(out, "aspace type", "mprotect", &[("size", now)]);
}

/// One empty element: `<head="kind" name="number" …/>`.
fn element(out: &mut dyn FnMut(&[u8]), head: &str, kind: &str, numbers: &[(&str, u64)]) {
    let mut line = Line::new();
    line.text("<").text(head).text("=\"").text(kind).text("\"");
    for &(name, value) in numbers {
        line.text(" ").text(name).text("=\"").decimal(value).text("\"");
    }
    out(line.text("/>\n").as_bytes());
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::string::String;

    use super::*;
    use crate::fake::Fake;

    fn collected(write: impl FnOnce(&mut dyn FnMut(&[u8]))) -> String {
        let mut text = String::new();
        write(&mut |part| text.push_str(core::str::from_utf8(part).unwrap()));
        text
    }

    #[test]
    fn the_fields_follow_the_table() {
        let info = mallinfo2::<Fake>();
        let expected = Mallinfo2 {
            arena: 6_500,
            ordblks: 1,
            hblks: 2,
            hblkhd: 4_000,
            uordblks: 3_000,
            fordblks: 3_500,
            keepcost: 500,
            ..Mallinfo2::default()
        };
        assert_eq!(info, expected);
        assert_eq!(mallinfo::<Fake>().fordblks, 3_500);
    }

    #[test]
    fn the_xml_opens_and_closes_its_elements() {
        let text = collected(write_xml::<Fake>);
        for name in ["malloc", "heap", "sizes", "heapwright"] {
            let closing = std::format!("</{name}>");
            assert_eq!(text.matches(&closing).count(), 1, "{name} in {text}");
        }
        assert!(text.contains("<total type=\"mmap\" count=\"2\" size=\"4000\"/>\n"), "{text}");
        assert!(text.contains("<counter name=\"live_bytes\" value=\"7000\"/>\n"), "{text}");
        assert!(text.lines().all(|line| line.starts_with('<') && line.ends_with('>')), "{text}");
    }

    #[test]
    fn the_statistics_say_what_glibc_says() {
        let text = collected(write_stats::<Fake>);
        assert!(text.contains("system bytes     = 10500\n"), "{text}");
        assert!(text.contains("in use bytes     = 7000\n"), "{text}");
        assert!(text.contains("heapwright meta_bytes = 300\n"), "{text}");
    }
}
