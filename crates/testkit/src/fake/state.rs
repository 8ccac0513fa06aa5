//! The reservations of a fake, live and dead, and the rules between them.
//!
//! # Invariants
//! I1  `live` is keyed by first address; the footprints of two reservations never overlap.
//! I2  A wholly released reservation waits in `dead`, its bytes known, until it is compared and forgotten.

#![allow(unsafe_code)]

use super::log::{Call, Log, Verb};
use super::reservation::{Memory, PageState, Reservation};
use super::{Leak, Leaks};
use crate::Rng;
use heapwright_base::{Align, Bytes};
use heapwright_os::{PageRun, Zeros};
use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

/// Bytes of released reservations kept to be compared later.
const KEPT: usize = 8 << 20;
/// Reservations up to this size come in a shuffled order.
const SHUFFLED: usize = 1 << 20;

#[derive(Debug)]
pub(super) struct State {
    page: usize,
    rng: Rng,
    live: BTreeMap<usize, Reservation>,
    dead: VecDeque<Reservation>,
    committed: usize,
    peak: usize,
    pub(super) log: Log,
    pool: Option<Pool>,
}

/// Memory in which reservations lie side by side.
#[derive(Debug)]
struct Pool {
    memory: Memory,
    next: usize,
}

impl State {
    pub(super) fn new(page: usize, seed: u64, touching: usize) -> State {
        let pool = (touching > 0).then(|| {
            let memory = Memory::zeroed(touching).expect("memory for the pool of touching reservations");
            Pool { memory, next: 0 }
        });
        State {
            page,
            rng: Rng::new(seed),
            live: BTreeMap::new(),
            dead: VecDeque::new(),
            committed: 0,
            peak: 0,
            log: Log::default(),
            pool,
        }
    }

    pub(super) fn note(&mut self, verb: Verb, addr: usize, len: usize, granted: bool) {
        self.log.note(Call { verb, addr, len, granted });
    }

    pub(super) fn reserved(&self) -> usize {
        self.live.values().map(Reservation::len).sum()
    }

    pub(super) fn committed(&self) -> usize {
        self.committed
    }

    pub(super) fn peak(&self) -> usize {
        self.peak
    }

    pub(super) fn purged(&self) -> usize {
        let states = self.live.values().flat_map(|it| it.states(0..it.len() / self.page));
        states.filter(|&&state| state == PageState::Purged).count() * self.page
    }

    pub(super) fn page_state(&self, addr: usize) -> Option<PageState> {
        let (_, it) = self.live.range(..=addr).next_back()?;
        let page = (addr - it.addr()) / self.page;
        (page < it.len() / self.page).then(|| it.states(page..page + 1)[0])
    }

    pub(super) fn leaks(&self) -> Leaks {
        let leak = |it: &Reservation| Leak { addr: it.addr(), reserved: it.len(), committed: it.committed() };
        Leaks(self.live.values().map(leak).collect())
    }

    fn count(&mut self, more: usize, less: usize) {
        self.committed = self.committed + more - less;
        self.peak = self.peak.max(self.committed);
    }

    /// The reservation that holds `run`, and the indices of its pages.
    fn find(&mut self, run: PageRun) -> Result<(&mut Reservation, Range<usize>), String> {
        let none = || "the run is not in one live reservation".to_owned();
        let (_, it) = self.live.range_mut(..=run.addr()).next_back().ok_or_else(none)?;
        let range = it.range(run.addr(), run.len.0).ok_or_else(none)?;
        Ok((it, range))
    }

    /// `find`, for a run that must be usable.
    fn find_usable(&mut self, run: PageRun) -> Result<(&mut Reservation, Range<usize>), String> {
        let (it, range) = self.find(run)?;
        if it.states(range.clone()).iter().all(|state| state.usable()) {
            return Ok((it, range));
        }
        Err("a page of the run is not committed".to_owned())
    }

    pub(super) fn reserve(&mut self, len: usize, align: Align, zeros: Zeros) -> Option<PageRun> {
        let align = Align::new(align.bytes().max(self.page))?;
        let it = match self.take_from_pool(len, align, zeros) {
            Some(it) => it,
            None => self.take_from_system(len, align, zeros)?,
        };
        let run = PageRun { start: it.start(), len: Bytes(len) };
        self.live.insert(it.addr(), it);
        Some(run)
    }

    fn take_from_pool(&mut self, len: usize, align: Align, zeros: Zeros) -> Option<Reservation> {
        let page = self.page;
        let pool = self.pool.as_mut()?;
        let offset = pool.memory.aligned(pool.next, align)?;
        let end = offset.checked_add(len).filter(|&end| end <= pool.memory.len())?;
        pool.next = end;
        // SAFETY: `offset` lies in the pool.
        let start = unsafe { pool.memory.start().add(offset) };
        Some(Reservation::new(start, len, len, page, zeros, None))
    }

    fn take_from_system(&mut self, len: usize, align: Align, zeros: Zeros) -> Option<Reservation> {
        // Decoys that are freed at once make the order of addresses differ from seed to seed.
        let decoys: Vec<_> = (0..if len <= SHUFFLED { self.rng.below(3) } else { 0 })
            .map_while(|_| Memory::zeroed(len + align.bytes()))
            .collect();
        let slack = if len <= SHUFFLED { self.rng.below(4) * align.bytes() } else { 0 };
        let room = len.checked_add(align.bytes())?.checked_add(slack)?;
        let memory = Memory::zeroed(room)?;
        drop(decoys);
        let skip = if slack == 0 { 0 } else { self.rng.below(slack / align.bytes() + 1) * align.bytes() };
        let offset = memory.aligned(skip, align)?;
        let capacity = (memory.len() - offset) / self.page * self.page;
        // SAFETY: `room` has place for the alignment and the slack.
        let start = unsafe { memory.start().add(offset) };
        Some(Reservation::new(start, len, capacity, self.page, zeros, Some(memory)))
    }

    pub(super) fn commit(&mut self, run: PageRun, granted: bool) -> Result<(), String> {
        let (it, range) = self.find(run)?;
        if it.states(range.clone()).iter().any(|&state| state != PageState::Reserved) {
            return Err("a page of the run is committed already".to_owned());
        }
        if granted {
            it.commit(range)?;
            self.count(run.len.0, 0);
        }
        Ok(())
    }

    pub(super) fn purge(&mut self, run: PageRun, refuse: bool) -> Result<(), String> {
        let (it, range) = self.find_usable(run)?;
        it.purge(range, refuse);
        Ok(())
    }

    pub(super) fn release(&mut self, run: PageRun) -> Result<(), String> {
        let page = self.page;
        let (it, range) = self.find(run)?;
        if range.end != it.len() / page {
            return Err("the run is neither a whole reservation nor the tail of one".to_owned());
        }
        let usable = it.states(range.clone()).iter().filter(|state| state.usable()).count();
        it.release_tail(range.start)?;
        let addr = it.addr();
        self.count(0, usable * page);
        if range.start == 0 {
            self.retire(addr)?;
        }
        Ok(())
    }

    fn retire(&mut self, addr: usize) -> Result<(), String> {
        self.dead.extend(self.live.remove(&addr));
        while self.dead.iter().map(Reservation::footprint).sum::<usize>() > KEPT {
            if let Some(oldest) = self.dead.pop_front() {
                oldest.check_released()?;
            }
        }
        Ok(())
    }

    /// The reservation that is `run`, neither more nor less.
    fn find_whole(&mut self, run: PageRun) -> Result<&mut Reservation, String> {
        let page = self.page;
        let (it, range) = self.find(run)?;
        if range != (0..it.len() / page) {
            return Err("the run is not a whole reservation".to_owned());
        }
        Ok(it)
    }

    /// Answers whether it is done.
    pub(super) fn resize(&mut self, run: PageRun, len: usize, granted: bool) -> Result<bool, String> {
        let page = self.page;
        self.find_usable(run)?;
        let it = self.find_whole(run)?;
        if !granted {
            return Ok(false);
        }
        if len < run.len.0 {
            it.release_tail(len / page)?;
            self.count(0, run.len.0 - len);
        } else if it.grow(len)? {
            self.count(len - run.len.0, 0);
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    pub(super) fn transfer(&mut self, run: PageRun, to: PageRun, granted: bool) -> Result<(), String> {
        self.find_usable(run)?;
        self.find_whole(run)?;
        let target = self.find_whole(to).map_err(|text| format!("destination {:#x}: {text}", to.addr()))?;
        if target.committed() != 0 || to.len < run.len {
            return Err(format!("destination {:#x} is committed or too short", to.addr()));
        }
        if granted {
            self.commit(to, true)?;
            let old = self.find_whole(run)?;
            // SAFETY: `to` is another reservation, committed and at least as long.
            unsafe { old.copy_out(0, to.start.as_ptr(), run.len.0) };
            self.release(run)?;
        }
        Ok(())
    }

    pub(super) fn shift(&mut self, from: PageRun, to: PageRun, granted: bool) -> Result<(), String> {
        self.find_usable(to).map_err(|text| format!("destination {:#x}: {text}", to.addr()))?;
        let disjoint = from.addr() + from.len.0 <= to.addr() || to.addr() + to.len.0 <= from.addr();
        if from.len != to.len || !disjoint {
            return Err(format!("it and {:#x}..+{:#x} differ in length or overlap", to.addr(), to.len.0));
        }
        let (it, range) = self.find_usable(from)?;
        if granted {
            // SAFETY: both runs are live, of equal length and disjoint.
            unsafe { it.copy_out(range.start, to.start.as_ptr(), from.len.0) };
            it.purge(range, false);
        }
        Ok(())
    }

    /// Compares and forgets what was released.
    pub(super) fn bury(&mut self) -> Result<(), String> {
        let dead = std::mem::take(&mut self.dead);
        let live = self.live.values();
        dead.iter().chain(live).try_for_each(Reservation::check_released)
    }

    pub(super) fn forget(&mut self) {
        self.live.clear();
        self.dead.clear();
        self.committed = 0;
    }
}

impl Drop for State {
    fn drop(&mut self) {
        let buried = self.bury();
        self.forget();
        if let (Err(text), false) = (buried, std::thread::panicking()) {
            panic!("{text}");
        }
    }
}
