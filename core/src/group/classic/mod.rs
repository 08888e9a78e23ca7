//! One group of the classic protocol (Kafka's `ClassicGroup` and the classic parts of `GroupMetadataManager`).
//!
//! ```text
//!                 first join                 all joined, or time is up
//!   Empty ─────────────────────▶ Preparing ──────────────────────────────▶ Completing
//!     ▲                          ▲  ▲   │                                   │   │
//!     │   nobody is left         │  │   │          join, leave, time-out    │   │ the leader's assignments
//!     └──────────────────────────┼──┼───┘◀──────────────────────────────────┘   │ are committed
//!                                │  │                                           ▼
//!                                │  └──────── join, leave, session time-out ── Stable
//!                                └── the delay of a first generation: more may come
//! ```
//!
//! A generation begins at each step into Completing (or Empty). A group that is not in the map is Kafka's `Dead`.

mod alive;
mod group;
mod join;
mod leave;
mod rebalance;
mod replace;
mod stored;
mod sync;
mod validate;

pub(super) use group::{Group, Phase};
pub(super) use join::Join;
pub(crate) use sync::refused as refused_sync;
