//! The journal's files, for those who read while the writer appends.

use std::{
    fs, io,
    os::unix::fs::FileExt as _,
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
};

use bytes::Bytes;

use super::{
    Journaled, Pointer, Values,
    reader::{Reader, Step},
    record::{Head, decode},
    segment::Segment,
    walk::walk,
};
use crate::store::{Sequence, StoreError, Verification, verification::Inspection};

/// Every so many sequences, and every so many bytes, the place of a record is remembered.
const STRIDE: u64 = 256;
const STRIDE_BYTES: u64 = 1 << 20;
/// Bytes of records read at once, or one record.
const READ_BYTES: usize = 4 << 20;

/// The journal's files, for reading. Cheap to clone.
#[derive(Clone)]
pub(in crate::store) struct Past {
    directory: Arc<PathBuf>,
    places: Arc<RwLock<Vec<Place>>>,
}

/// Where a record is, and what it builds on. The first record of every segment has one.
#[derive(Clone, Debug)]
struct Place {
    segment: Arc<Segment>,
    offset: u64,
    before: Head,
}

// === impl Past ===

impl Past {
    pub(super) fn new(directory: PathBuf) -> Self {
        Self { directory: Arc::new(directory), places: Arc::default() }
    }

    /// Remembers where the record after `before` is, if it is the first of its segment or its turn has come.
    pub(super) fn note(&self, segment: &Segment, offset: u64, before: Head) {
        let mut places = self.places.write().unwrap_or_else(PoisonError::into_inner);
        let known = places.last().filter(|place| place.segment.first == segment.first);
        let segment = match known {
            Some(place)
                if !(before.sequence + 1).is_multiple_of(STRIDE) && offset - place.offset < STRIDE_BYTES =>
            {
                return;
            }
            Some(place) => place.segment.clone(),
            None => Arc::new(segment.clone()),
        };
        places.push(Place { segment, offset, before });
    }

    /// The records after `after`, at most `limit` and as many as fit into memory, none behind `last`, oldest first,
    /// checked. None are all there are.
    pub fn records(
        &self,
        after: Sequence,
        limit: usize,
        last: Sequence,
    ) -> Result<Vec<Journaled>, StoreError> {
        let wanted = usize::try_from(last.saturating_sub(after)).unwrap_or(usize::MAX).min(limit);
        let mut records: Vec<Journaled> = Vec::new();
        let (mut at, mut bytes) = (after, 0);
        while records.len() < wanted && bytes < READ_BYTES {
            let Some(place) = self.place(at) else { break };
            let mut reader = Reader::open(&place.segment, place.offset, place.before)?;
            let before = records.len();
            while records.len() < wanted && bytes < READ_BYTES {
                let raw = match reader.next()? {
                    Step::Record(raw) => raw,
                    Step::End => break,
                    Step::Broken(what) => return Err(damaged(&place, &reader, what)),
                    Step::Unchained(what) => return Err(damaged(&place, &reader, &what)),
                };
                if raw.link.sequence > after {
                    let record =
                        decode(&raw.body).map_err(|malformed| damaged(&place, &reader, malformed.0))?;
                    bytes += raw.body.len();
                    records.push(Journaled { record: Arc::new(record), offset: raw.offset });
                }
            }
            // The next segment begins with the sequence behind the last of this one.
            at = reader.head().sequence;
            if records.len() == before
                && self.place(at).is_none_or(|next| next.segment.first == place.segment.first)
            {
                return Err(damaged(&place, &reader, "records that were acknowledged are missing"));
            }
        }
        Ok(records)
    }

    /// Walks the journal up to `last`, and shows every record on the way.
    pub fn verify(
        &self,
        last: Sequence,
        inspection: &mut Inspection<'_>,
    ) -> Result<Verification, StoreError> {
        let walk = walk(&self.directory, Some(last), |segment, raw| {
            let record = decode(&raw.body)
                .map_err(|malformed| StoreError::damaged(&segment.path, raw.offset, malformed.0))?;
            inspection.see(&record);
            Ok(())
        })?;
        let short = (walk.head.sequence < last).then(|| {
            let path = walk.segments.last().map_or(&*self.directory, |segment| &segment.path);
            StoreError::damaged(path, walk.end, "records that were acknowledged are missing")
        });
        Ok(Verification::new(walk.head.mark(), walk.damage.or(short)))
    }

    /// The place nearest before the record that follows `after`.
    fn place(&self, after: Sequence) -> Option<Place> {
        let places = self.places.read().unwrap_or_else(PoisonError::into_inner);
        let behind = places.partition_point(|place| place.before.sequence <= after);
        Some(places[behind.checked_sub(1)?].clone())
    }
}

impl Values for Past {
    fn read(&self, pointer: &Pointer) -> Result<Bytes, StoreError> {
        let place = pointer.sequence.checked_sub(1).and_then(|before| self.place(before));
        let Some(Place { segment, .. }) = place else {
            return Err(StoreError::unsound(&self.directory, "a large value is not where the index has it"));
        };
        let path = &segment.path;
        let file = fs::File::open(path).map_err(StoreError::io("opening", path))?;
        let mut value = vec![0; pointer.bytes as usize];
        match file.read_exact_at(&mut value, pointer.offset) {
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
                return Err(StoreError::io("reading", path)(error));
            }
            Ok(()) if pointer.is_of(&value) => return Ok(value.into()),
            _ => {}
        }
        let what =
            format!("the value that sequence {} put is not the one that was written", pointer.sequence);
        Err(StoreError::damaged(path, pointer.offset, what))
    }
}

fn damaged(place: &Place, reader: &Reader, what: &str) -> StoreError {
    StoreError::damaged(&place.segment.path, reader.offset(), what)
}
