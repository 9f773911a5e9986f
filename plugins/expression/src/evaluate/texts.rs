//! Texts: comparison and the text functions. Where only one argument differs from row to row, the work is done once for each
//! entry of its dictionary.

use super::Frame;
use super::compare::each;
use super::lane::{Cells, Data, Lane, Texts, merge_all};
use super::numbers::whole_at;
use super::rowwise;
use crate::fault::{BAD_POSITION, FINE, NOT_FOUND, Reason, TEXT_TOO_LONG};
use crate::text::check::Node;
use crate::text::functions::Function;
use crate::{date, present};
use alloc::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    string::String,
    sync::Arc,
    vec::Vec,
};
use core::cmp::Ordering;

/// The longest text that may come out of a function, in characters.
const LONGEST: usize = 32_767;

/// Compares texts without regard to case.
pub(crate) fn order(a: &str, b: &str) -> Ordering {
    a.chars().flat_map(char::to_lowercase).cmp(b.chars().flat_map(char::to_lowercase))
}

fn folded(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

/// A relation of two text lanes: once for each entry of a dictionary where the other side is one text.
pub(crate) fn by_dictionary(
    a: &Texts<'_>,
    b: &Texts<'_>,
    rows: usize,
    holds: impl Fn(&str, &str) -> bool,
) -> Cells<'static, bool> {
    let lookup = |many: &Texts<'_>, holds: &dyn Fn(&str) -> bool| -> Option<Cells<'static, bool>> {
        let Cells::Many(codes) = &many.codes else { return None };
        if many.dictionary.len() > rows {
            return None;
        }
        let table: Vec<bool> = many.dictionary.iter().map(|text| holds(text)).collect();
        let empty = holds("");
        Some(codes.iter().map(|code| table.get(*code as usize).copied().unwrap_or(empty)).collect())
    };
    let found = match (a.codes.is_one(), b.codes.is_one()) {
        (false, true) => lookup(a, &|text| holds(text, b.get(0))),
        (true, false) => lookup(b, &|text| holds(a.get(0), text)),
        _ => None,
    };
    found.unwrap_or_else(|| {
        each(rows, a.codes.is_one() && b.codes.is_one(), |row| holds(a.get(row), b.get(row)))
    })
}

/// `x IN ("a", "b")` over written texts: one look at each entry of the dictionary.
pub(crate) fn member_of_constants<'f>(x: &Lane<'f>, list: &[Lane<'f>], rows: usize) -> Option<Lane<'f>> {
    let Data::Text(texts) = &x.data else { return None };
    if !list.iter().all(|lane| lane.is_one() && matches!(lane.status, Cells::One(FINE))) {
        return None;
    }
    let wanted: BTreeSet<String> = list.iter().map(|lane| folded(lane.texts().get(0))).collect();
    let nothing = Texts::one(Arc::from(""));
    let flags = by_dictionary(texts, &nothing, rows, |text, _| wanted.contains(&folded(text)));
    Some(Lane { data: Data::Boolean(flags), status: x.status.clone() })
}

pub(crate) fn exact<'f>(lanes: &[Lane<'f>], rows: usize) -> Lane<'f> {
    let flags = by_dictionary(lanes[0].texts(), lanes[1].texts(), rows, |a, b| a == b);
    Lane { data: Data::Boolean(flags), status: merge_all(lanes) }
}

pub(crate) fn evaluate<'f>(
    function: Function,
    node: &Node,
    lanes: Vec<Lane<'f>>,
    frame: &Frame<'f>,
) -> Lane<'f> {
    let varied: Vec<usize> = (0..lanes.len()).filter(|at| !lanes[*at].is_one()).collect();
    let [only] = varied[..] else { return each_row(function, node, &lanes, frame) };
    let codes = match &lanes[only].data {
        Data::Text(Texts { dictionary, codes: Cells::Many(codes) }) if dictionary.len() < frame.rows => {
            codes.clone()
        }
        _ => return each_row(function, node, &lanes, frame),
    };
    let status = merge_all(&lanes);
    let mut lanes = lanes;
    let entries = lanes[only].texts().dictionary.len();
    if entries == 0 || !codes.iter().all(|code| (*code as usize) < entries) {
        return each_row(function, node, &lanes, frame);
    }
    if let Data::Text(texts) = &mut lanes[only].data {
        texts.codes = (0..entries as u32).collect();
    }
    lanes[only].status = Cells::One(FINE);
    let table = each_row(function, node, &lanes, &Frame { rows: entries, ..*frame });
    let mut lane = table.gather(&codes);
    // What stands where there is no value means nothing, and what becomes of it neither.
    let row = |row: usize| if status.get(row) == FINE { lane.status.get(row) } else { status.get(row) };
    lane.status = (0..frame.rows).map(row).collect();
    lane
}

fn each_row<'f>(function: Function, node: &Node, lanes: &[Lane<'f>], frame: &Frame<'f>) -> Lane<'f> {
    let one = lanes.iter().all(Lane::is_one);
    let status = merge_all(lanes);
    match function {
        Function::Len => rowwise::numbers(node, frame, 0, status, one, |row| {
            Ok(lanes[0].texts().get(row).chars().count() as i128)
        }),
        Function::Find => rowwise::numbers(node, frame, 0, status, one, |row| {
            let start = lanes.get(2).map_or(Ok(1), |lane| whole_at(lane, row))?;
            find(lanes[0].texts().get(row), lanes[1].texts().get(row), start)
        }),
        _ => {
            let mut known: BTreeMap<Arc<str>, u32> = BTreeMap::new();
            let mut dictionary: Vec<Arc<str>> = Vec::new();
            let (codes, status) = rowwise::values(node, frame, status, one, |row| {
                let text = made(function, lanes, row)?;
                if text.len() > LONGEST && text.chars().count() > LONGEST {
                    return Err(TEXT_TOO_LONG);
                }
                if let Some(code) = known.get(&*text) {
                    return Ok(*code);
                }
                let (text, code): (Arc<str>, u32) = (Arc::from(&*text), dictionary.len() as u32);
                dictionary.push(text.clone());
                known.insert(text, code);
                Ok(code)
            });
            Lane { data: Data::Text(Texts { dictionary: Cow::Owned(dictionary), codes }), status }
        }
    }
}

fn made<'l>(function: Function, lanes: &'l [Lane<'_>], row: usize) -> Result<Cow<'l, str>, Reason> {
    if function == Function::Concat {
        let mut joined = String::new();
        for lane in lanes {
            joined.push_str(&shown(lane, row));
            if joined.len() > 4 * LONGEST {
                return Err(TEXT_TOO_LONG);
            }
        }
        return Ok(Cow::Owned(joined));
    }
    let text = lanes[0].texts().get(row);
    let number = |at: usize, default: i64| lanes.get(at).map_or(Ok(default), |lane| whole_at(lane, row));
    let size = |number: i64| usize::try_from(number).map_err(|_| BAD_POSITION);
    Ok(match function {
        Function::Upper => Cow::Owned(text.to_uppercase()),
        Function::Lower => Cow::Owned(text.to_lowercase()),
        Function::Trim => {
            let words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
            Cow::Owned(words.join(" "))
        }
        Function::Left => Cow::Borrowed(part(text, 0, size(number(1, 1)?)?)),
        Function::Right => {
            let count = size(number(1, 1)?)?;
            Cow::Borrowed(part(text, text.chars().count().saturating_sub(count), count))
        }
        _ => {
            let start = size(number(1, 1)?.checked_sub(1).ok_or(BAD_POSITION)?)?;
            Cow::Borrowed(part(text, start, size(number(2, 1)?)?))
        }
    })
}

/// Some characters of a text.
fn part(text: &str, start: usize, count: usize) -> &str {
    let byte = |at: usize| text.char_indices().nth(at).map_or(text.len(), |(byte, _)| byte);
    &text[byte(start)..byte(start.saturating_add(count))]
}

/// Where a text stands in another, in characters from 1; letters count as they are written.
fn find(wanted: &str, text: &str, start: i64) -> Result<i128, Reason> {
    let skipped = usize::try_from(start.saturating_sub(1)).map_err(|_| BAD_POSITION)?;
    if skipped > text.chars().count() {
        return Err(NOT_FOUND);
    }
    let from = text.char_indices().nth(skipped).map_or(text.len(), |(byte, _)| byte);
    let at = text[from..].find(wanted).ok_or(NOT_FOUND)?;
    Ok((skipped + text[from..from + at].chars().count() + 1) as i128)
}

/// A value as text, as `&` joins it.
fn shown<'l>(lane: &'l Lane<'_>, row: usize) -> Cow<'l, str> {
    match &lane.data {
        Data::Text(texts) => Cow::Borrowed(texts.get(row)),
        Data::Number(scale, digits) => Cow::Owned(present::number(digits.get(row), *scale)),
        Data::Boolean(flags) => Cow::Borrowed(if flags.get(row) { "TRUE" } else { "FALSE" }),
        Data::Date(days) => Cow::Owned(date::text(days.get(row))),
    }
}
