//! Single paths of the allocator, each in a loop of its own, to count instructions on.
//!
//! A path does the same work in each repetition, so that a run of 2N repetitions less a run of N is the work of N,
//! without the program's start and with a warm allocator: `paths.sh` counts both and divides. What a loop makes goes
//! through a black box, so that the compiler can neither leave it out nor know what is in it.

use std::hint::black_box;

/// Elements pushed to a vector, and boxes alive at once.
const MANY: u64 = 1000;
/// What a block begins with and grows by, and what it ends with.
const STEP: usize = 64;
const LAST: usize = 4096;
/// Pushes to a string.
const PIECES: u64 = 50;

/// Repeats the path of that name; how many operations that was. They are what stands as the program's checksum: what
/// is counted is divided by it.
pub fn run(path: &str, repetitions: u64) -> Result<u64, String> {
    let operations = match path {
        "path-box" => repeat(repetitions, one_box),
        "path-push" => repeat(repetitions, pushes),
        "path-zeroed" => repeat(repetitions, zeroed),
        "path-grow" => repeat(repetitions, growth),
        "path-live" => live_boxes(repetitions),
        "path-string" => repeat(repetitions, string),
        other => {
            return Err(format!(
                "no program `{other}`; there are json, parse, echo, maps, and path-box, path-push, path-zeroed, \
                 path-grow, path-live, path-string"
            ));
        }
    };
    Ok(operations)
}

/// Does `work` again and again; the sum of its operations. Each path's loop is a function of its own with the work
/// inlined, so that what stands around it does not decide which registers it has.
#[inline(never)]
fn repeat(repetitions: u64, work: impl Fn() -> u64) -> u64 {
    (0..repetitions).map(|_| work()).sum()
}

/// A block of 64 bytes, made and dropped.
fn one_box() -> u64 {
    drop(black_box(Box::new([7u8; 64])));
    1
}

/// Elements pushed to a vector that begins empty and is dropped.
fn pushes() -> u64 {
    let mut numbers = Vec::new();
    for number in 0..MANY {
        numbers.push(black_box(number));
    }
    drop(black_box(numbers));
    MANY
}

/// A block of 256 bytes that are zero, made and dropped.
fn zeroed() -> u64 {
    drop(black_box(vec![0u8; black_box(256)]));
    1
}

/// Steps of a block that grows by as much each time, with what making and dropping it costs.
fn growth() -> u64 {
    let mut bytes: Vec<u8> = black_box(Vec::with_capacity(STEP));
    let mut steps = 0;
    // The vector is empty, so it is the whole capacity that is asked for; the allocator still keeps the old bytes.
    for capacity in (2 * STEP..=LAST).step_by(STEP) {
        bytes.reserve_exact(black_box(capacity));
        steps += 1;
    }
    drop(black_box(bytes));
    steps
}

/// Blocks of 48 bytes that are all alive before the first is dropped, in the order in which they were made.
#[inline(never)]
fn live_boxes(repetitions: u64) -> u64 {
    let mut boxes = Vec::with_capacity(MANY as usize);
    for _ in 0..repetitions {
        for _ in 0..MANY {
            boxes.push(black_box(Box::new([7u8; 48])));
        }
        black_box(&mut boxes).clear();
    }
    repetitions * MANY
}

/// Pieces of 20 bytes pushed to a string that begins empty and is dropped.
fn string() -> u64 {
    let mut text = String::new();
    for _ in 0..PIECES {
        text.push_str(black_box("twenty bytes of text"));
    }
    drop(black_box(text));
    PIECES
}
