//! The lines of a file, whichever way they end, with their numbers; lines that were looked at can be put back.

use std::{
    collections::VecDeque,
    io::{self, BufRead},
};

/// The longest line that is read, in bytes; of a longer one the rest is left out.
pub(super) const LINE_MAX_BYTES: usize = 1 << 20;

/// A line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// From 1.
    pub(super) number: u64,
    /// The line with its end.
    pub(super) bytes: Vec<u8>,
    /// False where it is longer than is read.
    pub(super) whole: bool,
}

/// The lines of a file.
pub(super) struct Lines<R> {
    reader: R,
    /// The last byte of a line.
    end: u8,
    number: u64,
    again: VecDeque<Line>,
}

// === impl Line ===

impl Line {
    /// The line without its end.
    pub(super) fn text(&self) -> &[u8] {
        let text = self.bytes.strip_suffix(b"\n").unwrap_or(&self.bytes);
        text.strip_suffix(b"\r").unwrap_or(text)
    }

    /// Whether it has nothing but spaces.
    pub(super) fn is_blank(&self) -> bool {
        self.text().iter().all(|byte| *byte == b' ')
    }
}

// === impl Lines ===

impl<R: BufRead> Lines<R> {
    /// The lines of what is read here. A file whose beginning has carriage returns and no line feed ends its lines with
    /// them, as spreadsheets once did.
    pub(super) fn new(mut reader: R) -> io::Result<Self> {
        let start = reader.fill_buf()?;
        let old = start.contains(&b'\r') && !start.contains(&b'\n');
        Ok(Self { reader, end: if old { b'\r' } else { b'\n' }, number: 0, again: VecDeque::new() })
    }

    /// The next line; nothing at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Line>> {
        if let Some(line) = self.again.pop_front() {
            return Ok(Some(line));
        }
        let mut line = Line { number: self.number + 1, bytes: Vec::new(), whole: true };
        loop {
            let found = self.reader.fill_buf()?;
            let end = found.iter().position(|byte| *byte == self.end);
            let taken = end.map_or(found.len(), |end| end + 1);
            let room = LINE_MAX_BYTES.saturating_sub(line.bytes.len());
            line.whole &= taken <= room;
            line.bytes.extend_from_slice(&found[..taken.min(room)]);
            self.reader.consume(taken);
            if end.is_some() || taken == 0 {
                break;
            }
        }
        if line.bytes.is_empty() {
            return Ok(None);
        }
        self.number += 1;
        Ok(Some(line))
    }

    /// The next line that is not blank.
    pub(super) fn next_used(&mut self) -> io::Result<Option<Line>> {
        while let Some(line) = self.next()? {
            if !line.is_blank() {
                return Ok(Some(line));
            }
        }
        Ok(None)
    }

    /// Puts lines back: they come again, in this order, before what follows.
    pub(super) fn put_back(&mut self, lines: impl DoubleEndedIterator<Item = Line>) {
        lines.rev().for_each(|line| self.again.push_front(line));
    }
}
