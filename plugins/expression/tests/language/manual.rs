//! The examples of LANGUAGE.md.

use crate::{
    sheets::{CENTS, texts},
    table::{check, numbers, problems, show},
};
use merit_expression::{Sheet, SheetLines};

const MANUAL: &str = include_str!("../../LANGUAGE.md");

/// The blocks of the manual that are marked so.
fn blocks(mark: &str) -> Vec<&'static str> {
    let found: Vec<&str> =
        MANUAL.split(&format!("```{mark}\n")).skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(!found.is_empty(), "the manual has no {mark} blocks");
    found
}

#[test]
fn every_example_gives_what_it_says() {
    let examples: Vec<&str> = blocks("merit").into_iter().flat_map(str::lines).collect();
    assert!(examples.len() > 60, "{} examples", examples.len());
    for example in examples {
        let (text, expected) = example.split_once('→').unwrap();
        check(text.trim(), expected.trim());
    }
}

#[test]
fn every_sheet_compiles() {
    for text in blocks("sheet") {
        assert!(Sheet::compile(text).is_ok(), "{:?}", Sheet::compile(text));
    }
}

#[test]
fn every_problem_is_told_as_it_says() {
    for example in blocks("problem").into_iter().flat_map(str::lines) {
        let (text, expected) = example.split_once(" → ").unwrap();
        let (place, message) = expected.split_once(' ').unwrap();
        let told = problems(text);
        assert!(
            told.iter().any(|one| one.starts_with(&format!("{place}+")) && one.ends_with(message)),
            "{told:?}"
        );
    }
}

/// The names of the functions, as the compiler has them.
fn functions() -> Vec<&'static str> {
    let code = include_str!("../../src/text/functions.rs");
    let rows = code.split("row(").skip(1).filter_map(|row| row.trim_start().strip_prefix('"'));
    rows.filter_map(|row| row.split('"').next()).collect()
}

/// The rows of the table of all functions: name, example, and what it gives.
fn reference() -> Vec<[&'static str; 3]> {
    let table = MANUAL.split("| function | kinds | bounds | example | gives |\n").nth(1).expect("the table");
    let rows = table.lines().skip(1).take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let cells: Vec<&str> =
            row.trim_matches('|').split(" | ").map(|cell| cell.trim().trim_matches('`')).collect();
        let [function, _, _, example, gives] = cells[..] else { panic!("five cells: {row}") };
        [function.split('(').next().unwrap_or_default(), example, gives]
    })
    .collect()
}

#[test]
fn every_function_is_in_the_manual_and_its_example_gives_what_it_says() {
    let reference = reference();
    let names: Vec<&str> = reference.iter().map(|[name, ..]| *name).collect();
    assert_eq!(names, functions());
    assert!(names.len() > 50);
    for [name, example, gives] in reference {
        assert!(example.contains(&format!("{name}(")), "the example of {name}");
        if name.starts_with("LINES_") {
            assert_eq!(over_lines(example), gives, "{example}");
        } else {
            check(example, gives);
        }
    }
}

/// What an expression gives for a row with four lines.
fn over_lines(example: &str) -> String {
    let sheet = format!("input lines amount\ninput lines stage text\nscore answer = {example}");
    let sheet = Sheet::compile(&sheet).expect("it compiles");
    let amounts = numbers(&["100", "250", "50", ""]);
    let columns = [amounts, texts(&["WON", "LOST", "WON", "WON"])];
    let lines = SheetLines { row_ends: &[4], columns: &columns };
    let outcome = sheet.evaluate(&CENTS, 1, &[], Some(lines));
    show(&outcome.columns[0], 0)
}
