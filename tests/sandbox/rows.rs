//! Which row a verdict names, when one row of many makes the plugin fail.

use merit::{
    model::rejection::PluginReason::{self, OutOfFuel, OutOfMemory, StackOverflow, Trapped},
    sandbox::{Batch, Limits, Lines, Manifest, Scope, Verdict},
};

use crate::guest::{Guest, LIMITS, batch, context, decimals, manifest};

const LOOP: &str = "(loop $for_ever (br $for_ever))";
const BOMB: &str = "(loop $more (drop (memory.grow (i32.const 16))) (br $more))";
const RECURSION: &str = "(func $deeper (param i64) (result i64)
    (i64.add (local.get 0) (call $deeper (i64.add (local.get 0) (i64.const 1)))))";

/// A batch in which these rows make the guest do what `poison` says.
fn with_poison(rows: usize, poisoned: &[usize]) -> Batch {
    let mut values = vec![1; rows];
    for &row in poisoned {
        values[row] = 666;
    }
    batch(values)
}

fn verdict(poison: &str, manifest: &Manifest, batch: &Batch, limits: &Limits) -> Verdict {
    let guest = Guest::poisoned(poison).with(|guest| guest.module = RECURSION.into());
    let plugin = guest.load().expect("a plugin");
    let evaluate = || plugin.evaluate("{}", &context(), manifest, batch, limits).expect_err("a verdict");
    let verdict = evaluate();
    assert_eq!(evaluate(), verdict, "the same every time");
    verdict
}

fn check(poison: &str, rows: usize, poisoned: &[usize], wanted: (PluginReason, Option<u32>)) {
    let verdict = verdict(poison, &manifest(), &with_poison(rows, poisoned), &LIMITS);
    assert_eq!((verdict.reason, verdict.row), wanted, "{verdict}");
    if let Some(row) = wanted.1 {
        assert!(verdict.message.ends_with(&format!("; row {row} fails alone")), "{verdict}");
    }
}

#[test]
fn the_row_that_fails_alone_is_named() {
    check("unreachable", 1, &[0], (Trapped, Some(0)));
    check("unreachable", 2, &[1], (Trapped, Some(1)));
    check("unreachable", 1_000, &[0], (Trapped, Some(0)));
    check("unreachable", 1_000, &[617], (Trapped, Some(617)));
    check("unreachable", 1_000, &[999], (Trapped, Some(999)));
    check(LOOP, 300, &[77], (OutOfFuel, Some(77)));
    check(BOMB, 300, &[299], (OutOfMemory, Some(299)));
    check("(drop (call $deeper (i64.const 0)))", 300, &[150], (StackOverflow, Some(150)));
}

#[test]
fn of_several_rows_the_first_is_named() {
    check("unreachable", 100, &[30, 31, 99], (Trapped, Some(30)));
    check("unreachable", 100, &[99, 0], (Trapped, Some(0)));
}

#[test]
fn a_group_is_not_taken_apart() {
    let manifest = Manifest { scope: Scope::Group, ..manifest() };
    let verdict = verdict("unreachable", &manifest, &with_poison(10, &[5]), &LIMITS);
    assert_eq!((verdict.reason, verdict.row), (Trapped, None));
}

#[test]
fn where_only_the_whole_is_too_much_no_row_is_named() {
    // Each poisoned row costs some 300,000 units: one can be paid, all together cannot.
    let poison = "(local.set $out (i32.const 100000))
        (loop $next (br_if $next (local.tee $out (i32.sub (local.get $out) (i32.const 1)))))";
    let limits = Limits { fuel_per_call: 1_000_000, ..LIMITS };
    let all: Vec<_> = (0..64).collect();
    let verdict = verdict(poison, &manifest(), &with_poison(64, &all), &limits);
    assert_eq!((verdict.reason, verdict.row), (OutOfFuel, None));
    assert!(verdict.message.contains("`evaluate` of 64 rows and 0 lines: 1064000 units"), "{verdict}");
    assert!(verdict.message.ends_with("; no single row fails alone"), "{verdict}");
}

#[test]
fn where_no_row_is_to_blame_none_is_named() {
    let always = Guest::good().with(|guest| guest.evaluate = "unreachable".into()).load().expect("a plugin");
    let verdict =
        always.evaluate("{}", &context(), &manifest(), &batch(vec![1; 5]), &LIMITS).expect_err("a verdict");
    assert_eq!((verdict.reason, verdict.row), (Trapped, None));
    assert!(verdict.message.ends_with("; it fails without any rows as well"), "{verdict}");
}

#[test]
fn lines_go_with_their_rows() {
    // The guest fails where the first line of the batch is 666 and the batch has one row: it sees its own lines.
    let poison_line = "(if (i32.and
            (i32.eq (i32.load offset=36 (local.get $in)) (i32.const 1))
            (i64.eq (i64.load (i32.load offset=16 (i32.load offset=60 (local.get $in)))) (i64.const 666)))
        (then unreachable))";
    // With more rows it always fails.
    let many = "(if (i32.gt_u (i32.load offset=36 (local.get $in)) (i32.const 1)) (then unreachable))";
    let guest =
        Guest::good().with(|guest| guest.evaluate = format!("{many} {poison_line} {}", guest.evaluate));
    let plugin = guest.load().expect("a plugin");
    let mut batch = batch(vec![1; 4]);
    batch.lines = Some(Lines {
        row_ends: vec![2, 3, 4, 6],
        columns: vec![decimals("l", vec![1, 666, 666, 1, 1, 666])],
    });
    let verdict =
        plugin.evaluate("{}", &context(), &manifest(), &batch, &LIMITS).expect_err("a verdict for many rows");
    // Rows 0 and 1 fail together, and row 1 alone, whose only line is 666; row 0 has 666 only as its second.
    assert_eq!((verdict.reason, verdict.row), (Trapped, Some(1)), "{verdict}");
}
