//! The arithmetic against the General Decimal Arithmetic test cases, as far as its digits hold them.

use crate::table::show;
use merit_expression::{Column, Expression, Kind, Scope, Unscaled, Values};
use serde_json::Value;
use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

/// Digits after the point that a quotient has at least.
const QUOTIENT_DIGITS: i32 = 12;
const TOO_LONG: &str = "it has more digits than a number can";
const ROUNDED_TWICE: &str = "what is beyond twelve digits, rounded away before, would decide";

struct Operands;

impl Scope for Operands {
    fn kind(&self, name: &str) -> Option<Kind> {
        ["a", "b"].contains(&name).then_some(Kind::Number)
    }

    fn names(&self) -> Vec<String> {
        ["a", "b"].map(String::from).to_vec()
    }
}

/// A number: unscaled × 10^-scale.
#[derive(Clone, Copy, Debug)]
struct Number {
    unscaled: i128,
    scale: i32,
}

impl Number {
    /// Of a text like `-.0008`, `12345`, `70E-1`.
    fn parse(text: &str) -> Option<Self> {
        let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let unscaled = format!("{whole}{fraction}").parse().ok()?;
        Some(Self { unscaled, scale: fraction.len() as i32 - exponent.parse::<i32>().ok()? })
    }

    /// As a column, if a number of the language can hold it.
    fn column(self) -> Option<Column> {
        let lift = u32::try_from(-self.scale).unwrap_or(0);
        let unscaled = self.unscaled.checked_mul(10_i128.checked_pow(lift)?)?;
        let scale = u8::try_from(self.scale.max(0)).ok().filter(|scale| *scale <= 28)?;
        let held = unscaled.unsigned_abs() < 10_u128.pow(38);
        let values = Values::Number { scale, unscaled: Unscaled::Wide(Arc::new(vec![unscaled])) };
        held.then_some(Column { values, missing: None })
    }
}

/// The value of an expression, as text, and the digits after the point that it was calculated with.
fn value(text: &str, a: &Column, b: &Column) -> (String, i32) {
    let expression =
        Expression::compile(text, &Operands).unwrap_or_else(|problems| panic!("{text}: {problems:?}"));
    let columns: Vec<&Column> =
        expression.names().iter().map(|name| if name == "a" { a } else { b }).collect();
    let evaluated = expression.evaluate(1, &columns);
    if let Some(fault) = evaluated.faults.first() {
        return (fault.message.clone(), 0);
    }
    let Values::Number { scale, .. } = evaluated.column.values else { panic!("{text} is no number") };
    (show(&evaluated.column, 0), i32::from(scale))
}

/// The expression, rounded to some digits after the point.
fn rounded(text: &str, rounding: &str, digits: i32, scale: i32) -> String {
    let unit = |zeros: i32| match zeros {
        0 => "1".to_owned(),
        ..0 => format!("1{}", "0".repeat(zeros.unsigned_abs() as usize)),
        _ => format!("0.{}1", "0".repeat(zeros as usize - 1)),
    };
    match rounding {
        "half_up" => format!("ROUND({text}, {digits})"),
        "up" => format!("ROUNDUP({text}, {digits})"),
        "down" => format!("ROUNDDOWN({text}, {digits})"),
        "floor" => format!("FLOOR({text}, {})", unit(digits)),
        "ceiling" => format!("CEILING({text}, {})", unit(digits)),
        // A product keeps twelve digits, or as many as its factors: what is pushed beyond them is rounded half to even.
        "half_even" => {
            let push = scale.max(QUOTIENT_DIGITS) - digits;
            format!("({text}) * {} * {}", unit(push), unit(-push))
        }
        // The rest have no function of their own, but can be written.
        "half_down" => {
            let half = unit(digits + 1).replace('1', "5");
            format!("SIGN({text}) * CEILING(MAX(ABS({text}) - {half}, 0), {})", unit(digits))
        }
        "05up" => {
            let (cut, five) = (format!("ROUNDDOWN({text}, {digits})"), unit(digits).replace('1', "5"));
            format!(
                "IF({text} = {cut}, {text}, IF(MOD(ABS({cut}), {five}) = 0, ROUNDUP({text}, {digits}), {cut}))"
            )
        }
        other => panic!("the rounding {other} is not known"),
    }
}

/// What Merit says to a case, or why it does not apply.
fn answer(case: &Value, expected: Number) -> Result<String, &'static str> {
    let text = |key: &str| case[key].as_str().expect("a text");
    let operand = |index: usize| {
        let number = Number::parse(case["operands"][index].as_str().unwrap_or("0")).ok_or(TOO_LONG)?;
        number.column().map(|column| (number, column)).ok_or(TOO_LONG)
    };
    let ((first, a), (second, b)) = (operand(0)?, operand(1)?);
    let (plain, digits) = match text("op") {
        "compare" => return Ok(value("IF(a < b, -1, IF(a > b, 1, 0))", &a, &b).0),
        "add" => ("a + b", expected.scale),
        "subtract" => ("a - b", expected.scale),
        "multiply" => ("a * b", expected.scale),
        "divide" => ("a / b", expected.scale),
        "quantize" => ("a", second.scale),
        "tointegral" => ("a", 0),
        other => panic!("the operation {other} is not known"),
    };
    let (exact, scale) = value(plain, &a, &b);
    // tointegral signals nothing when it rounds.
    let signals = case["conditions"].as_array().is_some_and(|all| all.iter().any(|one| one == "Inexact"));
    let is_inexact = signals || text("op") == "tointegral";
    let cut_before = match text("op") {
        "divide" => true,
        "multiply" => first.scale + second.scale > scale,
        _ => false,
    };
    if !is_inexact {
        return if cut_before && digits > scale { Err(TOO_LONG) } else { Ok(exact) };
    }
    if cut_before {
        let fraction = exact.split_once('.').map_or("", |(_, fraction)| fraction);
        let rest = fraction.get(digits.max(0) as usize..).unwrap_or("").trim_end_matches('0');
        match digits.cmp(&scale) {
            std::cmp::Ordering::Greater => return Err(TOO_LONG),
            std::cmp::Ordering::Equal if text("rounding") == "half_even" => return Ok(exact),
            _ if rest.is_empty() || rest == "5" => return Err(ROUNDED_TWICE),
            _ => {}
        }
    }
    let rounded = rounded(plain, text("rounding"), digits, scale);
    Ok(value(&rounded, &a, &b).0)
}

#[test]
fn general_decimal_arithmetic() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/referee/decimal_rounding.json");
    let Ok(file) = fs::read_to_string(&path) else {
        println!("skipped: there is no ../shared/referee/decimal_rounding.json");
        return;
    };
    let file: Value = serde_json::from_str(&file).expect("JSON");
    let (mut passed, mut different) = (BTreeMap::<&str, usize>::new(), Vec::new());
    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for case in file["cases"].as_array().expect("cases") {
        let text = |key: &str| case[key].as_str().expect("a text");
        let expected = Number::parse(text("expected")).expect("a number");
        let wanted = expected.column().map(|column| show(&column, 0)).expect("it can be held");
        match answer(case, expected) {
            Err(reason) => reasons.entry(reason).or_default().push(text("id")),
            Ok(answer) if answer == wanted => *passed.entry(text("op")).or_default() += 1,
            Ok(answer) => different.push(format!("{case}: {answer} instead of {wanted}")),
        }
    }
    println!("decimal arithmetic: pass {passed:?}");
    for (reason, cases) in &reasons {
        println!("  {} do not apply: {reason}: {}", cases.len(), cases.join(" "));
    }
    assert!(different.is_empty(), "{} cases:\n{}", different.len(), different.join("\n"));
    assert!(passed.values().sum::<usize>() > 0, "there is no case");
}
