//! One expression: compiled against a scope, evaluated over columns.

use crate::closed;
use crate::constant::Constants;
use crate::evaluate::lane::{Lane, from_column};
use crate::evaluate::{Frame, Output, block_rows, evaluate, row_faults};
use crate::fault::{Faults, MISSING};
use crate::problem::{LONGEST_TEXT, Problems, Span};
use crate::text::check::{Found, Names, Node, check};
use crate::text::parser::parse;
use crate::{Column, Evaluated, Kind, Problem, Scope};
use alloc::{collections::BTreeMap, format, string::String, vec, vec::Vec};

/// An expression, parsed and checked against a scope.
///
/// A filter keeps the rows where it is true: where it is missing, or faults, it is not.
#[derive(Clone, Debug)]
pub struct Expression {
    text: String,
    root: Node,
    names: Vec<String>,
    kinds: Vec<Kind>,
}

/// The names of a scope, numbered as the text uses them.
struct Used<'s> {
    scope: &'s dyn Scope,
    places: BTreeMap<String, usize>,
    names: Vec<String>,
    kinds: Vec<Kind>,
}

impl Names for Used<'_> {
    fn find(&mut self, name: &str) -> Option<Found> {
        if let Some(at) = self.places.get(name) {
            return Some(Found::Row(*at, self.kinds[*at]));
        }
        let kind = self.scope.kind(name)?;
        let at = self.names.len();
        self.places.insert(String::from(name), at);
        self.names.push(String::from(name));
        self.kinds.push(kind);
        Some(Found::Row(at, kind))
    }

    fn known(&self) -> Vec<String> {
        self.scope.names()
    }

    fn has_lines(&self) -> bool {
        false
    }
}

/// Checks the length of a text before anything else looks at it.
pub(crate) fn too_long(text: &str) -> Option<Vec<Problem>> {
    (text.len() > LONGEST_TEXT).then(|| {
        let message = format!("the text has {} bytes; at most {LONGEST_TEXT} are accepted", text.len());
        vec![Problem { line: 1, column: 1, length: 1, message }]
    })
}

impl Expression {
    /// Parses and checks an expression: all problems, not the first. A text is at most 64 KiB long.
    ///
    /// # Errors
    /// The problems, by position.
    pub fn compile(text: &str, scope: &dyn Scope) -> Result<Self, Vec<Problem>> {
        if let Some(problems) = too_long(text) {
            return Err(problems);
        }
        let mut problems = Problems::new();
        let tree = parse(text, Span { start: 0, end: text.len() }, &mut problems);
        let mut used = Used { scope, places: BTreeMap::new(), names: Vec::new(), kinds: Vec::new() };
        let root = check(&tree, text, &mut used, &mut problems);
        if let Some(root) = &root {
            closed::check(root, &used.names, scope, &mut problems);
            Constants::new(text).check(root, &mut problems);
        }
        match root {
            Some(root) if problems.count() == 0 => {
                Ok(Self { text: String::from(text), root, names: used.names, kinds: used.kinds })
            }
            _ => Err(problems.finish(text)),
        }
    }

    /// The text it was compiled from.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it gives.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.root.kind
    }

    /// The names it uses, each once, in the order of first use: the columns that `evaluate` wants.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The kinds of the names, in their order.
    #[must_use]
    pub fn kinds(&self) -> &[Kind] {
        &self.kinds
    }

    /// Evaluates it over `rows` rows; `columns` are those of `names`, in that order.
    ///
    /// A column that is of another kind than the scope said, or too short, faults every row that needs it.
    #[must_use]
    pub fn evaluate(&self, rows: usize, columns: &[&Column]) -> Evaluated {
        let mut output = Output::new(self.kind(), rows);
        let mut found = Vec::new();
        let log = Faults::new();
        let step = block_rows(columns.iter().copied());
        let mut start = 0;
        loop {
            let end = rows.min(start + step);
            let slots: Vec<Lane<'_>> =
                (0..self.names.len()).map(|at| self.slot(columns.get(at), at, start..end, &log)).collect();
            let frame = Frame {
                rows: end - start,
                slots: &slots,
                detail: None,
                inside_lines: false,
                faults: &log,
                text: &self.text,
            };
            let lane = evaluate(&self.root, &frame);
            output.push(&lane, end - start);
            row_faults(&lane, end - start, start, &log, &mut found);
            start = end;
            if start >= rows {
                break;
            }
        }
        Evaluated { column: output.column(), faults: found }
    }

    fn slot<'c>(
        &self,
        column: Option<&&'c Column>,
        at: usize,
        rows: core::ops::Range<usize>,
        log: &Faults,
    ) -> Lane<'c> {
        let lane = column.and_then(|column| from_column(column, self.kinds[at], &rows));
        lane.unwrap_or_else(|| {
            let wanted = crate::text::check::kind_name(self.kinds[at]);
            let status =
                log.exact(format!("`{}` is not the column of {wanted} that was expected", self.names[at]));
            debug_assert!(status > MISSING);
            Lane::empty(self.kinds[at], status)
        })
    }
}
