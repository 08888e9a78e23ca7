//! The simulator: a cluster and its clients in one thread, from one seed; crashed on purpose, replayed exactly.
//!
//! # The map, from the top down
//!
//! Imports go down this list, never up.
//!
//! | module | what it does |
//! |---|---|
//! | `cli` | `esker sim …` |
//! | `script` | stories told verb by verb, as `tests/scenarios/` has them |
//! | `progress` | what a batch will be like, and how far it is |
//! | `mutants` `shrink` `swarm` | named bugs hunted; a failing plan made small; many seeds over all cores |
//! | `twice` | the same run in two processes, compared |
//! | `view` | a run as one HTML page |
//! | `report` `run` | what a person is told; one plan run once |
//! | `world` | the event loop: drives nodes, delivers, strikes faults, walks through the phases |
//! | `check` | the promises, one a file: `now` looks inside brokers, `past` judges histories |
//! | `film` | what a person is shown of a run |
//! | `marks` | rare places that a batch of runs has to reach |
//! | `node` | one node: disk, clocks, process |
//! | `client` | models of clients, real frames |
//! | `history` | what clients asked and were told, as JSON lines |
//! | `plan` | a run as data, and how a seed draws it |
//! | `net` `disk` `clock` | what can fail |
//! | `table` `trace` `queue` `dice` | the ground |
//! | `say` | lines on standard output |
//!
//! **One rule of randomness**: every draw is named by seed, stream, entity and counter ([`dice`]), so that taking a fault or a
//! client out of a plan leaves all other draws as they were.

pub mod check;
pub mod cli;
pub mod client;
pub mod clock;
pub mod dice;
pub mod disk;
pub mod film;
pub mod history;
pub mod marks;
pub mod mutants;
pub mod net;
pub mod node;
pub mod plan;
pub mod progress;
pub mod queue;
pub mod report;
pub mod run;
mod say;
pub mod script;
pub mod shrink;
pub mod swarm;
pub mod table;
pub mod trace;
pub mod twice;
pub mod view;
pub mod world;
