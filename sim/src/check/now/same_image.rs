//! The metadata of two nodes is equal at equal offsets.

use super::Broken;
use crate::table::Map;
use crate::trace::Digest;
use esker_core::metadata::Image;
use std::hash::{Hash, Hasher as _};

/// What the images looked like, by offset.
#[derive(Debug, Default)]
pub struct SameImage {
    known: Map<i64, u64>,
}

impl SameImage {
    pub fn look(&mut self, image: &Image) -> Result<(), Broken> {
        let offset = image.offset().0;
        if offset < 0 {
            return Ok(());
        }
        let mut digest = Digest::default();
        image.hash(&mut digest);
        let first = *self.known.entry(offset).or_insert(digest.finish());
        if first == digest.finish() {
            return Ok(());
        }
        Err(("same-image", format!("the metadata at offset {offset} is not that of another node")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use esker_core::id::{LeaderEpoch, Offset};

    #[test]
    fn images_that_differ_at_one_offset_are_caught() {
        let mut seen = SameImage::default();
        let mut one = Image::new();
        one.advance(Offset(8), LeaderEpoch(1));
        let mut other = Image::new();
        other.advance(Offset(8), LeaderEpoch(2));
        assert!(seen.look(&one).is_ok());
        assert!(seen.look(&one).is_ok());
        assert!(seen.look(&other).is_err());
        other.advance(Offset(12), LeaderEpoch(2));
        assert!(seen.look(&other).is_ok());
    }
}
