//! What a row may use does not depend on its neighbours: a batch that ends well is one of which each row would end well
//! alone. How rows that do not are found, and that the cut does not show, is tested with runs.

use merit::{
    model::rejection::PluginReason::{ContractViolation, OutOfFuel, Trapped},
    sandbox::{Batch, Limits, Lines, Manifest, Scope, Verdict},
};

use crate::guest::{Guest, LIMITS, batch, context, decimals, manifest};

/// Burns some 300,000 units.
const BURN: &str = "(global.set $left (i32.const 50000))
    (loop $next
        (global.set $left (i32.sub (global.get $left) (i32.const 1)))
        (br_if $next (global.get $left)))";

fn burning() -> Guest {
    Guest::poisoned(BURN).with(|guest| guest.module = "(global $left (mut i32) (i32.const 0))".into())
}

fn evaluate(guest: &Guest, manifest: &Manifest, batch: &Batch, limits: &Limits) -> Result<(), Verdict> {
    let plugin = guest.load().expect("a plugin");
    let evaluate = || plugin.evaluate("{}", &context(), manifest, batch, limits).map(|_| ());
    let answer = evaluate();
    assert_eq!(evaluate(), answer, "the same every time");
    answer
}

/// Whether a batch with these values of `a` ends well, with so much fuel for the call and for each row.
fn check(values: &[i64], scope: Scope, fuel_per_call: u64, fuel_per_row: u64, wanted: bool) {
    let manifest = Manifest { scope, ..manifest() };
    let limits = Limits { fuel_per_call, fuel_per_row, ..LIMITS };
    let answer = evaluate(&burning(), &manifest, &batch(values.to_vec()), &limits);
    let told = format!("{values:?}, {scope:?}, {fuel_per_call} and {fuel_per_row}: {answer:?}");
    assert_eq!(answer.is_ok(), wanted, "{told}");
    if let Err(verdict) = answer {
        assert_eq!((verdict.reason, verdict.row), (OutOfFuel, None), "{told}");
    }
}

#[test]
fn neighbours_give_a_row_no_fuel() {
    let among = |cheap: usize| [vec![1; cheap], vec![666]].concat();
    check(&[666], Scope::Row, 10_000, 500_000, true);
    check(&[666], Scope::Row, 10_000, 100_000, false);
    // Ten rows have ten times the fuel of one, and it is not for the one.
    check(&among(9), Scope::Row, 10_000, 100_000, false);
    check(&among(4_000), Scope::Row, 10_000, 100_000, false);
    check(&among(9), Scope::Row, 10_000, 500_000, true);
    // Two rows that could each do it do it one by one.
    check(&[666, 666], Scope::Row, 10_000, 500_000, false);
    // A group is one thing, never cut.
    check(&[666, 666], Scope::Group, 10_000, 500_000, true);
    check(&among(9), Scope::Group, 10_000, 100_000, true);
}

#[test]
fn a_verdict_says_what_there_was_and_for_whom() {
    let limits = Limits { fuel_per_call: 10_000, ..LIMITS };
    let said = |batch: &Batch, scope| {
        let manifest = Manifest { scope, ..manifest() };
        evaluate(&burning(), &manifest, batch, &limits).expect_err("a verdict").message
    };
    let one = said(&batch(vec![666]), Scope::Row);
    assert!(
        one.contains("`evaluate` of 1 rows and 0 lines: 11000 units (fuel_per_call 10000 and 1"),
        "{one}"
    );
    let four = said(&batch(vec![666; 4]), Scope::Row);
    assert!(four.contains("4 rows and 0 lines: 11000 units"), "{four}");
    assert!(four.contains("for the row with the fewest lines"), "{four}");
    let group = said(&batch(vec![666; 4]), Scope::Group);
    assert!(group.contains("14000 units (fuel_per_call 10000 and 4 times fuel_per_row 1000"), "{group}");
}

#[test]
fn a_batch_gets_the_fuel_of_the_row_with_the_fewest_lines() {
    let with_lines = |row_ends: Vec<u32>| {
        let lines = vec![1; row_ends.last().map_or(0, |end| *end as usize)];
        let mut batch = batch(vec![666; row_ends.len()]);
        batch.lines = Some(Lines { row_ends, columns: vec![decimals("l", lines)] });
        batch
    };
    let limits = Limits { fuel_per_call: 10_000, ..LIMITS };
    for (row_ends, units) in [
        (vec![0], 11_000),
        (vec![7], 18_000),
        (vec![7, 12], 16_000),
        (vec![2, 2, 9], 11_000),
        (vec![3, 5, 12], 13_000),
    ] {
        let verdict =
            evaluate(&burning(), &manifest(), &with_lines(row_ends), &limits).expect_err("a verdict");
        assert!(verdict.message.contains(&format!("lines: {units} units")), "{verdict}");
    }
}

#[test]
fn a_row_is_named_where_the_answer_shows_it() {
    let outcome = merit::sandbox::Outcome {
        columns: vec![merit::sandbox::Column { missing: vec![1, 1], ..decimals("sum", vec![1; 3]) }],
        faults: vec![],
    };
    let verdict = evaluate(&Guest::answering(&outcome), &manifest(), &batch(vec![1; 3]), &LIMITS);
    let verdict = verdict.expect_err("a row twice");
    assert_eq!((verdict.reason, verdict.row), (ContractViolation, Some(1)));
    let verdict = evaluate(&Guest::poisoned("unreachable"), &manifest(), &batch(vec![1, 666]), &LIMITS);
    let verdict = verdict.expect_err("a trap");
    assert_eq!((verdict.reason, verdict.row), (Trapped, None));
}
