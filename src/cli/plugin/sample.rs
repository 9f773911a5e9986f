//! Rows made up for a plugin by its manifest, the same ones every time: to check and to measure it where nobody has given
//! any.

use std::collections::BTreeMap;

use crate::{
    evaluate::dataset::decimal_text,
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

/// So many rows.
pub(super) fn rows(manifest: &Manifest, count: usize) -> Vec<v1::PluginRow> {
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let mut row = || {
        let lines = if manifest.line_inputs.is_empty() { 0 } else { numbers.below(6) };
        v1::PluginRow {
            inputs: values(&manifest.inputs, &mut numbers),
            lines: (0..lines)
                .map(|_| v1::PluginLine { inputs: values(&manifest.line_inputs, &mut numbers) })
                .collect(),
        }
    };
    (0..count).map(|_| row()).collect()
}

fn values(inputs: &[Input], numbers: &mut Numbers) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    for input in inputs {
        if !input.required && numbers.below(10) == 0 {
            continue;
        }
        let value = match input.kind {
            Kind::Text => TEXTS[numbers.below(TEXTS.len() as u64) as usize].to_owned(),
            Kind::Number => number(input.scale, numbers),
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
    let sign = if numbers.below(20) == 0 { -1 } else { 1 };
    decimal_text(sign * digits, shown, false)
}
