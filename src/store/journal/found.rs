//! The journal of a directory, walked from end to end and judged before anything is built on it. How it is written to is in
//! `appending`, what a walk meets in `walk`.

use std::path::{Path, PathBuf};

use super::{
    Journaled, Past, checkpoint,
    reader::Raw,
    record::{Head, decode},
    segment::Segment,
    walk::{Walk, walk},
};
use crate::store::{Disk, Mark, Sequence, StoreError, Verification, verification::Inspection};

/// The name of the checkpoint's file in the journal's directory.
pub(super) const CHECKPOINT: &str = "checkpoint";

/// The journal of a directory, walked and not yet changed.
pub(in crate::store) struct Found {
    pub(super) directory: PathBuf,
    pub(super) walk: Walk,
    pub(super) past: Past,
}

/// The part of a segment's file that holds records.
pub(in crate::store) struct Extent {
    /// The file.
    pub path: PathBuf,
    /// Its first bytes, up to the end of the last record.
    pub bytes: u64,
}

// === impl Found ===

impl Found {
    /// Walks the journal of a directory, which is made where there is none. Changes nothing that was written.
    ///
    /// # Errors
    /// `Damaged` where anything but the tail of a group that nobody was told of is not as it was written.
    pub fn open(disk: &Disk, directory: &Path) -> Result<Self, StoreError> {
        disk.create_directory(directory)?;
        Segment::tidy(disk, directory)?;
        let found = Self::read(directory, |_| {})?;
        match found.walk.damage {
            Some(damage) => Err(damage),
            None => Ok(found),
        }
    }

    fn read(directory: &Path, mut see: impl FnMut(&Raw)) -> Result<Self, StoreError> {
        let checkpoint = checkpoint::read(&directory.join(CHECKPOINT))?;
        let past = Past::new(directory.to_owned());
        let mut before = Head::EMPTY;
        let mut forked = None;
        let mut walk = walk(directory, None, |segment, raw: &Raw| {
            see(raw);
            past.note(segment, raw.offset, before);
            before = Head { sequence: raw.link.sequence, hash: raw.hash, time: raw.link.time };
            if checkpoint.is_some_and(|mark| mark.sequence == before.sequence && mark.hash != before.hash) {
                let what =
                    format!("sequence {} is another than the one that was acknowledged", before.sequence);
                forked.get_or_insert(StoreError::damaged(&segment.path, raw.offset, what));
            }
            Ok(())
        })?;
        walk.damage = forked.or(walk.damage.take());
        let found = Self { directory: directory.to_owned(), walk, past };
        let short = found.check_reaches(checkpoint.map_or(0, |mark| mark.sequence)).err();
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

    /// Whether the history of the journal is the one that the mark was made in.
    pub fn has(&self, mark: Mark) -> Result<bool, StoreError> {
        let Some(before) = mark.sequence.checked_sub(1) else { return Ok(mark == Mark::default()) };
        let found = self.past.records(before, 1, self.head().sequence)?;
        Ok(found.first().is_some_and(|journaled| journaled.record.mark() == mark))
    }

    /// Shows the records after `after`, in order, as many at once as fit into memory.
    pub fn replay(
        &self,
        after: Sequence,
        mut apply: impl FnMut(&[Journaled]) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        /// Records read at once.
        const RECORDS: usize = 1024;
        let mut at = after;
        while at < self.head().sequence {
            let records = self.past.records(at, RECORDS, self.head().sequence)?;
            let Some(last) = records.last() else { return self.check_reaches(at + 1) };
            at = last.record.sequence;
            apply(&records)?;
        }
        Ok(())
    }
}

/// Walks the journal of a directory, whether or not a service uses it just now. Nothing is changed. What a crash left of a
/// write that nobody was told of is no damage.
///
/// # Errors
/// The journal cannot be read. Damage is no error here, but what was asked for.
pub(in crate::store) fn verify(
    directory: &Path,
    inspection: &mut Inspection<'_>,
) -> Result<Verification, StoreError> {
    let walk = settled(directory, inspection)?.walk;
    Ok(Verification::new(walk.head.mark(), walk.damage))
}

/// How far the journal of a directory goes, and the part of each of its files that holds it, whether or not a service
/// uses it just now. Nothing is changed.
///
/// # Errors
/// `Damaged` where the journal is not what was acknowledged.
pub(in crate::store) fn survey(
    directory: &Path,
    inspection: &mut Inspection<'_>,
) -> Result<(Mark, Vec<Extent>), StoreError> {
    let walk = settled(directory, inspection)?.walk;
    if let Some(damage) = walk.damage {
        return Err(damage);
    }
    let extents = walk.segments.into_iter().zip(walk.ends);
    Ok((walk.head.mark(), extents.map(|(segment, bytes)| Extent { path: segment.path, bytes }).collect()))
}

/// Walks until what looks damaged stays so: a service at work may write behind the walk's back what then looks out of
/// place. Shows every record of every walk.
fn settled(directory: &Path, inspection: &mut Inspection<'_>) -> Result<Found, StoreError> {
    let mut see = |raw: &Raw| {
        // A body whose hash is right is one that was written: it can be read.
        if let Ok(record) = decode(&raw.body) {
            inspection.see(&record);
        }
    };
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
