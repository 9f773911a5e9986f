//! A segment: one file of the journal, of fixed size, taken from the disk when it is made, so that appending to it
//! neither changes its length nor finds the disk full.
//!
//! On disk, little-endian: magic and version, bytes of the file, first sequence, the hash of the record before it,
//! CRC-32C of all that, then records, then zeros.

use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
};

use crate::store::{Disk, Sequence, StoreError, disk::DiskFile};

/// Bytes before the first record.
pub(super) const HEADER_BYTES: u64 = 64;

const MAGIC: [u8; 8] = *b"MeritJ\0\x01";
const CHECKED_BYTES: usize = 56;
const EXTENSION: &str = "journal";
const TEMPORARY: &str = "segment.new";

/// A segment, as its header has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    /// Its file.
    pub path: PathBuf,
    /// Bytes that the file was made with.
    pub bytes: u64,
    /// The sequence of its first record, whether written yet or not.
    pub first: Sequence,
    /// The hash of the record before that.
    pub previous: [u8; 32],
}

// === impl Segment ===

impl Segment {
    /// Makes a segment, lasting, and opens it for writing. Where there is no room nothing is left behind.
    pub fn create(
        disk: &Disk,
        directory: &Path,
        first: Sequence,
        previous: [u8; 32],
        bytes: u64,
    ) -> Result<(Self, DiskFile), StoreError> {
        let path = directory.join(format!("{first:020}.{EXTENSION}"));
        let segment = Self { path, bytes, first, previous };
        let file = disk.place(&directory.join(TEMPORARY), &segment.path, |file| {
            file.allocate(bytes)?;
            file.write_at(&segment.header(), 0)
        })?;
        Ok((segment, file))
    }

    /// The segments of a directory, oldest first, with their headers checked. The first whose header is damaged ends
    /// the list, with the damage.
    pub fn list(directory: &Path) -> Result<(Vec<Self>, Option<StoreError>), StoreError> {
        let mut paths = Vec::new();
        for entry in fs::read_dir(directory).map_err(StoreError::io("listing", directory))? {
            let path = entry.map_err(StoreError::io("listing", directory))?.path();
            if path.extension().is_some_and(|extension| extension == EXTENSION) {
                paths.push(path);
            }
        }
        // The names have as many digits as a sequence can have: their order is that of the sequences.
        paths.sort();
        let mut segments = Vec::new();
        for path in paths {
            match Self::read(&path) {
                Ok(segment) => segments.push(segment),
                Err(damage @ StoreError::Damaged { .. }) => return Ok((segments, Some(damage))),
                Err(error) => return Err(error),
            }
        }
        Ok((segments, None))
    }

    /// Removes what an interrupted `create` left.
    pub fn tidy(disk: &Disk, directory: &Path) -> Result<(), StoreError> {
        disk.remove(&directory.join(TEMPORARY))
    }

    fn header(&self) -> [u8; HEADER_BYTES as usize] {
        let mut header = [0; HEADER_BYTES as usize];
        header[0..8].copy_from_slice(&MAGIC);
        header[8..16].copy_from_slice(&self.bytes.to_le_bytes());
        header[16..24].copy_from_slice(&self.first.to_le_bytes());
        header[24..56].copy_from_slice(&self.previous);
        let checksum = crc32c::crc32c(&header[..CHECKED_BYTES]);
        header[56..60].copy_from_slice(&checksum.to_le_bytes());
        header
    }

    fn read(path: &Path) -> Result<Self, StoreError> {
        let mut header = [0; HEADER_BYTES as usize];
        let mut file = fs::File::open(path).map_err(StoreError::io("opening", path))?;
        match file.read_exact(&mut header) {
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                return Err(StoreError::damaged(path, 0, "the file ends within the header of the segment"));
            }
            read => read.map_err(StoreError::io("reading", path))?,
        }
        let number = |at: usize| u64::from_le_bytes(header[at..at + 8].try_into().expect("eight bytes"));
        let segment = Self {
            path: path.to_owned(),
            bytes: number(8),
            first: number(16),
            previous: header[24..56].try_into().expect("as many bytes as a hash has"),
        };
        // What is written is a function of what is read: any other byte is damage.
        if segment.header() != header {
            return Err(StoreError::damaged(
                path,
                0,
                "the header of the segment is not one, or of another version",
            ));
        }
        if path.file_stem().is_none_or(|stem| stem != format!("{:020}", segment.first).as_str()) {
            let what =
                format!("the segment begins with sequence {}: the file has a wrong name", segment.first);
            return Err(StoreError::damaged(path, 0, what));
        }
        Ok(segment)
    }
}
