//! Record sets that no producer may send: each has one flaw, and is in order but for that. Which code it is refused with `check/now/asked/sets.rs`
//! says.

use super::batch::{Sender, Shape, encode};
use crate::dice::Dice;
use crate::history::Value;
use bytes::Bytes;

/// Where the fields of a batch stand, as Kafka's `DefaultRecordBatch` has them.
const MAGIC: usize = 16;
const CRC: usize = 17;
const COVERED: usize = 21;
const ATTRIBUTES: usize = 22;
const LAST: usize = 23;
const PRODUCER: usize = 43;
const COUNT: usize = 57;
/// The attribute of a batch whose records have the time of the append.
const APPEND_TIME: u8 = 8;
/// Codecs: one that old requests do not carry, and one that there is not.
const ZSTD: u8 = 4;
const NO_CODEC: u8 = 7;

/// One flaw of many in a set of these values. Also the version of Produce that carries it.
pub fn flawed(values: &[Value], time: i64, dice: &mut Dice) -> (Bytes, i16) {
    const PLAIN: i16 = 9;
    const OLD: i16 = 5;
    let whole = encode(values, Shape { keyed: true, ..Shape::plain(8) }, time, Sender::PLAIN);
    let with = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut wrong = whole.to_vec();
        change(&mut wrong);
        seal(&mut wrong);
        Bytes::from(wrong)
    };
    let bytes = match dice.below(12) {
        0 => Bytes::from([&whole[..], &whole[..]].concat()),
        1 => with(&|wrong| wrong[7] = 7),
        2 => with(&|wrong| {
            wrong[PRODUCER..PRODUCER + 8].copy_from_slice(&(1i64 << 51).to_be_bytes());
            wrong[PRODUCER + 8..PRODUCER + 10].copy_from_slice(&0i16.to_be_bytes());
        }),
        3 => with(&|wrong| wrong[COUNT..].iter_mut().take(4).for_each(|byte| *byte = 0)),
        4 => with(&|wrong| wrong[LAST..LAST + 4].copy_from_slice(&(-1i32).to_be_bytes())),
        5 => with(&|wrong| wrong[MAGIC] = 1),
        6 => whole.slice(..whole.len() - 1),
        7 => with(&|wrong| wrong[ATTRIBUTES] |= APPEND_TIME),
        8 => with(&|wrong| wrong[ATTRIBUTES] |= NO_CODEC),
        9 => Bytes::new(),
        // A record more, and an offset more, than there are records.
        10 => with(&|wrong| {
            for at in [LAST, COUNT] {
                wrong[at + 3] += 1;
            }
        }),
        _ => return (with(&|wrong| wrong[ATTRIBUTES] |= ZSTD), OLD),
    };
    (bytes, PLAIN)
}

/// The CRC fits.
fn seal(batch: &mut [u8]) {
    let crc = crc32c::crc32c(&batch[COVERED..]);
    batch[CRC..COVERED].copy_from_slice(&crc.to_be_bytes());
}
