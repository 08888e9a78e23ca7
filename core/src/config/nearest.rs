//! The known name nearest to an unknown one, for an error that helps.

use alloc::vec::Vec;

/// The candidate with the fewest single-character edits from `name`, if they are few enough to be a slip.
pub(super) fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // A name is long: the bound keeps the table of distances small whatever a file holds.
    if name.len() > 200 {
        return None;
    }
    let allowed = (name.len() / 3).max(2);
    candidates
        .map(|known| (distance(name.as_bytes(), known.as_bytes()), known))
        .filter(|&(edits, _)| edits <= allowed)
        .min_by_key(|&(edits, _)| edits)
        .map(|(_, known)| known)
}

/// Levenshtein's distance.
fn distance(one: &[u8], other: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.iter().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (b, cell) in other.iter().zip(row.iter_mut().skip(1)) {
            let replaced = diagonal + usize::from(a != b);
            diagonal = *cell;
            left = replaced.min(left + 1).min(*cell + 1);
            *cell = left;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        assert_eq!(distance(b"kitten", b"sitting"), 3);
        assert_eq!(distance(b"", b"abc"), 3);
        assert_eq!(distance(b"abc", b""), 3);
        assert_eq!(distance(b"same", b"same"), 0);
    }

    #[test]
    fn a_slip_is_found_and_nonsense_is_not() {
        let names = ["log.dirs", "log.dir", "num.partitions"];
        assert_eq!(nearest("num.partitons", names.into_iter()), Some("num.partitions"));
        assert_eq!(nearest("log.dirz", names.into_iter()), Some("log.dirs"));
        assert_eq!(nearest("zookeeper.connect", names.into_iter()), None);
    }
}
