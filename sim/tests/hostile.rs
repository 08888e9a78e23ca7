//! Whole brokers: requests that are nearly right, and files that are nearly what was written, end in an answer, a closed connection
//! or a node that says why it stops; never in a panic.

mod golden;

use bytes::Bytes;
use esker_core::batch::Batches;
use esker_core::io::FileName;
use esker_sim::client::Desk;
use esker_sim::disk::Loss;
use esker_sim::net::{DOOR_BROKER, DOOR_CONTROLLER};
use esker_sim::script::plan;
use esker_sim::trace::Keep;
use esker_sim::world::World;
use golden::{Frames, edited, fuzz};

const MS: u64 = 1_000;

fn pass(world: &mut World, ms: u64) {
    let until = world.now + ms * MS;
    world.advance(until);
}

/// A broker of its own that has taken these frames, each of which its clients sent in another world.
fn node(frames: &[(u8, Bytes)]) -> World {
    let desk = Desk::default();
    let mut world = World::by_hand(plan(1, 1, &[]), Keep::Nothing, &desk);
    world.expect_bad_frames();
    world.start(0);
    pass(&mut world, 30);
    for (door, frame) in frames {
        desk.throw(0, *door, frame.clone());
        world.wake_desk();
        pass(&mut world, 5);
    }
    assert!(world.failure.is_none(), "{:?}", world.failure);
    world
}

fn door(listener: esker_core::io::Listener) -> u8 {
    match listener {
        esker_core::io::Listener::Broker => DOOR_BROKER,
        esker_core::io::Listener::Controller => DOOR_CONTROLLER,
    }
}

#[test]
fn requests() {
    // Without the empty ones: here what goes deep is looked for.
    let frames: Vec<(u8, Bytes)> =
        Frames::golden().requests.into_iter().map(|(listener, frame)| (door(listener), frame)).collect();
    node(&frames);
    fuzz(300, |input| {
        let chosen = input.iter().map(|(which, edits)| {
            let (door, frame) = &frames[which % frames.len()];
            (*door, Bytes::from(edited(frame, edits)))
        });
        node(&chosen.collect::<Vec<_>>());
    });
}

/// A broker that has written something of everything, and stopped.
fn written(clean: bool) -> World {
    let frames = Frames::golden().requests;
    let first: Vec<(u8, Bytes)> =
        frames.into_iter().take(120).map(|(listener, frame)| (door(listener), frame)).collect();
    let mut world = node(&first);
    if clean {
        world.tell(0, esker_core::io::Input::Stop);
        pass(&mut world, 3_000);
    }
    world.end(0, Loss::Nothing, true);
    world
}

/// Files of all folders.
fn files(world: &World) -> Vec<(String, FileName, Vec<u8>)> {
    let disk = &world.nodes[0].disk;
    let mut files = Vec::new();
    for name in disk.names() {
        let Some(folder) = disk.named(name) else { continue };
        for (file, len) in folder.list() {
            let bytes = folder.file(file).map(|known| known.read(0, len as u32).to_vec()).unwrap_or_default();
            files.push((name.to_string(), file, bytes));
        }
    }
    files
}

/// The leader epoch of a batch of the metadata is not under its checksum: if it falls, a node says why it stops.
#[test]
fn epochs_that_nobody_wrote() {
    /// Where the epoch stands in a batch.
    const EPOCH: usize = 12;
    let files = files(&written(false));
    let mut tried = 0;
    for (folder, name, bytes) in files.iter().filter(|(_, name, _)| matches!(name, FileName::Log(_))) {
        let places: Vec<usize> =
            Batches::of(bytes).map(|(_, batch)| batch.as_ptr() as usize - bytes.as_ptr() as usize).collect();
        for at in places.into_iter().take(8) {
            for epoch in [-5, 0, 7, 1_000, i32::MAX] {
                tried += 1;
                let mut changed = bytes.clone();
                changed[at + EPOCH..at + EPOCH + 4].copy_from_slice(&epoch.to_be_bytes());
                restart(&files, &[(folder, *name, changed)]);
            }
        }
    }
    assert!(tried > 8, "there are batches in the logs");
}

/// A node over these files, some of them changed: it starts twice.
fn restart(files: &[(String, FileName, Vec<u8>)], changes: &[(&String, FileName, Vec<u8>)]) {
    let desk = Desk::default();
    let mut world = World::by_hand(plan(1, 1, &[]), Keep::Nothing, &desk);
    for (folder, name, bytes) in files {
        world.nodes[0].disk.put(folder, *name, bytes);
    }
    for (folder, name, bytes) in changes {
        world.nodes[0].disk.put(folder, *name, bytes);
    }
    world.expect_loss();
    world.start(0);
    pass(&mut world, 1_500);
    world.end(0, Loss::Nothing, true);
    world.start(0);
    pass(&mut world, 300);
    assert!(world.failure.is_none(), "{:?}", world.failure);
}

#[test]
fn data_folders() {
    let images = [files(&written(true)), files(&written(false))];
    assert!(images.iter().all(|files| files.len() > 8), "a data folder has files");
    fuzz(1_200, |input| {
        let files = &images[input.len() % 2];
        let changed = input.iter().take(2).map(|(which, edits)| {
            let (folder, name, bytes) = &files[which % files.len()];
            (folder, *name, edited(bytes, edits))
        });
        restart(files, &changed.collect::<Vec<_>>());
    });
}
