//! Members, failures and time at random; what must hold whatever happens.

use super::super::classic::Group;
use super::super::records::{Entry, Generation};
use super::*;
use alloc::collections::BTreeSet;
use alloc::format;

/// A client of the group: what it believes.
#[derive(Debug, Default)]
struct Client {
    id: String,
    instance: Option<String>,
    generation: i32,
    join: Option<HoldId>,
    sync: Option<HoldId>,
    /// The highest generation it was ever told.
    told: i32,
}

struct Story {
    world: World,
    clients: Vec<Client>,
    rng: Rng,
    /// Coordinators so far: a generation that was not stored is counted again by the next one.
    incarnation: u32,
    /// Leaders and assignments of each generation, as told.
    leaders: BTreeMap<(u32, i32), BTreeSet<String>>,
    owners: BTreeMap<(u32, i32), BTreeMap<String, String>>,
    commits: Vec<(HoldId, i32, i64)>,
    next_offset: i64,
    /// Offsets whose commit was acknowledged, in the order in which they were sent.
    acked: i64,
    trace: Vec<String>,
}

impl Story {
    fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed, 7);
        let mut world = World::new(|settings| settings.group_max_size = 4);
        world.commits = rng.below(2) == 0;
        let clients = (0..5).map(|place| {
            let instance = (place < 2).then(|| format!("i{place}"));
            Client { instance, ..Client::default() }
        });
        Self {
            world,
            clients: clients.collect(),
            rng,
            incarnation: 0,
            leaders: BTreeMap::new(),
            owners: BTreeMap::new(),
            commits: Vec::new(),
            next_offset: 1,
            acked: 0,
            trace: Vec::new(),
        }
    }

    fn step(&mut self, seed: u64) {
        let place = self.rng.below(self.clients.len() as u64) as usize;
        let what = self.rng.below(100);
        self.trace.push(format!("{seed} {place}:{what}"));
        match what {
            0..25 => self.join(place),
            25..45 => self.sync(place),
            45..60 => {
                let (id, generation) = (self.clients[place].id.clone(), self.clients[place].generation);
                self.world.heartbeat(&id, generation);
            }
            60..72 => self.commit(place),
            72..76 => {
                let id = self.clients[place].id.clone();
                self.world.send_leave(&id, None);
            }
            76..79 => {
                // The client's process starts anew.
                let instance = self.clients[place].instance.clone();
                self.clients[place] = Client { instance, ..Client::default() };
            }
            79..90 => {
                let ms = [1, 500, 3_000, 5_000, 10_000, 60_000][self.rng.below(6) as usize];
                self.world.wait(ms);
            }
            90..93 => self.world.commits = !self.world.commits,
            93..96 => self.world.commit_all(),
            96..98 => self.world.refuse = Some(ErrorCode::NotEnoughReplicas),
            _ => self.fail_over(),
        }
        self.hear();
        self.check();
    }

    fn join(&mut self, place: usize) {
        let client = &self.clients[place];
        let mut request = join_request(&client.id).with_group_instance_id(client.instance.as_deref().map(text));
        if self.rng.below(4) == 0 {
            request.protocols.insert(0, protocol("sticky", &["t"]));
        }
        self.world.version = [3, 8, 9][self.rng.below(3) as usize];
        let hold = self.world.send_join(&request);
        self.clients[place].join = Some(hold);
    }

    fn sync(&mut self, place: usize) {
        let client = &self.clients[place];
        let all: Vec<String> =
            self.clients.iter().map(|client| client.id.clone()).filter(|id| !id.is_empty()).collect();
        // A leader gives each member a partition of its own, which is named after the generation, too.
        let given: Vec<(String, String)> =
            all.iter().map(|id| (id.clone(), format!("{}/{id}", client.generation))).collect();
        let given: Vec<(&str, &str)> = given.iter().map(|(id, what)| (id.as_str(), what.as_str())).collect();
        let hold = self.world.sync(&client.id, client.generation, &given);
        self.clients[place].sync = Some(hold);
    }

    fn commit(&mut self, place: usize) {
        let client = &self.clients[place];
        let generation = if self.rng.below(3) == 0 { client.generation - 1 } else { client.generation };
        let hold = self.world.send_commit(&commit_request(GROUP, &client.id, generation, "t", 0, self.next_offset));
        let now = self.world.generation();
        if let Some(ResponseKind::OffsetCommit(answer)) = self.world.replies.get(&hold)
            && answer.topics[0].partitions[0].error_code == 0
        {
            assert!(generation == now || generation < 0, "a commit of generation {generation} in {now}");
        }
        self.commits.push((hold, generation, self.next_offset));
        self.next_offset += 1;
    }

    /// Another node takes over, with all that was committed and, at random, some of what was not.
    fn fail_over(&mut self) {
        let watermark = self.world.watermarks.get(&0).copied().unwrap_or(0);
        if let Some(log) = self.world.logs.get_mut(&0) {
            let extra = self.rng.below(3) as i64;
            log.retain(|(at, _)| at.0 < watermark + extra);
        }
        self.world.load(0);
        self.world.commit_all();
        self.hear();
        self.incarnation += 1;
        for client in &mut self.clients {
            client.told = 0;
        }
    }

    fn hear(&mut self) {
        for client in &mut self.clients {
            if let Some(hold) = client.join
                && let Some(ResponseKind::JoinGroup(answer)) = self.world.replies.remove(&hold)
            {
                client.join = None;
                if answer.error_code == 0 {
                    assert!(answer.generation_id >= client.told, "generations only rise: {:?}", self.trace);
                    client.told = answer.generation_id;
                    client.id = answer.member_id.to_string();
                    client.generation = answer.generation_id;
                    let leads = answer.leader == answer.member_id;
                    if leads {
                        self.leaders
                            .entry((self.incarnation, answer.generation_id))
                            .or_default()
                            .insert(client.id.clone());
                    }
                } else if answer.error_code == ErrorCode::MemberIdRequired.code() {
                    client.id = answer.member_id.to_string();
                } else if answer.error_code == ErrorCode::UnknownMemberId.code() {
                    client.id.clear();
                    client.told = 0;
                }
            }
            if let Some(hold) = client.sync
                && let Some(ResponseKind::SyncGroup(answer)) = self.world.replies.remove(&hold)
            {
                client.sync = None;
                if answer.error_code == 0 && !answer.assignment.is_empty() {
                    let what = core::str::from_utf8(&answer.assignment).expect("text").to_string();
                    let owners = self.owners.entry((self.incarnation, client.generation)).or_default();
                    let before =
                        owners.insert(what.clone(), client.instance.clone().unwrap_or_else(|| client.id.clone()));
                    let same =
                        before.is_none_or(|before| Some(&before) == client.instance.as_ref() || before == client.id);
                    assert!(same, "{what} has two owners in generation {}: {:?}", client.generation, self.trace);
                }
            }
        }
        let (world, acked) = (&mut self.world, &mut self.acked);
        self.commits.retain(|(hold, _, offset)| match world.replies.remove(hold) {
            Some(ResponseKind::OffsetCommit(answer)) => {
                if answer.topics[0].partitions[0].error_code == 0 {
                    *acked = (*acked).max(*offset);
                }
                false
            }
            Some(other) => panic!("{other:?}"),
            None => true,
        });
    }

    fn check(&mut self) {
        self.world.groups.check();
        // What was acknowledged is not lost, and nothing older takes its place.
        let kept = self
            .world
            .groups
            .active()
            .next()
            .and_then(|shard| shard.offsets.get(&text(GROUP), &text("t"), 0).map(|kept| kept.committed.offset));
        assert!(
            kept.unwrap_or(0) >= self.acked,
            "offset {} was acknowledged, {kept:?} is kept: {:?}",
            self.acked,
            self.trace
        );
        assert_eq!(self.durable(), self.reloaded(), "what the log says is not what is here: {:?}", self.trace);
    }

    /// Offsets and generations as a coordinator that read the whole log has them.
    fn reloaded(&self) -> (super::super::offsets::Offsets, BTreeMap<StrBytes, Generation>) {
        let mut other = Groups::new(Settings { topic_partitions: 1, ..Settings::default() }, Rng::new(2, 2));
        drop(other.on_leader(self.world.now, 0, LeaderEpoch(1)));
        other.on_loaded_batches(self.world.now, 0, &self.world.batches(0));
        drop(other.on_load_done(self.world.now, 0, Offset(0)));
        let shard = other.active().next().expect("loaded");
        (shard.offsets.clone(), shard.groups.values().map(|group| (group.id.clone(), stored(group))).collect())
    }

    /// The same, from the records that were applied one by one; generations as they were stored last.
    fn durable(&self) -> (super::super::offsets::Offsets, BTreeMap<StrBytes, Generation>) {
        let shard = self.world.groups.active().next().expect("active");
        let mut groups = BTreeMap::new();
        for (_, record) in self.world.logs.get(&0).into_iter().flatten() {
            match Entry::decode(&record.key, record.value.as_deref()) {
                Ok(Some(Entry::Group { group, value: Some(value) })) => {
                    groups.insert(group, value);
                }
                Ok(Some(Entry::Group { group, value: None })) => {
                    groups.remove(&group);
                }
                Ok(Some(Entry::Offset { .. })) => {}
                other => panic!("{other:?}"),
            }
        }
        // Offsets alone make a simple group.
        for group in shard.offsets.groups() {
            let simple = || stored(&Group::new(group.clone(), self.world.now.wall));
            groups.entry(group.clone()).or_insert_with(simple);
        }
        (shard.offsets.clone(), groups)
    }
}

fn stored(group: &Group) -> Generation {
    let assignment = |id: &StrBytes| group.members.get(id).map(|member| member.assignment.clone()).unwrap_or_default();
    match group.stored(&assignment) {
        Entry::Group { value: Some(value), .. } => value,
        other => panic!("{other:?}"),
    }
}

#[test]
fn whatever_happens() {
    let mut reached = BTreeSet::new();
    for seed in 0..300 {
        let mut story = Story::new(seed);
        for _ in 0..150 {
            story.step(seed);
            reached.insert(story.world.state());
        }
        for (generation, leaders) in &story.leaders {
            // A static leader that starts anew leads on under another id.
            let names: BTreeSet<&str> =
                leaders.iter().map(|id| if id.starts_with('i') { &id[..2] } else { id }).collect();
            assert_eq!(names.len(), 1, "seed {seed}: {generation:?} {leaders:?}");
        }
        story.world.commits = true;
        story.world.commit_all();
        story.world.wait(3_600_000);
        assert!(matches!(story.world.state(), "Empty" | "Dead"), "seed {seed}: silence ends every member");
        story.hear();
        assert!(
            story.clients.iter().all(|client| client.join.is_none() && client.sync.is_none()),
            "seed {seed}: a reply is missing"
        );
    }
    assert_eq!(reached.len(), 5, "{reached:?}");
}
