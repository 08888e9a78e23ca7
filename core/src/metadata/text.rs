//! Text that is shared when it is cloned.

use alloc::string::String;
use core::borrow::Borrow;
use core::fmt;
use core::ops::Deref;
use kafka_protocol::protocol::StrBytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Text that is shared when it is cloned: a name goes from a record into the image and from there into each reply
/// without a copy. Serialised as a plain string.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(StrBytes);

impl Text {
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The same text as the wire's messages hold it.
    pub fn wire(&self) -> StrBytes {
        self.0.clone()
    }
}

impl Deref for Text {
    type Target = str;
    fn deref(&self) -> &str {
        self.as_str()
    }
}

/// Text orders and hashes as its bytes do, which is as `str` does.
impl Borrow<str> for Text {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(StrBytes::from_string(String::from(text)))
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(StrBytes::from_string(text))
    }
}

impl From<StrBytes> for Text {
    fn from(text: StrBytes) -> Self {
        Self(text)
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}
