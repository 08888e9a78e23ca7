//! What the active controller decides: who is alive, who leads, which topics there are, what is configured.
//!
//! A decision is a value: the records to append and the reply to give once they are committed. The node appends the
//! records to the metadata's log, applies them at once to the controller's own image ([`Controller::apply`]), which thereby is
//! ahead of the committed one, and holds the reply. Losing the leadership drops the controller, its image and all
//! sessions; a new one begins with the committed image and every record appended since.
//!
//! | file | what it decides |
//! |---|---|
//! | `active` | the controller itself: taking over, and what time brings |
//! | `brokers` | registration, heartbeats, fencing, controlled shutdown |
//! | `sessions` | soft state: when each broker was heard of, and what speaks for its death |
//! | `leaders` | who leads when brokers come and go, and when an admin asks |
//! | `election` | one change of one partition; the end of a reassignment |
//! | `in_sync` | AlterPartition: changes of in-sync sets that leaders ask for |
//! | `topics`, `place`, `names` | topics made, deleted, widened; where replicas go; which names are good |
//! | `reassign` | replicas move to other brokers, or back |
//! | `configs` | configs set and taken back |
//! | `producer_ids` | blocks of producer ids |

mod active;
mod brokers;
mod configs;
mod decision;
mod election;
mod in_sync;
mod leaders;
mod names;
mod place;
mod producer_ids;
mod reassign;
mod sessions;
mod settings;
mod topics;

#[cfg(test)]
mod broker_tests;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod model;
#[cfg(test)]
mod reassign_tests;
#[cfg(test)]
mod topic_tests;

pub use active::{Controller, FEATURES};
pub use brokers::FULL_TAG;
pub use decision::Decision;
pub use names::{TOPIC_NAME_MAX, check_topic_name};
pub use settings::Settings;
