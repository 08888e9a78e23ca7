//! A record set is taken as a producer makes it, and in no other way: it is one whole batch of magic 2, made from offset 0, whose CRC fits, with
//! a record for each of its offsets, in a codec that the request may carry, and with a sequence number where it has a producer; its times are
//! its producer's (Kafka's `ProduceRequest.validateRecords`, `UnifiedLog.analyzeAndValidateRecords`, `LogValidator`). What is so is not refused
//! for its form, and what is not is refused by the code that says why. The batch is read here apart from the core.

use super::super::{At, Broken};
use crate::table::Map;
use bytes::Bytes;
use esker_core::error::ErrorCode;
use kafka_protocol::messages::{ProduceRequest, ProduceResponse};

/// Bytes of a batch up to its records, and up to its length.
const HEADER: usize = 61;
const PREFIX: usize = 12;
/// The attributes' codec, and the bit of the time of the append.
const CODEC: i64 = 7;
const ZSTD: i64 = 4;
const APPEND_TIME: i64 = 8;
const CONTROL: i64 = 32;
/// The first version of Produce that carries zstd.
const ZSTD_FROM: i16 = 7;

/// Codes that speak of nothing but the form of a set.
const OF_FORM: [ErrorCode; 3] =
    [ErrorCode::InvalidRecord, ErrorCode::CorruptMessage, ErrorCode::UnsupportedCompressionType];

/// Codes that say that the set was appended, or may have been.
const APPENDED: [ErrorCode; 2] = [ErrorCode::RequestTimedOut, ErrorCode::NotEnoughReplicasAfterAppend];

/// What is wrong with each set of the requests without an answer, in their order.
#[derive(Debug, Default)]
pub struct Sets {
    asked: Map<At, Vec<Vec<ErrorCode>>>,
}

impl Sets {
    pub fn on_request(&mut self, at: At, version: i16, request: &ProduceRequest) {
        if request.acks == 0 {
            return;
        }
        let sets = request.topic_data.iter().flat_map(|topic| &topic.partition_data);
        let none = Bytes::new();
        let flaws = sets.map(|set| flaws(set.records.as_ref().unwrap_or(&none), version)).collect();
        self.asked.insert(at, flaws);
    }

    pub fn on_reply(&mut self, at: At, response: &ProduceResponse) -> Result<(), Broken> {
        let Some(asked) = self.asked.remove(&at) else { return Ok(()) };
        let told = response.responses.iter().flat_map(|topic| &topic.partition_responses);
        asked.iter().zip(told).try_for_each(|(flaws, told)| judge(flaws, told.error_code))
    }
}

/// The codes that a set may be refused with for its form: none, if it is in order.
fn flaws(set: &[u8], version: i16) -> Vec<ErrorCode> {
    let field = |at: usize, bytes: usize| {
        let field = set.get(at..at + bytes)?;
        let sign = if field[0] & 0x80 == 0 { 0 } else { -1i64 };
        Some(field.iter().fold(sign, |value, byte| value << 8 | i64::from(*byte)))
    };
    let whole = field(8, 4).and_then(|length| usize::try_from(length).ok()).map(|length| length + PREFIX);
    let Some(size) = whole.filter(|size| *size >= HEADER && *size <= set.len()) else {
        return vec![ErrorCode::InvalidRecord, ErrorCode::CorruptMessage];
    };
    let of = |at, bytes| field(at, bytes).unwrap_or_default();
    let (attributes, last, count) = (of(21, 2), of(23, 4), of(57, 4));
    let codec = attributes & CODEC;
    let mut flaws = Vec::new();
    let mut note = |is: bool, code| {
        if is {
            flaws.push(code)
        }
    };
    note(of(16, 1) != 2 || size != set.len() || of(0, 8) != 0, ErrorCode::InvalidRecord);
    note(codec == ZSTD && version < ZSTD_FROM, ErrorCode::UnsupportedCompressionType);
    note(codec > ZSTD, ErrorCode::CorruptMessage);
    note(crc32c::crc32c(&set[21..size]) != of(17, 4) as u32, ErrorCode::CorruptMessage);
    note(last < 0 || count != last + 1, ErrorCode::InvalidRecord);
    note(of(43, 8) >= 0 && of(53, 4) < 0, ErrorCode::InvalidRecord);
    note(attributes & APPEND_TIME != 0, ErrorCode::InvalidTimestamp);
    note(attributes & CONTROL != 0, ErrorCode::InvalidRecord);
    note(codec == 0 && records(&set[HEADER..size]) != Some(count), ErrorCode::InvalidRecord);
    flaws
}

/// How many records these bytes are.
fn records(mut bytes: &[u8]) -> Option<i64> {
    let mut count = 0;
    while !bytes.is_empty() {
        let (mut zigzag, mut bits) = (0u64, 0);
        loop {
            let (first, rest) = bytes.split_first()?;
            bytes = rest;
            zigzag |= u64::from(first & 0x7f) << bits;
            bits += 7;
            if first & 0x80 == 0 {
                break;
            }
            (bits < 35).then_some(())?;
        }
        let length = (zigzag >> 1) as i64 ^ -((zigzag & 1) as i64);
        bytes = bytes.get(usize::try_from(length).ok()?..)?;
        count += 1;
    }
    Some(count)
}

fn judge(flaws: &[ErrorCode], told: i16) -> Result<(), Broken> {
    let is = |codes: &[ErrorCode]| codes.iter().any(|code| code.code() == told);
    if !flaws.is_empty() && (told == 0 || is(&APPENDED)) {
        return Err((
            "taken-wrongly",
            format!("takes a record set ({told}) that is to be refused with one of {flaws:?}"),
        ));
    }
    if is(&OF_FORM) && !flaws.is_empty() && !is(flaws) {
        return Err(("taken-wrongly", format!("answers {told} to a record set, where one of {flaws:?} is right")));
    }
    // A compacted topic takes no record without a key, and says so by this code.
    if flaws.is_empty() && is(&OF_FORM[1..]) {
        return Err(("refused-wrongly", format!("answers {told} to a record set that is in order")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::batch::{Sender, Shape, control, encode, miscount};

    #[test]
    fn a_set_in_order_has_no_flaw_and_each_flaw_is_seen() {
        let whole = encode(&[3, 6, 9], Shape::plain(8), 1_000, Sender { id: 5, epoch: 0, sequence: 0 });
        assert_eq!(flaws(&whole, 9), vec![]);
        assert_eq!(flaws(&encode(&[3, 7], Shape { snappy: true, ..Shape::plain(9) }, 1_000, Sender::PLAIN), 3), vec![]);
        let both = [&whole[..], &whole[..]].concat();
        for wrong in [&both[..], &miscount(&whole), &control(&whole), &whole[..whole.len() - 1], &[]] {
            assert!(flaws(wrong, 9).contains(&ErrorCode::InvalidRecord));
        }
        let mut bent = whole.to_vec();
        bent[62] ^= 1;
        assert!(flaws(&bent, 9).contains(&ErrorCode::CorruptMessage));
        let unnumbered = encode(&[3], Shape::plain(8), 1_000, Sender { id: 5, epoch: 0, sequence: -1 });
        assert_eq!(flaws(&unnumbered, 9), vec![ErrorCode::InvalidRecord]);
    }

    #[test]
    fn what_is_taken_or_refused_wrongly_is_caught() {
        let judge = |flaws: &[ErrorCode], told: i16| judge(flaws, told).map_err(|broken| broken.0);
        let (invalid, corrupt) = (ErrorCode::InvalidRecord, ErrorCode::CorruptMessage);
        assert_eq!((judge(&[], 0), judge(&[invalid], invalid.code())), (Ok(()), Ok(())));
        assert_eq!(judge(&[invalid], ErrorCode::NotLeaderOrFollower.code()), Ok(()), "it was not looked at");
        assert_eq!(judge(&[invalid], 0), Err("taken-wrongly"));
        assert_eq!(judge(&[invalid], ErrorCode::RequestTimedOut.code()), Err("taken-wrongly"));
        assert_eq!(judge(&[invalid], corrupt.code()), Err("taken-wrongly"));
        assert_eq!(judge(&[], corrupt.code()), Err("refused-wrongly"));
    }
}
