//! Where the replicas of new partitions go: leaders and replicas evenly over the brokers, replicas over racks
//! (in the spirit of Kafka's `StripedReplicaPlacer`).
//!
//! Each partition takes as its leader the unfenced broker that is the preferred leader of the fewest partitions, and as
//! followers those with the fewest replicas in racks that it does not have yet. Ties go round the ring of brokers, one
//! step further each time round, so that the followers of one leader are not always the same. Fenced brokers come last.

use crate::error::{ErrorCode, Refusal};
use crate::id::NodeId;
use crate::limits::PARTITIONS_MAX;
use crate::metadata::{Image, Text, Topic};
use crate::mutant::{self, Mutant};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// A broker that replicas may be placed on, and what it carries already.
#[derive(Clone, Debug)]
struct Seat {
    id: NodeId,
    rack: Option<Text>,
    fenced: bool,
    leads: usize,
    replicas: usize,
}

/// Places the partitions of one request after the other, and counts what it has placed.
#[derive(Clone, Debug)]
pub struct Placer {
    /// Neighbours are in different racks as far as possible.
    seats: Vec<Seat>,
    placed: usize,
}

impl Placer {
    /// All registered brokers that are not about to stop. One that has stopped is fenced like any other that is down.
    pub fn new(image: &Image) -> Self {
        let usable = image.brokers().filter(|broker| broker.fenced || !broker.leaving);
        let mut seats: Vec<Seat> = usable
            .map(|broker| Seat {
                id: broker.id,
                rack: broker.rack.clone(),
                fenced: broker.fenced,
                leads: 0,
                replicas: 0,
            })
            .collect();
        let nth_of_rack: Vec<usize> = (0..seats.len())
            .map(|at| seats.iter().take(at).filter(|other| other.rack == seats[at].rack).count())
            .collect();
        let mut order: Vec<usize> = (0..seats.len()).collect();
        order.sort_by_key(|at| (nth_of_rack[*at], seats[*at].rack.clone(), seats[*at].id));
        seats = order.into_iter().map(|at| seats[at].clone()).collect();
        let mut placer = Self { seats, placed: 0 };
        for (_, state) in image.topics().flat_map(Topic::each_partition) {
            placer.count(&state.replicas);
        }
        placer
    }

    /// A partition is there, or was placed by hand.
    pub fn count(&mut self, replicas: &[NodeId]) {
        for seat in &mut self.seats {
            if replicas.contains(&seat.id) {
                seat.replicas += 1;
            }
            if replicas.first() == Some(&seat.id) {
                seat.leads += 1;
            }
        }
    }

    /// Whether nobody has more than it can serve.
    ///
    /// # Errors
    /// `POLICY_VIOLATION`, which is what Kafka says of too large a request.
    pub fn check(&self) -> Result<(), Refusal> {
        match self.seats.iter().find(|seat| seat.replicas > PARTITIONS_MAX) {
            Some(Seat { id, .. }) => {
                let why = format!("Broker {id} would have more than {PARTITIONS_MAX} replicas.");
                Err(Refusal::because(ErrorCode::PolicyViolation, why))
            }
            None => Ok(()),
        }
    }

    /// The replicas of a new partition; the first one is unfenced.
    pub fn place(&mut self, replication_factor: i16) -> Result<Vec<NodeId>, Refusal> {
        let wanted = self.possible(replication_factor)?;
        let count = self.seats.len();
        let leader = (0..count)
            .filter(|at| !self.seats[*at].fenced)
            .min_by_key(|at| (if mutant::is(Mutant::PlacedOnOne) { 0 } else { self.seats[*at].leads }, *at));
        let leader = leader.unwrap_or(0);
        // Each time round the ring, the first follower lies one seat further on.
        let first = leader + 1 + self.placed / count;
        let mut chosen = Vec::with_capacity(wanted);
        chosen.push(leader);
        while chosen.len() < wanted {
            let free = (first..first + count).map(|at| at % count).filter(|at| !chosen.contains(at));
            let known = |at: &usize| {
                self.seats[*at].rack.is_some() && chosen.iter().any(|c| self.seats[*c].rack == self.seats[*at].rack)
            };
            let best = free.min_by_key(|at| {
                (
                    self.seats[*at].fenced && !mutant::is(Mutant::FollowersOnFenced),
                    known(at),
                    if mutant::is(Mutant::ReplicasNotSpread) { 0 } else { self.seats[*at].replicas },
                )
            });
            assert!(best.is_some(), "there are as many seats as replicas");
            chosen.extend(best);
        }
        let replicas: Vec<NodeId> = chosen.into_iter().map(|at| self.seats[at].id).collect();
        self.placed += 1;
        self.count(&replicas);
        Ok(replicas)
    }

    fn possible(&self, replication_factor: i16) -> Result<usize, Refusal> {
        let refuse = |why: String| Err(Refusal::because(ErrorCode::InvalidReplicationFactor, why));
        let count = self.seats.len();
        match usize::try_from(replication_factor) {
            Err(_) | Ok(0) => refuse(format!(
                "Invalid replication factor {replication_factor}: the replication factor must be positive."
            )),
            Ok(_) if self.seats.iter().all(|seat| seat.fenced) => refuse("All brokers are currently fenced.".into()),
            Ok(wanted) if wanted > count => refuse(format!(
                "The target replication factor of {wanted} cannot be reached because only {count} broker(s) are registered."
            )),
            Ok(wanted) => Ok(wanted),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controller::fixture::broker;
    use crate::id::Offset;
    use crate::metadata::Record;
    use alloc::collections::{BTreeMap, BTreeSet};

    fn image(brokers: &[(i32, Option<&str>, bool)]) -> Image {
        let mut image = Image::new();
        for (at, (id, rack, fenced)) in (0..).zip(brokers) {
            let mut broker = broker(*id, *fenced);
            broker.rack = rack.map(Text::from);
            image.apply(Offset(at), &Record::Broker(broker));
        }
        image
    }

    #[test]
    fn leaders_and_replicas_are_spread_evenly() {
        let image = image(&[(1, None, false), (2, None, false), (3, None, false), (4, None, false), (5, None, false)]);
        let mut placer = Placer::new(&image);
        let (mut leads, mut holds) = (BTreeMap::new(), BTreeMap::new());
        let mut pairs = BTreeSet::new();
        for _ in 0..100 {
            let replicas = placer.place(3).unwrap();
            assert_eq!(replicas.iter().collect::<BTreeSet<_>>().len(), 3);
            *leads.entry(replicas[0]).or_insert(0) += 1;
            replicas.iter().for_each(|id| *holds.entry(*id).or_insert(0) += 1);
            pairs.insert((replicas[0], replicas[1]));
        }
        assert!(leads.values().all(|count| *count == 20), "{leads:?}");
        assert!(holds.values().all(|count| (59..=61).contains(count)), "{holds:?}");
        assert!(pairs.len() > 10, "the followers of a leader change: {pairs:?}");
    }

    #[test]
    fn replicas_lie_in_different_racks() {
        let image =
            image(&[(1, Some("a"), false), (2, Some("a"), false), (3, Some("b"), false), (4, Some("b"), false)]);
        let mut placer = Placer::new(&image);
        for _ in 0..50 {
            let replicas = placer.place(2).unwrap();
            assert_ne!(replicas[0].0 <= 2, replicas[1].0 <= 2, "{replicas:?}");
        }
        assert_eq!(placer.place(4).unwrap().len(), 4, "with more replicas than racks they share");
    }

    #[test]
    fn fenced_brokers_follow_only_where_they_must() {
        let image = image(&[(1, None, true), (2, None, false), (3, None, false)]);
        let mut placer = Placer::new(&image);
        for _ in 0..10 {
            assert!(!placer.place(2).unwrap().contains(&NodeId(1)));
            let all = placer.place(3).unwrap();
            assert_eq!(all[2], NodeId(1));
        }
    }

    #[test]
    fn what_cannot_be_placed_says_why() {
        let mut placer = Placer::new(&image(&[(1, None, false), (2, None, false)]));
        (0..PARTITIONS_MAX).for_each(|_| placer.count(&[NodeId(2)]));
        assert_eq!(placer.check(), Ok(()));
        placer.count(&[NodeId(2), NodeId(1)]);
        assert_eq!(placer.check().unwrap_err().code, ErrorCode::PolicyViolation);
        let why = |brokers: &[(i32, Option<&str>, bool)], factor| {
            Placer::new(&image(brokers)).place(factor).unwrap_err().message.unwrap()
        };
        assert_eq!(why(&[(1, None, true)], 1), "All brokers are currently fenced.");
        assert_eq!(
            why(&[(1, None, false)], 2),
            "The target replication factor of 2 cannot be reached because only 1 broker(s) are registered."
        );
    }
}
