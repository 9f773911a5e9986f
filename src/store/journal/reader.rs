//! Reads the records of one segment, one after the other, each checked against its checksum and the chain. What a
//! break means is judged in `walk`.

use std::{
    fs,
    io::{BufReader, Read, Seek, SeekFrom},
};

use bytes::Bytes;

use super::{
    record::{ALIGNMENT, HEADER_BYTES, Head, Link, MAGIC, checksum, link},
    segment::Segment,
};
use crate::store::StoreError;

const BUFFER_BYTES: usize = 256 << 10;

/// Reads a segment from some record on.
pub(super) struct Reader {
    file: BufReader<fs::File>,
    segment: Segment,
    length: u64,
    offset: u64,
    head: Head,
}

/// What stands at a place.
pub(super) enum Step {
    /// The next record of the chain.
    Record(Raw),
    /// Zeros, or the end of the file: here records end, if nothing but zeros follows.
    End,
    /// Neither a record nor an end.
    Broken(&'static str),
    /// A whole record, but not the one that the chain goes on with.
    Unchained(String),
}

/// A record whose checksum and place in the chain are right.
pub(super) struct Raw {
    /// Where it begins.
    pub offset: u64,
    /// Its place.
    pub link: Link,
    /// Its hash.
    pub hash: [u8; 32],
    /// What to decode.
    pub body: Bytes,
}

// === impl Reader ===

impl Reader {
    /// Reads from `offset` on, where the record that follows `head` is.
    pub fn open(segment: &Segment, offset: u64, head: Head) -> Result<Self, StoreError> {
        let path = &segment.path;
        let file = fs::File::open(path).map_err(StoreError::io("opening", path))?;
        let length = file.metadata().map_err(StoreError::io("asking for the length of", path))?.len();
        let mut file = BufReader::with_capacity(BUFFER_BYTES, file);
        file.seek(SeekFrom::Start(offset)).map_err(StoreError::io("seeking in", path))?;
        Ok(Self { file, segment: segment.clone(), length, offset, head })
    }

    /// The last record read, or what it began behind.
    pub fn head(&self) -> Head {
        self.head
    }

    /// Where the next record is, or what came instead of it.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The next record. After anything else than a record it is not called again.
    pub fn next(&mut self) -> Result<Step, StoreError> {
        if self.length.saturating_sub(self.offset) < HEADER_BYTES as u64 {
            return Ok(Step::End);
        }
        let mut header = [0; HEADER_BYTES];
        self.read(&mut header)?;
        if header == [0; HEADER_BYTES] {
            return Ok(Step::End);
        }
        let size = frame(&header, self.length - self.offset);
        let Some((body_bytes, frame_bytes)) = size else {
            return Ok(Step::Broken("no record begins here, or it does not fit the file"));
        };
        let mut bytes = vec![0; frame_bytes - HEADER_BYTES];
        self.read(&mut bytes)?;
        let bytes = Bytes::from(bytes);
        let (body, padding) = (bytes.slice(..body_bytes), &bytes[body_bytes..]);
        if header[8..12] != checksum(field(&header), &body).to_le_bytes()
            || padding.iter().any(|&byte| byte != 0)
        {
            return Ok(Step::Broken("the record does not have its checksum"));
        }
        let link = match link(&body) {
            Ok(link) => link,
            Err(malformed) => return Ok(Step::Broken(malformed.0)),
        };
        let expected = self.head.sequence + 1;
        if link.sequence != expected {
            return Ok(Step::Unchained(format!("sequence {expected} is missing: {} is here", link.sequence)));
        }
        if link.previous != self.head.hash {
            let what =
                format!("sequence {expected} does not build on the record before it: the chain is broken");
            return Ok(Step::Unchained(what));
        }
        let hash = blake3::hash(&body).into();
        let offset = self.offset;
        self.offset += frame_bytes as u64;
        self.head = Head { sequence: link.sequence, hash, time: link.time };
        Ok(Step::Record(Raw { offset, link, hash, body }))
    }

    /// Whether anything but zeros follows, and whether among it is a record that was written when `lost` was already on
    /// disk for certain: then what stands here was not cut off by a crash, but damaged.
    pub fn tail(mut self, lost: u64) -> Result<Tail, StoreError> {
        let path = &self.segment.path;
        self.file.seek(SeekFrom::Start(self.offset)).map_err(StoreError::io("seeking in", path))?;
        let mut rest = Vec::new();
        self.file.read_to_end(&mut rest).map_err(StoreError::io("reading", path))?;
        let last = rest.rchunks(4096).position(|chunk| chunk != &[0; 4096][..chunk.len()]);
        let Some(last) = last else { return Ok(Tail::Zeros) };
        let end = rest.len() - last * 4096;
        let is_later = |at: &usize| later_record(&rest[*at..]).is_some_and(|link| link.synced >= lost);
        match (0..end).step_by(ALIGNMENT).find(is_later) {
            Some(at) => Ok(Tail::LaterRecord { offset: self.offset + at as u64 }),
            None => Ok(Tail::Torn { bytes: end as u64 }),
        }
    }

    fn read(&mut self, bytes: &mut [u8]) -> Result<(), StoreError> {
        self.file.read_exact(bytes).map_err(StoreError::io("reading", &self.segment.path))
    }
}

/// What follows the last record of the last segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tail {
    /// Nothing.
    Zeros,
    /// What a crash left of a group that nobody was told of; at most so many bytes.
    Torn {
        /// Bytes to be zeroed.
        bytes: u64,
    },
    /// A record that proves that acknowledged ones are damaged.
    LaterRecord {
        /// Where that record is.
        offset: u64,
    },
}

fn field(header: &[u8; HEADER_BYTES]) -> [u8; 4] {
    header[4..8].try_into().expect("four bytes")
}

/// Bytes of the body and of the whole record, if that fits into what is left.
fn frame(header: &[u8; HEADER_BYTES], left: u64) -> Option<(usize, usize)> {
    let body = u32::from_le_bytes(field(header)) as usize;
    let whole = (HEADER_BYTES + body).next_multiple_of(ALIGNMENT);
    (header[0..4] == MAGIC && whole as u64 <= left).then_some((body, whole))
}

/// The link of a whole record at the start of these bytes, wherever in the chain it belongs.
fn later_record(bytes: &[u8]) -> Option<Link> {
    let header: &[u8; HEADER_BYTES] = bytes.first_chunk()?;
    let (body_bytes, _) = frame(header, bytes.len().next_multiple_of(ALIGNMENT) as u64)?;
    let body = bytes.get(HEADER_BYTES..HEADER_BYTES + body_bytes)?;
    if header[8..12] != checksum(field(header), body).to_le_bytes() {
        return None;
    }
    link(body).ok()
}
