//! See programs.rs.

use super::*;
use std::collections::BTreeSet;

#[test]
fn every_feature_is_built_and_nothing_else() {
    let manifest: toml::Table = toml::from_str(include_str!("../../programs/Cargo.toml")).unwrap();
    let features: BTreeSet<&str> =
        manifest["features"].as_table().unwrap().keys().map(String::as_str).collect();
    let of = |group: Group| VARIANTS.iter().filter(move |one| one.group == group).map(|one| one.feature);
    assert_eq!(of(Group::Rust).collect::<BTreeSet<_>>(), features);
    assert!(of(Group::Musl).all(|feature| features.contains(feature)));
    let names: BTreeSet<_> = VARIANTS.iter().map(|one| (one.group, one.allocator)).collect();
    assert_eq!(names.len(), VARIANTS.len(), "a column holds one allocator");
}

#[test]
fn every_program_has_its_checksums() {
    let expected = expected().unwrap();
    let names: Vec<_> = expected.program.iter().map(|program| program.name.as_str()).collect();
    assert_eq!(names, ["json", "parse", "echo", "maps"]);
    for program in &expected.program {
        for amount in [&program.full, &program.quick] {
            let digits = amount.checksum.bytes().filter(u8::is_ascii_hexdigit).count();
            assert_eq!((digits, amount.checksum.len()), (16, 16), "{}", program.name);
        }
        assert!(program.full.size > program.quick.size, "{}", program.name);
        assert_ne!(program.full.checksum, program.quick.checksum, "{}", program.name);
    }
}

#[test]
fn the_lock_file_knows_this_version_of_heapwright() {
    let line = format!("name = \"heapwright\"\nversion = \"{}\"\n", env!("CARGO_PKG_VERSION"));
    assert!(include_str!("../../programs/Cargo.lock").contains(&line), "the lock file lacks: {line}");
}

/// Two variants as if they were built: the first two of `group`.
fn built(group: Group) -> Vec<Built> {
    let some = VARIANTS.iter().filter(|one| one.group == group).take(2);
    some.map(|variant| variant.entered("/p".into(), Ok(format!("{}1.2", variant.family)))).collect()
}

#[test]
fn a_row_has_the_size_and_the_checksum_of_its_kind() {
    let expected = expected().unwrap();
    let full = jobs(Group::Rust, &expected, &built(Group::Rust), false);
    let quick = jobs(Group::Rust, &expected, &built(Group::Rust), true);
    assert_eq!(full.iter().map(|job| job.workload.as_str()).next(), Some("rust-json"));
    assert_eq!((full[0].rounds, quick[0].rounds), (5, 2));
    for (full, program) in full.iter().zip(&expected.program) {
        let one = &full.candidates[1];
        assert_eq!(one.allocator, "glibc");
        assert_eq!(one.arguments[2], program.full.size.to_string().as_str());
        let Expect::Report { checksum, serving } = &one.expect else { panic!("{one:?}") };
        assert_eq!((checksum.as_ref(), serving.as_str()), (Some(&program.full.checksum), "glibc 1.2"));
    }
    assert_eq!(quick[0].candidates[0].arguments[2], expected.program[0].quick.size.to_string().as_str());
    assert!(jobs(Group::Musl, &expected, &built(Group::Rust), true).is_empty());
}

#[test]
fn musl_alone_is_no_peer() {
    let both: Vec<Built> = built(Group::Rust).into_iter().chain(built(Group::Musl)).collect();
    let here = only_here(&both, "target");
    assert_eq!(here.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["musl"]);
    assert_eq!(here[0].version, "1.2");
}

/// A program of the test's own, which goes with it.
struct Script(PathBuf);

impl Script {
    fn new(name: &str, text: &str) -> Script {
        let program = std::env::temp_dir().join(format!("heapwright-programs-{}-{name}", std::process::id()));
        let script = Script(program);
        script.write(text);
        script
    }

    /// Written by a process of its own: a file that this one has open, or a child of another test, cannot be run.
    fn write(&self, text: &str) {
        let mut shell = Command::new("sh");
        shell.args(["-c", "printf '#!/bin/sh\\n%s\\n' \"$1\" > \"$2\" && chmod 755 \"$2\"", "sh", text]);
        assert!(shell.arg(&self.0).status().unwrap().success());
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// The variant of an allocator in the Rust programs.
fn variant(name: &str) -> &'static Variant {
    VARIANTS.iter().find(|one| one.allocator == name).unwrap()
}

#[test]
fn a_program_served_by_another_is_refused() {
    let script = Script::new("other", "echo '{\"checksum\":\"0\",\"serving\":\"mimalloc 2.3.2\"}'");
    assert_eq!(admit(&script.0, variant("mimalloc2")), Ok("mimalloc 2.3.2".to_owned()));
    let refused = admit(&script.0, variant("mimalloc3"));
    assert!(refused.unwrap_err().contains("served by mimalloc 2.3.2, not by mimalloc 3."));
}

#[test]
fn a_program_is_asked_in_the_environment_that_it_is_measured_in() {
    let text = "echo \"{\\\"checksum\\\":\\\"0\\\",\\\"serving\\\":\\\"tcmalloc $GLIBC_TUNABLES $LC_ALL$CARGO_MANIFEST_DIR\\\"}\"";
    let script = Script::new("environment", text);
    let tcmalloc = variant("tcmalloc-google");
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some(), "cargo sets it for tests");
    assert_eq!(identify(&script.0, tcmalloc), Ok("tcmalloc glibc.pthread.rseq=0 C".to_owned()));

    let built = tcmalloc.entered("/p".into(), Ok("tcmalloc 1".to_owned()));
    let candidate = candidate(&expected().unwrap().program[0], &built, true);
    assert_eq!(
        candidate.environment,
        [("GLIBC_TUNABLES".to_owned(), OsString::from("glibc.pthread.rseq=0"))]
    );
}

#[test]
fn a_debug_build_of_snmalloc_is_refused() {
    let script = Script::new("debug", "echo '{\"checksum\":\"0\",\"serving\":\"snmalloc 0.7\"}'");
    assert_eq!(admit(&script.0, variant("snmalloc")), Ok("snmalloc 0.7".to_owned()));
    script.write("echo '{\"checksum\":\"0\",\"serving\":\"snmalloc 0.7\"}' # assert fail: {} in {}");
    assert!(admit(&script.0, variant("snmalloc")).unwrap_err().contains("NDEBUG did not reach"));
    let command = command("snmalloc", Path::new("/r"), Path::new("/f"), None);
    assert!(command.get_envs().any(|pair| pair == ("CXXFLAGS".as_ref(), Some("-DNDEBUG".as_ref()))));
}

#[test]
fn a_refused_program_has_a_cell_in_every_row() {
    let failing = Script::new("failing", "echo broken >&2; exit 3");
    let refused = variant("mimalloc3").entered(failing.0.clone(), admit(&failing.0, variant("mimalloc3")));
    let mut both = built(Group::Rust);
    both.push(refused);
    let jobs = jobs(Group::Rust, &expected().unwrap(), &both, true);
    assert_eq!(jobs.len(), 4);
    for job in jobs {
        let last = job.candidates.last().unwrap();
        assert_eq!((job.candidates.len(), last.allocator.as_str()), (3, "mimalloc3"));
        let reason = last.refused.as_deref().unwrap();
        assert!(reason.contains("exit status: 3): broken"), "{reason}");
        assert!(job.candidates[0].refused.is_none());
        assert!(job.about.ends_with("(linked: heapwright 1.2, glibc 1.2)"), "{}", job.about);
    }
}

#[test]
fn only_heapwright_has_cells_without_a_build() {
    let nowhere = Path::new("/nowhere/at/all");
    let say = |_: &str| ();
    let ours = build(variant(OURS), nowhere, nowhere, "none", &say).unwrap();
    assert!(ours.refused.unwrap().starts_with("cargo build failed: "));
    assert!(build(variant("snmalloc"), nowhere, nowhere, "none", &say).is_err());
}

#[test]
fn this_test_is_not_static_and_a_cut_file_is_neither() {
    let image = fs::read(std::env::current_exe().unwrap()).unwrap();
    assert!(!is_static(&image));
    assert!(!is_static(&image[..100]));
    assert!(!is_static(b"text"));
    let mut header = vec![0; 64 + 56];
    header[..6].copy_from_slice(b"\x7fELF\x02\x01");
    (header[32], header[54], header[56], header[64]) = (64, 56, 1, 1);
    assert!(is_static(&header));
    header[64] = 3;
    assert!(!is_static(&header));
}
