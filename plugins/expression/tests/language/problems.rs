//! What is told about texts that are not right.

use crate::table::problems;

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    assert_eq!(problems(text), expected, "{text}");
}

#[test]
fn names_and_kinds() {
    check("revenu / quota", &["1:1+6 `revenu` is not known; did you mean `revenue`?"]);
}
