//! What proves Esker from outside: tidiness of the sources, the differential test against Apache Kafka, load and kills.
//!
//! Imports go down this list:
//!
//! | folder | what it does |
//! |---|---|
//! | `source` | reads Rust sources for the tidy test |

#![forbid(unsafe_code)]

pub mod source;
