//! The allocator under a whole Rust program: collections, threads, alignments, limits.

#![allow(unsafe_code)]

use heapwright::{Counter, Heapwright};
use std::alloc::{GlobalAlloc, Layout};
use std::collections::{BTreeMap, HashMap};
use std::sync::mpsc;
use std::thread;

#[global_allocator]
static GLOBAL: Heapwright = Heapwright;

#[test]
fn collections_keep_what_they_are_given() {
    let mut tree = BTreeMap::new();
    let mut table = HashMap::new();
    for i in 0..50_000u64 {
        tree.insert(i.wrapping_mul(0x9e37_79b9_7f4a_7c15), vec![i; (i % 50) as usize]);
        table.insert(i.to_string(), i);
    }
    for i in (0..50_000u64).step_by(3) {
        tree.remove(&i.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        table.remove(&i.to_string());
    }
    assert!(tree.values().all(|list| list.iter().all(|&x| list.len() as u64 == x % 50)));
    assert!(table.iter().all(|(key, &value)| key.parse() == Ok(value)));
}

#[test]
fn blocks_cross_threads_and_threads_end() {
    let (send, receive) = mpsc::channel::<Vec<u32>>();
    let makers: Vec<_> = (0..8u32)
        .map(|id| {
            let send = send.clone();
            thread::spawn(move || {
                for i in 0..2_000u32 {
                    send.send(vec![id * 10_000 + i; 1 + (i % 300) as usize]).unwrap();
                }
            })
        })
        .collect();
    drop(send);
    let mut lists = 0;
    for list in receive {
        assert!(list.iter().all(|&x| x == list[0]));
        lists += 1;
    }
    assert_eq!(lists, 16_000);
    for maker in makers {
        maker.join().unwrap();
    }
}

#[test]
fn every_alignment_and_size_is_obeyed() {
    for shift in 0..=21 {
        for size in [1usize, 7, 16, 33, 100, 1000, 5000, 70_000, 3 << 20] {
            let layout = Layout::from_size_align(size, 1 << shift).unwrap();
            // SAFETY: the layout has a size; the block is used within it and freed with it.
            unsafe {
                let block = GLOBAL.alloc_zeroed(layout);
                assert!(!block.is_null() && block.addr().is_multiple_of(layout.align()), "{layout:?}");
                assert!((0..size).all(|i| *block.add(i) == 0), "{layout:?}");
                block.write_bytes(0xa5, size);
                let grown = GLOBAL.realloc(block, layout, size * 2);
                assert!(!grown.is_null() && grown.addr().is_multiple_of(layout.align()), "{layout:?}");
                assert!((0..size).all(|i| *grown.add(i) == 0xa5), "{layout:?}");
                GLOBAL.dealloc(grown, Layout::from_size_align(size * 2, 1 << shift).unwrap());
            }
        }
    }
}

#[test]
fn too_much_is_refused_and_nothing_is_lost() {
    let layout = Layout::from_size_align(isize::MAX as usize - 4096, 16).unwrap();
    // SAFETY: the layout has a size.
    assert!(unsafe { GLOBAL.alloc(layout) }.is_null());
    let mut list: Vec<u8> = vec![7; 1000];
    assert!(list.try_reserve(isize::MAX as usize - 5000).is_err());
    assert!(list.iter().all(|&x| x == 7));
}

#[test]
fn a_vector_that_doubles_keeps_its_contents() {
    let mut list: Vec<u64> = Vec::new();
    for i in 0..(32u64 << 20) / 8 {
        list.push(i);
    }
    assert!(list.iter().enumerate().all(|(i, &x)| i as u64 == x));
    assert!(heapwright::count(Counter::Remaps) > 0, "a doubling vector is moved by its pages");
}
