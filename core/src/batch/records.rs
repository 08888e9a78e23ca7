//! The records of a batch that is not compressed (or was unpacked), one by one, in place.

use super::view::{HEADER_BYTES, Header};
use crate::error::{ErrorCode, Refusal};
use crate::id::Offset;

/// Reads from the front of a slice; every read is total.
#[derive(Clone, Copy, Debug)]
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (front, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(front)
    }

    /// A zig-zag varint of up to `bits` bits.
    fn varint(&mut self, bits: u32) -> Option<i64> {
        let mut value: u64 = 0;
        let mut shift = 0;
        loop {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some((value >> 1) as i64 ^ -((value & 1) as i64));
            }
            shift += 7;
            if shift >= bits {
                return None;
            }
        }
    }

    fn int(&mut self) -> Option<i32> {
        i32::try_from(self.varint(35)?).ok()
    }

    /// Bytes behind their length; a length of -1 is null.
    fn nullable(&mut self) -> Option<Option<&'a [u8]>> {
        match self.int()? {
            -1 => Some(None),
            len => self.take(usize::try_from(len).ok()?).map(Some),
        }
    }
}

fn malformed() -> Refusal {
    Refusal::because(ErrorCode::InvalidRecord, "a record is malformed")
}

/// One record, in place.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    pub offset: Offset,
    /// In ms since 1970; for a batch with the time of the append, that time.
    pub timestamp: i64,
    pub key: Option<&'a [u8]>,
    /// `None`: a tombstone.
    pub value: Option<&'a [u8]>,
    pub headers: Headers<'a>,
}

/// The headers of a record: key and value, in order.
#[derive(Clone, Copy, Debug)]
pub struct Headers<'a> {
    count: i32,
    cursor: Cursor<'a>,
}

impl Headers<'_> {
    pub const fn len(&self) -> usize {
        self.count as usize
    }

    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }
}

impl<'a> Iterator for Headers<'a> {
    type Item = (&'a [u8], Option<&'a [u8]>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.count <= 0 {
            return None;
        }
        self.count -= 1;
        let key = self.cursor.nullable()??;
        Some((key, self.cursor.nullable()?))
    }
}

/// Walks the records of one batch; ends with an error at the first that is malformed, and where the count is not met.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    cursor: Cursor<'a>,
    base: Offset,
    base_timestamp: i64,
    append_time: Option<i64>,
    left: i32,
}

impl<'a> Records<'a> {
    /// The records of a whole batch that is not compressed.
    ///
    /// # Errors
    /// `INVALID_RECORD` if it is compressed or has no header.
    pub fn of(batch: &'a [u8]) -> Result<Self, Refusal> {
        match Header::read(batch) {
            Some(header) if header.codec() == Some(super::Codec::None) => {
                Ok(Self::unpacked(&header, &batch[HEADER_BYTES..]))
            }
            _ => Err(malformed()),
        }
    }

    /// The records of a compressed batch whose `records` were unpacked.
    pub fn unpacked(header: &Header<'_>, records: &'a [u8]) -> Self {
        Self {
            cursor: Cursor(records),
            base: header.base_offset(),
            base_timestamp: header.base_timestamp(),
            append_time: header.is_log_append_time().then(|| header.max_timestamp()),
            left: header.count(),
        }
    }

    fn record(&mut self) -> Option<Record<'a>> {
        let len = self.cursor.int()?;
        let mut body = Cursor(self.cursor.take(usize::try_from(len).ok()?)?);
        body.byte()?;
        let timestamp = self.base_timestamp.saturating_add(body.varint(70)?);
        let delta = body.int()?;
        let (key, value, headers) = contents(body)?;
        let timestamp = self.append_time.unwrap_or(timestamp);
        Some(Record { offset: self.base.plus(i64::from(delta)), timestamp, key, value, headers })
    }
}

/// Key, value and headers, which have to fill a record to its end (Kafka: `DefaultRecord.readFrom`).
fn contents(mut body: Cursor<'_>) -> Option<(Option<&[u8]>, Option<&[u8]>, Headers<'_>)> {
    let key = body.nullable()?;
    let value = body.nullable()?;
    let count = body.int()?;
    let headers = Headers { count, cursor: body };
    // A header takes two bytes at least: a count beyond that is a lie.
    if count < 0 || count as usize > body.0.len() {
        return None;
    }
    for _ in 0..count {
        body.nullable()??;
        body.nullable()?;
    }
    body.0.is_empty().then_some((key, value, headers))
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>, Refusal>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left <= 0 {
            return None;
        }
        self.left -= 1;
        let record = self.record().ok_or_else(malformed);
        if record.is_err() {
            self.left = 0;
        }
        Some(record)
    }
}

/// Checks each record: lengths that add up, down to the last header, and offset deltas 0, 1, 2, … A record that no consumer
/// could read must not come into a log (Kafka's `LogValidator` reads every record of a batch that is not compressed).
///
/// Answers the largest timestamp, less the batch's base.
///
/// # Errors
/// `INVALID_RECORD`.
pub(super) fn walk(records: &[u8], count: i32) -> Result<i64, Refusal> {
    let mut cursor = Cursor(records);
    let mut latest = i64::MIN;
    for index in 0..count {
        let framed = (|| {
            let len = cursor.int()?;
            let mut body = Cursor(cursor.take(usize::try_from(len).ok()?)?);
            body.byte()?;
            latest = latest.max(body.varint(70)?);
            let delta = body.int()?;
            contents(body).map(|_| delta)
        })();
        if framed != Some(index) {
            return Err(malformed());
        }
    }
    if cursor.0.is_empty() { Ok(latest) } else { Err(malformed()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Builder;
    use alloc::vec::Vec;

    #[test]
    fn reads_what_was_built() {
        let mut batch = Builder::new();
        batch.push(1000, Some(b"key"), Some(b"value"), &[("one", b"1"), ("two", b"")]);
        batch.push(900, None, None, &[]);
        let bytes = batch.base(Offset(40)).finish();
        let records: Vec<_> = Records::of(&bytes).unwrap().map(Result::unwrap).collect();
        assert_eq!(records.len(), 2);
        assert_eq!((records[0].offset, records[0].timestamp), (Offset(40), 1000));
        assert_eq!((records[0].key, records[0].value), (Some(&b"key"[..]), Some(&b"value"[..])));
        let headers: Vec<_> = records[0].headers.collect();
        assert_eq!(headers, [(&b"one"[..], Some(&b"1"[..])), (&b"two"[..], Some(&b""[..]))]);
        assert_eq!((records[1].offset, records[1].timestamp), (Offset(41), 900));
        assert_eq!((records[1].key, records[1].value), (None, None));
    }

    #[test]
    fn no_cut_and_no_changed_byte_panics() {
        let mut batch = Builder::new();
        batch.push(1000, Some(b"key"), Some(b"value"), &[("one", b"1")]);
        let bytes = batch.finish().to_vec();
        let header = Header::read(&bytes).unwrap();
        for len in 0..bytes.len() - HEADER_BYTES {
            let cut = &bytes[HEADER_BYTES..HEADER_BYTES + len];
            assert!(Records::unpacked(&header, cut).next().unwrap().is_err());
            assert!(walk(cut, 1).is_err());
        }
        for at in HEADER_BYTES..bytes.len() {
            for with in 0..=255 {
                let mut changed = bytes.clone();
                changed[at] = with;
                if let Ok(records) = Records::of(&changed) {
                    records.flatten().for_each(|record| record.headers.for_each(|_| ()));
                }
                let _ = walk(&changed[HEADER_BYTES..], 1);
            }
        }
    }

    #[test]
    fn varints_end() {
        assert_eq!(Cursor(&[0x80; 11]).varint(70), None);
        assert_eq!(Cursor(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]).varint(70), Some(i64::MIN));
        assert_eq!(Cursor(&[0x80; 6]).varint(35), None);
        assert_eq!(Cursor(&[0xff, 0xff, 0xff, 0xff, 0x0f]).int(), Some(i32::MIN));
    }
}
