//! From text to sheet: its lines, one by one, each with its own problems.

use super::inputs::{self, Declared};
use super::names::{BEGINNINGS, Known};
use super::result;
use super::{Absence, Named, SHEET_SCALE, Sheet, SheetInput, SheetOutput, SheetRole, Statement};
use crate::constant::{Constants, Outcome};
use crate::evaluate::lane::Lane;
use crate::expression::too_long;
use crate::problem::{Problems, Span, did_you_mean};
use crate::text::check::{check, kind_name};
use crate::text::lexer::comment;
use crate::text::parser::parse;
use crate::{Kind, Problem};
use alloc::{format, string::String, vec::Vec};

/// The most names of a sheet.
const MOST_NAMES: usize = 500;
const FORMS: &str =
    "a line is `input NAME`, `NAME = …`, `score NAME = …`, `payout NAME = …` or `grade NAME = …`";

pub(super) fn compile(text: &str) -> Result<Sheet, Vec<Problem>> {
    if let Some(problems) = too_long(text) {
        return Err(problems);
    }
    if let Some(at) = lone_return(text) {
        let mut problems = Problems::new();
        let message =
            "a line ends here with a carriage return alone: save the sheet with line feeds (LF, or CRLF)";
        problems.add(Span { start: at, end: at }, message);
        return Err(problems.finish(text));
    }
    let lines = split(text);
    let all = lines
        .iter()
        .filter_map(|line| Some((String::from(defined(text, line)?), line.number)))
        .rev()
        .collect();
    let mut compiler = Compiler {
        text,
        problems: Problems::new(),
        known: Known::new(all),
        constants: Constants::new(text),
        sheet: Sheet {
            text: String::from(text),
            lines: Vec::new(),
            inputs: Vec::new(),
            line_inputs: Vec::new(),
            outputs: Vec::new(),
        },
    };
    for line in &lines {
        compiler.line(line);
        if compiler.known.count() > MOST_NAMES {
            compiler.problems.add(line.span, format!("a sheet has at most {MOST_NAMES} names"));
            break;
        }
    }
    let result = |output: &SheetOutput| output.role != SheetRole::Detail;
    if compiler.problems.count() == 0 && !compiler.sheet.outputs.iter().any(result) {
        compiler
            .problems
            .add(Span { start: 0, end: 0 }, "a sheet needs a score, a payout or a grade: payout NAME = …");
    }
    if compiler.problems.count() == 0 { Ok(compiler.sheet) } else { Err(compiler.problems.finish(text)) }
}

/// Where a line ends as lines ended long ago: the rest of the sheet would be one line with it.
fn lone_return(text: &str) -> Option<usize> {
    text.match_indices('\r')
        .map(|(at, _)| at)
        .find(|at| !matches!(text.as_bytes().get(at + 1), None | Some(b'\n')))
}

/// A line that is not empty, without its comment.
struct Line {
    number: usize,
    span: Span,
}

fn split(text: &str) -> Vec<Line> {
    let mut start = 0;
    let mut found = Vec::new();
    for (at, line) in text.split('\n').enumerate() {
        let kept = line[..comment(line)].trim_end();
        // Some editors begin a file with a mark that says how its characters are written.
        let blank = kept.len()
            - kept.trim_start_matches(|next: char| next.is_whitespace() || next == '\u{feff}').len();
        if blank < kept.len() {
            found.push(Line { number: at + 1, span: Span { start: start + blank, end: start + kept.len() } });
        }
        start += line.len() + 1;
    }
    found
}

/// The words at the beginning of a line, up to five, and where they stand.
fn words(text: &str, span: Span) -> Vec<(&str, Span)> {
    let mut found = Vec::new();
    let mut at = span.start;
    while found.len() < 5 {
        let rest = &text[at..span.end];
        at += rest.len() - rest.trim_start().len();
        let rest = &text[at..span.end];
        let letter = |next: char| next.is_alphanumeric() || matches!(next, '_' | '.');
        let length: usize = rest.chars().take_while(|next| letter(*next)).map(char::len_utf8).sum();
        if length == 0 {
            break;
        }
        found.push((&rest[..length], Span { start: at, end: at + length }));
        at += length;
    }
    found
}

/// The name that a line gives to something, as far as can be told without reading it closely.
fn defined<'t>(text: &'t str, line: &Line) -> Option<&'t str> {
    let words = words(text, line.span);
    let first_name = |(word, _): &&(&str, Span)| !inputs::WORDS.contains(word) && !begins_with_digit(word);
    match &words[..] {
        [("input", _), rest @ ..] => rest.iter().find(first_name).map(|(name, _)| *name),
        // The first word may be misspelt.
        [_, (name, _), ..] | [(name, _)] => Some(name),
        [] => None,
    }
}

struct Compiler<'t> {
    text: &'t str,
    problems: Problems,
    known: Known,
    constants: Constants<'t>,
    sheet: Sheet,
}

impl Compiler<'_> {
    fn line(&mut self, line: &Line) {
        self.known.enter(line.number);
        let words = words(self.text, line.span);
        match words[..] {
            [("input", _), ("lines", _), ..] => {
                self.known.expect_lines();
                self.input(line);
            }
            [("input", _), ..] => self.input(line),
            [(word, span), (name, name_span), ..] if !begins_with_digit(word) => match role(word) {
                Some(role) => self.assignment(line, role, name, name_span),
                None => {
                    let hint = did_you_mean(word, BEGINNINGS);
                    let hint = if hint.is_empty() { format!(": {FORMS}") } else { hint };
                    self.problems.add(span, format!("`{word}` does not begin a line{hint}"));
                }
            },
            [(word, span)] if role(word).is_some() => {
                self.problems.add(span, format!("a name was expected after `{word}`: {word} NAME = …"));
            }
            [(name, span)] if !begins_with_digit(name) => {
                self.assignment(line, SheetRole::Detail, name, span);
            }
            _ if self.text[line.span.start..].starts_with('=') => {
                self.problems.add(line.span, "what is computed needs a name: payout NAME = …");
            }
            _ => self.problems.add(line.span, format!("{FORMS}; what a line computes ends with the line")),
        }
        // What it would define, had it no problems, or none above it.
        if let Some(name) = defined(self.text, line) {
            self.known.add_broken(name, line.number);
        }
    }

    /// `NAME = EXPRESSION`, with the word of its role before.
    fn assignment(&mut self, line: &Line, role: SheetRole, name: &str, name_span: Span) {
        let before = self.problems.count();
        self.known.is_free(name, name_span, &mut self.problems);
        let rest = &self.text[name_span.end..line.span.end];
        let at = name_span.end + (rest.len() - rest.trim_start().len());
        let rest = &self.text[at..line.span.end];
        if !rest.starts_with('=') || rest.starts_with("==") {
            let end = rest.chars().next().map_or(at, |found| at + found.len_utf8());
            self.problems
                .add(Span { start: at, end }, format!("`=` was expected after `{name}`: {name} = …"));
            return;
        }
        let tree = parse(self.text, Span { start: at + 1, end: line.span.end }, &mut self.problems);
        let Some(node) = check(&tree, self.text, &mut self.known, &mut self.problems) else { return };
        let wanted = match role {
            SheetRole::Score | SheetRole::Payout => Some(Kind::Number),
            SheetRole::Grade => Some(Kind::Text),
            SheetRole::Detail => None,
        };
        if let Some(wanted) = wanted.filter(|wanted| *wanted != node.kind) {
            let message =
                format!("a {} must be {}; this is {}", role.word(), kind_name(wanted), kind_name(node.kind));
            self.problems.add(node.span, message);
            return;
        }
        self.constants.check(&node, &mut self.problems);
        if self.problems.count() > before {
            return;
        }
        let outcome = self.constants.outcome(&node);
        if let Some(message) = outcome.as_ref().and_then(|outcome| result::problem(outcome, node.kind, role))
        {
            self.problems.add(node.span, message);
            return;
        }
        let output = (role != SheetRole::Detail || node.kind == Kind::Number).then(|| {
            let scale = if matches!(role, SheetRole::Score | SheetRole::Detail) { SHEET_SCALE } else { 0 };
            self.sheet.outputs.push(SheetOutput { name: String::from(name), role, scale });
            self.sheet.outputs.len() - 1
        });
        let constant = outcome.and_then(|outcome| match outcome {
            Outcome::Value(lane) => Some(lane),
            Outcome::Fault(_) => None,
        });
        self.add(name, line, node.kind, constant, Statement::Line { node, output });
    }

    fn input(&mut self, line: &Line) {
        let Some(declared) = inputs::read(self.text, line.span, &mut self.problems) else { return };
        let Declared { name, name_span, lines, text, absence } = declared;
        if !self.known.is_free(name, name_span, &mut self.problems) {
            return;
        }
        let kind = if text { Kind::Text } else { Kind::Number };
        let scale = if text { 0 } else { SHEET_SCALE };
        let required = !lines && matches!(absence, Absence::Faults);
        let input = SheetInput { name: String::from(name), kind, required, scale };
        if lines {
            self.known.add_line(name, line.number, self.sheet.line_inputs.len(), kind);
            self.sheet.line_inputs.push(input);
            return;
        }
        let statement = Statement::Input { at: self.sheet.inputs.len(), kind, absence };
        self.sheet.inputs.push(input);
        self.add(name, line, kind, None, statement);
    }

    /// Adds a line with a value per row; `constant` is what it comes to, where that is always the same.
    fn add(
        &mut self,
        name: &str,
        line: &Line,
        kind: Kind,
        constant: Option<Lane<'static>>,
        statement: Statement,
    ) {
        self.known.add_row(name, line.number, self.sheet.lines.len(), kind);
        self.constants.add(constant);
        self.sheet.lines.push(Named { name: String::from(name), line: line.number, statement });
    }
}

fn begins_with_digit(word: &str) -> bool {
    word.starts_with(|first: char| first.is_ascii_digit())
}

fn role(word: &str) -> Option<SheetRole> {
    Some(match word {
        "score" => SheetRole::Score,
        "payout" => SheetRole::Payout,
        "grade" => SheetRole::Grade,
        _ => return None,
    })
}
