//! Walks the whole journal, and judges what it meets: an end, a tail that a crash tore off and nobody was told of, or
//! damage. Mending is the business of `appending`.

use std::path::Path;

use super::{
    reader::{Raw, Reader, Step, Tail},
    record::Head,
    segment::{self, Segment},
};
use crate::store::{Sequence, StoreError};

/// What a walk found.
#[derive(Debug)]
pub(super) struct Walk {
    /// The segments, oldest first.
    pub segments: Vec<Segment>,
    /// The last good record.
    pub head: Head,
    /// Where the last segment's records end.
    pub end: u64,
    /// Where the records of each segment walked end.
    pub ends: Vec<u64>,
    /// Bytes behind the end that a crash left of a group that nobody was told of.
    pub torn_bytes: u64,
    /// The first damage. Then the walk ended before it.
    pub damage: Option<StoreError>,
}

/// Walks the journal to its end, or to the sequence `until`, and shows every record on the way with its segment.
pub(super) fn walk(
    directory: &Path,
    until: Option<Sequence>,
    mut visit: impl FnMut(&Segment, &Raw) -> Result<(), StoreError>,
) -> Result<Walk, StoreError> {
    let (segments, header_damage) = Segment::list(directory)?;
    let mut walk = Walk {
        segments,
        head: Head::EMPTY,
        end: segment::HEADER_BYTES,
        ends: Vec::new(),
        torn_bytes: 0,
        damage: None,
    };
    for place in 0..walk.segments.len() {
        if until.is_some_and(|until| until <= walk.head.sequence) {
            return Ok(walk);
        }
        let segment = &walk.segments[place];
        if let Some(damage) = gap(&walk, place) {
            walk.damage = Some(damage);
            return Ok(walk);
        }
        let mut reader = Reader::open(segment, segment::HEADER_BYTES, walk.head)?;
        let stop = run(&mut reader, until, |raw| visit(segment, raw))?;
        (walk.head, walk.end) = (reader.head(), reader.offset());
        walk.ends.push(walk.end);
        let is_last = place + 1 == walk.segments.len() && header_damage.is_none();
        match judge(segment, reader, stop, is_last)? {
            Verdict::Good => {}
            Verdict::Torn(bytes) => walk.torn_bytes = bytes,
            Verdict::Damaged(damage) => {
                walk.damage = Some(damage);
                return Ok(walk);
            }
        }
    }
    let reached = until.is_some_and(|until| until <= walk.head.sequence);
    walk.damage = header_damage.filter(|_| !reached);
    Ok(walk)
}

enum Verdict {
    Good,
    Torn(u64),
    Damaged(StoreError),
}

/// Reads to the end, or to `until`: then there is no step that stopped it.
fn run(
    reader: &mut Reader,
    until: Option<Sequence>,
    mut visit: impl FnMut(&Raw) -> Result<(), StoreError>,
) -> Result<Option<Step>, StoreError> {
    while until.is_none_or(|until| reader.head().sequence < until) {
        match reader.next()? {
            Step::Record(raw) => visit(&raw)?,
            stop => return Ok(Some(stop)),
        }
    }
    Ok(None)
}

/// What it means that the records of a segment stop like this.
fn judge(
    segment: &Segment,
    reader: Reader,
    stop: Option<Step>,
    is_last: bool,
) -> Result<Verdict, StoreError> {
    let offset = reader.offset();
    let lost = reader.head().sequence + 1;
    let damaged = |what: String| Ok(Verdict::Damaged(StoreError::damaged(&segment.path, offset, what)));
    let what = match stop {
        None => return Ok(Verdict::Good),
        Some(Step::Unchained(what)) => return damaged(what),
        // An earlier segment was on disk for certain when the next was made. That it has all of its records is seen
        // from the next one's first sequence.
        Some(Step::End) if !is_last => return Ok(Verdict::Good),
        Some(Step::Broken(what)) if !is_last => return damaged(format!("sequence {lost}: {what}")),
        Some(Step::Broken(what)) => what,
        Some(Step::End | Step::Record(_)) => "there are zeros where it should be",
    };
    match reader.tail(lost)? {
        Tail::Zeros => Ok(Verdict::Good),
        Tail::Torn { bytes } => Ok(Verdict::Torn(bytes)),
        Tail::LaterRecord { offset: later } => damaged(format!(
            "sequence {lost}: {what}, and a record at byte {later} shows that it was acknowledged"
        )),
    }
}

/// Whether a segment does not go on where the one before it ended.
fn gap(walk: &Walk, place: usize) -> Option<StoreError> {
    let segment = &walk.segments[place];
    if segment.first == walk.head.sequence + 1 && segment.previous == walk.head.hash {
        return None;
    }
    let next = segment.first;
    let Some(before) = place.checked_sub(1).map(|place| &walk.segments[place]) else {
        return Some(StoreError::damaged(
            &segment.path,
            0,
            format!("the journal begins with sequence {next}, not 1"),
        ));
    };
    let lost = walk.head.sequence + 1;
    if next > lost {
        let what = format!("sequences {lost} to {} are missing", next - 1);
        return Some(StoreError::damaged(&before.path, walk.end, what));
    }
    let what = format!("the segment does not build on sequence {}: the chain is broken", walk.head.sequence);
    Some(StoreError::damaged(&segment.path, 0, what))
}
