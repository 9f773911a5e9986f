//! Arithmetic against a reference in plain integers, and against itself: 64 and 128 bits, whole batches and single rows.

use crate::table::{decimal, show};
use merit_expression::{Column, Evaluated, Expression, Kind, Scope, Unscaled, Values};
use proptest::prelude::*;
use rust_decimal::{Decimal, RoundingStrategy};
use std::sync::Arc;

struct Numbers;

impl Scope for Numbers {
    fn kind(&self, name: &str) -> Option<Kind> {
        ["a", "b", "c"].contains(&name).then_some(Kind::Number)
    }

    fn names(&self) -> Vec<String> {
        ["a", "b", "c"].map(String::from).to_vec()
    }
}

fn column(values: &[i64], scale: u8, wide: bool) -> Column {
    let unscaled = if wide {
        Unscaled::Wide(Arc::new(values.iter().map(|value| i128::from(*value)).collect()))
    } else {
        Unscaled::Narrow(Arc::new(values.to_vec()))
    };
    Column { values: Values::Number { scale, unscaled }, missing: None }
}

/// The three names over rows of values; those that the text uses are handed over.
#[derive(Debug)]
struct Rows {
    values: Vec<[i64; 3]>,
    scales: [u8; 3],
}

impl Rows {
    fn evaluate(&self, text: &str, range: std::ops::Range<usize>, wide: bool) -> Evaluated {
        let expression = Expression::compile(text, &Numbers).unwrap();
        let columns: Vec<Column> = expression
            .names()
            .iter()
            .map(|name| {
                let at = ["a", "b", "c"].iter().position(|known| known == name).unwrap();
                let values: Vec<i64> = self.values[range.clone()].iter().map(|row| row[at]).collect();
                column(&values, self.scales[at], wide)
            })
            .collect();
        expression.evaluate(range.len(), &columns.iter().collect::<Vec<_>>())
    }

    fn decimal(&self, row: usize, at: usize) -> Decimal {
        Decimal::from_i128_with_scale(i128::from(self.values[row][at]), u32::from(self.scales[at]))
    }
}

fn told(evaluated: &Evaluated, row: usize) -> String {
    match evaluated.faults.iter().find(|fault| fault.row as usize == row) {
        Some(fault) => fault.message.clone(),
        None => show(&evaluated.column, row),
    }
}

/// Magnitudes of every size, so that 64 bits are left now and then.
fn value() -> impl Strategy<Value = i64> {
    (any::<i64>(), 0u32..64).prop_map(|(value, shift)| value >> shift)
}

fn rows() -> impl Strategy<Value = Rows> {
    let values = proptest::collection::vec([value(), value(), value()], 1..20);
    (values, [0u8..=12, 0u8..=12, 0u8..=12]).prop_map(|(values, scales)| Rows { values, scales })
}

const TEXTS: [&str; 16] = [
    "a + b",
    "a - b - c",
    "a * b",
    "a / b",
    "a * b / c",
    "-a + 1.5",
    "MIN(a, b) - MAX(b, c)",
    "IF(a > b, a, b)",
    "ABS(a) * 0.07",
    "SUM(a, b, c, 1)",
    "CLAMP(a, 0, 100)",
    "TIERED(a, 0, 5%, ABS(b) + 1, 8%, ABS(b) + 2.5, 12%)",
    "BANDED(a, -100000000000000000000, 1, b, 2.5)",
    "a = b OR a < c",
    "ROUND(a, 2) + INT(b)",
    "INTERPOLATE(a, 0, 0, 10, 7, 1000, 8)",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn width_and_batches_change_nothing(rows in rows()) {
        for text in TEXTS {
            let whole = rows.evaluate(text, 0..rows.values.len(), false);
            let wide = rows.evaluate(text, 0..rows.values.len(), true);
            for row in 0..rows.values.len() {
                let alone = rows.evaluate(text, row..row + 1, false);
                prop_assert_eq!(told(&whole, row), told(&wide, row), "{} row {}", text, row);
                prop_assert_eq!(told(&whole, row), told(&alone, 0), "{} row {}", text, row);
            }
        }
    }

    #[test]
    fn sums_products_and_quotients_are_those_of_a_decimal(
        values in [-1_000_000_000i64..1_000_000_000, -1_000_000_000i64..1_000_000_000, 1i64..2],
        scales in [0u8..=6, 0u8..=6, 0u8..=0],
    ) {
        let rows = Rows { values: vec![values], scales };
        let (a, b) = (rows.decimal(0, 0), rows.decimal(0, 1));
        let shown = |value: Decimal| {
            let value = value.normalize();
            decimal(value.mantissa(), value.scale() as u8)
        };
        prop_assert_eq!(told(&rows.evaluate("a + b", 0..1, false), 0), shown(a + b));
        prop_assert_eq!(told(&rows.evaluate("a - b", 0..1, false), 0), shown(a - b));
        prop_assert_eq!(told(&rows.evaluate("a * b", 0..1, false), 0), shown(a * b));
        if b.is_zero() {
            prop_assert_eq!(told(&rows.evaluate("a / b", 0..1, false), 0), "division by zero at column 1");
        } else if (a / b).scale() < 28 || (a / b).abs() < Decimal::from(1000) {
            let quotient = (a / b).round_dp_with_strategy(12, RoundingStrategy::MidpointNearestEven);
            prop_assert_eq!(told(&rows.evaluate("a / b", 0..1, false), 0), shown(quotient));
        }
        prop_assert_eq!(told(&rows.evaluate("a < b", 0..1, false), 0), if a < b { "TRUE" } else { "FALSE" });
        prop_assert_eq!(
            told(&rows.evaluate("ROUND(a, 1)", 0..1, false), 0),
            shown(a.round_dp_with_strategy(1, RoundingStrategy::MidpointAwayFromZero))
        );
    }

    #[test]
    fn products_round_half_to_even(a in any::<i32>(), b in any::<i32>(), scale in 7u8..=12) {
        let rows = Rows { values: vec![[i64::from(a), i64::from(b), 1]], scales: [scale, 12, 0] };
        let product = i128::from(a) * i128::from(b);
        let by = 10i128.pow(u32::from(scale));
        let (down, rest) = (product.div_euclid(by), product.rem_euclid(by));
        let up = rest * 2 > by || (rest * 2 == by && down % 2 != 0);
        let expected = decimal(down + i128::from(up), 12);
        prop_assert_eq!(told(&rows.evaluate("a * b", 0..1, false), 0), expected.clone());
        prop_assert_eq!(told(&rows.evaluate("a * b", 0..1, true), 0), expected);
    }

    #[test]
    fn tiers_are_the_sum_of_their_slices(amount in -1000i64..100_000, first in 0i64..1000, second in 1i64..1000, rates in [0i64..1000, 0i64..1000, 0i64..1000]) {
        let rows = Rows { values: vec![[amount, first, first + second]], scales: [2, 2, 2] };
        let [low, middle, high] = rates;
        let text = format!("TIERED(a, 0, {low}%, b + 0.01, {middle}%, c + 0.01, {high}%)");
        let (b, c) = (first + 1, first + second + 1);
        let slice = |from: i64, to: i64| (amount.min(to) - from).max(0);
        let total = slice(0, b) * low + slice(b, c) * middle + slice(c, i64::MAX) * high;
        prop_assert_eq!(told(&rows.evaluate(&text, 0..1, false), 0), decimal(i128::from(total), 4));
    }
}

#[test]
fn the_ends_of_64_bits() {
    let rows = Rows {
        values: vec![[i64::MIN, -1, 1], [i64::MAX, 1, -1], [i64::MIN, 1, 1], [i64::MIN, i64::MIN, 3]],
        scales: [12, 0, 0],
    };
    for (text, expected) in [
        (
            "a / b",
            ["9223372.036854775808", "9223372.036854775807", "-9223372.036854775808", "0.000000000001"],
        ),
        (
            "-a",
            ["9223372.036854775808", "-9223372.036854775807", "9223372.036854775808", "9223372.036854775808"],
        ),
        (
            "ABS(a)",
            ["9223372.036854775808", "9223372.036854775807", "9223372.036854775808", "9223372.036854775808"],
        ),
        (
            "a * c",
            [
                "-9223372.036854775808",
                "-9223372.036854775807",
                "-9223372.036854775808",
                "-27670116.110564327424",
            ],
        ),
    ] {
        let whole = rows.evaluate(text, 0..4, false);
        let found: Vec<String> = (0..4).map(|row| told(&whole, row)).collect();
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn rows_without_a_value_hold_zeros() {
    let column = Column {
        values: Values::Number { scale: 2, unscaled: Unscaled::Narrow(Arc::new(vec![i64::MAX, 0, 700])) },
        missing: Some(Arc::new(vec![true, false, false])),
    };
    let expression = Expression::compile("1 / a", &Numbers).unwrap();
    let evaluated = expression.evaluate(3, &[&column]);
    assert_eq!(evaluated.column.missing, Some(Arc::new(vec![true, true, false])));
    let Values::Number { scale: 12, unscaled: Unscaled::Narrow(values) } = &evaluated.column.values else {
        panic!()
    };
    assert_eq!(**values, [0, 0, 142_857_142_857]);
    assert_eq!(evaluated.faults.len(), 1);
    let none = expression.evaluate(0, &[&column]);
    assert_eq!((none.column.rows(), none.faults.len()), (0, 0));
    let absent = expression.evaluate(2, &[]);
    assert_eq!(absent.faults.len(), 2);
    assert_eq!(absent.faults[1].message, "`a` is not the column of a number that was expected");
}

/// Thousands here; `cargo run --release -p merit-bench -- decimals` holds millions.
#[test]
fn generated_numbers_are_those_of_the_reference() {
    let (held, faults) = crate::agreement::hold(40_000, 64, 2026);
    assert!(held >= 40_000 && faults > 100, "{held} cases, {faults} of them faults");
}

#[test]
fn generated_powers_and_roots_are_the_nearest() {
    let (held, faults) = crate::powers::hold(12_000, 40, 2026);
    assert!(held >= 12_000 && faults > 500, "{held} cases, {faults} of them faults");
}
