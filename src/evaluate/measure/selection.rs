//! Which records of a snapshot an aggregate counts in a period, whose they are, and what they are worth.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use merit_expression::{Column, Expression, RowFault, Unscaled, Values};

use super::definition::{ACCOUNT_MANAGERS, Aggregate};
use crate::{
    evaluate::column::count_u32,
    model::{period::Period, rejection::Rejection},
    store::WriteError,
    view::{Snapshot, View, ViewError, day_number},
};

/// The records that count, in the order of names, and whose they are.
#[derive(Debug)]
pub(in crate::evaluate) struct Counted {
    /// The view that the records are rows of.
    pub view: Arc<View>,
    /// The rows.
    pub rows: Vec<u32>,
    /// The account manager's row, for each.
    pub owners: Vec<u32>,
}

/// The records that count, in the order of names, and what they are worth.
#[derive(Debug)]
pub(super) struct Selection {
    /// The view that the records are rows of.
    pub view: Arc<View>,
    /// The rows.
    pub rows: Vec<u32>,
    /// The account manager's row, for each.
    pub owners: Vec<u32>,
    /// What each is worth, as digits; a number of a text, the same for equal ones, the days of a date, 0 or 1 of a flag. Empty where no value is
    /// declared.
    pub values: Vec<i128>,
    /// Decimals of the values.
    pub scale: u8,
    /// The account managers of records of which it cannot be told whether they count, or what they are worth, and why:
    /// the first by name.
    pub faults: BTreeMap<u32, String>,
}

/// The view of a collection.
///
/// # Errors
/// `NOT_FOUND` where the snapshot was taken without it.
pub(in crate::evaluate) fn view<'a>(
    snapshot: &'a Snapshot,
    collection: &str,
) -> Result<&'a Arc<View>, Rejection> {
    snapshot.view(collection).map_err(|error| rejection(error, collection))
}

fn rejection(error: ViewError, collection: &str) -> Rejection {
    match WriteError::from(error) {
        WriteError::Rejected(rejection) => rejection,
        other => Rejection::field("collection", format!("{collection}: {other}")),
    }
}

// === impl Selection ===

impl Selection {
    /// The records that an aggregate counts.
    ///
    /// # Errors
    /// `NOT_FOUND` where the snapshot lacks a collection, `INVALID_FIELD` where the collection lacks a field.
    pub(super) fn of(aggregate: &Aggregate, snapshot: &Snapshot, period: Period) -> Result<Self, Rejection> {
        let view = view(snapshot, &aggregate.collection)?;
        let mut selection = Self {
            view: Arc::clone(view),
            rows: Vec::new(),
            owners: Vec::new(),
            values: Vec::new(),
            scale: 0,
            faults: BTreeMap::new(),
        };
        selection.choose(aggregate, snapshot, period)?;
        if let Some(condition) = &aggregate.condition {
            let holds = selection.evaluate(condition)?;
            let Values::Boolean(flags) = &holds.values else { return Err(unknown_field("condition")) };
            selection.keep(|place| flags[place] && !is_missing(&holds, place));
        }
        if let Some(value) = &aggregate.value {
            let column = selection.evaluate(value)?;
            (selection.values, selection.scale) = digits(&column);
            selection.keep(|place| !is_missing(&column, place));
        }
        Ok(selection)
    }

    /// The records without what they are worth.
    pub(super) fn into_counted(self) -> Counted {
        Counted { view: self.view, rows: self.rows, owners: self.owners }
    }

    /// The records that have an owner and lie in the period.
    fn choose(
        &mut self,
        aggregate: &Aggregate,
        snapshot: &Snapshot,
        period: Period,
    ) -> Result<(), Rejection> {
        let account_managers = view(snapshot, ACCOUNT_MANAGERS)?;
        let unknown = || unknown_field(&aggregate.owner_field);
        let owners = self.view.column(&aggregate.owner_field).ok_or_else(unknown)?;
        let owner_rows = self.view.rows_in(&aggregate.owner_field, account_managers).ok_or_else(unknown)?;
        let Values::Text { codes, .. } = &owners.values else { return Err(unknown()) };
        let in_period = self.in_period(aggregate.time_field.as_deref(), period)?;
        let supplied = self.supplied(aggregate.supplied_for.as_deref())?;
        for row in 0..self.view.rows() {
            if in_period.as_ref().is_some_and(|flags| !flags[row])
                || supplied.as_ref().is_some_and(|flags| !flags[row])
                || is_missing(&owners, row)
            {
                continue;
            }
            if let Some(owner) = owner_rows[codes[row] as usize] {
                self.rows.push(u32::try_from(row).expect("rows fit their numbers"));
                self.owners.push(owner);
            }
        }
        Ok(())
    }

    fn in_period(&self, time_field: Option<&str>, period: Period) -> Result<Option<Vec<bool>>, Rejection> {
        let Some(path) = time_field else { return Ok(None) };
        let column = self.view.column(path).ok_or_else(|| unknown_field(path))?;
        let Values::Date(days) = &column.values else { return Err(unknown_field(path)) };
        let (start, end) = (day_number(period.start()), day_number(period.end()));
        let mut flags: Vec<bool> = days.iter().map(|&day| start <= day && day < end).collect();
        if let Some(missing) = &column.missing {
            flags.iter_mut().zip(missing.iter()).for_each(|(flag, &missing)| *flag &= !missing);
        }
        Ok(Some(flags))
    }

    fn supplied(&self, measure: Option<&str>) -> Result<Option<Vec<bool>>, Rejection> {
        let Some(measure) = measure else { return Ok(None) };
        let column = self.view.column("measure").ok_or_else(|| unknown_field("measure"))?;
        let Values::Text { dictionary, codes } = &column.values else { return Err(unknown_field("measure")) };
        let wanted = dictionary.iter().position(|name| &**name == measure);
        Ok(Some(codes.iter().map(|&code| Some(code as usize) == wanted).collect()))
    }

    /// What an expression says of the records chosen so far. Those of which it cannot say anything become faults.
    fn evaluate(&mut self, expression: &Expression) -> Result<Column, Rejection> {
        let column = |path: &String| {
            let column = self.view.column(path).ok_or_else(|| unknown_field(path))?;
            Ok(if self.rows.len() == self.view.rows() {
                column
            } else {
                Arc::new(gather(&column, &self.rows))
            })
        };
        let columns: Vec<Arc<Column>> =
            expression.names().iter().map(column).collect::<Result<_, Rejection>>()?;
        let columns: Vec<&Column> = columns.iter().map(|column| &**column).collect();
        let evaluated = expression.evaluate(self.rows.len(), &columns);
        for RowFault { row, message } in evaluated.faults {
            let record = self.view.name(self.rows[row as usize] as usize);
            self.faults
                .entry(self.owners[row as usize])
                .or_insert_with(|| format!("{}/{}: {message}", record.collection(), record.id()));
        }
        Ok(evaluated.column)
    }

    /// Keeps the records at these places.
    fn keep(&mut self, keeps: impl Fn(usize) -> bool) {
        let kept: Vec<bool> = (0..self.rows.len()).map(keeps).collect();
        if kept.contains(&false) {
            retain(&mut self.rows, &kept);
            retain(&mut self.owners, &kept);
            retain(&mut self.values, &kept);
        }
    }
}

fn retain<T>(cells: &mut Vec<T>, kept: &[bool]) {
    let mut kept = kept.iter();
    cells.retain(|_| *kept.next().unwrap_or(&false));
}

fn unknown_field(path: &str) -> Rejection {
    Rejection::field(path, "the collection has no such field of the kind needed")
}

fn is_missing(column: &Column, row: usize) -> bool {
    column.missing.as_ref().is_some_and(|missing| missing[row])
}

/// Some rows of a column.
fn gather(column: &Column, rows: &[u32]) -> Column {
    fn pick<T: Copy>(cells: &[T], rows: &[u32]) -> Arc<Vec<T>> {
        Arc::new(rows.iter().map(|&row| cells[row as usize]).collect())
    }
    let values = match &column.values {
        Values::Number { scale, unscaled } => Values::Number {
            scale: *scale,
            unscaled: match unscaled {
                Unscaled::Narrow(cells) => Unscaled::Narrow(pick(cells, rows)),
                Unscaled::Wide(cells) => Unscaled::Wide(pick(cells, rows)),
            },
        },
        Values::Text { dictionary, codes } => {
            Values::Text { dictionary: Arc::clone(dictionary), codes: pick(codes, rows) }
        }
        Values::Boolean(flags) => Values::Boolean(pick(flags, rows)),
        Values::Date(days) => Values::Date(pick(days, rows)),
    };
    Column { values, missing: column.missing.as_ref().map(|missing| pick(missing, rows)) }
}

/// For each text a number that it has in common with those that are equal to it: without regard to case, as `=` compares.
fn equal_texts(dictionary: &[Arc<str>]) -> Vec<u32> {
    let mut numbers: HashMap<String, u32> = HashMap::new();
    let mut number = |text: &Arc<str>| {
        let folded = text.chars().flat_map(char::to_lowercase).collect();
        let next = count_u32(numbers.len());
        *numbers.entry(folded).or_insert(next)
    };
    dictionary.iter().map(&mut number).collect()
}

/// The values of a column as whole numbers that are equal where the values are, and the decimals of numbers.
fn digits(column: &Column) -> (Vec<i128>, u8) {
    match &column.values {
        Values::Number { scale, unscaled: Unscaled::Narrow(cells) } => {
            (cells.iter().map(|&cell| cell.into()).collect(), *scale)
        }
        Values::Number { scale, unscaled: Unscaled::Wide(cells) } => (cells.to_vec(), *scale),
        Values::Text { dictionary, codes } => {
            let equal = equal_texts(dictionary);
            (codes.iter().map(|&code| equal[code as usize].into()).collect(), 0)
        }
        Values::Boolean(flags) => (flags.iter().map(|&flag| flag.into()).collect(), 0),
        Values::Date(days) => (days.iter().map(|&day| day.into()).collect(), 0),
    }
}
