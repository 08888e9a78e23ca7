//! Kafka's primitive types as the records of `__consumer_offsets` use them.

use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;
use kafka_protocol::protocol::StrBytes;

/// Bytes that do not say what their version promises.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Garbled;

/// Writes the fixed forms, and what little is needed of the flexible ones.
#[derive(Debug, Default)]
pub(super) struct Writer {
    out: Vec<u8>,
}

impl Writer {
    pub fn i16(&mut self, value: i16) -> &mut Self {
        self.out.extend_from_slice(&value.to_be_bytes());
        self
    }

    pub fn i32(&mut self, value: i32) -> &mut Self {
        self.out.extend_from_slice(&value.to_be_bytes());
        self
    }

    pub fn i64(&mut self, value: i64) -> &mut Self {
        self.out.extend_from_slice(&value.to_be_bytes());
        self
    }

    /// A list's count.
    pub fn len(&mut self, len: usize) -> &mut Self {
        self.i32(i32::try_from(len).unwrap_or(i32::MAX))
    }

    /// Text of at most 32,767 bytes: what is longer was refused when it came in.
    pub fn text(&mut self, text: &str) -> &mut Self {
        let len = i16::try_from(text.len()).expect("group: text too long for its record");
        self.i16(len).out.extend_from_slice(text.as_bytes());
        self
    }

    pub fn text_opt(&mut self, text: Option<&StrBytes>) -> &mut Self {
        match text {
            Some(text) => self.text(text),
            None => self.i16(-1),
        }
    }

    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.len(bytes.len()).out.extend_from_slice(bytes);
        self
    }

    fn varint(&mut self, value: usize) -> &mut Self {
        let mut rest = value;
        while rest >= 0x80 {
            self.out.push((rest & 0x7f) as u8 | 0x80);
            rest >>= 7;
        }
        self.out.push(rest as u8);
        self
    }

    /// Text in the flexible form.
    pub fn compact_text(&mut self, text: &str) -> &mut Self {
        self.varint(text.len().saturating_add(1)).out.extend_from_slice(text.as_bytes());
        self
    }

    /// A tagged-field section of one field.
    pub fn one_tag(&mut self, tag: usize, bytes: &[u8]) -> &mut Self {
        self.varint(1).varint(tag).varint(bytes.len()).out.extend_from_slice(bytes);
        self
    }

    pub fn done(self) -> Bytes {
        Bytes::from(self.out)
    }
}

/// Reads the fixed and the flexible forms. What it hands out is a copy: records outlive the chunk they were read from.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    flexible: bool,
}

impl<'a> Reader<'a> {
    pub const fn fixed(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, flexible: false }
    }

    /// A value and its version; versions above `flexible` are not known.
    pub fn of_value(bytes: &'a [u8], flexible: i16) -> Result<(i16, Self), Garbled> {
        let mut reader = Self::fixed(bytes);
        let version = reader.i16()?;
        reader.flexible = version == flexible;
        if (0..=flexible).contains(&version) { Ok((version, reader)) } else { Err(Garbled) }
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], Garbled> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(Garbled)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Garbled> {
        self.take(N)?.try_into().map_err(|_| Garbled)
    }

    pub fn i16(&mut self) -> Result<i16, Garbled> {
        Ok(i16::from_be_bytes(self.array()?))
    }

    pub fn i32(&mut self) -> Result<i32, Garbled> {
        Ok(i32::from_be_bytes(self.array()?))
    }

    pub fn i64(&mut self) -> Result<i64, Garbled> {
        Ok(i64::from_be_bytes(self.array()?))
    }

    fn varint(&mut self) -> Result<usize, Garbled> {
        let mut value: u32 = 0;
        for shift in [0, 7, 14, 21, 28] {
            let [byte] = self.array()?;
            value |= u32::from(byte & 0x7f).checked_shl(shift).ok_or(Garbled)?;
            if byte < 0x80 {
                return usize::try_from(value).map_err(|_| Garbled);
            }
        }
        Err(Garbled)
    }

    /// The length of text (`wide: false`), bytes or a list; `None`: null.
    fn length(&mut self, wide: bool) -> Result<Option<usize>, Garbled> {
        if self.flexible {
            return Ok(self.varint()?.checked_sub(1));
        }
        let len = if wide { self.i32()? } else { i32::from(self.i16()?) };
        match len {
            -1 => Ok(None),
            len => usize::try_from(len).map(Some).map_err(|_| Garbled),
        }
    }

    /// A list's count.
    pub fn len(&mut self) -> Result<usize, Garbled> {
        self.length(true)?.ok_or(Garbled)
    }

    pub fn text_opt(&mut self) -> Result<Option<StrBytes>, Garbled> {
        let Some(len) = self.length(false)? else { return Ok(None) };
        let text = core::str::from_utf8(self.take(len)?).map_err(|_| Garbled)?;
        Ok(Some(StrBytes::from_string(String::from(text))))
    }

    pub fn text(&mut self) -> Result<StrBytes, Garbled> {
        self.text_opt()?.ok_or(Garbled)
    }

    pub fn bytes(&mut self) -> Result<Bytes, Garbled> {
        let len = self.len()?;
        Ok(Bytes::copy_from_slice(self.take(len)?))
    }

    /// Reads the tagged fields (none before the flexible versions); answers the 16 bytes of tag `wanted`, if it is there.
    pub fn tag_u128(&mut self, wanted: usize) -> Result<Option<u128>, Garbled> {
        let mut found = None;
        let count = if self.flexible { self.varint()? } else { 0 };
        for _ in 0..count {
            let tag = self.varint()?;
            let len = self.varint()?;
            let bytes = self.take(len)?;
            if tag == wanted {
                found = Some(u128::from_be_bytes(bytes.try_into().map_err(|_| Garbled)?));
            }
        }
        Ok(found)
    }

    /// Skips the tagged fields.
    pub fn tags(&mut self) -> Result<(), Garbled> {
        let count = if self.flexible { self.varint()? } else { 0 };
        for _ in 0..count {
            self.varint()?;
            let len = self.varint()?;
            self.take(len)?;
        }
        Ok(())
    }
}
