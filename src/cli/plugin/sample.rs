//! Rows made up for a plugin by its manifest, the same ones every time: ordinary ones to measure it where nobody has given
//! any, and hard ones among them to check it.

use std::collections::BTreeMap;

use crate::{
    model::decimal::decimal_text,
    proto::v1,
    sandbox::{Input, Kind, Manifest},
};

/// Texts that occur: words, none, another script, a quote.
const TEXTS: [&str; 5] = ["North", "South", "", "客户", "O'Neill, \"Jr\""];

/// Numbers that follow each other without a pattern that matters (xorshift64).
struct Numbers(u64);

// === impl Numbers ===

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// So many ordinary rows.
pub(super) fn rows(manifest: &Manifest, count: usize) -> Vec<v1::PluginRow> {
    made(manifest, count, |_, _| number)
}

/// So many rows, a third of which are hard: large numbers with all their decimals in one row of six, and in another here and
/// there the largest and the smallest that an input holds.
pub(super) fn hard_rows(manifest: &Manifest, count: usize) -> Vec<v1::PluginRow> {
    made(manifest, count, |place, numbers| match place % 6 {
        2 => large,
        5 if numbers.below(2) == 0 => edge,
        _ => number,
    })
}

/// Makes a number of so many decimals up.
type Make = fn(u8, &mut Numbers) -> String;

/// Rows whose numbers are made by what `make` says for a row's place, and again for each value.
fn made(manifest: &Manifest, count: usize, make: impl Fn(usize, &mut Numbers) -> Make) -> Vec<v1::PluginRow> {
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let mut row = |place: usize| {
        let lines = if manifest.line_inputs.is_empty() { 0 } else { numbers.below(6) };
        let mut values = |inputs| values(inputs, &mut numbers, &|numbers| make(place, numbers));
        v1::PluginRow {
            inputs: values(&manifest.inputs),
            lines: (0..lines).map(|_| v1::PluginLine { inputs: values(&manifest.line_inputs) }).collect(),
        }
    };
    (0..count).map(&mut row).collect()
}

fn values(
    inputs: &[Input],
    numbers: &mut Numbers,
    make: &impl Fn(&mut Numbers) -> Make,
) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    for input in inputs {
        if !input.required && numbers.below(10) == 0 {
            continue;
        }
        let value = match input.kind {
            Kind::Text => TEXTS[numbers.below(TEXTS.len() as u64) as usize].to_owned(),
            Kind::Number => make(numbers)(input.scale, numbers),
        };
        values.insert(input.name.clone(), value);
    }
    values
}

/// Mostly amounts up to a million; some zeros, some below, some small.
fn number(scale: u8, numbers: &mut Numbers) -> String {
    let whole = match numbers.below(20) {
        0 => return "0".to_owned(),
        1..=4 => numbers.below(10),
        _ => numbers.below(1_000_000),
    };
    let shown = scale.min(2);
    let digits =
        i128::from(whole) * 10i128.pow(shown.into()) + i128::from(numbers.below(10u64.pow(shown.into())));
    decimal_text(sign(numbers) * digits, shown, false)
}

/// Of any size that 64 bits hold, and with all decimals.
fn large(scale: u8, numbers: &mut Numbers) -> String {
    let bits = 40 + numbers.below(23);
    let digits = (1u64 << bits) + numbers.below(1 << bits);
    decimal_text(sign(numbers) * i128::from(digits), scale, false)
}

/// The largest that 64 bits hold, what binary floats no longer tell apart, and the smallest there is.
fn edge(scale: u8, numbers: &mut Numbers) -> String {
    const EDGES: [i64; 6] = [i64::MAX, i64::MAX / 2 + 1, (1 << 53) + 1, 1, 0, -1];
    let digits = EDGES[numbers.below(EDGES.len() as u64) as usize];
    decimal_text(sign(numbers) * i128::from(digits), scale, false)
}

fn sign(numbers: &mut Numbers) -> i128 {
    if numbers.below(20) == 0 { -1 } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::decimal::Unscaled,
        sandbox::{Output, Role, Scope},
    };

    #[test]
    fn hard_rows_reach_as_far_as_an_input_does() {
        let input =
            |name: &str, scale| Input { name: name.into(), kind: Kind::Number, scale, required: true };
        let manifest = Manifest {
            summary: String::new(),
            scope: Scope::Row,
            inputs: vec![input("whole", 0), input("cents", 2), input("fine", 12)],
            line_inputs: vec![],
            outputs: vec![Output { name: "score".into(), role: Role::Score, scale: 0 }],
        };
        let rows = hard_rows(&manifest, 500);
        assert_eq!(rows, hard_rows(&manifest, 500), "the same ones every time");
        for input in &manifest.inputs {
            let digits = |row: &v1::PluginRow| {
                let number = Unscaled::parse(&row.inputs[&input.name]).expect("a number");
                number.narrow(input.scale).expect("64 bits hold it").unsigned_abs()
            };
            let among = |digits: &[u64], low: u64| digits.iter().filter(|&&digits| digits >= low).count();
            let digits: Vec<u64> = rows.iter().map(digits).collect();
            assert!(digits.contains(&(i64::MAX as u64)) && digits.contains(&((1 << 53) + 1)), "{input:?}");
            let hard = (1 << 53).max(10u64.pow(6 + u32::from(input.scale)));
            assert!((10..200).contains(&among(&digits, hard)), "{input:?}: most rows are ordinary");
        }
    }
}
