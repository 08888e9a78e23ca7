//! Offsets that nobody has needed for long (KIP-211).

use super::*;

const DAY: u64 = 24 * 3_600_000;

fn world() -> World {
    World::new(|settings| settings.offsets_retention = crate::time::Span::from_millis(7 * DAY))
}

#[test]
fn without_membership_an_offset_expires_after_its_own_commit_and_the_group_with_its_last_one() {
    let mut world = world();
    world.commit("", -1, 1);
    world.wait(4 * DAY);
    let hold = world.send_commit(&commit_request(GROUP, "", -1, "u", 0, 1));
    world.committed(hold);
    world.wait(3 * DAY + 600_000);
    assert_eq!((world.offset(), world.state()), (-1, "Empty"));
    world.wait(4 * DAY + 600_000);
    assert_eq!(world.state(), "Dead");
}

#[test]
fn a_group_that_had_members_keeps_its_offsets_from_when_it_became_empty() {
    let mut world = world();
    let (ids, generation) = world.stable(1);
    assert_eq!(world.commit(&ids[0], generation, 1), 0);
    for _ in 0..8 * 24 * 3_600 / 9 {
        world.wait(9_000);
        world.heartbeat(&ids[0], generation);
    }
    assert_eq!(world.offset(), 1, "what a member reads is kept");
    world.leave(&ids[0], None);
    world.wait(7 * DAY - 600_000);
    assert_eq!(world.offset(), 1);
    world.wait(1_200_000);
    assert_eq!(world.state(), "Dead");
}

#[test]
fn what_no_member_reads_expires_though_the_group_lives() {
    let mut world = world();
    let hold = world.send_commit(&commit_request(GROUP, "", -1, "u", 0, 1));
    world.committed(hold);
    let (ids, generation) = world.stable(1);
    world.commit(&ids[0], generation, 1);
    for _ in 0..8 * 24 * 3_600 / 9 {
        world.wait(9_000);
        world.heartbeat(&ids[0], generation);
    }
    let hold = world.send_fetch(&[fetch_request(GROUP, None)]);
    let told = world.fetched(hold);
    let topics: Vec<_> = told.groups[0].topics.iter().map(|topic| topic.name.as_str()).collect();
    assert_eq!((topics.as_slice(), world.state()), (&["t"][..], "Stable"));
}

#[test]
fn an_old_client_says_how_long_its_offset_is_kept() {
    let mut world = world();
    let hold = world.send_commit(&commit_request(GROUP, "", -1, "t", 0, 1).with_retention_time_ms(3_600_000));
    world.committed(hold);
    world.wait(3_000_000);
    assert_eq!(world.offset(), 1);
    world.wait(1_200_000);
    assert_eq!(world.state(), "Dead");
}

#[test]
fn an_empty_group_without_offsets_goes_at_the_next_look() {
    let mut world = world();
    let (ids, _) = world.stable(1);
    world.leave(&ids[0], None);
    assert_eq!(world.state(), "Empty");
    world.wait(600_000);
    assert_eq!(world.state(), "Dead");
}

#[test]
fn many_expired_offsets_go_in_batches_that_a_log_takes() {
    let mut world = world();
    let mut request = commit_request(GROUP, "", -1, &"t".repeat(249), 0, 1);
    let one = request.topics[0].partitions[0].clone();
    request.topics[0].partitions = (0..2_500).map(|index| one.clone().with_partition_index(index)).collect();
    let hold = world.send_commit(&request);
    world.committed(hold);
    world.wait(7 * DAY + 600_000);
    assert_eq!(world.state(), "Dead");
    assert_eq!(world.logs[&0].len(), 2_500 * 2 + 1);
}
