//! Walks over a message's bytes by the table of its fields, before the codec decodes them.
//!
//! The codec allocates what an array's length says before it has seen one element; a false length of two billion would
//! end the process. The walk bounds every length and count by the bytes that are left, adds up what the decoded message
//! will take, and refuses bytes behind the end. It allocates nothing.

use super::field::{END, Field, Kind, Shape};
pub use super::read::Flaw;
use super::read::Reader;
use super::shape_table::{REQUESTS, RESPONSES};
use kafka_protocol::messages::ApiKey;

/// What a decoded message may take in memory beyond its own bytes, which it only refers to.
pub const DECODED_BYTES_MAX: usize = 64 << 20;

/// A node of the tree in which tagged fields are kept that the version does not know.
const UNKNOWN_TAG_BYTES: usize = 128;

/// Walks over a request's body. Answers what its decoded form will take in memory, in bytes, at most.
///
/// Bytes behind the body are not looked at, as Kafka does not: librdkafka 2.15 sends one behind the Metadata request
/// of a pattern subscription.
pub fn check_request(key: ApiKey, version: i16, body: &[u8]) -> Result<usize, Flaw> {
    let (cost, _) = walk(REQUESTS, key, version, body)?;
    Ok(cost)
}

/// Walks over a reply's body.
pub fn check_response(key: ApiKey, version: i16, body: &[u8]) -> Result<usize, Flaw> {
    match walk(RESPONSES, key, version, body)? {
        (cost, 0) => Ok(cost),
        (_, _) => Err(Flaw::Trailing),
    }
}

/// What the decoded form will take, and how many bytes are left.
fn walk(table: &'static [Shape], key: ApiKey, version: i16, body: &[u8]) -> Result<(usize, usize), Flaw> {
    let at = table.binary_search_by_key(&(key as i16), |shape| shape.key).map_err(|_| Flaw::Codec)?;
    let shape = table.get(at).ok_or(Flaw::Codec)?;
    let mut walk = Walk { reader: Reader::new(body), version, flexible: version >= shape.flexible, cost: 0 };
    walk.fields(shape.fields)?;
    Ok((walk.cost, walk.reader.left()))
}

struct Walk<'a> {
    reader: Reader<'a>,
    version: i16,
    flexible: bool,
    cost: usize,
}

impl Walk<'_> {
    fn fields(&mut self, fields: &'static [Field]) -> Result<(), Flaw> {
        for field in fields {
            if field.is_in(self.version) && !field.is_tagged(self.version) {
                self.field(field)?;
            }
        }
        if self.flexible { self.tags(fields) } else { Ok(()) }
    }

    fn field(&mut self, field: &'static Field) -> Result<(), Flaw> {
        let nullable = field.may_be_null(self.version);
        let compact = self.flexible;
        if let (Kind::Struct(inner), true) = (&field.kind, nullable) {
            // A struct that may be null has a byte before it: -1 for null.
            return if self.reader.i8()? < 0 { Ok(()) } else { self.fields(inner) };
        }
        if !self.value(&field.kind, compact)? && !nullable {
            return Err(Flaw::Null);
        }
        Ok(())
    }

    /// Walks over one value. Answers whether there was one: `false` for null.
    fn value(&mut self, kind: &'static Kind, compact: bool) -> Result<bool, Flaw> {
        match kind {
            Kind::Fixed(bytes) => self.reader.take(usize::from(*bytes)).map(|_| true),
            Kind::Struct(fields) => self.fields(fields).map(|()| true),
            Kind::Text => {
                let len = if compact { self.reader.compact_len()? } else { self.reader.short_len()? };
                self.blob(len)
            }
            Kind::Bytes => {
                let len = if compact { self.reader.compact_len()? } else { self.reader.long_len()? };
                self.blob(len)
            }
            Kind::Array(size, element) => {
                let len = if compact { self.reader.compact_len()? } else { self.reader.long_len()? };
                self.array(len, usize::from(*size), element, compact)
            }
        }
    }

    fn blob(&mut self, len: Option<usize>) -> Result<bool, Flaw> {
        let Some(len) = len else { return Ok(false) };
        self.reader.take(len).map(|_| true)
    }

    fn array(&mut self, len: Option<usize>, size: usize, element: &'static Kind, compact: bool) -> Result<bool, Flaw> {
        let Some(len) = len else { return Ok(false) };
        if len > self.reader.left() {
            return Err(Flaw::Length);
        }
        self.spend(len.saturating_mul(size))?;
        for _ in 0..len {
            if !self.value(element, compact)? {
                return Err(Flaw::Null);
            }
        }
        Ok(true)
    }

    fn tags(&mut self, fields: &'static [Field]) -> Result<(), Flaw> {
        let count = self.reader.varint()?;
        if count > self.reader.left() {
            return Err(Flaw::Length);
        }
        for _ in 0..count {
            let tag = self.reader.varint()?;
            let size = self.reader.varint()?;
            if size > self.reader.left() {
                return Err(Flaw::Length);
            }
            let end = self.reader.left() - size;
            let known = fields.iter().find(|field| field.tag == tag && field.tagged.0 != END);
            match known {
                Some(field) if field.is_tagged(self.version) => self.field(field)?,
                Some(_) => return Err(Flaw::Tag),
                None => {
                    self.spend(UNKNOWN_TAG_BYTES)?;
                    self.reader.take(size)?;
                }
            }
            if self.reader.left() != end {
                return Err(Flaw::Tag);
            }
        }
        Ok(())
    }

    fn spend(&mut self, bytes: usize) -> Result<(), Flaw> {
        self.cost = self.cost.saturating_add(bytes);
        if self.cost > DECODED_BYTES_MAX { Err(Flaw::Huge) } else { Ok(()) }
    }
}

#[cfg(test)]
#[path = "shape_tests.rs"]
mod tests;
