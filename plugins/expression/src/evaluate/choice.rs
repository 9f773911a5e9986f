//! Choices: IF and its relatives, AND, OR, NOT. All branches are evaluated for all rows, and a row takes value and status of
//! the branch it chooses: so a fault in a branch not taken does not count.

use super::arithmetic::{Narrow, align, narrow};
use super::compare::{self, each};
use super::lane::{Cells, Data, Digits, Gathered, Lane, Texts, merge};
use super::rowwise;
use super::{Frame, evaluate as evaluate_node};
use crate::Kind;
use crate::fault::{FINE, MISSING, NO_CASE, Status, is_fault};
use crate::text::check::Node;
use crate::text::functions::{Comparison, Function};
use alloc::{borrow::Cow, collections::BTreeMap, sync::Arc, vec, vec::Vec};

/// No branch: the status says why.
pub(crate) const NONE: u16 = u16::MAX;

/// Which branch each row takes, and what is the matter with those that take none.
pub(crate) struct Pick {
    pub(crate) branch: Vec<u16>,
    pub(crate) status: Vec<Status>,
}

pub(crate) fn evaluate<'f>(
    function: Function,
    node: &Node,
    lanes: Vec<Lane<'f>>,
    frame: &Frame<'f>,
) -> Lane<'f> {
    let one = lanes.iter().all(Lane::is_one);
    let rows = if one { 1 } else { frame.rows };
    if function == Function::IsMissing {
        let flags = each(rows, one, |row| lanes[0].status.get(row) == MISSING);
        let status =
            each(
                rows,
                one,
                |row| if is_fault(lanes[0].status.get(row)) { lanes[0].status.get(row) } else { FINE },
            );
        return Lane { data: Data::Boolean(flags), status };
    }
    if let (Function::If, Some(lane)) = (function, plain_if(node, &lanes, frame)) {
        return lane;
    }
    let pick = pick(function, node, &lanes, frame, rows);
    let branches =
        lanes.into_iter().enumerate().filter(|(at, _)| is_branch(function, node, *at)).map(|(_, lane)| lane);
    choose(node, frame, &pick, branches.collect(), one)
}

/// Whether the argument is one of the values to choose from, not a condition.
fn is_branch(function: Function, node: &Node, at: usize) -> bool {
    let crate::text::check::Operation::Call(_, arguments) = &node.operation else { return false };
    match function {
        Function::If => at > 0,
        Function::Ifs => at % 2 == 1,
        Function::Switch => (at > 0 && at.is_multiple_of(2)) || (at + 1 == arguments.len() && at % 2 == 1),
        _ => true,
    }
}

fn pick(function: Function, node: &Node, lanes: &[Lane<'_>], frame: &Frame<'_>, rows: usize) -> Pick {
    let mut pick = Pick { branch: vec![NONE; rows], status: vec![FINE; rows] };
    match function {
        Function::If => {
            take(&mut pick, 0, &lanes[0]);
            rest(&mut pick, 1);
        }
        Function::Ifs => lanes.iter().step_by(2).enumerate().for_each(|(at, condition)| {
            take(&mut pick, at, condition);
        }),
        Function::Switch => {
            let cases = (lanes.len() - 1) / 2;
            for at in 0..cases {
                let pair = [lanes[0].view(), lanes[1 + 2 * at].view()];
                let equal = compare::evaluate(Comparison::Equal, &pair, rows);
                take(&mut pick, at, &equal);
            }
            if lanes.len().is_multiple_of(2) {
                rest(&mut pick, cases);
            }
        }
        Function::IfError | Function::IfMissing => {
            for row in 0..rows {
                let status = lanes[0].status.get(row);
                let instead =
                    if function == Function::IfError { is_fault(status) } else { status == MISSING };
                pick.branch[row] = u16::from(instead);
            }
        }
        _ => {}
    }
    if pick.branch.iter().zip(&pick.status).any(|(branch, status)| *branch == NONE && *status == FINE) {
        let fault = rowwise::fault(NO_CASE, node, frame);
        for row in 0..rows {
            if pick.branch[row] == NONE && pick.status[row] == FINE {
                pick.status[row] = fault;
            }
        }
    }
    pick
}

/// Rows that are still open take the branch where the condition holds, and are closed where it has no value.
fn take(pick: &mut Pick, branch: usize, condition: &Lane<'_>) {
    let flags = condition.flags();
    for row in 0..pick.branch.len() {
        if pick.branch[row] != NONE || pick.status[row] != FINE {
            continue;
        }
        let status = condition.status.get(row);
        if status != FINE {
            pick.status[row] = status;
        } else if flags.get(row) {
            pick.branch[row] = branch as u16;
        }
    }
}

/// Rows that are still open take the branch.
fn rest(pick: &mut Pick, branch: usize) {
    for row in 0..pick.branch.len() {
        if pick.branch[row] == NONE && pick.status[row] == FINE {
            pick.branch[row] = branch as u16;
        }
    }
}

/// The number of the argument whose value a single row takes, for explanations.
pub(crate) fn pick_row<'f>(
    function: Function,
    node: &'f Node,
    arguments: &'f [Node],
    frame: &Frame<'f>,
) -> Option<usize> {
    let lanes: Vec<Lane<'f>> = arguments.iter().map(|argument| evaluate_node(argument, frame)).collect();
    let picked = usize::from(pick(function, node, &lanes, frame, 1).branch[0]);
    (0..arguments.len()).filter(|at| is_branch(function, node, *at)).nth(picked)
}

/// IF over numbers of 64 bits where nothing is missing or faulted: one plain loop.
fn plain_if<'f>(node: &Node, lanes: &[Lane<'f>], frame: &Frame<'f>) -> Option<Lane<'f>> {
    let [condition, yes, no] = lanes else { return None };
    if !lanes.iter().all(|lane| matches!(lane.status, Cells::One(FINE))) || node.kind != Kind::Number {
        return None;
    }
    let Cells::Many(flags) = condition.flags() else { return None };
    let scale = yes.number().0.max(no.number().0);
    let yes = align(node, frame, yes.clone(), scale);
    let no = align(node, frame, no.clone(), scale);
    if !matches!(yes.status, Cells::One(FINE)) || !matches!(no.status, Cells::One(FINE)) {
        return None;
    }
    let (a, b) = (yes.number().1, no.number().1);
    let bound = a.bound().max(b.bound());
    let values: Vec<i64> = match (narrow(a)?, narrow(b)?) {
        (Narrow::One(a), Narrow::One(b)) => flags.iter().map(|flag| if *flag { a } else { b }).collect(),
        (Narrow::One(a), Narrow::Many(b)) => {
            flags.iter().zip(b).map(|(flag, b)| if *flag { a } else { *b }).collect()
        }
        (Narrow::Many(a), Narrow::One(b)) => {
            flags.iter().zip(a).map(|(flag, a)| if *flag { *a } else { b }).collect()
        }
        (Narrow::Many(a), Narrow::Many(b)) => {
            flags.iter().zip(a.iter().zip(b)).map(|(flag, (a, b))| if *flag { *a } else { *b }).collect()
        }
    };
    Some(Lane::fine(Data::Number(scale, Digits::Narrow(Cow::Owned(values), bound))))
}

/// Every row takes value and status of its branch.
pub(crate) fn choose<'f>(
    node: &Node,
    frame: &Frame<'f>,
    pick: &Pick,
    branches: Vec<Lane<'f>>,
    one: bool,
) -> Lane<'f> {
    let branches = aligned(node, frame, branches);
    let rows = pick.branch.len();
    let status = each(rows, one, |row| match pick.branch[row] {
        NONE => pick.status[row],
        branch => branches[usize::from(branch)].status.get(row),
    });
    let data = match node.kind {
        Kind::Number => {
            let scale = branches[0].number().0;
            let value = |row: usize| match pick.branch[row] {
                NONE => 0,
                branch => branches[usize::from(branch)].number().1.get(row),
            };
            if one {
                Data::Number(scale, Digits::One(value(0)))
            } else {
                let mut found = Gathered::with_capacity(rows);
                (0..rows).for_each(|row| found.push(value(row)));
                Data::Number(scale, found.digits())
            }
        }
        Kind::Boolean => Data::Boolean(each(rows, one, |row| match pick.branch[row] {
            NONE => false,
            branch => branches[usize::from(branch)].flags().get(row),
        })),
        Kind::Date => Data::Date(each(rows, one, |row| match pick.branch[row] {
            NONE => 0,
            branch => branches[usize::from(branch)].days().get(row),
        })),
        Kind::Text => Data::Text(chosen_texts(pick, &branches, one)),
    };
    Lane { data, status }
}

/// Numbers at the largest scale of them all.
fn aligned<'f>(node: &Node, frame: &Frame<'f>, branches: Vec<Lane<'f>>) -> Vec<Lane<'f>> {
    if node.kind != Kind::Number {
        return branches;
    }
    let scale = branches.iter().map(|lane| lane.number().0).max().unwrap_or(0);
    branches.into_iter().map(|lane| align(node, frame, lane, scale)).collect()
}

/// One dictionary for all branches, of the texts that are taken.
fn chosen_texts(pick: &Pick, branches: &[Lane<'_>], one: bool) -> Texts<'static> {
    let mut dictionary: Vec<Arc<str>> = Vec::new();
    let mut known: BTreeMap<Arc<str>, u32> = BTreeMap::new();
    let mut codes_of: Vec<Vec<Option<u32>>> =
        branches.iter().map(|lane| vec![None; lane.texts().dictionary.len()]).collect();
    let codes = pick.branch.iter().enumerate().map(|(row, branch)| {
        let Some(lane) = branches.get(usize::from(*branch)) else { return 0 };
        let texts = lane.texts();
        let code = texts.codes.get(row) as usize;
        let (Some(text), Some(cached)) =
            (texts.dictionary.get(code), codes_of[usize::from(*branch)].get_mut(code))
        else {
            return 0;
        };
        *cached.get_or_insert_with(|| {
            *known.entry(text.clone()).or_insert_with(|| {
                dictionary.push(text.clone());
                (dictionary.len() - 1) as u32
            })
        })
    });
    let codes: Vec<u32> = codes.collect();
    let codes = if one { Cells::One(codes[0]) } else { Cells::Many(Cow::Owned(codes)) };
    Texts { dictionary: Cow::Owned(dictionary), codes }
}

/// AND, OR, NOT of three values: an operand that decides, decides whatever the others are; else a fault comes before a
/// missing value.
pub(crate) fn logic<'f>(function: Function, lanes: Vec<Lane<'f>>, rows: usize) -> Lane<'f> {
    let deciding = function == Function::Or;
    let mut lanes = lanes.into_iter();
    let Some(first) = lanes.next() else { return Lane::empty(Kind::Boolean, FINE) };
    if function == Function::Not {
        let flags = match first.flags() {
            Cells::One(flag) => Cells::One(!flag),
            Cells::Many(flags) => flags.iter().map(|flag| !flag).collect(),
        };
        return Lane { data: Data::Boolean(flags), status: first.status };
    }
    lanes.fold(first, |a, b| both_of(deciding, &a, &b, rows))
}

fn both_of<'f>(deciding: bool, a: &Lane<'f>, b: &Lane<'f>, rows: usize) -> Lane<'f> {
    let one = a.is_one() && b.is_one();
    let (left, right) = (a.flags(), b.flags());
    if let (Cells::One(FINE), Cells::One(FINE)) = (&a.status, &b.status) {
        let flags = match (left, right) {
            (Cells::Many(a), Cells::Many(b)) if deciding => {
                a.iter().zip(b.iter()).map(|(a, b)| a | b).collect()
            }
            (Cells::Many(a), Cells::Many(b)) => a.iter().zip(b.iter()).map(|(a, b)| a & b).collect(),
            _ => each(rows, one, |row| {
                let (a, b) = (left.get(row), right.get(row));
                if deciding { a | b } else { a & b }
            }),
        };
        return Lane::fine(Data::Boolean(flags));
    }
    let decided =
        |lane: &Lane<'_>, row: usize| lane.status.get(row) == FINE && lane.flags().get(row) == deciding;
    let either = |row: usize| decided(a, row) || decided(b, row);
    let merged = merge(&a.status, &b.status);
    let status = each(rows, one, |row| if either(row) { FINE } else { merged.get(row) });
    let flags = each(rows, one, |row| if either(row) { deciding } else { !deciding });
    Lane { data: Data::Boolean(flags), status }
}
