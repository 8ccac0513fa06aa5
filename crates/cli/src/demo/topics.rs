//! What the steps of the tour show, by topic.

/// Title and explanation of a topic of the demo program.
pub fn explain(topic: &str) -> (&str, &'static str) {
    match topic {
        "blocks" => (
            "Blocks",
            "malloc gives a block aligned for anything, calloc a zeroed one. An empty request gives an address\n\
             of its own, free takes NULL, and free keeps errno.",
        ),
        "resize" => (
            "Changing the size",
            "realloc keeps the contents. It stays in place while the size class or the neighbouring pages allow,\n\
             moves very large blocks by remapping their pages, and leaves the old block alone when it fails.",
        ),
        "aligned" => (
            "Alignment",
            "Any power of two, from 16 bytes to more than a huge page; valloc and pvalloc by the page.",
        ),
        "refused" => (
            "Requests that cannot be met",
            "Sizes above PTRDIFF_MAX and products that overflow give NULL and ENOMEM, never a short block.",
        ),
        "ask" => (
            "Asking the allocator",
            "How large a block really is, and how much is in use, in the forms that C programs know.",
        ),
        "trim" => (
            "Giving memory back",
            "Freed memory returns to the operating system by itself, a bounded part is kept for reuse;\n\
             malloc_trim returns that too, at once.",
        ),
        "names" => (
            "Other names",
            "C23's free with a size, and the names by which the C library calls its own malloc.",
        ),
        "c++" => (
            "C++ operators",
            "All forms: plain, array, sized, aligned, nothrow. The throwing forms are the C++ runtime's where there\n\
             is one, and call malloc.",
        ),
        "process" => (
            "Threads and fork",
            "Blocks outlive their thread and may be freed by another; a child of fork has the heap as it was.",
        ),
        "native" => (
            "Heapwright's own names",
            "What has no standard name (heapwright.h): counters by name, the effective options, trimming.",
        ),
        other => (other, ""),
    }
}
