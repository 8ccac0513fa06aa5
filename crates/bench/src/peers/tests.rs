//! See mod.rs.

use super::*;

/// Builds every peer into the folder that `HEAPWRIGHT_PEERS` names, with the program that `HEAPWRIGHT_LOAD` names.
#[test]
#[ignore = "builds every peer"]
fn gathers_every_peer() {
    let folder =
        std::env::var_os("HEAPWRIGHT_PEERS").map(PathBuf::from).expect("HEAPWRIGHT_PEERS names a folder");
    let load =
        std::env::var_os("HEAPWRIGHT_LOAD").map(PathBuf::from).expect("HEAPWRIGHT_LOAD names a program");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the tree").to_owned();
    let (peers, missing) = gather(&root, &folder, &load, &|text| println!("{text}"));
    for peer in &peers {
        println!("{:#?}", peer);
    }
    println!("{missing:#?}");
}
