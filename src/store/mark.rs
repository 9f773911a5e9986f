//! A place in the history: a sequence and the hash of its record, which every record before it goes into.

use std::{fmt, str::FromStr};

use super::BlobHash;

/// The place of a change in the journal. The first is 1; 0 is the empty store.
pub type Sequence = u64;

/// A place in the history. Two histories that have one in common are the same up to it. Shown, and read, as
/// `SEQUENCE:HASH`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// The sequence; 0 before the first record.
    pub sequence: Sequence,
    /// The BLAKE3 hash of that record; zeros before the first.
    pub hash: [u8; 32],
}

/// The text is no mark: `SEQUENCE:HASH`, the hash as 64 hex digits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no place in a journal: write it SEQUENCE:HASH, as `merit audit verify` shows it")]
pub struct InvalidMark(pub String);

/// Bytes of a mark on disk.
pub(super) const MARK_BYTES: usize = 40;

// === impl Mark ===

impl Mark {
    /// As it is kept: the sequence, little-endian, and the hash.
    pub(super) fn encode(self) -> [u8; MARK_BYTES] {
        let mut bytes = [0; MARK_BYTES];
        bytes[..8].copy_from_slice(&self.sequence.to_le_bytes());
        bytes[8..].copy_from_slice(&self.hash);
        bytes
    }

    /// Reads what was kept.
    pub(super) fn decode(bytes: &[u8; MARK_BYTES]) -> Self {
        let (sequence, hash) = bytes.split_first_chunk().expect("a mark is longer than a sequence");
        Self {
            sequence: u64::from_le_bytes(*sequence),
            hash: hash.try_into().expect("the rest is as long as a hash"),
        }
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.sequence, BlobHash(self.hash))
    }
}

impl FromStr for Mark {
    type Err = InvalidMark;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = || {
            let (sequence, hash) = text.split_once(':')?;
            let BlobHash(hash) = hash.parse().ok()?;
            Some(Self { sequence: sequence.parse().ok()?, hash })
        };
        read().ok_or_else(|| InvalidMark(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_read() {
        let mark = Mark { sequence: 12, hash: [0xab; 32] };
        assert_eq!(mark.to_string(), format!("12:{}", "ab".repeat(32)));
        assert_eq!(mark.to_string().parse(), Ok(mark));
        assert_eq!(Mark::decode(&mark.encode()), mark);
        for text in ["", "12", "12:", "12:abc", ":", "x:00", &format!("-1:{}", "00".repeat(32))] {
            assert_eq!(text.parse::<Mark>(), Err(InvalidMark(text.to_owned())), "{text}");
        }
    }
}
