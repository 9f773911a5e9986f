//! The evaluation of a sheet: its lines in order, block by block of rows.

use super::result::largest;
use super::{Absence, Fallback, Named, Sheet, SheetContext, SheetLines, SheetOutcome, SheetRole, Statement};
use crate::decimal::{MOST_DIGITS, Rounding};
use crate::evaluate::lane::{Cells, Data, Digits, Lane, Texts, from_column, merge};
use crate::evaluate::{
    Detail, Frame, Output, align, block_rows, evaluate as evaluate_node, mark, rescale, row_faults,
};
use crate::fault::{FINE, Faults, MISSING, OVERFLOW, Place, Status, is_fault};
use crate::text::check::{Node, kind_name};
use crate::{Column, Kind};
use alloc::{borrow::Cow, format, sync::Arc, vec::Vec};
use core::ops::Range;

pub(super) fn evaluate(
    sheet: &Sheet,
    context: &SheetContext,
    rows: usize,
    inputs: &[Column],
    lines: Option<SheetLines<'_>>,
) -> SheetOutcome {
    let faults = Faults::new();
    let line_columns = lines.map_or(&[][..], |lines| lines.columns);
    let step = block_rows(inputs.iter().chain(line_columns));
    let mut outputs: Vec<Output> = sheet
        .outputs
        .iter()
        .map(|output| {
            Output::new(if output.role == SheetRole::Grade { Kind::Text } else { Kind::Number }, rows)
        })
        .collect();
    let mut found = Vec::new();
    let mut start = 0;
    loop {
        let range = start..rows.min(start + step);
        let block = Block::new(sheet, inputs, lines, range.clone(), &faults);
        let (lanes, status) = block.outputs(context);
        for (output, lane) in outputs.iter_mut().zip(&lanes) {
            output.push(lane, range.len());
        }
        row_faults(
            &Lane { data: Data::Boolean(Cells::One(false)), status },
            range.len(),
            start,
            &faults,
            &mut found,
        );
        start = range.end;
        if start >= rows {
            break;
        }
    }
    SheetOutcome { columns: outputs.into_iter().map(Output::column).collect(), faults: found }
}

/// All values of a block of rows, not rounded.
pub(super) struct Block<'b> {
    pub(super) sheet: &'b Sheet,
    pub(super) rows: usize,
    /// One per named line.
    pub(super) slots: Vec<Lane<'b>>,
    pub(super) detail: Option<Detail<'b>>,
    pub(super) faults: &'b Faults,
}

impl<'b> Block<'b> {
    pub(super) fn new(
        sheet: &'b Sheet,
        inputs: &'b [Column],
        lines: Option<SheetLines<'b>>,
        range: Range<usize>,
        faults: &'b Faults,
    ) -> Self {
        let rows = range.len();
        let detail = lines.map(|lines| detail(sheet, lines, &range, faults));
        let mut block = Self { sheet, rows, slots: Vec::with_capacity(sheet.lines.len()), detail, faults };
        for named in &sheet.lines {
            faults.enter(Place::Line { line: named.line, name: named.name.clone() });
            let lane = match &named.statement {
                Statement::Input { at, kind, absence } => {
                    let lane = inputs.get(*at).and_then(|column| from_column(column, *kind, &range));
                    input(named, *kind, absence, lane, rows, faults)
                }
                Statement::Line { node, .. } => evaluate_node(node, &block.frame()).into_owned(),
            };
            block.slots.push(lane);
        }
        block
    }

    pub(super) fn frame(&self) -> Frame<'_> {
        Frame {
            rows: self.rows,
            slots: &self.slots,
            detail: self.detail.as_ref(),
            inside_lines: false,
            faults: self.faults,
            text: &self.sheet.text,
        }
    }

    /// The outputs, rounded, and the status of every row as a whole.
    pub(super) fn outputs(&self, context: &SheetContext) -> (Vec<Lane<'_>>, Cells<'static, Status>) {
        let mut whole = Cells::One(FINE);
        let mut lanes = Vec::with_capacity(self.sheet.outputs.len());
        for (at, named) in self.sheet.lines.iter().enumerate() {
            let faulting = match &named.statement {
                Statement::Input { .. } => {
                    whole = merge(&whole, &faults_only(&self.slots[at].status));
                    continue;
                }
                Statement::Line { node, output: Some(output) } => {
                    self.faults.enter(Place::Line { line: named.line, name: named.name.clone() });
                    let role = self.sheet.outputs[*output].role;
                    lanes.push(self.output(at, node, role, context));
                    role != SheetRole::Detail
                }
                Statement::Line { output: None, .. } => continue,
            };
            if let (true, Some(lane)) = (faulting, lanes.last())
                && !matches!(lane.status, Cells::One(FINE))
            {
                whole = merge(&whole, &faults_only(&lane.status));
            }
        }
        if !matches!(whole, Cells::One(FINE)) {
            for lane in &mut lanes {
                lane.status = merge(&whole, &lane.status);
            }
        }
        (lanes, whole)
    }

    fn output(&self, at: usize, node: &Node, role: SheetRole, context: &SheetContext) -> Lane<'_> {
        let lane = self.slots[at].view();
        let (scale, rounding) = match role {
            SheetRole::Grade => return lane,
            SheetRole::Payout if context.half_even => (context.currency_scale, Rounding::HalfEven),
            SheetRole::Payout => (context.currency_scale, Rounding::HalfUp),
            SheetRole::Score | SheetRole::Detail => (super::SHEET_SCALE, Rounding::HalfEven),
        };
        let lane = rescale(node, &self.frame(), lane, scale.min(MOST_DIGITS), rounding);
        self.narrowed(lane, role)
    }

    /// Results travel as 64 bits: a row that does not fit is faulted.
    fn narrowed<'l>(&self, lane: Lane<'l>, role: SheetRole) -> Lane<'l> {
        let (scale, digits) = lane.number();
        let too_large = |row: usize| i64::try_from(digits.get(row)).is_err();
        let any = match digits {
            Digits::One(_) => too_large(0),
            Digits::Narrow(..) => false,
            Digits::Wide(_) => (0..self.rows).any(too_large),
        };
        if !any {
            return lane;
        }
        let bound = format!("{OVERFLOW} for a {}, which is at most {}", role.word(), largest(scale));
        let overflow = self.faults.status(&bound, 0);
        let mut status = Cells::Many(Cow::Owned(lane.status.to_vec(self.rows)));
        for row in 0..self.rows {
            if too_large(row) && status.get(row) == FINE {
                mark(&mut status, row, self.rows, overflow);
            }
        }
        let kept = (0..self.rows).map(|row| if too_large(row) { 0 } else { digits.get(row) });
        Lane { data: Data::Number(scale, Digits::Wide(kept.collect())), status }
    }
}

/// A missing score is no fault of the row: only faults count.
fn faults_only(status: &Cells<'_, Status>) -> Cells<'static, Status> {
    match status {
        Cells::One(status) => Cells::One(if is_fault(*status) { *status } else { FINE }),
        Cells::Many(all) => all.iter().map(|status| if is_fault(*status) { *status } else { FINE }).collect(),
    }
}

/// The lane of an input, with its default where there is no value.
fn input<'b>(
    named: &Named,
    kind: Kind,
    absence: &Absence,
    lane: Option<Lane<'b>>,
    rows: usize,
    faults: &'b Faults,
) -> Lane<'b> {
    let Some(lane) = lane else {
        let message =
            format!("input `{}` is not the column of {} that was expected", named.name, kind_name(kind));
        return Lane::empty(kind, faults.exact(message));
    };
    match absence {
        Absence::StaysMissing => lane,
        Absence::Takes(Fallback::Number { unscaled, scale }) => {
            number_default(lane, (*unscaled, *scale), rows, faults)
        }
        Absence::Takes(Fallback::Text(text)) => text_default(lane, text),
        Absence::Faults if lane.status.is_one() => lane,
        Absence::Faults => {
            let fault = faults.exact(format!("required input `{}` is missing", named.name));
            let status = (0..rows)
                .map(|row| if lane.status.get(row) == MISSING { fault } else { lane.status.get(row) });
            Lane { status: status.collect(), ..lane }
        }
    }
}

/// The scale of an input does not depend on whether a row takes its default: it has room for both.
fn number_default<'b>(lane: Lane<'b>, default: (i128, u8), rows: usize, faults: &'b Faults) -> Lane<'b> {
    let scale = lane.number().0.max(default.1);
    let node = Node {
        kind: Kind::Number,
        operation: crate::text::check::Operation::Number { unscaled: default.0, scale: default.1 },
        span: crate::problem::Span { start: 0, end: 0 },
    };
    let frame = Frame { rows, slots: &[], detail: None, inside_lines: false, faults, text: "" };
    let lane = align(&node, &frame, lane, scale);
    let default = align(&node, &frame, Lane::fine(Data::Number(default.1, Digits::One(default.0))), scale);
    if !matches!(&lane.status, Cells::Many(all) if all.contains(&MISSING)) {
        return lane;
    }
    let default = default.number().1.get(0);
    let mut found = crate::evaluate::lane::Gathered::with_capacity(rows);
    let missing = |row: usize| lane.status.get(row) == MISSING;
    (0..rows).for_each(|row| found.push(if missing(row) { default } else { lane.number().1.get(row) }));
    let status = (0..rows).map(|row| if missing(row) { FINE } else { lane.status.get(row) }).collect();
    Lane { data: Data::Number(scale, found.digits()), status }
}

fn text_default<'b>(lane: Lane<'b>, default: &Arc<str>) -> Lane<'b> {
    let Cells::Many(all) = &lane.status else { return lane };
    let texts = lane.texts();
    let mut dictionary = texts.dictionary.to_vec();
    let code = dictionary.len() as u32;
    dictionary.push(default.clone());
    let codes = all
        .iter()
        .enumerate()
        .map(|(row, status)| if *status == MISSING { code } else { texts.codes.get(row) });
    let data = Data::Text(Texts { dictionary: Cow::Owned(dictionary), codes: codes.collect() });
    Lane { data, status: all.iter().map(|status| if *status == MISSING { FINE } else { *status }).collect() }
}

/// The detail lines of a block. Ends that do not ascend, or lie beyond the columns, are taken as no lines.
fn detail<'b>(sheet: &Sheet, lines: SheetLines<'b>, range: &Range<usize>, faults: &Faults) -> Detail<'b> {
    let end_of = |row: usize| lines.row_ends.get(row).map_or(0, |end| *end as usize);
    let first = if range.start == 0 { 0 } else { end_of(range.start - 1) };
    let mut ends = Vec::with_capacity(range.len());
    let mut row_of = Vec::new();
    let mut last = first;
    for (at, row) in range.clone().enumerate() {
        let end = end_of(row).max(last);
        row_of.resize(end - first, at as u32);
        ends.push((end - first) as u32);
        last = end;
    }
    let slots = sheet.line_inputs.iter().enumerate().map(|(at, input)| {
        let lane = lines.columns.get(at).and_then(|column| from_column(column, input.kind, &(first..last)));
        lane.unwrap_or_else(|| {
            let wanted = kind_name(input.kind);
            let message =
                format!("line input `{}` is not the column of {wanted} that was expected", input.name);
            Lane::empty(input.kind, faults.exact(message))
        })
    });
    Detail { ends, row_of, slots: slots.collect() }
}
