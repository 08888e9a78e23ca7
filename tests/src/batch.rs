//! Record batches v2, written and read apart from the broker's own code.
//!
//! As a value a batch is an object; what is left out takes the value of an ordinary client's batch:
//! `{base: 0, magic: 2, attributes: 0, time: now, pid: -1, epoch: -1, seq: -1, leaderEpoch: -1, values: [a, b], key: k,
//! count: 2, lastDelta: 1, length: 70, crc: wrong}`. `codec: N` sets the attribute only: the records stay as they are.

use crate::bytes::{Input, hex, unhex, zigzag};
use serde_json::{Map, Value, json};

pub const HEADER: usize = 61;
const CRC_AT: usize = 17;

/// What a batch's header says; the records come after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    pub base: i64,
    pub leader_epoch: i32,
    pub attributes: i16,
    pub last_delta: i32,
    pub time: i64,
    pub max_time: i64,
    pub producer: i64,
    pub epoch: i16,
    pub sequence: i32,
    pub count: i32,
}

impl Header {
    /// That of a plain producer's batch: so many records, all of the time `time`.
    pub const fn plain(time: i64, count: i32) -> Self {
        Self {
            base: 0,
            leader_epoch: -1,
            attributes: 0,
            last_delta: count - 1,
            time,
            max_time: time,
            producer: -1,
            epoch: -1,
            sequence: -1,
            count,
        }
    }
}

/// A plain producer's batch of one record without a key, of now.
pub fn single(value: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    record(&mut content, 0, 0, None, Some(value));
    build(&Header::plain(now(), 1), &content)
}

/// A whole batch, its CRC right.
pub fn build(header: &Header, records: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADER + records.len());
    out.extend(header.base.to_be_bytes());
    out.extend(((HEADER - 12 + records.len()) as i32).to_be_bytes());
    out.extend(header.leader_epoch.to_be_bytes());
    out.push(2);
    out.extend([0; 4]);
    out.extend(header.attributes.to_be_bytes());
    out.extend(header.last_delta.to_be_bytes());
    out.extend(header.time.to_be_bytes());
    out.extend(header.max_time.to_be_bytes());
    out.extend(header.producer.to_be_bytes());
    out.extend(header.epoch.to_be_bytes());
    out.extend(header.sequence.to_be_bytes());
    out.extend(header.count.to_be_bytes());
    out.extend(records);
    seal(&mut out);
    out
}

/// Puts the producer's sequence into a built batch and makes its CRC right again.
pub fn renumber(batch: &mut [u8], producer: i64, epoch: i16, sequence: i32) {
    batch[43..51].copy_from_slice(&producer.to_be_bytes());
    batch[51..53].copy_from_slice(&epoch.to_be_bytes());
    batch[53..57].copy_from_slice(&sequence.to_be_bytes());
    seal(batch);
}

/// Makes the CRC right.
pub fn seal(batch: &mut [u8]) {
    let crc = crc32c::crc32c(&batch[CRC_AT + 4..]);
    batch[CRC_AT..CRC_AT + 4].copy_from_slice(&crc.to_be_bytes());
}

/// Appends one record without headers. Gives the place of its value in `out`.
pub fn record(
    out: &mut Vec<u8>,
    offset_delta: i64,
    time_delta: i64,
    key: Option<&[u8]>,
    value: Option<&[u8]>,
) -> usize {
    let mut body = vec![0];
    zigzag(&mut body, time_delta);
    zigzag(&mut body, offset_delta);
    for part in [key, value] {
        zigzag(&mut body, part.map_or(-1, |p| p.len() as i64));
        body.extend(part.unwrap_or_default());
    }
    zigzag(&mut body, 0);
    zigzag(out, body.len() as i64);
    out.extend(&body);
    out.len() - 1 - value.map_or(0, <[u8]>::len)
}

/// The wall clock in milliseconds. Brokers forget producers and delete records by the time in the batches.
pub fn now() -> i64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_millis() as i64)
}

/// The batches of a value: one object, or a list of them.
pub fn encode_all(value: &Value) -> Result<Vec<u8>, String> {
    match value {
        Value::Array(all) => all.iter().try_fold(Vec::new(), |mut out, v| {
            out.extend(encode(v)?);
            Ok(out)
        }),
        one => encode(one),
    }
}

fn encode(value: &Value) -> Result<Vec<u8>, String> {
    const KNOWN: [&str; 18] = [
        "base",
        "magic",
        "attributes",
        "codec",
        "time",
        "maxTime",
        "pid",
        "epoch",
        "seq",
        "leaderEpoch",
        "values",
        "key",
        "count",
        "lastDelta",
        "length",
        "crc",
        "recordsHex",
        "cut",
    ];
    let object = value.as_object().ok_or("a batch is an object")?;
    if let Some(name) = object.keys().find(|k| !KNOWN.contains(&k.as_str())) {
        return Err(format!("a batch has no {name}"));
    }
    let int = |name: &str, or: i64| object.get(name).and_then(Value::as_i64).unwrap_or(or);
    let key = object.get("key").and_then(Value::as_str).map(str::as_bytes);
    let values = object.get("values").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut records = Vec::new();
    for (i, v) in values.iter().enumerate() {
        record(&mut records, i as i64, 0, key, v.as_str().map(str::as_bytes));
    }
    if let Some(raw) = object.get("recordsHex").and_then(Value::as_str) {
        records = unhex(raw)?;
    }
    let count = values.len() as i64;
    let header = Header {
        base: int("base", 0),
        leader_epoch: int("leaderEpoch", -1) as i32,
        attributes: (int("attributes", 0) | int("codec", 0)) as i16,
        last_delta: int("lastDelta", int("count", count) - 1) as i32,
        time: int("time", now()),
        max_time: int("maxTime", int("time", now())),
        producer: int("pid", -1),
        epoch: int("epoch", -1) as i16,
        sequence: int("seq", -1) as i32,
        count: int("count", count) as i32,
    };
    let mut out = build(&header, &records);
    out[16] = int("magic", 2) as u8;
    if object.contains_key("crc") {
        out[CRC_AT] ^= 0xff;
    }
    if let Some(length) = object.get("length").and_then(Value::as_i64) {
        out[8..12].copy_from_slice(&(length as i32).to_be_bytes());
    }
    out.truncate(out.len() - int("cut", 0) as usize);
    Ok(out)
}

/// Batches as values; what cannot be read is told as text in its place.
pub fn decode_all(bytes: &[u8]) -> Value {
    let mut out = Vec::new();
    let mut rest = bytes;
    while rest.len() >= 12 {
        let len = 12 + i32::from_be_bytes([rest[8], rest[9], rest[10], rest[11]]).max(0) as usize;
        if rest.len() < len || len < HEADER {
            break;
        }
        out.push(decode(&rest[..len]).unwrap_or_else(|e| json!({"unreadable": e})));
        rest = &rest[len..];
    }
    if !rest.is_empty() {
        out.push(json!({"partial": rest.len()}));
    }
    Value::Array(out)
}

/// A batch's header; the bytes are at least [`HEADER`] long.
pub fn header(batch: &[u8]) -> Result<Header, String> {
    let mut i = Input(batch);
    let base = i.int(8)?;
    i.take(4)?;
    let leader_epoch = i.int(4)? as i32;
    i.take(1 + 4)?;
    Ok(Header {
        base,
        leader_epoch,
        attributes: i.int(2)? as i16,
        last_delta: i.int(4)? as i32,
        time: i.int(8)?,
        max_time: i.int(8)?,
        producer: i.int(8)?,
        epoch: i.int(2)? as i16,
        sequence: i.int(4)? as i32,
        count: i.int(4)? as i32,
    })
}

/// The values of an uncompressed batch's records, with the offset of each.
pub fn values(batch: &[u8]) -> Result<Vec<(i64, &[u8])>, String> {
    let head = header(batch)?;
    let mut input = Input(&batch[HEADER..]);
    let mut out = Vec::new();
    for _ in 0..head.count {
        let len = input.zigzag()?;
        let mut body = Input(input.take(len.max(0) as usize)?);
        body.take(1)?;
        body.zigzag()?;
        let offset = head.base + body.zigzag()?;
        let key = body.zigzag()?;
        body.take(key.max(0) as usize)?;
        let len = body.zigzag()?;
        out.push((offset, body.take(len.max(0) as usize)?));
    }
    Ok(out)
}

fn decode(batch: &[u8]) -> Result<Value, String> {
    let head = header(batch)?;
    let mut out = Map::new();
    out.insert("base".into(), head.base.into());
    out.insert("leaderEpoch".into(), head.leader_epoch.into());
    out.insert(
        "crcRight".into(),
        (crc32c::crc32c(&batch[CRC_AT + 4..]) == u32::from_be_bytes([batch[17], batch[18], batch[19], batch[20]]))
            .into(),
    );
    out.insert("attributes".into(), head.attributes.into());
    out.insert("lastDelta".into(), head.last_delta.into());
    out.insert("time".into(), head.time.into());
    out.insert("maxTime".into(), head.max_time.into());
    out.insert("pid".into(), head.producer.into());
    out.insert("epoch".into(), head.epoch.into());
    out.insert("seq".into(), head.sequence.into());
    out.insert("count".into(), head.count.into());
    if head.attributes & 7 == 0 {
        let texts: Vec<Value> = values(batch)?.into_iter().map(|(_, v)| String::from_utf8_lossy(v).into()).collect();
        out.insert("values".into(), texts.into());
    } else {
        out.insert("records".into(), hex(&batch[HEADER..]).into());
    }
    Ok(Value::Object(out))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_is_read_again() {
        let bytes =
            encode_all(&json!([{"values": ["a", "bc"], "pid": 7, "epoch": 0, "seq": 3}, {"values": ["d"], "base": 2}]))
                .expect("encodes");
        let read = decode_all(&bytes);
        assert_eq!(read[0]["values"], json!(["a", "bc"]));
        assert_eq!((&read[0]["pid"], &read[0]["seq"], &read[0]["crcRight"]), (&json!(7), &json!(3), &json!(true)));
        assert_eq!((&read[1]["base"], &read[1]["values"]), (&json!(2), &json!(["d"])));
    }

    #[test]
    fn renumbering_keeps_the_crc_right_and_a_broken_one_shows() {
        let mut bytes = encode_all(&json!({"values": ["a"]})).expect("encodes");
        renumber(&mut bytes, 5, 1, 9);
        let read = decode_all(&bytes);
        assert_eq!(
            (&read[0]["pid"], &read[0]["epoch"], &read[0]["seq"], &read[0]["crcRight"]),
            (&json!(5), &json!(1), &json!(9), &json!(true))
        );
        let bytes = encode_all(&json!({"values": ["a"], "crc": "wrong"})).expect("encodes");
        assert_eq!(decode_all(&bytes)[0]["crcRight"], json!(false));
    }

    #[test]
    fn the_value_of_a_record_is_where_it_is_said_to_be() {
        let mut out = Vec::new();
        record(&mut out, 0, 0, None, Some(b"x"));
        let at = record(&mut out, 1, 0, Some(b"key"), Some(b"value"));
        assert_eq!(&out[at..at + 5], b"value");
    }

    #[test]
    fn a_torn_end_is_told() {
        let bytes = encode_all(&json!({"values": ["abc"]})).expect("encodes");
        assert_eq!(decode_all(&bytes[..bytes.len() - 1]), json!([{"partial": bytes.len() - 1}]));
    }
}
