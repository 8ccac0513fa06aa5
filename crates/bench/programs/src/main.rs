//! Rust programs to measure allocators with: one binary for each allocator, the work the same.
//!
//! `heapwright-programs json|parse|echo|maps --size N [--threads N]` works on inputs that it makes itself, always
//! the same for a size, and prints one line of JSON: a checksum over all that it computed, and who served its
//! memory. `path-…` instead of a program's name repeats a single path of the allocator `--size` times: see `paths.rs`.

mod allocator;
mod echo;
mod expression;
mod input;
mod json;
mod maps;
mod parse;
mod paths;
mod serving;

use std::process::ExitCode;

/// What was asked for on the command line.
struct Request {
    program: String,
    size: u64,
    threads: usize,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = read(&arguments).and_then(|request| run(&request));
    let report = outcome.and_then(|checksum| Ok((checksum, serving::serving()?)));
    match report {
        Ok((checksum, serving)) => {
            println!("{{\"checksum\":\"{checksum:016x}\",\"serving\":\"{serving}\"}}");
            ExitCode::SUCCESS
        }
        Err(reason) => {
            eprintln!("heapwright-programs: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn read(arguments: &[String]) -> Result<Request, String> {
    const USAGE: &str = "usage: heapwright-programs json|parse|echo|maps|path-… --size N [--threads N]";
    let (program, options) = arguments.split_first().ok_or(USAGE)?;
    let mut request = Request { program: program.clone(), size: 1, threads: 1 };
    for option in options.chunks(2) {
        let [name, value] = option else { return Err(USAGE.into()) };
        let number: u32 =
            value.parse().map_err(|_| format!("`{name} {value}`: a whole number is expected"))?;
        match name.as_str() {
            "--size" => request.size = u64::from(number),
            "--threads" => request.threads = number.max(1) as usize,
            _ => return Err(USAGE.into()),
        }
    }
    Ok(request)
}

fn run(request: &Request) -> Result<u64, String> {
    match request.program.as_str() {
        "json" => json::run(request.size),
        "parse" => parse::run(request.size),
        "echo" => echo::run(request.size, request.threads),
        "maps" => Ok(maps::run(request.size)),
        path => paths::run(path, request.size),
    }
}
