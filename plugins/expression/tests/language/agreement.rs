//! Columns of generated numbers through the language and through the reference: the same digits, or a fault where the reference
//! has none. The same seed gives the same numbers everywhere.

use crate::reference::{self, Answer, Rounding};
use merit_expression::{Column, Evaluated, Expression, Kind, Scope, Unscaled, Values};
use std::{cmp::Ordering, sync::Arc};

/// Beyond this the language may fault: it aligns operands before it looks at them.
const SURELY_HELD: i128 = 10_i128.pow(37);

struct Names;

impl Scope for Names {
    fn kind(&self, name: &str) -> Option<Kind> {
        ["a", "b"].contains(&name).then_some(Kind::Number)
    }

    fn names(&self) -> Vec<String> {
        ["a", "b"].map(String::from).to_vec()
    }
}

/// A generator of numbers (SplitMix64).
pub struct Generator(pub u64);

impl Generator {
    /// The next 64 bits.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// A number of any size up to `bits`; now and then one where rounding is likely to err: 0, ones, halves.
    pub fn number(&mut self, bits: u32) -> i128 {
        let size = match self.below(8) {
            0 => 10_i128.pow(self.below(u64::from(bits) * 3 / 10) as u32),
            1 => 5 * 10_i128.pow(self.below(u64::from(bits) * 3 / 10 - 1) as u32),
            2 => i128::from(self.below(1000)),
            _ => {
                let wide = u128::from(self.next()) << 64 | u128::from(self.next());
                let size = 1 + self.below(u64::from(bits)) as u32;
                (wide >> (128 - size)).cast_signed()
            }
        };
        if self.below(2) == 0 { -size } else { size }
    }
}

/// An operation on `a` and `b`, or on `a` alone.
struct Operation {
    text: String,
    reference: Box<dyn Fn(i128, u32, i128, u32) -> Answer>,
    divides: bool,
}

fn operations(generator: &mut Generator) -> Vec<Operation> {
    let digits = generator.below(20) as i32 - 6;
    let plain = |text: &str, divides, reference: fn(i128, u32, i128, u32) -> Answer| Operation {
        text: text.into(),
        reference: Box::new(reference),
        divides,
    };
    let round = |function: &str, rounding| Operation {
        text: format!("{function}(a, {digits})"),
        reference: Box::new(move |a, scale, _, _| reference::round(a, scale, digits, rounding)),
        divides: false,
    };
    vec![
        plain("a + b", false, reference::sum),
        plain("a - b", false, |a, a_scale, b, b_scale| reference::sum(a, a_scale, -b, b_scale)),
        plain("a * b", false, reference::product),
        plain("a / b", true, reference::quotient),
        plain("IF(a < b, -1, IF(a = b, 0, 1))", false, |a, a_scale, b, b_scale| {
            (Some(reference::compare(a, a_scale, b, b_scale) as i128), 0)
        }),
        plain("INT(a)", false, |a, scale, _, _| reference::round(a, scale, 0, Rounding::Floor)),
        // Pushed beyond the digits that a product keeps.
        plain("a * 0.000000000001", false, |a, scale, _, _| reference::product(a, scale, 1, 12)),
        round("ROUND", Rounding::HalfUp),
        round("ROUNDUP", Rounding::Up),
        round("ROUNDDOWN", Rounding::Down),
    ]
}

/// Holds about so many generated cases against the reference, and answers how many, and how many of them faults.
///
/// # Panics
/// Where they differ.
pub fn hold(cases: usize, rows: usize, seed: u64) -> (usize, usize) {
    let mut generator = Generator(seed);
    let (mut held, mut faults) = (0, 0);
    while held < cases {
        let scales = [generator.below(13) as u32, generator.below(13) as u32];
        let bits = [30, 60, 64, 100, 126][generator.below(5) as usize];
        let mut column = || -> Vec<i128> { (0..rows).map(|_| generator.number(bits)).collect() };
        let (a, b) = (column(), column());
        for operation in operations(&mut generator) {
            faults += hold_one(&operation, [&a, &b], scales);
            held += rows;
        }
    }
    (held, faults)
}

fn hold_one(operation: &Operation, [a, b]: [&[i128]; 2], [a_scale, b_scale]: [u32; 2]) -> usize {
    let evaluated = columns_of(&operation.text, &[column(a, a_scale), column(b, b_scale)]);
    let mut faulted = evaluated.faults.iter().map(|fault| fault.row as usize).peekable();
    let mut faults = 0;
    for (row, (&a, &b)) in a.iter().zip(b).enumerate() {
        let told = || format!("{} of {a} × 10^-{a_scale} and {b} × 10^-{b_scale}", operation.text);
        if faulted.next_if_eq(&row).is_some() {
            faults += 1;
            assert!(may_fault(operation, a, a_scale, b, b_scale), "{} faults", told());
            continue;
        }
        assert!(!(operation.divides && b == 0), "{} has an answer", told());
        let (found, found_scale) = value(&evaluated, row);
        let (Some(expected), scale) = (operation.reference)(a, a_scale, b, b_scale) else {
            panic!("{}: {found} × 10^-{found_scale} and not a fault", told());
        };
        let same = reference::compare(found, found_scale, expected, scale) == Ordering::Equal;
        assert!(same, "{}: {found} × 10^-{found_scale}, and not {expected} × 10^-{scale}", told());
    }
    faults
}

/// A fault is right where the answer, or an operand at the scale of the other, is too large to be held in 38 digits.
fn may_fault(operation: &Operation, a: i128, a_scale: u32, b: i128, b_scale: u32) -> bool {
    if operation.divides && b == 0 {
        return true;
    }
    let most = a_scale.max(b_scale).max(12);
    let large = |number: i128, scale: u32| {
        let lifted = 10_i128.checked_pow(most - scale).and_then(|factor| number.checked_mul(factor));
        lifted.is_none_or(|lifted| lifted.abs() >= SURELY_HELD)
    };
    let (answer, _) = (operation.reference)(a, a_scale, b, b_scale);
    answer.is_none_or(|answer| answer.abs() >= SURELY_HELD) || large(a, a_scale) || large(b, b_scale)
}

/// An expression over the columns `a` and `b`.
pub fn columns_of(text: &str, columns: &[Column; 2]) -> Evaluated {
    let expression = Expression::compile(text, &Names).expect("it compiles");
    let of = |name: &String| &columns[usize::from(name == "b")];
    expression.evaluate(columns[0].rows(), &expression.names().iter().map(of).collect::<Vec<_>>())
}

/// A column of numbers.
pub fn column(values: &[i128], scale: u32) -> Column {
    let narrow: Option<Vec<i64>> = values.iter().map(|&value| i64::try_from(value).ok()).collect();
    let unscaled = match narrow {
        Some(narrow) => Unscaled::Narrow(Arc::new(narrow)),
        None => Unscaled::Wide(Arc::new(values.to_vec())),
    };
    Column { values: Values::Number { scale: scale as u8, unscaled }, missing: None }
}

/// The number in a row: its digits and its scale.
pub fn value(evaluated: &Evaluated, row: usize) -> (i128, u32) {
    let Values::Number { scale, unscaled } = &evaluated.column.values else { panic!("it is no number") };
    let value = match unscaled {
        Unscaled::Narrow(values) => i128::from(values[row]),
        Unscaled::Wide(values) => values[row],
    };
    (value, u32::from(*scale))
}
