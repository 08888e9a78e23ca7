//! Models of clients: they speak real frames, retry as real clients do, and write down what they asked and were told.
//!
//! A client is a machine as the broker's are: told what happened, it sends frames and says when it wants to be woken. A new
//! request costs a purpose and an arm in the model that sends it; [`Link`] does the rest.

mod admin;
mod assignment;
pub mod batch;
mod bookkeeper;
mod closer;
mod desk;
mod fetch_session;
mod flawed;
mod group_admin;
mod keeper;
mod keeps;
mod link;
mod make;
mod map;
mod member;
mod model;
mod onlooker;
mod opener;
mod pace;
mod producer;
mod reader;
mod stranger;
mod subscription;

pub use admin::Admin;
pub use bookkeeper::Bookkeeper;
pub use closer::Closer;
pub use desk::{Answer, Desk, Slip};
pub use group_admin::GroupAdmin;
pub use keeper::Keeper;
pub use keeps::{KEPT, Keeps, Kept};
pub use link::{CONTROL, DATA, GROUP, Heard, Link};
pub use make::make;
pub use map::Map;
pub use member::Member;
pub use model::{Client, Ctx, Event, Me, Part, earliest};
pub use onlooker::Onlooker;
pub use opener::Opener;
pub use pace::Pace;
pub use producer::{Producer, SESSION};
pub use reader::Reader;
pub use stranger::Stranger;

use crate::history::History;
use crate::plan::Plan;

/// The history of a plan's clients, before anything has happened.
pub fn history(plan: &Plan) -> History {
    History {
        partitions: plan.partitions().map(|(topic, number)| format!("{}-{number}", topic.name)).collect(),
        groups: (0..plan.groups() + plan.books()).map(member::group_name).collect(),
        passing: if plan.groups_end() { (0..plan.groups()).collect() } else { Vec::new() },
        lines: Vec::new(),
    }
}
