//! The examples of LANGUAGE.md.

use crate::table::{check, problems};
use merit_expression::Sheet;

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

#[test]
fn every_function_is_in_the_manual() {
    let names = "IF IFS SWITCH AND OR NOT IFERROR IFMISSING ISMISSING MIN MAX SUM AVERAGE MEDIAN ABS SIGN ROUND ROUNDUP ROUNDDOWN \
        MROUND CEILING FLOOR INT TRUNC MOD QUOTIENT POWER SQRT CLAMP TIERED BANDED BANDED_UP INTERPOLATE LINES_SUM LINES_COUNT \
        LINES_AVERAGE LINES_MIN LINES_MAX DATE YEAR MONTH DAY DAYS EDATE CONCAT LEFT RIGHT MID LEN UPPER LOWER TRIM FIND EXACT";
    for name in names.split_whitespace() {
        assert!(MANUAL.contains(&format!("`{name}")), "{name} is not in a table of the manual");
        let told = problems(&format!("{name}(unknown_name)"));
        assert!(!told.iter().any(|one| one.contains("there is no function")), "{name}: {told:?}");
    }
}
