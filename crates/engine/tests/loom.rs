//! The model checker on what threads share without a lock: the remote list, the notified list, a heap's standing.
//!
//! Links of blocks are cells that the checker watches: a link that is read without an order against its writer is
//! a data race, which fails the model. Run with `cargo xtask loom`.
//!
//! # Safety
//!
//! Blocks are numbers that look like addresses; nothing is dereferenced but slabs that outlive the threads.

#![cfg(loom)]
#![allow(unsafe_code)]

use core::ptr::{null_mut, without_provenance_mut};
use heapwright_base::sync::{AtomicPtr, Ordering};
use heapwright_engine::remote::{Block, Notified, Pushed, Remote, Take};
use heapwright_engine::standing::{OWNED, Standing};
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;

/// Where the slab of the model begins.
const BASE: usize = 0x1000;

/// A slab: its remote list, the links in its blocks, and what the owner has got.
struct Slab {
    remote: Remote<Slab>,
    links: Vec<UnsafeCell<*mut Block>>,
    taken: UnsafeCell<Vec<usize>>,
    purges: UnsafeCell<usize>,
}
// SAFETY: the cells are watched by the checker.
unsafe impl Send for Slab {}
// SAFETY: as above.
unsafe impl Sync for Slab {}

fn base() -> *mut u8 {
    without_provenance_mut(BASE)
}

fn index(block: *mut Block) -> usize {
    (block.addr() - BASE) / 16
}

impl Slab {
    fn new(blocks: usize) -> Slab {
        Slab {
            remote: Remote::new(),
            links: (0..blocks).map(|_| UnsafeCell::new(null_mut())).collect(),
            taken: UnsafeCell::new(Vec::new()),
            purges: UnsafeCell::new(0),
        }
    }

    /// Pushes the blocks from `first` on, as a chain.
    fn push(&self, first: usize, count: usize, purge_at: u32) -> Pushed {
        for block in first..first + count - 1 {
            let next = base().wrapping_add((block + 1) * 16).cast();
            // SAFETY: watched: the blocks are ours until they are pushed.
            self.links[block].with_mut(|cell| unsafe { *cell = next });
        }
        let link = |next| {
            // SAFETY: as above.
            self.links[first + count - 1].with_mut(|cell| unsafe { *cell = next });
        };
        // SAFETY: each block of the model is pushed once by its only holder.
        unsafe { self.remote.push(base(), first * 16, count as u32, purge_at, link) }
    }

    /// Touches every block, as a purge or a carve does.
    fn wipe(&self) {
        for link in &self.links {
            // SAFETY: watched: all blocks are dead.
            link.with_mut(|cell| unsafe { *cell = null_mut() });
        }
    }

    /// The owner's side: takes what is there and walks it. Answers false when a purge is under way.
    fn collect(&self, unlist: bool) -> bool {
        match self.remote.take(base(), unlist) {
            Take::Busy => return false,
            Take::Purged => {
                self.wipe();
                // SAFETY: watched.
                self.purges.with_mut(|cell| unsafe { *cell += 1 });
            }
            Take::List { head, count } => {
                let (mut at, mut found) = (head, Vec::new());
                while !at.is_null() {
                    found.push(index(at));
                    // SAFETY: watched.
                    at = self.links[index(at)].with(|cell| unsafe { *cell });
                }
                assert_eq!(found.len(), count as usize, "R2: the length of the list");
                // SAFETY: watched.
                self.taken.with_mut(|cell| unsafe { (*cell).append(&mut found) });
            }
        }
        true
    }

    fn taken(&self) -> Vec<usize> {
        // SAFETY: watched.
        let mut taken = self.taken.with(|cell| unsafe { (*cell).clone() });
        taken.sort_unstable();
        taken
    }

    fn purges(&self) -> usize {
        // SAFETY: watched.
        self.purges.with(|cell| unsafe { *cell })
    }
}

/// An owner and its slabs.
struct Heap {
    notified: Notified<Slab>,
    standing: Standing,
    slabs: Vec<Slab>,
    /// What only the holder touches.
    drains: UnsafeCell<usize>,
}
// SAFETY: the cells are watched by the checker.
unsafe impl Send for Heap {}
// SAFETY: as above.
unsafe impl Sync for Heap {}

impl Heap {
    fn new(slabs: usize, blocks: usize) -> Arc<Heap> {
        Arc::new(Heap {
            notified: Notified::new(),
            standing: Standing::new(),
            slabs: (0..slabs).map(|_| Slab::new(blocks)).collect(),
            drains: UnsafeCell::new(0),
        })
    }

    fn free(&self, slab: usize, block: usize, purge_at: u32) -> bool {
        self.send_home(slab, block, 1, purge_at)
    }

    /// As `Engine::push_home` and `Engine::notify`.
    fn send_home(&self, slab: usize, first: usize, count: usize, purge_at: u32) -> bool {
        let slab = &self.slabs[slab];
        let pushed = slab.push(first, count, purge_at);
        if pushed.purge {
            slab.wipe();
            slab.remote.end_purge();
            self.standing.insist(&self.notified, || self.drain().1);
        }
        if pushed.notify {
            self.notify(slab);
        }
        pushed.notify
    }

    fn notify(&self, slab: &Slab) {
        self.notified.push((&raw const *slab).cast_mut(), &slab.remote.next);
        if self.standing.is_orphan() {
            self.help();
        }
    }

    fn help(&self) {
        self.standing.help(&self.notified, || self.drain().1);
    }

    /// As `Engine::drain`: what is being purged waits in the list. Answers how many slabs were in it, and whether
    /// one could be taken in.
    fn drain(&self) -> (usize, bool) {
        // SAFETY: watched: only the holder is here.
        self.drains.with_mut(|cell| unsafe { *cell += 1 });
        let (mut at, mut count, mut done) = (self.notified.take_all(), 0, false);
        // SAFETY: slabs live as long as their heap.
        while let Some(slab) = unsafe { at.as_ref() } {
            at = AtomicPtr::load(&slab.remote.next, Ordering::Relaxed);
            if slab.collect(true) {
                (count, done) = (count + 1, true);
            } else {
                self.notified.push((&raw const *slab).cast_mut(), &slab.remote.next);
            }
        }
        (count, done)
    }
}

/// Two push, the owner takes meanwhile: no block is lost or comes twice, and the slab is listed once at a time.
#[test]
fn loom_blocks_arrive_once() {
    loom::model(|| {
        let heap = Heap::new(1, 4);
        let pushers: Vec<_> = (0..2)
            .map(|who| {
                let heap = heap.clone();
                thread::spawn(move || {
                    usize::from(heap.free(0, who, 0)) + usize::from(heap.free(0, 2 + who, 0))
                })
            })
            .collect();
        let mut listings = heap.drain().0;
        heap.slabs[0].collect(false);
        let notices: usize = pushers.into_iter().map(|pusher| pusher.join().unwrap()).sum();
        listings += heap.drain().0;
        assert_eq!(notices, listings, "R3: one notice for each listing");
        assert!(!heap.slabs[0].remote.is_listed() && heap.slabs[0].remote.is_empty());
        assert_eq!(heap.slabs[0].taken(), [0, 1, 2, 3]);
    });
}

/// A chain and a single block come home while the owner takes; what makes the slab whole purges it, chain or not.
#[test]
fn loom_a_chain_comes_home_whole() {
    loom::model(|| {
        let heap = Heap::new(1, 3);
        let chain = {
            let heap = heap.clone();
            thread::spawn(move || heap.send_home(0, 0, 2, 3))
        };
        let single = {
            let heap = heap.clone();
            thread::spawn(move || heap.free(0, 2, 3))
        };
        heap.drain();
        chain.join().unwrap();
        single.join().unwrap();
        heap.drain();
        let (taken, purges) = (heap.slabs[0].taken(), heap.slabs[0].purges());
        assert!(
            (taken == [0, 1, 2] && purges == 0) || (taken.is_empty() && purges == 1),
            "blocks {taken:?} and {purges} purges"
        );
        assert!(!heap.slabs[0].remote.is_listed() && heap.slabs[0].remote.is_empty());
    });
}

/// The last of two blocks makes its pusher purge the slab, while the owner takes.
#[test]
fn loom_a_purge_and_its_owner_do_not_meet() {
    loom::model(|| {
        let heap = Heap::new(1, 2);
        let pushers: Vec<_> = (0..2)
            .map(|who| {
                let heap = heap.clone();
                thread::spawn(move || heap.free(0, who, 2))
            })
            .collect();
        heap.drain();
        heap.slabs[0].collect(false);
        pushers.into_iter().for_each(|pusher| {
            pusher.join().unwrap();
        });
        heap.drain();
        let (taken, purges) = (heap.slabs[0].taken(), heap.slabs[0].purges());
        assert!(
            (taken == [0, 1] && purges == 0) || (taken.is_empty() && purges == 1),
            "blocks {taken:?} and {purges} purges"
        );
        assert!(!heap.slabs[0].remote.is_listed() && heap.slabs[0].remote.is_empty());
    });
}

/// The owner ends while two free its blocks: whoever comes last takes them in.
#[test]
fn loom_nothing_stays_with_an_orphan() {
    loom::model(|| {
        let heap = Heap::new(2, 1);
        let pushers: Vec<_> = (0..2)
            .map(|who| {
                let heap = heap.clone();
                thread::spawn(move || heap.free(who, 0, 0))
            })
            .collect();
        // As `Engine::orphan`.
        heap.drain();
        heap.standing.give_up();
        heap.help();
        pushers.into_iter().for_each(|pusher| assert!(pusher.join().unwrap()));
        assert!(heap.notified.is_empty() && heap.standing.is_orphan());
        assert!(heap.standing.claim(OWNED), "an orphan can be adopted");
        assert!(heap.slabs.iter().all(|slab| slab.taken() == [0]), "a block waits for nobody");
    });
}

/// The owner ends while the last of its blocks makes another purge the slab: nobody waits for anybody, and still
/// the slab comes home.
#[test]
fn loom_a_purged_slab_does_not_stay_with_an_orphan() {
    loom::model(|| {
        let heap = Heap::new(1, 2);
        assert!(heap.free(0, 0, 0));
        let purger = {
            let heap = heap.clone();
            thread::spawn(move || heap.free(0, 1, 2))
        };
        // As `Engine::orphan`.
        heap.drain();
        heap.standing.give_up();
        heap.help();
        purger.join().unwrap();
        assert!(heap.notified.is_empty(), "the slab waits for nobody");
        assert!(heap.standing.claim(OWNED));
        let (taken, purges) = (heap.slabs[0].taken(), heap.slabs[0].purges());
        assert!((taken == [0, 1] && purges == 0) || (taken.is_empty() && purges == 1));
    });
}

/// A new thread adopts the orphan while others free its blocks: they reach somebody who looks.
#[test]
fn loom_an_adopter_gets_what_helpers_leave() {
    loom::model(|| {
        let heap = Heap::new(1, 2);
        heap.standing.give_up();
        let pusher = {
            let heap = heap.clone();
            thread::spawn(move || (heap.free(0, 0, 0), heap.free(0, 1, 0)))
        };
        let adopter = {
            let heap = heap.clone();
            thread::spawn(move || {
                let adopted = heap.standing.claim(OWNED);
                if adopted {
                    heap.drain();
                    heap.standing.give_up();
                    heap.help();
                }
            })
        };
        pusher.join().unwrap();
        adopter.join().unwrap();
        assert!(heap.notified.is_empty());
        assert!(heap.standing.claim(OWNED));
        assert_eq!(heap.slabs[0].taken(), [0, 1]);
    });
}
