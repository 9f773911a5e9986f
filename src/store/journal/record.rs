//! A record of the journal, and its bytes. Where records are kept is the business of `segment`.
//!
//! A record on disk, little-endian: magic, length of the body, CRC-32C of length and body, the body, zeros up to a
//! multiple of eight. The body: sequence, the sequence known to be on disk when it was written, the hash of the record
//! before, time, author, method, request id, effects. The record's hash is the BLAKE3 of its body.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;

use crate::store::{Effect, Key, Mark, Sequence};

/// What a record begins with.
pub(super) const MAGIC: [u8; 4] = *b"MRec";
/// Bytes before the body.
pub(super) const HEADER_BYTES: usize = 12;
/// Bytes of a body before its texts: sequences, hash, time.
const LINK_BYTES: usize = 8 + 8 + 32 + 8 + 4;
/// Bytes before a text, a list or the bytes of a key or value: their number.
const COUNT_BYTES: usize = 4;
/// Records begin at multiples of this.
pub(super) const ALIGNMENT: usize = 8;
/// The largest body: what is larger is refused before it is written.
pub(in crate::store) const BODY_MAX_BYTES: usize = 256 << 20;

/// Who writes, for the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The author.
    pub author: String,
    /// The method, `merit.v1.GoalService/CreateGoal`.
    pub method: String,
    /// The request id, empty if none was given.
    pub request_id: String,
}

/// A record of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its place.
    pub sequence: Sequence,
    /// When it was written.
    pub time: Timestamp,
    /// Who wrote.
    pub origin: Origin,
    /// What it did: each key once, by key.
    pub effects: Vec<Effect>,
    /// The BLAKE3 hash of the record.
    pub hash: [u8; 32],
    /// The hash of the record before; zeros for the first.
    pub previous: [u8; 32],
}

/// A record, and where the journal has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journaled {
    /// The record.
    pub record: Arc<Record>,
    /// Where its bytes begin in its segment.
    pub offset: u64,
}

/// A record and its bytes.
#[derive(Clone, Debug)]
pub(in crate::store) struct Sealed {
    /// The record.
    pub record: Arc<Record>,
    /// What is written.
    pub bytes: Vec<u8>,
}

/// Where the chain is: what the next record builds on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct Head {
    /// The last sequence.
    pub sequence: Sequence,
    /// Its hash.
    pub hash: [u8; 32],
    /// When it was written.
    pub time: Timestamp,
}

/// The part of a body that the chain needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Link {
    /// Its place.
    pub sequence: Sequence,
    /// The last sequence that was on disk for certain when this one was written.
    pub synced: Sequence,
    /// The hash of the record before.
    pub previous: [u8; 32],
    /// When it was written.
    pub time: Timestamp,
}

/// Why bytes are no record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Malformed(pub &'static str);

struct Cursor<'a>(&'a [u8]);

// === impl Head ===

impl Head {
    /// Before the first record.
    pub const EMPTY: Self = Self { sequence: 0, hash: [0; 32], time: Timestamp::UNIX_EPOCH };

    /// The place in the history.
    pub fn mark(&self) -> Mark {
        Mark { sequence: self.sequence, hash: self.hash }
    }

    /// Makes the next record, and moves on to it. `synced` is the last sequence that is on disk for certain.
    pub fn seal(
        &mut self,
        synced: Sequence,
        time: Timestamp,
        origin: Origin,
        effects: Vec<Effect>,
    ) -> Sealed {
        let mut record =
            Record { sequence: self.sequence + 1, time, origin, effects, hash: [0; 32], previous: self.hash };
        let mut bytes = encode(&record, synced);
        let body_end = bytes.len();
        record.hash = blake3::hash(&bytes[HEADER_BYTES..]).into();
        bytes.resize(body_end.next_multiple_of(ALIGNMENT), 0);
        *self = Self { sequence: record.sequence, hash: record.hash, time };
        Sealed { record: Arc::new(record), bytes }
    }
}

// === impl Record ===

impl Record {
    /// The place in the history.
    #[must_use]
    pub fn mark(&self) -> Mark {
        Mark { sequence: self.sequence, hash: self.hash }
    }
}

// === impl Journaled ===

impl Journaled {
    /// The effects, each with where in the segment its value begins.
    pub fn effects(&self) -> impl Iterator<Item = (&Effect, u64)> {
        let Origin { author, method, request_id } = &self.record.origin;
        let texts: usize = [author, method, request_id].map(|text| COUNT_BYTES + text.len()).iter().sum();
        let mut at = self.offset + (HEADER_BYTES + LINK_BYTES + texts + COUNT_BYTES) as u64;
        self.record.effects.iter().map(move |effect| {
            let value = at + (COUNT_BYTES + effect.key.0.len() + 1 + COUNT_BYTES) as u64;
            let kept = effect.value.as_ref().map_or(0, |value| COUNT_BYTES + value.len());
            at += (COUNT_BYTES + effect.key.0.len() + 1 + kept) as u64;
            (effect, value)
        })
    }
}

/// The header and the body, without the zeros behind it.
fn encode(record: &Record, synced: Sequence) -> Vec<u8> {
    let mut bytes = vec![0; HEADER_BYTES];
    bytes.extend_from_slice(&record.sequence.to_le_bytes());
    bytes.extend_from_slice(&synced.to_le_bytes());
    bytes.extend_from_slice(&record.previous);
    bytes.extend_from_slice(&record.time.as_second().to_le_bytes());
    bytes.extend_from_slice(&record.time.subsec_nanosecond().to_le_bytes());
    for text in [&record.origin.author, &record.origin.method, &record.origin.request_id] {
        put_block(&mut bytes, text.as_bytes());
    }
    bytes.extend_from_slice(&length(record.effects.len()).to_le_bytes());
    for effect in &record.effects {
        put_block(&mut bytes, &effect.key.0);
        bytes.push(u8::from(effect.value.is_some()));
        if let Some(value) = &effect.value {
            put_block(&mut bytes, value);
        }
    }
    let body = length(bytes.len() - HEADER_BYTES).to_le_bytes();
    let checksum = checksum(body, &bytes[HEADER_BYTES..]).to_le_bytes();
    bytes[0..4].copy_from_slice(&MAGIC);
    bytes[4..8].copy_from_slice(&body);
    bytes[8..12].copy_from_slice(&checksum);
    bytes
}

/// The CRC-32C that stands in the header.
pub(super) fn checksum(length: [u8; 4], body: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&length), body)
}

/// Reads the chain's part of a body whose checksum is right.
pub(super) fn link(body: &[u8]) -> Result<Link, Malformed> {
    Cursor(body).link()
}

/// Reads a body whose checksum is right.
pub(super) fn decode(body: &Bytes) -> Result<Record, Malformed> {
    let mut cursor = Cursor(body);
    let link = cursor.link()?;
    let origin = Origin { author: cursor.text()?, method: cursor.text()?, request_id: cursor.text()? };
    let count = cursor.u32()?;
    let mut effects = Vec::new();
    for _ in 0..count {
        let key = Key(body.slice_ref(cursor.block()?));
        let value = match cursor.array::<1>()? {
            [0] => None,
            [1] => Some(body.slice_ref(cursor.block()?)),
            _ => return Err(Malformed("an effect is neither put nor delete")),
        };
        effects.push(Effect { key, value });
    }
    if !cursor.0.is_empty() {
        return Err(Malformed("there are bytes behind the last effect"));
    }
    Ok(Record {
        sequence: link.sequence,
        time: link.time,
        origin,
        effects,
        hash: blake3::hash(body).into(),
        previous: link.previous,
    })
}

fn put_block(bytes: &mut Vec<u8>, block: &[u8]) {
    bytes.extend_from_slice(&length(block.len()).to_le_bytes());
    bytes.extend_from_slice(block);
}

/// The writer refuses what is longer than a body may be, long before this.
fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("a record is shorter than 4 GiB")
}

/// Bytes that effects and origin take in a body, or a little more.
pub(in crate::store) fn body_bytes(origin: &Origin, effects: &[Effect]) -> usize {
    let texts = origin.author.len() + origin.method.len() + origin.request_id.len();
    let effects =
        effects.iter().map(|effect| effect.key.0.len() + effect.value.as_ref().map_or(0, Bytes::len) + 9);
    effects.sum::<usize>() + texts + 128
}

// === impl Cursor ===

impl<'a> Cursor<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Malformed("the body ends too early"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        Ok(self.take(N)?.try_into().expect("as many as were taken"))
    }

    fn u32(&mut self) -> Result<u32, Malformed> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn block(&mut self) -> Result<&'a [u8], Malformed> {
        let count = self.u32()?;
        self.take(count as usize)
    }

    fn text(&mut self) -> Result<String, Malformed> {
        String::from_utf8(self.block()?.to_vec()).map_err(|_| Malformed("a text is not UTF-8"))
    }

    fn link(&mut self) -> Result<Link, Malformed> {
        let sequence = u64::from_le_bytes(self.array()?);
        let synced = u64::from_le_bytes(self.array()?);
        let previous = self.array()?;
        let seconds = i64::from_le_bytes(self.array()?);
        let nanoseconds = i32::from_le_bytes(self.array()?);
        let time = Timestamp::new(seconds, nanoseconds).map_err(|_| Malformed("there is no such time"))?;
        Ok(Link { sequence, synced, previous, time })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn effect() -> impl Strategy<Value = Effect> {
        let bytes = || proptest::collection::vec(any::<u8>(), 0..40).prop_map(Bytes::from);
        (bytes(), proptest::option::of(bytes())).prop_map(|(key, value)| Effect { key: Key(key), value })
    }

    proptest! {
        #[test]
        fn a_record_comes_back_from_its_bytes(
            effects in proptest::collection::vec(effect(), 0..5),
            texts in any::<[String; 3]>(),
            seconds in -1_000_000_000i64..100_000_000_000,
            flip in any::<prop::sample::Index>(),
        ) {
            let [author, method, request_id] = texts;
            let mut head = Head { sequence: 6, hash: [9; 32], time: Timestamp::UNIX_EPOCH };
            let time = Timestamp::new(seconds, 5).unwrap();
            let origin = Origin { author, method, request_id };
            let sealed = head.seal(4, time, origin, effects);
            let length = u32::from_le_bytes(sealed.bytes[4..8].try_into().unwrap()) as usize;
            let body = Bytes::copy_from_slice(&sealed.bytes[HEADER_BYTES..HEADER_BYTES + length]);
            prop_assert_eq!(&decode(&body).unwrap(), &*sealed.record);
            let journaled = Journaled { record: sealed.record.clone(), offset: 1000 };
            for (effect, at) in journaled.effects() {
                let at = usize::try_from(at).unwrap() - 1000;
                let Some(value) = &effect.value else { continue };
                prop_assert_eq!(&sealed.bytes[at..at + value.len()], &value[..]);
            }
            prop_assert_eq!(link(&body).unwrap().synced, 4);
            prop_assert_eq!(head, Head { sequence: 7, hash: sealed.record.hash, time });
            prop_assert!(body.len() <= body_bytes(&sealed.record.origin, &sealed.record.effects));
            // Whatever the bytes, reading them ends with a record or an error.
            let mut other = body.to_vec();
            let place = flip.index(other.len());
            other[place] ^= 0x40;
            let other = Bytes::from(other);
            prop_assert!(decode(&other).ok().as_ref() != Some(&*sealed.record));
            for end in 0..body.len() {
                prop_assert!(decode(&body.slice(..end)).is_err());
            }
        }
    }
}
