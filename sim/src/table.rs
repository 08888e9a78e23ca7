//! Maps and sets that are looked into after every event, hashed by [`Digest`].
//!
//! The standard library's hash withstands keys that somebody chose to collide. Nobody does here, and it costs several times as much.

use crate::trace::Digest;
use std::collections::{HashMap, HashSet};
use std::hash::BuildHasherDefault;

pub type Map<K, V> = HashMap<K, V, BuildHasherDefault<Digest>>;
pub type Set<K> = HashSet<K, BuildHasherDefault<Digest>>;
