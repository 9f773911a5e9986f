//! Lanes: the values of one operation for a block of rows, as one constant or one value per row.

use crate::fault::{FINE, MISSING, Status, both};
use crate::{Column, Kind, Unscaled, Values};
use alloc::{borrow::Cow, sync::Arc, vec, vec::Vec};
use core::ops::Range;

/// One value for all rows, or one for each.
#[derive(Clone, Debug)]
pub(crate) enum Cells<'a, T: Copy> {
    One(T),
    Many(Cow<'a, [T]>),
}

impl<T: Copy> Cells<'_, T> {
    pub(crate) fn get(&self, row: usize) -> T {
        match self {
            Self::One(value) => *value,
            Self::Many(values) => values[row],
        }
    }

    pub(crate) fn is_one(&self) -> bool {
        matches!(self, Self::One(_))
    }

    pub(crate) fn view(&self) -> Cells<'_, T> {
        match self {
            Self::One(value) => Cells::One(*value),
            Self::Many(values) => Cells::Many(Cow::Borrowed(values)),
        }
    }

    pub(crate) fn into_owned(self) -> Cells<'static, T> {
        match self {
            Self::One(value) => Cells::One(value),
            Self::Many(values) => Cells::Many(Cow::Owned(values.into_owned())),
        }
    }

    pub(crate) fn to_vec(&self, rows: usize) -> Vec<T> {
        match self {
            Self::One(value) => vec![*value; rows],
            Self::Many(values) => values.to_vec(),
        }
    }

    pub(crate) fn gather(&self, rows: &[u32]) -> Cells<'static, T> {
        match self {
            Self::One(value) => Cells::One(*value),
            Self::Many(values) => rows.iter().map(|row| values[*row as usize]).collect(),
        }
    }
}

impl<T: Copy> FromIterator<T> for Cells<'_, T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        Cells::Many(Cow::Owned(values.into_iter().collect()))
    }
}

/// The digits of a number lane. A narrow one knows a bound of its magnitudes, which may be larger than it needs to be.
#[derive(Clone, Debug)]
pub(crate) enum Digits<'a> {
    One(i128),
    Narrow(Cow<'a, [i64]>, u128),
    Wide(Cow<'a, [i128]>),
}

/// A bound of the magnitudes: the next power of two above the largest.
pub(crate) fn bound_of(values: &[i64]) -> u128 {
    let bits = values.iter().fold(0i64, |bits, value| bits | (value ^ (value >> 63)));
    1u128 << (64 - bits.leading_zeros())
}

impl Digits<'_> {
    pub(crate) fn get(&self, row: usize) -> i128 {
        match self {
            Self::One(value) => *value,
            Self::Narrow(values, _) => i128::from(values[row]),
            Self::Wide(values) => values[row],
        }
    }

    pub(crate) fn is_one(&self) -> bool {
        matches!(self, Self::One(_))
    }

    /// A bound of the magnitudes; the largest there is for wide digits.
    pub(crate) fn bound(&self) -> u128 {
        match self {
            Self::One(value) => value.unsigned_abs(),
            Self::Narrow(_, bound) => *bound,
            Self::Wide(_) => u128::MAX,
        }
    }

    /// Looks at the values again, so that the bound is near to them.
    pub(crate) fn tighten(&mut self) {
        if let Self::Narrow(values, bound) = self {
            *bound = bound_of(values);
        }
    }

    pub(crate) fn view(&self) -> Digits<'_> {
        match self {
            Self::One(value) => Digits::One(*value),
            Self::Narrow(values, bound) => Digits::Narrow(Cow::Borrowed(values), *bound),
            Self::Wide(values) => Digits::Wide(Cow::Borrowed(values)),
        }
    }

    pub(crate) fn into_owned(self) -> Digits<'static> {
        match self {
            Self::One(value) => Digits::One(value),
            Self::Narrow(values, bound) => Digits::Narrow(Cow::Owned(values.into_owned()), bound),
            Self::Wide(values) => Digits::Wide(Cow::Owned(values.into_owned())),
        }
    }

    pub(crate) fn gather(&self, rows: &[u32]) -> Digits<'static> {
        match self {
            Self::One(value) => Digits::One(*value),
            Self::Narrow(values, bound) => {
                Digits::Narrow(rows.iter().map(|row| values[*row as usize]).collect(), *bound)
            }
            Self::Wide(values) => Digits::Wide(rows.iter().map(|row| values[*row as usize]).collect()),
        }
    }
}

/// Gathers digits row by row: narrow as long as they are.
pub(crate) struct Gathered {
    narrow: Vec<i64>,
    wide: Option<Vec<i128>>,
}

impl Gathered {
    pub(crate) fn with_capacity(rows: usize) -> Self {
        Self { narrow: Vec::with_capacity(rows), wide: None }
    }

    pub(crate) fn push(&mut self, value: i128) {
        match (&mut self.wide, i64::try_from(value)) {
            (Some(wide), _) => wide.push(value),
            (None, Ok(value)) => self.narrow.push(value),
            (None, Err(_)) => {
                let mut wide: Vec<i128> = Vec::with_capacity(self.narrow.capacity());
                wide.extend(self.narrow.iter().map(|value| i128::from(*value)));
                wide.push(value);
                self.wide = Some(wide);
            }
        }
    }

    /// Appends a lane's digits.
    pub(crate) fn extend(&mut self, digits: &Digits<'_>, rows: usize) {
        match digits {
            Digits::Narrow(values, _) if self.wide.is_none() => self.narrow.extend_from_slice(values),
            _ => (0..rows).for_each(|row| self.push(digits.get(row))),
        }
    }

    pub(crate) fn digits(self) -> Digits<'static> {
        match self.wide {
            Some(wide) => Digits::Wide(Cow::Owned(wide)),
            None => {
                let bound = bound_of(&self.narrow);
                Digits::Narrow(Cow::Owned(self.narrow), bound)
            }
        }
    }

    pub(crate) fn unscaled(self) -> Unscaled {
        match self.wide {
            Some(wide) => Unscaled::Wide(Arc::new(wide)),
            None => Unscaled::Narrow(Arc::new(self.narrow)),
        }
    }
}

/// Texts by dictionary.
#[derive(Clone, Debug)]
pub(crate) struct Texts<'a> {
    pub(crate) dictionary: Cow<'a, [Arc<str>]>,
    pub(crate) codes: Cells<'a, u32>,
}

impl Texts<'_> {
    pub(crate) fn get(&self, row: usize) -> &str {
        self.dictionary.get(self.codes.get(row) as usize).map_or("", |text| &**text)
    }

    pub(crate) fn one(text: Arc<str>) -> Texts<'static> {
        Texts { dictionary: Cow::Owned(vec![text]), codes: Cells::One(0) }
    }
}

/// The values of a lane.
#[derive(Clone, Debug)]
pub(crate) enum Data<'a> {
    Number(u8, Digits<'a>),
    Text(Texts<'a>),
    Boolean(Cells<'a, bool>),
    Date(Cells<'a, i32>),
}

/// The values of one operation for a block of rows. Where the status of a row is not fine, its value means nothing
/// (but is a value that can be calculated with: zero, mostly).
#[derive(Clone, Debug)]
pub(crate) struct Lane<'a> {
    pub(crate) data: Data<'a>,
    pub(crate) status: Cells<'a, Status>,
}

impl<'a> Lane<'a> {
    /// A lane without a missing or faulted row.
    pub(crate) fn fine(data: Data<'a>) -> Self {
        Self { data, status: Cells::One(FINE) }
    }

    /// A lane of one kind without any value.
    pub(crate) fn empty(kind: Kind, status: Status) -> Self {
        let data = match kind {
            Kind::Number => Data::Number(0, Digits::One(0)),
            Kind::Text => Data::Text(Texts::one(Arc::from(""))),
            Kind::Boolean => Data::Boolean(Cells::One(false)),
            Kind::Date => Data::Date(Cells::One(0)),
        };
        Self { data, status: Cells::One(status) }
    }

    pub(crate) fn view(&self) -> Lane<'_> {
        let data = match &self.data {
            Data::Number(scale, digits) => Data::Number(*scale, digits.view()),
            Data::Text(texts) => {
                Data::Text(Texts { dictionary: Cow::Borrowed(&texts.dictionary), codes: texts.codes.view() })
            }
            Data::Boolean(flags) => Data::Boolean(flags.view()),
            Data::Date(days) => Data::Date(days.view()),
        };
        Lane { data, status: self.status.view() }
    }

    pub(crate) fn into_owned(self) -> Lane<'static> {
        let data = match self.data {
            Data::Number(scale, digits) => Data::Number(scale, digits.into_owned()),
            Data::Text(texts) => Data::Text(Texts {
                dictionary: Cow::Owned(texts.dictionary.into_owned()),
                codes: texts.codes.into_owned(),
            }),
            Data::Boolean(flags) => Data::Boolean(flags.into_owned()),
            Data::Date(days) => Data::Date(days.into_owned()),
        };
        Lane { data, status: self.status.into_owned() }
    }

    /// The values of other rows, or of rows in another order.
    pub(crate) fn gather(&self, rows: &[u32]) -> Lane<'static> {
        let data = match &self.data {
            Data::Number(scale, digits) => Data::Number(*scale, digits.gather(rows)),
            Data::Text(texts) => Data::Text(Texts {
                dictionary: Cow::Owned(texts.dictionary.to_vec()),
                codes: texts.codes.gather(rows),
            }),
            Data::Boolean(flags) => Data::Boolean(flags.gather(rows)),
            Data::Date(days) => Data::Date(days.gather(rows)),
        };
        Lane { data, status: self.status.gather(rows) }
    }

    /// Whether one value, or none, stands for all rows.
    pub(crate) fn is_one(&self) -> bool {
        let data = match &self.data {
            Data::Number(_, digits) => digits.is_one(),
            Data::Text(texts) => texts.codes.is_one(),
            Data::Boolean(flags) => flags.is_one(),
            Data::Date(days) => days.is_one(),
        };
        data && self.status.is_one()
    }

    pub(crate) fn number(&self) -> (u8, &Digits<'a>) {
        match &self.data {
            Data::Number(scale, digits) => (*scale, digits),
            _ => unreachable!("{CHECKED}"),
        }
    }

    pub(crate) fn into_number(self) -> (u8, Digits<'a>, Cells<'a, Status>) {
        match self.data {
            Data::Number(scale, digits) => (scale, digits, self.status),
            _ => unreachable!("{CHECKED}"),
        }
    }

    pub(crate) fn texts(&self) -> &Texts<'a> {
        match &self.data {
            Data::Text(texts) => texts,
            _ => unreachable!("{CHECKED}"),
        }
    }

    pub(crate) fn flags(&self) -> &Cells<'a, bool> {
        match &self.data {
            Data::Boolean(flags) => flags,
            _ => unreachable!("{CHECKED}"),
        }
    }

    pub(crate) fn days(&self) -> &Cells<'a, i32> {
        match &self.data {
            Data::Date(days) => days,
            _ => unreachable!("{CHECKED}"),
        }
    }
}

/// Why a lane is of the kind that an operation takes.
const CHECKED: &str = "kinds are checked when the text is compiled, and columns when they come in";

/// The status of rows that need both.
pub(crate) fn merge(a: &Cells<'_, Status>, b: &Cells<'_, Status>) -> Cells<'static, Status> {
    match (a, b) {
        (Cells::One(a), Cells::One(b)) => Cells::One(both(*a, *b)),
        (Cells::One(FINE), Cells::Many(b)) => Cells::Many(Cow::Owned(b.to_vec())),
        (Cells::Many(a), Cells::One(FINE)) => Cells::Many(Cow::Owned(a.to_vec())),
        (Cells::One(a), Cells::Many(b)) => b.iter().map(|b| both(*a, *b)).collect(),
        (Cells::Many(a), Cells::One(b)) => a.iter().map(|a| both(*a, *b)).collect(),
        (Cells::Many(a), Cells::Many(b)) => a.iter().zip(b.iter()).map(|(a, b)| both(*a, *b)).collect(),
    }
}

/// The status of rows that need all of the lanes.
pub(crate) fn merge_all(lanes: &[Lane<'_>]) -> Cells<'static, Status> {
    let mut status = Cells::One(FINE);
    for lane in lanes {
        if !matches!(lane.status, Cells::One(FINE)) {
            status = merge(&status, &lane.status);
        }
    }
    status
}

/// The lane of some rows of a column; nothing where the column is of another kind or too short.
pub(crate) fn from_column<'c>(column: &'c Column, kind: Kind, rows: &Range<usize>) -> Option<Lane<'c>> {
    let missing = match &column.missing {
        None => None,
        Some(flags) => Some(flags.get(rows.clone())?).filter(|flags| flags.contains(&true)),
    };
    let data = match (&column.values, kind) {
        (Values::Number { scale, unscaled }, Kind::Number) if *scale <= crate::decimal::MOST_DIGITS => {
            Data::Number(*scale, digits(unscaled, rows, missing)?)
        }
        (Values::Text { dictionary, codes }, Kind::Text) => {
            Data::Text(Texts { dictionary: Cow::Borrowed(dictionary), codes: cells(codes, rows, missing)? })
        }
        (Values::Boolean(flags), Kind::Boolean) => Data::Boolean(cells(flags, rows, missing)?),
        (Values::Date(days), Kind::Date) => Data::Date(cells(days, rows, missing)?),
        _ => return None,
    };
    let status = match missing {
        None => Cells::One(FINE),
        Some(flags) => flags.iter().map(|missing| if *missing { MISSING } else { FINE }).collect(),
    };
    Some(Lane { data, status })
}

/// What stands in a missing row means nothing, and may be anything: it is replaced, so that it never slows or harms.
fn cells<'c, T: Copy + Default>(
    values: &'c [T],
    rows: &Range<usize>,
    missing: Option<&[bool]>,
) -> Option<Cells<'c, T>> {
    let values = values.get(rows.clone())?;
    Some(match missing {
        None => Cells::Many(Cow::Borrowed(values)),
        Some(flags) => values
            .iter()
            .zip(flags)
            .map(|(value, missing)| if *missing { T::default() } else { *value })
            .collect(),
    })
}

fn digits<'c>(unscaled: &'c Unscaled, rows: &Range<usize>, missing: Option<&[bool]>) -> Option<Digits<'c>> {
    Some(match unscaled {
        Unscaled::Narrow(values) => {
            let Cells::Many(values) = cells(values, rows, missing)? else { return None };
            let bound = bound_of(&values);
            Digits::Narrow(values, bound)
        }
        Unscaled::Wide(values) => {
            let Cells::Many(values) = cells(values, rows, missing)? else { return None };
            Digits::Wide(values)
        }
    })
}
