//! What the plugin of a step has given so far: its answers call by call, and at the end its outputs row by row. Texts are
//! kept once, however many rows have them, and of all that a run is given there is only so much room.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::{
    column::{Column, TextsBuilder, Values, count_u32},
    dataset::{Faults, OutputHeader, Role},
};
use crate::sandbox::{self, Fault, Outcome};

/// Bytes of the texts that the plugins of a run may give: each grade of a step once, the reason of each fault for its row.
pub const RUN_TEXT_BYTES: usize = 256 << 20;

/// Room for the texts of a run.
#[derive(Debug, Default)]
pub struct TextRoom {
    used: AtomicUsize,
}

/// The texts of a run have more bytes than they may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMuchText;

/// The texts that a step has been given.
#[derive(Default)]
struct Known {
    texts: Vec<Arc<str>>,
    codes: HashMap<Arc<str>, u32>,
}

/// What a call gave, without its texts.
pub struct Taken {
    columns: Vec<TakenColumn>,
    /// The rows of the call that the plugin could not score.
    pub faults: Vec<Fault>,
}

struct TakenColumn {
    cells: Cells,
    missing: Vec<u32>,
}

enum Cells {
    Numbers(Vec<i64>),
    /// Places in [`Known::texts`].
    Texts(Vec<u32>),
}

/// Takes the answers of a step's plugin, from any thread.
pub struct Outputs<'a> {
    headers: &'a [OutputHeader],
    room: &'a TextRoom,
    known: Mutex<Known>,
}

// === impl TextRoom ===

impl TextRoom {
    /// Takes room for so many bytes.
    ///
    /// # Errors
    /// When there is not as much.
    pub fn take(&self, bytes: usize) -> Result<(), TooMuchText> {
        let before = self.used.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) > RUN_TEXT_BYTES { Err(TooMuchText) } else { Ok(()) }
    }
}

// === impl Outputs ===

impl<'a> Outputs<'a> {
    /// Nothing was given so far.
    #[must_use]
    pub fn new(headers: &'a [OutputHeader], room: &'a TextRoom) -> Self {
        Self { headers, room, known: Mutex::default() }
    }

    /// Takes what a call gave.
    ///
    /// # Errors
    /// When there is no room for its texts.
    pub fn take(&self, outcome: Outcome) -> Result<Taken, TooMuchText> {
        self.room.take(outcome.faults.iter().map(|fault| fault.message.len()).sum())?;
        let columns = outcome.columns.into_iter().map(|sandbox::Column { values, missing, .. }| {
            let cells = match values {
                sandbox::Values::Decimals(decimals) => Cells::Numbers(decimals.unscaled),
                sandbox::Values::Texts(texts) => Cells::Texts(self.codes(texts, &missing)?),
            };
            Ok(TakenColumn { cells, missing })
        });
        Ok(Taken { columns: columns.collect::<Result<_, _>>()?, faults: outcome.faults })
    }

    /// The codes of a call's texts among those of the step. What no row has is left out.
    fn codes(&self, mut texts: sandbox::Texts, missing: &[u32]) -> Result<Vec<u32>, TooMuchText> {
        let mut codes: Vec<Option<u32>> = vec![None; texts.dictionary.len()];
        let mut missing = missing.iter().peekable();
        let mut known = self.known();
        for (row, code) in (0_u32..).zip(&mut texts.codes) {
            if missing.next_if_eq(&&row).is_some() {
                *code = 0;
                continue;
            }
            let place = *code as usize;
            *code = match codes[place] {
                Some(code) => code,
                None => {
                    let shared = known.code(&texts.dictionary[place], self.room)?;
                    codes[place] = Some(shared);
                    shared
                }
            };
        }
        Ok(texts.codes)
    }

    /// The outputs, one value per row of the run, of calls with their rows. Faulted rows have none.
    #[must_use]
    pub fn finish<'t>(
        &self,
        rows: u32,
        calls: impl Iterator<Item = (&'t [u32], Taken)>,
        faults: &Faults,
    ) -> Vec<Column> {
        let mut columns: Vec<ColumnBuilder> =
            self.headers.iter().map(|header| ColumnBuilder::new(header, rows)).collect();
        for (rows, taken) in calls {
            for (column, given) in columns.iter_mut().zip(taken.columns) {
                column.take(rows, given);
            }
        }
        let known = self.known();
        columns.into_iter().map(|column| column.finish(faults, &known.texts)).collect()
    }

    /// Texts are added in single steps, so that a panic elsewhere leaves them whole.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Known ===

impl Known {
    fn code(&mut self, text: &str, room: &TextRoom) -> Result<u32, TooMuchText> {
        if let Some(&code) = self.codes.get(text) {
            return Ok(code);
        }
        room.take(text.len())?;
        let (text, code): (Arc<str>, u32) = (text.into(), count_u32(self.texts.len()));
        self.texts.push(Arc::clone(&text));
        self.codes.insert(text, code);
        Ok(code)
    }
}

/// An output under way. Calls arrive in the order of the rows, but for groups.
struct ColumnBuilder {
    role: Role,
    scale: u8,
    numbers: Vec<i64>,
    codes: Vec<u32>,
    missing: Vec<bool>,
}

// === impl ColumnBuilder ===

impl ColumnBuilder {
    fn new(output: &OutputHeader, rows: u32) -> Self {
        let rows = rows as usize;
        let (numbers, codes) = if output.role == Role::Grade { (0, rows) } else { (rows, 0) };
        Self {
            role: output.role,
            scale: output.scale,
            numbers: vec![0; numbers],
            codes: vec![0; codes],
            missing: vec![true; rows],
        }
    }

    fn take(&mut self, rows: &[u32], given: TakenColumn) {
        match &given.cells {
            Cells::Numbers(numbers) => {
                for (&row, &value) in rows.iter().zip(numbers) {
                    self.numbers[row as usize] = value;
                }
            }
            Cells::Texts(codes) => {
                for (&row, &code) in rows.iter().zip(codes) {
                    self.codes[row as usize] = code;
                }
            }
        }
        for &row in rows {
            self.missing[row as usize] = false;
        }
        for place in given.missing {
            self.missing[rows[place as usize] as usize] = true;
        }
    }

    fn finish(mut self, faults: &Faults, texts: &[Arc<str>]) -> Column {
        for &row in faults.keys() {
            self.missing[row as usize] = true;
        }
        if self.role == Role::Grade {
            let mut builder = TextsBuilder::default();
            for (code, missing) in self.codes.iter().zip(&self.missing) {
                match texts.get(*code as usize) {
                    Some(text) if !missing => builder.push(text),
                    _ => builder.push_missing(),
                }
            }
            return Column { values: Values::Text(builder.finish()), missing: self.missing };
        }
        for (number, _) in self.numbers.iter_mut().zip(&self.missing).filter(|(_, missing)| **missing) {
            *number = 0;
        }
        Column { values: Values::Number { scale: self.scale, unscaled: self.numbers }, missing: self.missing }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(dictionary: &[&str], codes: &[u32], missing: &[u32], faults: &[(u32, &str)]) -> Outcome {
        let dictionary = dictionary.iter().map(ToString::to_string).collect();
        let values = sandbox::Values::Texts(sandbox::Texts { dictionary, codes: codes.to_vec() });
        let fault = |&(row, message): &(u32, &str)| Fault { row, message: message.to_owned() };
        Outcome {
            columns: vec![sandbox::Column { name: "g".to_owned(), values, missing: missing.to_vec() }],
            faults: faults.iter().map(fault).collect(),
        }
    }

    fn header() -> [OutputHeader; 1] {
        [OutputHeader { name: "g".to_owned(), role: Role::Grade, scale: 0 }]
    }

    /// Whatever calls there are, and in whatever order they come: the same column.
    #[test]
    fn texts_are_kept_once_in_the_order_of_their_rows() {
        let check = |calls: Vec<(&[u32], Outcome)>| {
            let (headers, room) = (header(), TextRoom::default());
            let outputs = Outputs::new(&headers, &room);
            let calls: Vec<_> =
                calls.into_iter().map(|(rows, given)| (rows, outputs.take(given).unwrap())).collect();
            let columns = outputs.finish(4, calls.into_iter(), &Faults::new());
            let Values::Text(texts) = &columns[0].values else { panic!("texts") };
            let dictionary: Vec<&str> = texts.dictionary.iter().map(|text| &**text).collect();
            assert_eq!((dictionary, texts.codes.clone()), (vec!["B", "A"], vec![0, 0, 1, 0]));
            assert_eq!(columns[0].missing, [false, true, false, false]);
            assert_eq!(room.used.into_inner(), 2);
        };
        check(vec![(&[0, 1, 2, 3], answer(&["A", "unused", "B"], &[2, 1, 0, 2], &[1], &[]))]);
        check(vec![
            (&[2, 3], answer(&["A", "B"], &[0, 1], &[], &[])),
            (&[0, 1], answer(&["B", "B"], &[1, 7], &[1], &[])),
        ]);
    }

    #[test]
    fn there_is_room_for_so_many_bytes() {
        let (headers, room) = (header(), TextRoom::default());
        let outputs = Outputs::new(&headers, &room);
        assert!(outputs.take(answer(&["x"], &[0; 1_000], &[], &[])).is_ok());
        assert_eq!(room.used.load(Ordering::Relaxed), 1);
        room.take(RUN_TEXT_BYTES - 3).unwrap();
        assert!(outputs.take(answer(&["x"], &[0], &[], &[(0, "no")])).is_ok());
        assert!(outputs.take(answer(&["x"], &[0], &[], &[])).is_ok());
        assert!(outputs.take(answer(&["y"], &[0], &[], &[])).is_err());
    }
}
