//! Decompresses the records of a batch, within a bound.

use std::io::{self, Read};

/// Kafka's numbers of codecs (`CompressionType`).
const GZIP: u8 = 1;
const SNAPPY: u8 = 2;
const LZ4: u8 = 3;
const ZSTD: u8 = 4;

/// What begins snappy's framing of xerial's library, which Java's clients write: magic, version, compatible version.
const XERIAL: &[u8; 8] = b"\x82SNAPPY\0";
const XERIAL_HEADER: usize = 16;

/// Decompresses; an error where the bytes are damaged or come to more than `max`.
pub fn unpack(codec: u8, bytes: &[u8], max: usize) -> io::Result<Vec<u8>> {
    match codec {
        0 if bytes.len() <= max => Ok(bytes.to_vec()),
        GZIP => bounded(flate2::read::MultiGzDecoder::new(bytes), max),
        SNAPPY => snappy(bytes, max),
        LZ4 => bounded(lz4_flex::frame::FrameDecoder::new(bytes), max),
        ZSTD => bounded(zstd::stream::read::Decoder::with_buffer(bytes)?, max),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

fn bounded(from: impl Read, max: usize) -> io::Result<Vec<u8>> {
    let mut plain = Vec::new();
    let limit = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
    from.take(limit).read_to_end(&mut plain)?;
    if plain.len() > max { Err(io::ErrorKind::InvalidData.into()) } else { Ok(plain) }
}

fn snappy(bytes: &[u8], max: usize) -> io::Result<Vec<u8>> {
    if !bytes.starts_with(XERIAL) {
        return raw_snappy(bytes, max);
    }
    let mut rest = bytes.get(XERIAL_HEADER..).ok_or(io::ErrorKind::UnexpectedEof)?;
    let mut plain = Vec::new();
    while let Some((len, more)) = rest.split_first_chunk::<4>() {
        let len = usize::try_from(u32::from_be_bytes(*len)).map_err(|_| io::ErrorKind::InvalidData)?;
        let (block, more) = more.split_at_checked(len).ok_or(io::ErrorKind::UnexpectedEof)?;
        plain.extend(raw_snappy(block, max.saturating_sub(plain.len()))?);
        rest = more;
    }
    if rest.is_empty() { Ok(plain) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

fn raw_snappy(bytes: &[u8], max: usize) -> io::Result<Vec<u8>> {
    let len = snap::raw::decompress_len(bytes).map_err(|_| io::ErrorKind::InvalidData)?;
    if len > max {
        return Err(io::ErrorKind::InvalidData.into());
    }
    snap::raw::Decoder::new().decompress_vec(bytes).map_err(|_| io::ErrorKind::InvalidData.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn packed(codec: u8, plain: &[u8]) -> Vec<u8> {
        match codec {
            GZIP => {
                let mut to = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
                to.write_all(plain).unwrap();
                to.finish().unwrap()
            }
            SNAPPY => {
                let block = snap::raw::Encoder::new().compress_vec(plain).unwrap();
                let mut framed = b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01".to_vec();
                framed.extend((block.len() as u32).to_be_bytes());
                framed.extend(block);
                framed
            }
            LZ4 => {
                let mut to = lz4_flex::frame::FrameEncoder::new(Vec::new());
                to.write_all(plain).unwrap();
                to.finish().unwrap()
            }
            ZSTD => zstd::stream::encode_all(plain, 3).unwrap(),
            _ => plain.to_vec(),
        }
    }

    #[test]
    fn every_codec_within_its_bound() {
        let plain = b"a line that repeats, ".repeat(500);
        for codec in 0..=4 {
            let bytes = packed(codec, &plain);
            assert_eq!(unpack(codec, &bytes, plain.len()).unwrap(), plain, "codec {codec}");
            assert!(unpack(codec, &bytes, plain.len() - 1).is_err(), "codec {codec} keeps its bound");
            let half = unpack(codec, &bytes[..bytes.len() / 2], plain.len());
            assert!(codec == 0 || half.is_err(), "codec {codec} sees the missing half");
        }
        let raw = snap::raw::Encoder::new().compress_vec(&plain).unwrap();
        assert_eq!(unpack(SNAPPY, &raw, plain.len()).unwrap(), plain);
        assert!(unpack(7, b"x", 10).is_err());
    }
}
