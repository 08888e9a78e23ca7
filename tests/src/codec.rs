//! Messages between values and bytes, by Kafka's definitions. Written apart from the broker's own codec, so that one checks the other.
//!
//! A value is JSON: structs are objects, a uuid is Kafka's 22 characters, bytes are hexadecimal, records are what [`crate::batch`] says.

use crate::batch;
use crate::bytes::{Input, hex, unhex, varint};
use crate::schema::{Field, Message, Type};
use serde_json::{Map, Value};

/// Encodes a body. Fields that the value leaves out take their defaults; one that the version does not have is an error.
pub fn encode(message: &Message, version: i16, value: &Value) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    write_struct(&mut out, &message.fields, version, message.flexible.has(version), value)?;
    Ok(out)
}

/// Decodes a body and says how many bytes it left.
pub fn decode(message: &Message, version: i16, bytes: &[u8]) -> Result<(Value, usize), String> {
    let mut input = Input(bytes);
    let value = read_struct(&mut input, &message.fields, version, message.flexible.has(version))?;
    Ok((value, input.0.len()))
}

/// A value without the fields that a version does not have.
pub fn fit(fields: &[Field], version: i16, value: &Value) -> Value {
    match value {
        Value::Object(object) if !fields.is_empty() => {
            let known = object.iter().filter_map(|(name, v)| {
                fields.iter().find(|f| f.name == *name && f.versions.has(version)).map(|f| (name, v, f))
            });
            Value::Object(known.map(|(name, v, f)| (name.clone(), fit(inner(&f.kind), version, v))).collect())
        }
        Value::Array(items) if !fields.is_empty() => items.iter().map(|v| fit(fields, version, v)).collect(),
        other => other.clone(),
    }
}

fn inner(kind: &Type) -> &[Field] {
    match kind {
        Type::Array(of) => inner(of),
        Type::Struct(fields) => fields,
        _ => &[],
    }
}

fn write_struct(
    out: &mut Vec<u8>,
    fields: &[Field],
    version: i16,
    flexible: bool,
    value: &Value,
) -> Result<(), String> {
    let object = value.as_object().ok_or_else(|| format!("an object is wanted, not {value}"))?;
    let here = |f: &&Field| f.versions.has(version);
    if let Some(name) = object.keys().find(|k| !fields.iter().filter(here).any(|f| f.name == **k)) {
        return Err(format!("version {version} has no field {name} here"));
    }
    let mut tags = Vec::new();
    for field in fields.iter().filter(here) {
        let given = object.get(&field.name);
        let value = given.unwrap_or(&field.default);
        match field.tagged {
            Some((tag, versions)) if versions.has(version) => {
                if given.is_some() {
                    let mut body = Vec::new();
                    write(&mut body, field, &field.kind, version, flexible, value)?;
                    tags.push((tag, body));
                }
            }
            _ => {
                write(out, field, &field.kind, version, flexible, value).map_err(|e| format!("{}: {e}", field.name))?
            }
        }
    }
    if flexible {
        tags.sort();
        varint(out, tags.len() as u64);
        for (tag, body) in tags {
            varint(out, u64::from(tag));
            varint(out, body.len() as u64);
            out.extend(body);
        }
    }
    Ok(())
}

fn write(
    out: &mut Vec<u8>,
    field: &Field,
    kind: &Type,
    version: i16,
    flexible: bool,
    value: &Value,
) -> Result<(), String> {
    let flexible = field.flexible.map_or(flexible, |v| flexible && v.has(version));
    let int = || value.as_i64().ok_or_else(|| format!("a number is wanted, not {value}"));
    match kind {
        Type::Bool => out.push(u8::from(value.as_bool().ok_or("true or false is wanted")?)),
        Type::Int8 => out.push(int()? as u8),
        Type::Int16 | Type::Uint16 => out.extend((int()? as u16).to_be_bytes()),
        Type::Int32 | Type::Uint32 => out.extend((int()? as u32).to_be_bytes()),
        Type::Int64 => out.extend(int()?.to_be_bytes()),
        Type::Float64 => out.extend(value.as_f64().ok_or("a number is wanted")?.to_be_bytes()),
        Type::Uuid => out.extend(uuid_bytes(value.as_str().ok_or("a uuid is wanted")?)?),
        Type::String | Type::Bytes | Type::Records => {
            let bytes = match (value, kind) {
                (Value::Null, _) => None,
                (Value::String(s), Type::String) => Some(s.clone().into_bytes()),
                (Value::String(s), _) => Some(unhex(s)?),
                (v, Type::Records) => Some(batch::encode_all(v)?),
                (v, _) => return Err(format!("text is wanted, not {v}")),
            };
            length(out, bytes.as_ref().map(Vec::len), flexible, matches!(kind, Type::String));
            out.extend(bytes.unwrap_or_default());
        }
        Type::Array(of) => {
            let items = if value.is_null() { None } else { Some(value.as_array().ok_or("a list is wanted")?) };
            length(out, items.map(Vec::len), flexible, false);
            for item in items.into_iter().flatten() {
                write(out, field, of, version, flexible, item)?;
            }
        }
        Type::Struct(fields) => {
            let tagged = field.tagged.is_some_and(|(_, v)| v.has(version));
            if field.nullable.has(version) && !matches!(field.kind, Type::Array(_)) && !tagged {
                out.push(if value.is_null() { 255 } else { 1 });
                if value.is_null() {
                    return Ok(());
                }
            }
            write_struct(out, fields, version, flexible, value)?;
        }
    }
    Ok(())
}

fn length(out: &mut Vec<u8>, len: Option<usize>, flexible: bool, short: bool) {
    match (flexible, short) {
        (true, _) => varint(out, len.map_or(0, |n| n as u64 + 1)),
        (false, true) => out.extend(len.map_or(-1, |n| n as i16).to_be_bytes()),
        (false, false) => out.extend(len.map_or(-1, |n| n as i32).to_be_bytes()),
    }
}

fn read_length(input: &mut Input, flexible: bool, short: bool) -> Result<Option<usize>, String> {
    let n = if flexible { input.varint()? as i64 - 1 } else { input.int(if short { 2 } else { 4 })? };
    Ok((n >= 0).then_some(n as usize))
}

fn read_struct(input: &mut Input, fields: &[Field], version: i16, flexible: bool) -> Result<Value, String> {
    let mut object = Map::new();
    for field in fields.iter().filter(|f| f.versions.has(version)) {
        if !field.tagged.is_some_and(|(_, v)| v.has(version)) {
            let value =
                read(input, field, &field.kind, version, flexible).map_err(|e| format!("{}: {e}", field.name))?;
            object.insert(field.name.clone(), value);
        }
    }
    if flexible {
        for _ in 0..input.varint()? {
            let tag = input.varint()? as u32;
            let len = input.varint()? as usize;
            let mut body = Input(input.take(len)?);
            let known = fields
                .iter()
                .find(|f| f.versions.has(version) && f.tagged.is_some_and(|(t, v)| t == tag && v.has(version)));
            let (name, value) = match known {
                Some(f) => (f.name.clone(), read(&mut body, f, &f.kind, version, flexible)?),
                None => (format!("tag{tag}"), hex(body.0).into()),
            };
            object.insert(name, value);
        }
    }
    Ok(Value::Object(object))
}

fn read(input: &mut Input, field: &Field, kind: &Type, version: i16, flexible: bool) -> Result<Value, String> {
    Ok(match kind {
        Type::Bool => Value::Bool(input.take(1)?[0] != 0),
        Type::Int8 => input.int(1)?.into(),
        Type::Int16 => input.int(2)?.into(),
        Type::Uint16 => (input.int(2)? & 0xffff).into(),
        Type::Int32 => input.int(4)?.into(),
        Type::Uint32 => (input.int(4)? & 0xffff_ffff).into(),
        Type::Int64 => input.int(8)?.into(),
        Type::Float64 => f64::from_bits(input.int(8)? as u64).into(),
        Type::Uuid => uuid_text(input.take(16)?).into(),
        Type::String => match read_length(input, flexible, true)? {
            Some(n) => String::from_utf8_lossy(input.take(n)?).into_owned().into(),
            None => Value::Null,
        },
        Type::Bytes => {
            read_length(input, flexible, false)?.map_or(Ok(Value::Null), |n| input.take(n).map(|b| hex(b).into()))?
        }
        Type::Records => match read_length(input, flexible, false)? {
            Some(n) => batch::decode_all(input.take(n)?),
            None => Value::Null,
        },
        Type::Array(of) => match read_length(input, flexible, false)? {
            Some(n) => {
                let items: Result<Vec<Value>, String> =
                    (0..n).map(|_| read(input, field, of, version, flexible)).collect();
                Value::Array(items?)
            }
            None => Value::Null,
        },
        Type::Struct(fields) => {
            let tagged = field.tagged.is_some_and(|(_, v)| v.has(version));
            if field.nullable.has(version) && !matches!(field.kind, Type::Array(_)) && !tagged && input.int(1)? < 0 {
                return Ok(Value::Null);
            }
            read_struct(input, fields, version, flexible)?
        }
    })
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// 16 bytes as Kafka writes a uuid: base 64 for URLs, no padding.
pub fn uuid_text(bytes: &[u8]) -> String {
    let bits = |i: usize| {
        (0..6).fold(0, |n, k| {
            n << 1 | bytes.get((i * 6 + k) / 8).map_or(0, |b| usize::from(b >> (7 - (i * 6 + k) % 8) & 1))
        })
    };
    (0..22).map(|i| char::from(DIGITS[bits(i)])).collect()
}

pub fn uuid_bytes(text: &str) -> Result<[u8; 16], String> {
    let mut bits = Vec::with_capacity(132);
    for c in text.bytes() {
        let d = DIGITS.iter().position(|x| *x == c).ok_or_else(|| format!("not a uuid: {text}"))?;
        bits.extend((0..6).rev().map(|k| (d >> k & 1) as u8));
    }
    if bits.len() != 132 {
        return Err(format!("not a uuid: {text}"));
    }
    Ok(std::array::from_fn(|i| bits[i * 8..i * 8 + 8].iter().fold(0, |n, b| n << 1 | b)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema;
    use serde_json::json;

    const SAMPLE: &str = r#"// a comment
{ "apiKey": 99, "type": "request", "name": "SampleRequest", "validVersions": "0-2", "flexibleVersions": "2+", "fields": [
  { "name": "Name", "type": "string", "versions": "0+", "nullableVersions": "1+" },
  { "name": "Ids", "type": "[]int32", "versions": "0+", "nullableVersions": "0+" },
  { "name": "Rows", "type": "[]Row", "versions": "1+", "fields": [ { "name": "Id", "type": "uuid", "versions": "1+" } ] },
  { "name": "Extra", "type": "int64", "versions": "2+", "taggedVersions": "2+", "tag": 3, "default": "-1" } ] }"#;

    fn sample() -> Message {
        schema::parse(SAMPLE).expect("parses").1
    }

    #[test]
    fn what_is_written_is_read_again() {
        let id = "AQIDBAUGBwgJCgsMDQ4PEA";
        let value = json!({"name": "n", "ids": [1, -2], "rows": [{"id": id}], "extra": 7});
        let bytes = encode(&sample(), 2, &value).expect("encodes");
        assert_eq!(decode(&sample(), 2, &bytes), Ok((value, 0)));
    }

    #[test]
    fn the_bytes_are_those_of_the_protocol() {
        let old = encode(&sample(), 0, &json!({"name": "ab", "ids": [5]})).expect("encodes");
        assert_eq!(hex(&old), "00026162".to_owned() + "00000001" + "00000005");
        let new = encode(&sample(), 2, &json!({"name": "ab", "ids": null, "extra": 1})).expect("encodes");
        assert_eq!(hex(&new), "036162".to_owned() + "00" + "01" + "01" + "03" + "08" + "0000000000000001");
    }

    #[test]
    fn a_field_of_another_version_is_refused() {
        assert!(encode(&sample(), 0, &json!({"name": "n", "rows": []})).is_err());
    }

    #[test]
    fn what_is_cut_short_is_an_error_and_what_is_left_is_told() {
        let bytes = encode(&sample(), 0, &json!({"name": "ab", "ids": [5]})).expect("encodes");
        assert!(decode(&sample(), 0, &bytes[..bytes.len() - 1]).is_err());
        let more = [bytes.as_slice(), &[9]].concat();
        assert_eq!(decode(&sample(), 0, &more).expect("decodes").1, 1);
    }

    #[test]
    fn uuids_are_kafkas() {
        let bytes: [u8; 16] = std::array::from_fn(|i| i as u8 + 1);
        assert_eq!(uuid_text(&bytes), "AQIDBAUGBwgJCgsMDQ4PEA");
        assert_eq!(uuid_bytes("AQIDBAUGBwgJCgsMDQ4PEA"), Ok(bytes));
    }
}
