//! Two kinds of wrong. A [`Refusal`] is the peer's: exactly one Kafka error code, and perhaps a message. A
//! [`crate::io::DiskFault`] is the disk's or the environment's. The third, a panic, is our bug.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
pub use kafka_protocol::ResponseError as ErrorCode;
use kafka_protocol::protocol::StrBytes;

/// What a peer is told instead of what it asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    pub code: ErrorCode,
    /// The text beside the code where the reply has room for one; `None`: the field stays null.
    pub message: Option<String>,
    /// For records that were refused: which of their batch, from 0; not all, where there are many. Empty: the batch as a whole.
    pub records: Vec<i32>,
}

impl Refusal {
    pub const fn new(code: ErrorCode) -> Self {
        Self { code, message: None, records: Vec::new() }
    }

    pub fn because(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: Some(message.into()), records: Vec::new() }
    }

    /// Because of these records of a batch.
    #[must_use]
    pub fn of_records(self, records: Vec<i32>) -> Self {
        Self { records, ..self }
    }
}

impl Refusal {
    /// The message as the wire's messages hold it.
    pub fn wire_message(&self) -> Option<StrBytes> {
        self.message.clone().map(StrBytes::from_string)
    }
}

/// The name of an error as Kafka's documentation has it: `KAFKA_STORAGE_ERROR`.
pub fn name_of(code: ErrorCode) -> String {
    let mut name = String::new();
    for char in alloc::format!("{code:?}").chars() {
        if char.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(char.to_ascii_uppercase());
    }
    name
}

impl From<ErrorCode> for Refusal {
    fn from(code: ErrorCode) -> Self {
        Self::new(code)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.code)?;
        self.message.as_ref().map_or(Ok(()), |text| write!(f, ": {text}"))
    }
}
