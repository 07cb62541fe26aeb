//! The disk of the store is full in the middle of a gallery: the command says so and ends, and goes on where there is room.

use std::fs;

use procession_domain::{ContentHash, Key};

use crate::{
    bench::{Bench, assert_exit, files_below},
    small_disk::SmallDisk,
};

#[test]
fn the_same_command_goes_on_when_there_is_room() {
    let bench = Bench::new();
    let originals = bench.fill_card(12);
    let store = bench.path("data/store");
    fs::create_dir_all(&store).unwrap();
    let disk = SmallDisk::mount(&store, 3);
    let output = bench.process(&["--quiet"]).output().unwrap();
    assert_exit(&output, 2);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("is full") && said.contains("run the same command again"), "{said}");
    assert!(!bench.path("out/receipt.json").exists(), "nothing is promised");
    // What is there by its hash is whole: nothing half written has its name.
    let there: Vec<_> = originals.iter().map(|hash| (hash, store.join(Key::Original(*hash).to_string()))).collect();
    let there: Vec<_> = there.into_iter().filter(|(_, path)| path.exists()).collect();
    assert!(!there.is_empty() && there.len() < originals.len(), "{there:?} of {:?}", files_below(&store));
    assert!(there.iter().all(|(hash, path)| ContentHash::of(&fs::read(path).unwrap()) == **hash));

    disk.grow(64);
    assert_exit(&bench.process(&["--quiet"]).output().unwrap(), 0);
    bench.assert_complete(&originals);
    assert!(bench.path("out/receipt.json").exists());
}
