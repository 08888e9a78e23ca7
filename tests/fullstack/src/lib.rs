//! Full-stack simulation: the unmodified server, three nodes of it and its clients, in one thread, from one seed.
//!
//! Plan, clients, disks, history and judges are those of `esker-sim`; runtime and network are madsim's. One process runs
//! one seed: `ci/fullstack` starts as many as there are seeds to run.
//!
//! # The map, from the top down
//!
//! | module | what it does |
//! |---|---|
//! | `cli` | the command line |
//! | `swarm` | many seeds, a process each |
//! | `draw` | from a seed to a plan |
//! | `one` | one plan, run once |
//! | `world` | the run's course: starts, faults, phases, the end |
//! | `node` | a server on a simulated disk |
//! | `seat` | a model of a client, on real sockets |
//! | `disk` | the simulated disk behind the server's `Disk` |
//! | `record` | what was seen: trace, history, counts |

#![cfg(madsim)]

pub mod cli;
mod disk;
mod draw;
mod node;
mod one;
mod record;
mod seat;
mod swarm;
mod world;
