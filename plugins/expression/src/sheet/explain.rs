//! The explanation of one row: a remark for every line, and for every output the steps that add up to it.

use super::evaluate::Block;
use super::steps::Steps;
use super::{Absence, Sheet, SheetContext, SheetLines, SheetStep, Statement};
use crate::decimal::{Rounding, rescale};
use crate::evaluate::lane::{Data, Lane};
use crate::fault::{FINE, Faults, MISSING, is_fault};
use crate::{Column, date, present};
use alloc::{format, string::String, vec::Vec};

pub(super) fn explain(
    sheet: &Sheet,
    context: &SheetContext,
    inputs: &[Column],
    lines: Option<SheetLines<'_>>,
    row: usize,
) -> Vec<SheetStep> {
    let faults = Faults::new();
    let block = Block::new(sheet, inputs, lines, row..row + 1, &faults);
    let (outputs, whole) = block.outputs(context);
    let mut found = Vec::new();
    for (at, named) in sheet.lines.iter().enumerate() {
        let (lane, note) = match &named.statement {
            Statement::Input { at: input, absence, .. } => {
                let given = inputs[..].get(*input).is_some_and(|column| !is_missing(column, row));
                (block.slots[at].view(), String::from(input_note(absence, given)))
            }
            Statement::Line { node, output } => {
                let own = output.map(|output| outputs[output].view());
                (
                    own.filter(|_| whole.get(0) == FINE).unwrap_or_else(|| block.slots[at].view()),
                    block.source(node),
                )
            }
        };
        found.push(remark(&named.name, &lane, note, &faults));
    }
    if is_fault(whole.get(0)) {
        return found;
    }
    for (at, named) in sheet.lines.iter().enumerate() {
        let Statement::Line { node, output: Some(output) } = &named.statement else { continue };
        let lane = &outputs[*output];
        if let (Data::Number(scale, digits), FINE) = (&lane.data, lane.status.get(0)) {
            let mut steps = Steps::new(&block, &named.name);
            steps.follow(node, at);
            found.extend(steps.finish(digits.get(0), *scale));
        }
    }
    found
}

fn is_missing(column: &Column, row: usize) -> bool {
    column.missing.as_ref().is_some_and(|missing| missing.get(row).copied().unwrap_or(true))
}

fn input_note(absence: &Absence, given: bool) -> &'static str {
    match absence {
        Absence::Takes(_) if !given => "input, by default",
        _ => "input",
    }
}

/// A line with its value; no part of any output.
fn remark(name: &str, lane: &Lane<'_>, note: String, faults: &Faults) -> SheetStep {
    let step = |unscaled: i128, scale: u8, note: String| SheetStep {
        label: String::from(name),
        output: None,
        unscaled,
        scale,
        note,
    };
    match lane.status.get(0) {
        FINE => {}
        MISSING => return step(0, 0, format!("missing: {note}")),
        status => return step(0, 0, format!("fault: {}", faults.message(status))),
    }
    match &lane.data {
        Data::Number(scale, digits) => {
            let (unscaled, scale) = readable(digits.get(0), *scale);
            if i64::try_from(unscaled).is_err() {
                return step(0, 0, format!("{}: {note}", present::number(unscaled, scale)));
            }
            step(unscaled, scale, note)
        }
        Data::Text(texts) => step(0, 0, format!("\"{}\": {note}", texts.get(0))),
        Data::Boolean(flags) => {
            step(0, 0, format!("{}: {note}", if flags.get(0) { "TRUE" } else { "FALSE" }))
        }
        Data::Date(days) => step(0, 0, format!("{}: {note}", date::text(days.get(0)))),
    }
}

/// A value at six decimals at most, without zeros at its end.
fn readable(unscaled: i128, scale: u8) -> (i128, u8) {
    let to = scale.min(super::SHEET_SCALE);
    let rounded = rescale(unscaled, scale, to, Rounding::HalfEven).unwrap_or(unscaled);
    present::shortest(rounded, to, 0)
}
