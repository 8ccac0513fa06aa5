//! The real system keeps the protocol that the fake keeps.

#![cfg(target_os = "linux")]

use heapwright_os::linux::Mmap;
use heapwright_testkit::{FaultPlan, Faulty, page_source_suite};

#[test]
fn linux_passes_the_suite() {
    page_source_suite(&Mmap::new());
}

#[test]
fn linux_behind_a_fault_plan_passes_the_suite() {
    let plan = FaultPlan::none();
    page_source_suite(&Faulty::new(Mmap::new(), plan.clone()));
    assert!(plan.calls() > 100 && !plan.struck());
}

#[test]
fn linux_with_refused_purges_passes_the_suite() {
    let plan = FaultPlan::none();
    plan.refuse_purge(true);
    page_source_suite(&Faulty::new(Mmap::new(), plan.clone()));
    assert!(plan.purges() > 0);
}
