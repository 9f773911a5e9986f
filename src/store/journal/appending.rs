//! The journal's end: mended where a crash tore it, and appended to. There is one, and the writer has it.

use std::path::{Path, PathBuf};

use super::{
    Log, Past,
    checkpoint::Checkpoint,
    found::{CHECKPOINT, Found},
    record::{Head, Sealed},
    segment::{self, Segment},
    untouched::Untouched,
};
use crate::store::{Disk, StoreError, disk::DiskFile};

/// Bytes of zeros written at once.
const ZEROS: usize = 64 << 10;

/// The journal's end, for appending.
pub(in crate::store) struct Journal {
    disk: Disk,
    directory: PathBuf,
    segment_bytes: u64,
    past: Past,
    segment: Segment,
    file: DiskFile,
    offset: u64,
    head: Head,
    untouched: Untouched,
    checkpoint: Checkpoint,
}

// === impl Found ===

impl Found {
    /// Cuts the torn tail, makes what is left lasting, and goes on from there. What was found may have been in memory
    /// only, its names too: nothing is built on it before this is done.
    pub fn resume(&self, disk: &Disk, segment_bytes: u64) -> Result<Journal, StoreError> {
        let (directory, head) = (self.directory.clone(), self.walk.head);
        let (segment, file) = match self.walk.segments.last() {
            None => Segment::create(disk, &directory, head.sequence + 1, head.hash, segment_bytes)?,
            Some(segment) => (segment.clone(), self.mend(disk, segment)?),
        };
        let offset = if self.walk.segments.is_empty() { segment::HEADER_BYTES } else { self.walk.end };
        let untouched = Untouched::of(file.file(), &segment.path, offset)?;
        // It makes the names in the directory lasting, the segments' among them.
        let checkpoint = Checkpoint::begin(disk, directory.join(CHECKPOINT), head.mark())?;
        let (disk, past) = (disk.clone(), self.past());
        Ok(Journal {
            disk,
            directory,
            segment_bytes,
            past,
            segment,
            file,
            offset,
            head,
            untouched,
            checkpoint,
        })
    }

    fn mend(&self, disk: &Disk, segment: &Segment) -> Result<DiskFile, StoreError> {
        let path = &segment.path;
        let file = disk.open(path)?;
        if self.walk.torn_bytes > 0 {
            tracing::warn!(
                file = %path.display(),
                offset = self.walk.end,
                bytes = self.walk.torn_bytes,
                "what a crash left of an unacknowledged write is cut off"
            );
        }
        let zeros = vec![0; ZEROS];
        let (mut at, end) = (self.walk.end, self.walk.end + self.walk.torn_bytes);
        while at < end {
            let count = ZEROS.min(usize::try_from(end - at).unwrap_or(ZEROS));
            file.write_at(&zeros[..count], at).map_err(StoreError::io("writing", path))?;
            at += count as u64;
        }
        file.allocate(segment.bytes).map_err(StoreError::io("allocating", path))?;
        file.sync(path)?;
        Ok(file)
    }
}

// === impl Journal ===

impl Journal {
    fn roll(&mut self, next: &Sealed, group_bytes: u64) -> Result<(), StoreError> {
        let bytes = self.segment_bytes.max(segment::HEADER_BYTES + group_bytes);
        let record = &next.record;
        let (segment, file) =
            Segment::create(&self.disk, &self.directory, record.sequence, record.previous, bytes)?;
        self.untouched = Untouched::of(file.file(), &segment.path, segment::HEADER_BYTES)?;
        (self.segment, self.file, self.offset) = (segment, file, segment::HEADER_BYTES);
        Ok(())
    }

    fn path(&self) -> &Path {
        &self.segment.path
    }
}

impl Log for Journal {
    fn write(&mut self, group: &[Sealed]) -> Result<u64, StoreError> {
        let Some(first) = group.first() else { return Ok(self.offset) };
        // Nobody is told that a write lasts which stands behind damage.
        self.untouched.check(self.file.file(), self.path())?;
        let group_bytes: u64 = group.iter().map(|sealed| sealed.bytes.len() as u64).sum();
        if self.offset + group_bytes > self.segment.bytes {
            self.roll(first, group_bytes)?;
        }
        let begin = self.offset;
        let mut offset = begin;
        for sealed in group {
            self.past.note(&self.segment, offset, self.head);
            offset += sealed.bytes.len() as u64;
            let record = &sealed.record;
            self.head = Head { sequence: record.sequence, hash: record.hash, time: record.time };
        }
        let bytes = group.iter().map(|sealed| &sealed.bytes[..]).collect::<Vec<_>>().concat();
        self.file.write_at(&bytes, begin).map_err(|source| StoreError::Io {
            context: format!("appending to {}", self.path().display()),
            // Part of it may be there: this is no longer a full disk to come back from.
            source: std::io::Error::other(source),
        })?;
        self.untouched.appended(&bytes);
        self.offset = offset;
        Ok(begin)
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        self.file.sync(self.path())?;
        self.checkpoint.note(self.head.mark())
    }

    fn checkpoint(&mut self) -> Result<(), StoreError> {
        self.checkpoint.make_last(self.head.mark())
    }
}
