//! Making libraries, each once: a stamp beside the library says what it was made of.

use super::recipe::{Compile, Configure, Recipe, Way};
use super::run::{canonical, clean, copy, create, read, run, sha256, sha256_of};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// Raised when this file makes libraries in another way.
const fn method(way: &Way) -> u32 {
    match way {
        Way::Compile(_) => 1,
        Way::Configure(_) | Way::Cargo => 2,
    }
}

/// Gives a library a build id, which the C compiler's own configuration may leave out.
const BUILD_ID: &str = "-Wl,--build-id=sha1";

/// The library of a recipe: the one in `folder` if it is what the recipe and the tools of today would make.
pub fn library(recipe: &Recipe, folder: &Path, say: &dyn Fn(&str)) -> Result<PathBuf, String> {
    let library = folder.join(format!("lib{}.so", recipe.name));
    let stamp = folder.join("stamp");
    let inputs = inputs(recipe)?;
    let current = |library: &Path| Some(format!("{inputs} {}\n", sha256_of(library).ok()?));
    if fs::read_to_string(&stamp).ok().is_some_and(|text| Some(text) == current(&library)) {
        return Ok(library);
    }
    say(&format!("building {} {}", recipe.family, recipe.version()));
    let began = Instant::now();
    create(folder)?;
    match &recipe.way {
        Way::Compile(compile) => compiled(recipe, compile, folder, &library),
        Way::Configure(configure) => configured(recipe, configure, folder, &library),
        Way::Cargo => cargo(recipe, folder, &library),
    }?;
    say(&format!("built {} {} in {:.0} s", recipe.family, recipe.version(), began.elapsed().as_secs_f64()));
    let text = current(&library).ok_or_else(|| format!("{} was not made", library.display()))?;
    write(&stamp, &text)?;
    Ok(library)
}

/// Whether a library was built in `folder` before, perhaps of an older recipe.
pub fn known(folder: &Path) -> bool {
    folder.join("stamp").is_file()
}

/// A number for everything that a library is made of: the recipe, the pinned sources, the tools.
fn inputs(recipe: &Recipe) -> Result<String, String> {
    let mut text = format!("{}\n", method(&recipe.way));
    for name in ["peer.toml", "Cargo.toml", "Cargo.lock"] {
        text += &read(&recipe.folder.join(name))?;
    }
    // Only a peer in Rust has sources of its own.
    text += &fs::read_to_string(recipe.folder.join("src/lib.rs")).unwrap_or_default();
    let tools = match &recipe.way {
        Way::Compile(_) | Way::Configure(_) => vec![compiler("CC", "cc"), compiler("CXX", "c++")],
        Way::Cargo => vec!["rustc".to_owned()],
    };
    for tool in tools {
        text += &run(clean(tool).arg("--version"), None)?;
    }
    Ok(sha256(text.as_bytes()))
}

/// The compiler: as the environment names it, else the usual one.
fn compiler(variable: &str, usual: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| usual.to_owned())
}

/// Compiles the files of a recipe, as many at once as there are processors, and links them.
fn compiled(recipe: &Recipe, compile: &Compile, folder: &Path, library: &Path) -> Result<(), String> {
    let objects = folder.join("objects");
    let _ = fs::remove_dir_all(&objects);
    create(&objects)?;
    let mut files = Vec::new();
    // The groups take longest and begin first.
    for (index, group) in compile.together.iter().enumerate() {
        let lines =
            group.iter().map(|file| format!("#include \"{}\"\n", recipe.sources.join(file).display()));
        files.push(write(&objects.join(format!("group-{index}.cc")), &lines.collect::<String>())?);
    }
    files.extend(compile.files.iter().map(|file| recipe.sources.join(file)));
    if compile.mark {
        files.push(mark(recipe, folder)?);
    }
    let object = |index: usize| objects.join(format!("{index}.o"));
    let next = AtomicUsize::new(0);
    let work = || -> Result<(), String> {
        loop {
            // Relaxed: the counter only hands out indices.
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(file) = files.get(index) else { return Ok(()) };
            translate(recipe, compile, file, &object(index))?;
        }
    };
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(files.len());
    let ends: Vec<_> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(|worker| worker.join()).collect()
    });
    for end in ends {
        end.unwrap_or_else(|_| Err("a thread of the build panicked".to_owned()))?;
    }
    let cxx = files.iter().any(|file| !is_c(file));
    let mut command = clean(if cxx { compiler("CXX", "c++") } else { compiler("CC", "cc") });
    command.args(["-shared", BUILD_ID, "-Wl,-z,relro,-z,now"]);
    command.arg(format!("-Wl,-soname,lib{}.so", recipe.name));
    command.arg("-o").arg(library).args((0..files.len()).map(object)).args(&compile.link);
    run(&mut command, Some(&folder.join("log"))).map(drop)
}

/// Compiles one file.
fn translate(recipe: &Recipe, compile: &Compile, file: &Path, object: &Path) -> Result<(), String> {
    let c = is_c(file);
    let mut command = clean(if c { compiler("CC", "cc") } else { compiler("CXX", "c++") });
    command.args(&compile.flags).args(if c { &compile.c_flags } else { &compile.cxx_flags });
    if cfg!(target_arch = "x86_64") {
        command.args(&compile.x86_64_flags);
    }
    for include in &compile.include {
        command.arg("-I").arg(recipe.sources.join(include));
    }
    command.args(["-w", "-fPIC", "-c", "-o"]).arg(object).arg(file);
    run(&mut command, None).map(drop).map_err(|error| format!("{}: {error}", file.display()))
}

/// Whether a file is C and not C++.
fn is_c(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "c")
}

/// A file of C whose function says the family and the version.
fn mark(recipe: &Recipe, folder: &Path) -> Result<PathBuf, String> {
    let text = format!(
        "__attribute__((visibility(\"default\"))) const char *heapwright_bench_peer(void)\n{{\n    return \"{} {}\";\n}}\n",
        recipe.family,
        recipe.version()
    );
    write(&folder.join("mark.c"), &text)
}

/// Writes a file and returns its path.
fn write(file: &Path, text: &str) -> Result<PathBuf, String> {
    fs::write(file, text).map_err(|error| format!("{} cannot be written: {error}", file.display()))?;
    Ok(file.to_owned())
}

/// Runs the project's own `configure` and `make` on a copy of its sources.
fn configured(recipe: &Recipe, configure: &Configure, folder: &Path, library: &Path) -> Result<(), String> {
    let copied = folder.join("sources");
    let _ = fs::remove_dir_all(&copied);
    run(clean("cp").arg("-r").arg(recipe.sources.join(&configure.folder)).arg(&copied), None)?;
    copy(&recipe.sources.join(&configure.script), &copied.join("configure"))?;
    let log = folder.join("log");
    let mut command = clean("sh");
    command.arg("configure").env("LDFLAGS", BUILD_ID).current_dir(&copied);
    command.args(configure.arguments.iter().map(|argument| argument.replace("{build}", recipe.build())));
    run(&mut command, Some(&log))?;
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    // Make's own variables come from a make above us, if there is one.
    let mut command = clean("make");
    command.env_remove("MAKEFLAGS").arg(format!("-j{jobs}")).arg(&configure.target).current_dir(&copied);
    run(&mut command, Some(&log))?;
    copy(&copied.join(&configure.library), library)?;
    let _ = fs::remove_dir_all(&copied);
    Ok(())
}

/// Builds the folder's package.
fn cargo(recipe: &Recipe, folder: &Path, library: &Path) -> Result<(), String> {
    let target = folder.join("target");
    let mut command = clean("cargo");
    command.args(["rustc", "--release", "--locked", "--lib", "--manifest-path"]);
    command.arg(recipe.folder.join("Cargo.toml")).arg("--target-dir").arg(&target);
    link_with_build_id(&mut command);
    run(&mut command, Some(&folder.join("log")))?;
    copy(&target.join("release").join(format!("lib{}_peer.so", recipe.name)), library)
}

/// The last arguments of `cargo rustc`. RUSTFLAGS would do as well, and hide those of a cargo configuration.
fn link_with_build_id(command: &mut Command) {
    command.arg("--").args(["-C", &format!("link-arg={BUILD_ID}")]);
}

/// Builds this tree's own library and returns a copy of it.
pub fn heapwright(root: &Path, folder: &Path) -> Result<PathBuf, String> {
    create(folder)?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let mut command = clean("cargo");
    command.args(["rustc", "--release", "--lib", "-p", "heapwright-shared"]).current_dir(root);
    // A relative CARGO_TARGET_DIR means one thing here and another in `root`.
    create(&target)?;
    let target = canonical(&target)?;
    command.arg("--target-dir").arg(&target);
    link_with_build_id(&mut command);
    run(&mut command, Some(&folder.join("log")))?;
    let library = folder.join("libheapwright.so");
    copy(&target.join("release/libheapwright.so"), &library)?;
    Ok(library)
}
