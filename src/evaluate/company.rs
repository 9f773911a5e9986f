//! In which company rows are scored again: drawn anew each time, so that no author of a plugin knows it.

/// Rows of the sample, which is looked at most closely.
pub const SAMPLE: usize = 64;

/// The most rows of the small batches that the sample is scored again in.
const FEW: usize = 8;

/// Rows beside the sample that are scored again each alone, where everybody is scored again.
const ALONE: usize = 4_096 - SAMPLE;

/// Whom to score again, beside the sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom {
    /// Nobody.
    Sample,
    /// Everybody, in other batches.
    EverybodyTogether,
    /// Everybody: alone, as long as they are not too many, and the rest in other batches.
    Everybody,
}

/// What is drawn.
#[derive(Debug)]
pub struct Company {
    /// The sample, in no order.
    pub sample: Vec<u32>,
    /// The calls in which rows are scored again.
    pub calls: Vec<Vec<u32>>,
}

/// Numbers that nobody knows before.
struct Random(blake3::OutputReader);

// === impl Company ===

impl Company {
    /// Draws from the rows, for calls of at most so many of them.
    #[must_use]
    pub fn draw(seed: &[u8; 32], rows: &[u32], whom: Whom, most_rows: usize) -> Self {
        let mut random = Random(blake3::Hasher::new_keyed(seed).finalize_xof());
        let mut rows = rows.to_vec();
        random.shuffle(&mut rows);
        let rest = rows.split_off(SAMPLE.min(rows.len()));
        let mut calls: Vec<Vec<u32>> = rows.iter().map(|row| vec![*row]).collect();
        let mut sample = rows;
        for most in [FEW, SAMPLE] {
            random.shuffle(&mut sample);
            let sizes =
                |random: &mut Random| if most == SAMPLE { SAMPLE } else { 2 + random.below(most - 1) };
            random.cut(&sample, sizes, &mut calls);
        }
        let (alone, together) = match whom {
            Whom::Sample => (0, 0),
            Whom::EverybodyTogether => (0, rest.len()),
            Whom::Everybody => (ALONE.min(rest.len()), rest.len()),
        };
        calls.extend(rest[..alone].iter().map(|row| vec![*row]));
        // Every size is as likely as half of it.
        let doublings = most_rows.max(2).ilog2() as usize;
        let sizes = |random: &mut Random| 2 << random.below(doublings);
        random.cut(&rest[alone..together], sizes, &mut calls);
        Self { sample, calls }
    }
}

// === impl Random ===

impl Random {
    /// One of 0 to `end`, without it.
    fn below(&mut self, end: usize) -> usize {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        // What is uneven in this is one of 2^32 for any number of rows.
        usize::try_from(u64::from_le_bytes(bytes) % end.max(1) as u64).unwrap_or_default()
    }

    fn shuffle(&mut self, rows: &mut [u32]) {
        for place in (1..rows.len()).rev() {
            rows.swap(place, self.below(place + 1));
        }
    }

    fn cut(&mut self, mut rows: &[u32], size: impl Fn(&mut Self) -> usize, calls: &mut Vec<Vec<u32>>) {
        while !rows.is_empty() {
            let (call, rest) = rows.split_at(size(self).min(rows.len()));
            calls.push(call.to_vec());
            rows = rest;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Draws for so many rows; answers how many of them are scored alone, and the rows of the largest call.
    fn check(rows: u32, whom: Whom, alone: usize, largest: std::ops::RangeInclusive<usize>) {
        let rows: Vec<u32> = (0..rows).map(|row| 3 * row).collect();
        let Company { sample, calls } = Company::draw(&[7; 32], &rows, whom, 1_000);
        let distinct: BTreeSet<u32> = sample.iter().copied().collect();
        assert_eq!((sample.len(), distinct.len()), (SAMPLE.min(rows.len()), SAMPLE.min(rows.len())));
        let singles: BTreeSet<u32> = calls.iter().filter(|call| call.len() == 1).flatten().copied().collect();
        assert!(singles.len() >= alone, "{} of {alone} alone", singles.len());
        assert!(sample.iter().all(|row| singles.contains(row)));
        let most = calls.iter().map(Vec::len).max().unwrap_or_default();
        assert!(largest.contains(&most), "{most} rows in a call");
        let scored: BTreeSet<u32> = calls.iter().flatten().copied().collect();
        let wanted = if whom == Whom::Sample { distinct } else { rows.into_iter().collect() };
        assert_eq!(scored, wanted);
    }

    #[test]
    fn everybody_is_scored_whom_it_is_about() {
        for whom in [Whom::Sample, Whom::EverybodyTogether, Whom::Everybody] {
            check(0, whom, 0, 0..=0);
            check(1, whom, 1, 1..=1);
            check(60, whom, 60, 60..=60);
        }
        check(3_000, Whom::Sample, 64, 64..=64);
        check(3_000, Whom::EverybodyTogether, 64, 64..=1_000);
        check(3_000, Whom::Everybody, 3_000, 64..=64);
        check(9_000, Whom::Everybody, 4_096, 64..=1_000);
    }

    #[test]
    fn nobody_knows_the_company() {
        let rows: Vec<u32> = (0..10_000).collect();
        let draw = |seed| Company::draw(&[seed; 32], &rows, Whom::Sample, 4_096);
        let one = draw(1);
        assert_eq!(one.calls, draw(1).calls);
        assert_ne!(one.calls, draw(2).calls);
        // A row is in two companies at least, of other rows and other sizes.
        let with = |row: u32| one.calls.iter().filter(|call| call.contains(&row)).count();
        assert!(one.sample.iter().all(|row| with(*row) == 3));
    }
}
