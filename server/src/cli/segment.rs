//! A log file read batch by batch: a segment may be larger than memory has room for.

use esker_core::batch::{HEADER_BYTES, Header};
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

pub struct Segment {
    file: BufReader<File>,
    /// Bytes not read yet, of those that were there when it was opened: a node may be writing on.
    left: u64,
    bytes: Vec<u8>,
}

impl Segment {
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let left = file.metadata()?.len();
        Ok(Self { file: BufReader::with_capacity(256 << 10, file), left, bytes: Vec::new() })
    }

    /// Reads the next whole batch. `false`: there is none, and [`Self::bytes`] are the first of what is left.
    pub fn step(&mut self) -> io::Result<bool> {
        self.bytes.clear();
        self.read(HEADER_BYTES as u64)?;
        let size = Header::read(&self.bytes).and_then(|header| header.size());
        let more = size.and_then(|size| size.checked_sub(HEADER_BYTES)).map(|more| more as u64);
        match more.filter(|more| *more <= self.left) {
            Some(more) => self.read(more).map(|()| true),
            None => Ok(false),
        }
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many bytes come after the last whole batch, and whether any of them is not zero.
    pub fn rest(&mut self) -> io::Result<(u64, bool)> {
        let mut count = 0;
        let mut is_written = false;
        while !self.bytes.is_empty() {
            count += self.bytes.len() as u64;
            is_written |= self.bytes.iter().any(|byte| *byte != 0);
            self.bytes.clear();
            self.read(64 << 10)?;
        }
        Ok((count, is_written))
    }

    fn read(&mut self, len: u64) -> io::Result<()> {
        let wanted = len.min(self.left);
        let read = (&mut self.file).take(wanted).read_to_end(&mut self.bytes)? as u64;
        // Somebody may have cut the file meanwhile.
        self.left = if read < wanted { 0 } else { self.left - read };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use esker_core::batch::Builder;

    #[test]
    fn it_ends_where_no_whole_batch_is() {
        let mut builder = Builder::new();
        builder.push(7, None, Some(&[b'x'; 1000]), &[]);
        let batch = builder.finish();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("segment");
        for (tail, written) in [(Vec::new(), false), (vec![0; 100_000], false), (batch[..500].to_vec(), true)] {
            std::fs::write(&path, [&batch[..], &batch[..], &tail[..]].concat()).unwrap();
            let mut segment = Segment::open(&path).unwrap();
            for _ in 0..2 {
                assert!(segment.step().unwrap());
                assert_eq!(segment.bytes(), &batch[..]);
            }
            assert!(!segment.step().unwrap());
            assert_eq!(segment.rest().unwrap(), (tail.len() as u64, written));
        }
    }
}
