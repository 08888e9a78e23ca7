//! The table agrees with the codec: whatever the table can describe, the codec decodes to the last byte; and no damage to
//! such a message leads the codec astray.

use super::*;
use crate::io::Listener;
use crate::rng::Rng;
use crate::wire::decode::{Decoded, request};
use crate::wire::versions;
use alloc::vec::Vec;
use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::{RequestKind, ResponseKind};

/// Writes a random message that the table allows.
struct Maker {
    rng: Rng,
    version: i16,
    flexible: bool,
    out: BytesMut,
}

impl Maker {
    fn make(shape: &'static Shape, version: i16, seed: u64) -> Bytes {
        let flexible = version >= shape.flexible;
        let mut maker = Self { rng: Rng::new(seed, 1), version, flexible, out: BytesMut::new() };
        maker.fields(shape.fields);
        maker.out.freeze()
    }

    fn varint(&mut self, mut value: usize) {
        while value >= 0x80 {
            self.out.put_u8(value as u8 | 0x80);
            value >>= 7;
        }
        self.out.put_u8(value as u8);
    }

    fn fields(&mut self, fields: &'static [Field]) {
        for field in fields {
            if field.is_in(self.version) && !field.is_tagged(self.version) {
                self.field(field);
            }
        }
        if !self.flexible {
            return;
        }
        let tagged: Vec<_> = fields.iter().filter(|f| f.is_in(self.version) && f.is_tagged(self.version)).collect();
        let chosen: Vec<_> = tagged.into_iter().filter(|_| self.rng.below(2) == 0).collect();
        let unknown = self.rng.below(2) as usize;
        self.varint(chosen.len() + unknown);
        for field in chosen {
            let before = core::mem::take(&mut self.out);
            self.field(field);
            let value = core::mem::replace(&mut self.out, before);
            self.varint(field.tag);
            self.varint(value.len());
            self.out.put_slice(&value);
        }
        if unknown == 1 {
            self.varint(9999);
            self.varint(3);
            self.out.put_slice(b"abc");
        }
    }

    fn field(&mut self, field: &'static Field) {
        let null = field.may_be_null(self.version) && self.rng.below(3) == 0;
        if matches!(field.kind, Kind::Struct(_)) && field.may_be_null(self.version) {
            self.out.put_i8(if null { -1 } else { 1 });
        }
        match &field.kind {
            Kind::Struct(_) if null => {}
            _ if null && self.flexible => self.varint(0),
            Kind::Text if null => self.out.put_i16(-1),
            Kind::Bytes | Kind::Array(..) if null => self.out.put_i32(-1),
            kind => self.value(kind),
        }
    }

    fn value(&mut self, kind: &'static Kind) {
        match kind {
            // Small and positive: a boolean or an enumeration takes it as well.
            Kind::Fixed(1) => self.out.put_u8(self.rng.below(2) as u8),
            Kind::Fixed(bytes) => {
                for _ in 0..*bytes {
                    let byte = self.rng.below(256) as u8;
                    self.out.put_u8(byte);
                }
            }
            Kind::Struct(fields) => self.fields(fields),
            Kind::Text | Kind::Bytes => {
                let len = self.rng.below(9) as usize;
                match kind {
                    _ if self.flexible => self.varint(len + 1),
                    Kind::Text => self.out.put_i16(len as i16),
                    _ => self.out.put_i32(len as i32),
                }
                self.out.put_bytes(b'x', len);
            }
            Kind::Array(_, element) => {
                let len = self.rng.below(3) as usize;
                if self.flexible {
                    self.varint(len + 1)
                } else {
                    self.out.put_i32(len as i32)
                }
                (0..len).for_each(|_| self.value(element));
            }
        }
    }
}

/// Every message that the codec knows, in every version, several times.
fn each(table: &'static [Shape], mut look: impl FnMut(ApiKey, i16, u64, Bytes)) {
    for shape in table {
        let Ok(key) = ApiKey::try_from(shape.key) else { continue };
        for version in versions::supported(key) {
            for seed in 0..20 {
                look(key, version, seed, Maker::make(shape, version, seed));
            }
        }
    }
}

#[test]
fn the_codec_reads_what_the_table_describes() {
    each(REQUESTS, |key, version, seed, body| {
        assert!(check_request(key, version, &body).is_ok(), "{key:?} v{version} seed {seed}");
        let mut rest = body.clone();
        let decoded = RequestKind::decode(key, &mut rest, versions::codec(key, version));
        assert!(decoded.is_ok() && rest.is_empty(), "{key:?} v{version} seed {seed}: {decoded:?}, {} left", rest.len());
    });
    each(RESPONSES, |key, version, seed, body| {
        assert!(check_response(key, version, &body).is_ok(), "{key:?} v{version} seed {seed}");
        if (key, version) == (ApiKey::DescribeLogDirs, versions::CORDONED) {
            return; // Written by us alone: `frame_tests` compares it with Kafka's.
        }
        let mut rest = body.clone();
        let decoded = ResponseKind::decode(key, &mut rest, versions::codec(key, version));
        assert!(decoded.is_ok() && rest.is_empty(), "{key:?} v{version} seed {seed}: {decoded:?}, {} left", rest.len());
    });
}

#[test]
fn bytes_too_few_are_refused_and_too_many_only_in_replies() {
    each(RESPONSES, |key, version, seed, body| {
        let mut more = body.to_vec();
        more.push(0);
        assert_eq!(check_response(key, version, &more), Err(Flaw::Trailing), "{key:?} v{version} seed {seed}");
    });
    each(REQUESTS, |key, version, seed, body| {
        let mut more = body.to_vec();
        more.push(0);
        assert_eq!(
            check_request(key, version, &more),
            check_request(key, version, &body),
            "{key:?} v{version} seed {seed}"
        );
        if !body.is_empty() {
            assert!(check_request(key, version, &body[..body.len() - 1]).is_err(), "{key:?} v{version} seed {seed}");
        }
    });
}

/// A false length that got through would have the codec allocate it, and end the process.
#[test]
fn damage_never_panics() {
    let mut passed = 0;
    each(REQUESTS, |key, version, seed, body| {
        let mut rng = Rng::new(seed, key as u64 * 100 + version as u64);
        for _ in 0..4 {
            let damaged = damage(&mut rng, &body);
            if check_request(key, version, &damaged).is_ok() {
                passed += 1;
                let _ = RequestKind::decode(key, &mut damaged.clone(), version);
            }
        }
    });
    assert!(passed > 1000, "only {passed} damaged messages reached the codec");
    each(RESPONSES, |key, version, seed, body| {
        let mut rng = Rng::new(seed, key as u64 * 100 + version as u64);
        let damaged = damage(&mut rng, &body);
        if check_response(key, version, &damaged).is_ok() {
            let _ = ResponseKind::decode(key, &mut damaged.clone(), version);
        }
    });
}

fn damage(rng: &mut Rng, body: &Bytes) -> Bytes {
    let mut bytes = body.to_vec();
    for _ in 0..=rng.below(3) {
        let at = rng.below(bytes.len() as u64 + 1) as usize;
        match rng.below(4) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, rng.below(256) as u8),
            _ if at >= bytes.len() => {}
            2 => bytes[at] ^= 1 << rng.below(8),
            _ => {
                let end = bytes.len().min(at + 4);
                let with = if rng.below(2) == 0 { 0xff } else { 0x7f };
                bytes[at..end].fill(with);
            }
        }
    }
    bytes.into()
}

/// The whole way of a frame, header included.
#[test]
fn damaged_frames_never_panic() {
    let mut understood = 0;
    each(REQUESTS, |key, version, seed, body| {
        if versions::served(Listener::Broker, key).is_none() {
            return;
        }
        let mut frame = BytesMut::new();
        frame.put_i16(key as i16);
        frame.put_i16(version);
        frame.put_i32(7);
        frame.put_slice(b"\x00\x03kat");
        if key.request_header_version(version) >= 2 {
            frame.put_u8(0);
        }
        frame.put_slice(&body);
        let frame = frame.freeze();
        understood += usize::from(matches!(request(&frame, Listener::Broker), Ok(Decoded::Request { .. })));
        let mut rng = Rng::new(seed, 5);
        let _ = request(&damage(&mut rng, &frame), Listener::Broker);
    });
    assert!(understood > 2000, "only {understood} whole frames were understood");
}

#[test]
fn a_false_count_is_refused_before_it_costs() {
    // Metadata v1: two billion topics in four bytes.
    assert_eq!(check_request(ApiKey::Metadata, 1, &[0x7f, 0xff, 0xff, 0xff]), Err(Flaw::Length));
    assert_eq!(check_request(ApiKey::Metadata, 1, &[0xff, 0xff, 0xff, 0xfe]), Err(Flaw::Length));
    assert_eq!(check_request(ApiKey::Metadata, 1, &[0xff, 0xff, 0xff, 0xff]), Ok(0));
    // Many empty names are many structs: their memory is bounded, not only their bytes.
    let mut many = BytesMut::new();
    many.put_i32(2_000_000);
    many.put_bytes(0, 4_000_000);
    assert_eq!(check_request(ApiKey::Metadata, 1, &many), Err(Flaw::Huge));
}

#[test]
fn a_tagged_field_fills_its_size() {
    // Fetch v12 ends with its tagged fields; tag 0 is the cluster's id.
    let body = |size: u8| {
        let mut out = BytesMut::new();
        out.put_bytes(0, 4 * 4 + 1 + 4 + 4);
        out.put_slice(&[1, 1, 1, 1, 0, size, 3, b'a', b'b']);
        out.freeze()
    };
    assert!(check_request(ApiKey::Fetch, 12, &body(3)).is_ok());
    assert_eq!(check_request(ApiKey::Fetch, 12, &body(2)), Err(Flaw::Tag));
    assert_eq!(check_request(ApiKey::Fetch, 12, &body(4)), Err(Flaw::Length));
}
