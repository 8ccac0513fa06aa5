//! The bodies of the fuzz targets: ordinary functions, so that the stable compiler runs them over random scripts too.

use heapwright::Heapwright;
use heapwright_testkit::{FakePages, GlobalSubject, Op, Options, page_source_suite, run};

static HEAP: Heapwright = Heapwright;

/// Real threads do as the script says on the Rust face, every block judged by the model.
pub fn script(ops: &[Op]) {
    run(ops, &mut GlobalSubject::new(&HEAP));
}

/// The fake of the system keeps the protocol whatever its seed, its page size and its moods.
pub fn source(seed: u64) {
    let page = [4096, 16_384, 65_536][(seed % 3) as usize];
    let touching = if seed & 8 == 0 { 0 } else { 64 << 20 };
    let (refuse_purge, remap) = (seed & 16 != 0, seed & 32 != 0);
    let pages = FakePages::with(Options { page, seed, refuse_purge, remap, touching, ..Options::default() });
    page_source_suite(&pages);
    pages.assert_no_leaks();
}
