//! The journal's end: opened, mended where a crash tore it, and appended to. There is one, and the writer has it.

use std::{
    fs,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    Log, Past, Record,
    checkpoint::Checkpoint,
    reader::Raw,
    record::{Head, Sealed, decode},
    segment::{self, Segment},
    untouched::Untouched,
    walk::{Walk, walk},
};
use crate::store::{Sequence, StoreError, Verification, files, space, verification::Named};

/// The journal of a directory, walked and not yet changed.
pub(in crate::store) struct Found {
    directory: PathBuf,
    walk: Walk,
    past: Past,
}

/// The journal's end, for appending.
pub(in crate::store) struct Journal {
    directory: PathBuf,
    segment_bytes: u64,
    past: Past,
    segment: Segment,
    file: fs::File,
    offset: u64,
    head: Head,
    untouched: Untouched,
}

/// The part of a segment's file that holds records.
pub(in crate::store) struct Extent {
    /// The file.
    pub path: PathBuf,
    /// Its first bytes, up to the end of the last record.
    pub bytes: u64,
}

/// The name of the checkpoint's file in the journal's directory.
const CHECKPOINT: &str = "checkpoint";

// === impl Found ===

impl Found {
    /// Walks the journal of a directory, which is made where there is none. Changes nothing that was written.
    ///
    /// # Errors
    /// `Damaged` where anything but the tail of a group that nobody was told of is not as it was written.
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        files::create_directory(directory)?;
        Segment::tidy(directory)?;
        let found = Self::read(directory, |_| {})?;
        match found.walk.damage {
            Some(damage) => Err(damage),
            None => Ok(found),
        }
    }

    fn read(directory: &Path, mut see: impl FnMut(&Raw)) -> Result<Self, StoreError> {
        let checkpoint = Checkpoint::read(&directory.join(CHECKPOINT))?;
        let past = Past::new(directory.to_owned());
        let mut before = Head::EMPTY;
        let mut forked = None;
        let mut walk = walk(directory, None, |segment, raw: &Raw| {
            see(raw);
            past.note(segment, raw.offset, before);
            before = Head { sequence: raw.link.sequence, hash: raw.hash, time: raw.link.time };
            if checkpoint.is_some_and(|checkpoint| {
                checkpoint.sequence == before.sequence && checkpoint.hash != before.hash
            }) {
                let what =
                    format!("sequence {} is another than the one that was acknowledged", before.sequence);
                forked.get_or_insert(StoreError::damaged(&segment.path, raw.offset, what));
            }
            Ok(())
        })?;
        walk.damage = forked.or(walk.damage.take());
        let found = Self { directory: directory.to_owned(), walk, past };
        let short = found.check_reaches(checkpoint.map_or(0, |checkpoint| checkpoint.sequence)).err();
        let walk = found.walk;
        let damage = walk.damage.or(short);
        Ok(Self { walk: Walk { damage, ..walk }, ..found })
    }

    /// The last record.
    pub fn head(&self) -> Head {
        self.walk.head
    }

    /// The journal's files, for reading.
    pub fn past(&self) -> Past {
        self.past.clone()
    }

    /// Whether the journal has a sequence that was acknowledged.
    ///
    /// # Errors
    /// `Damaged` at the journal's end where it has not.
    pub fn check_reaches(&self, acknowledged: Sequence) -> Result<(), StoreError> {
        let last = self.walk.head.sequence;
        if acknowledged <= last {
            return Ok(());
        }
        let path = self.walk.segments.last().map_or(&self.directory, |segment| &segment.path);
        let what = format!("the journal ends with sequence {last}, but {acknowledged} was acknowledged");
        Err(StoreError::damaged(path, self.walk.end, what))
    }

    /// Shows the effects of the records after `after`, in order.
    pub fn replay(
        &self,
        after: Sequence,
        mut apply: impl FnMut(Vec<Arc<Record>>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        /// Records read at once.
        const RECORDS: usize = 1024;
        let mut at = after;
        while at < self.head().sequence {
            let records = self.past.records(at, RECORDS, self.head().sequence)?;
            let Some(last) = records.last() else { return self.check_reaches(at + 1) };
            at = last.sequence;
            apply(records)?;
        }
        Ok(())
    }

    /// Cuts the torn tail, makes what is left lasting, and goes on from there.
    pub fn resume(self, segment_bytes: u64) -> Result<Journal, StoreError> {
        let head = self.walk.head;
        let (segment, file) = match self.walk.segments.last() {
            None => Segment::create(&self.directory, head.sequence + 1, head.hash, segment_bytes)?,
            Some(segment) => (segment.clone(), self.mend(segment)?),
        };
        let offset = if self.walk.segments.is_empty() { segment::HEADER_BYTES } else { self.walk.end };
        let untouched = Untouched::of(&file, &segment.path, offset)?;
        let Self { directory, past, .. } = self;
        Ok(Journal { directory, segment_bytes, past, segment, file, offset, head, untouched })
    }

    fn mend(&self, segment: &Segment) -> Result<fs::File, StoreError> {
        let path = &segment.path;
        let file = fs::OpenOptions::new().read(true).write(true).open(path);
        let file = file.map_err(StoreError::io("opening", path))?;
        if self.walk.torn_bytes > 0 {
            tracing::warn!(
                file = %path.display(),
                offset = self.walk.end,
                bytes = self.walk.torn_bytes,
                "what a crash left of an unacknowledged write is cut off"
            );
        }
        let zeros = vec![0; 64 << 10];
        let (mut at, end) = (self.walk.end, self.walk.end + self.walk.torn_bytes);
        while at < end {
            let count = zeros.len().min(usize::try_from(end - at).unwrap_or(usize::MAX));
            file.write_all_at(&zeros[..count], at).map_err(StoreError::io("writing", path))?;
            at += count as u64;
        }
        space::allocate(&file, segment.bytes).map_err(StoreError::io("allocating", path))?;
        // What was read may have been in memory only: it is not built on before it is on disk.
        file.sync_all().map_err(StoreError::io("syncing", path))?;
        Ok(file)
    }
}

/// Walks the journal of a directory, whether or not a service uses it just now, and checks that it reaches as far as is
/// known to have been acknowledged. Nothing is changed. What a crash left of a write that nobody was told of is no damage.
///
/// # Errors
/// The journal cannot be read. Damage is no error here, but what was asked for.
pub(in crate::store) fn verify(
    directory: &Path,
    acknowledged: Sequence,
    named: &mut Named<'_>,
) -> Result<Verification, StoreError> {
    let found = settled(directory, |raw| {
        // A body whose hash is right is one that was written: it can be read.
        if let Ok(record) = decode(&raw.body) {
            named.see(&record.effects);
        }
    })?;
    let short = found.check_reaches(acknowledged).err();
    Ok(Verification::new(found.walk.head, found.walk.damage.or(short)))
}

/// How far the journal of a directory goes, and the part of each of its files that holds it, whether or not a service
/// uses it just now. Nothing is changed.
///
/// # Errors
/// `Damaged` where the journal is not what was acknowledged.
pub(in crate::store) fn survey(directory: &Path) -> Result<(Head, Vec<Extent>), StoreError> {
    let walk = settled(directory, |_| {})?.walk;
    if let Some(damage) = walk.damage {
        return Err(damage);
    }
    let extents = walk.segments.into_iter().zip(walk.ends);
    Ok((walk.head, extents.map(|(segment, bytes)| Extent { path: segment.path, bytes }).collect()))
}

/// Walks until what looks damaged stays so: a service at work may write behind the walk's back what then looks out of
/// place. Shows every record of every walk.
fn settled(directory: &Path, mut see: impl FnMut(&Raw)) -> Result<Found, StoreError> {
    let mut found = Found::read(directory, &mut see)?;
    while found.walk.damage.is_some() {
        let before = found.walk.head;
        found = Found::read(directory, &mut see)?;
        if found.walk.head == before {
            break;
        }
    }
    Ok(found)
}

// === impl Journal ===

impl Journal {
    fn roll(&mut self, next: &Sealed, group_bytes: u64) -> Result<(), StoreError> {
        let bytes = self.segment_bytes.max(segment::HEADER_BYTES + group_bytes);
        let record = &next.record;
        let (segment, file) = Segment::create(&self.directory, record.sequence, record.previous, bytes)?;
        self.untouched = Untouched::of(&file, &segment.path, segment::HEADER_BYTES)?;
        (self.segment, self.file, self.offset) = (segment, file, segment::HEADER_BYTES);
        Ok(())
    }
}

impl Log for Journal {
    fn write(&mut self, group: &[Sealed]) -> Result<(), StoreError> {
        let Some(first) = group.first() else { return Ok(()) };
        // Nobody is told that a write lasts which stands behind damage.
        self.untouched.check(&self.file, &self.segment.path)?;
        let group_bytes: u64 = group.iter().map(|sealed| sealed.bytes.len() as u64).sum();
        if self.offset + group_bytes > self.segment.bytes {
            self.roll(first, group_bytes)?;
        }
        let mut offset = self.offset;
        for sealed in group {
            self.past.note(&self.segment, offset, self.head);
            offset += sealed.bytes.len() as u64;
            let record = &sealed.record;
            self.head = Head { sequence: record.sequence, hash: record.hash, time: record.time };
        }
        let bytes = group.iter().map(|sealed| &sealed.bytes[..]).collect::<Vec<_>>().concat();
        self.file.write_all_at(&bytes, self.offset).map_err(|source| StoreError::Io {
            context: format!("appending to {}", self.segment.path.display()),
            // Part of it may be there: this is no longer a full disk to come back from.
            source: std::io::Error::other(source),
        })?;
        self.untouched.appended(&bytes);
        self.offset = offset;
        Ok(())
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        self.file.sync_data().map_err(StoreError::io("syncing", &self.segment.path))
    }

    fn checkpoint(&mut self, head: &Head) -> Result<(), StoreError> {
        let checkpoint = Checkpoint { sequence: head.sequence, hash: head.hash };
        checkpoint.write(&self.directory.join(CHECKPOINT))
    }
}
