//! Rows and what became of them, in words for authors.

use std::collections::BTreeMap;

use crate::{evaluate::author::Scored, proto::v1};

/// Lines that are shown of a row.
const LINES: usize = 5;

/// The inputs of a row: `quota 100, revenue 12.5; lines: amount 3 | amount 4`.
pub(super) fn row(row: &v1::PluginRow) -> String {
    let inputs = if row.inputs.is_empty() { "no inputs".to_owned() } else { cells(&row.inputs) };
    if row.lines.is_empty() {
        return inputs;
    }
    let mut lines: Vec<String> = row.lines.iter().take(LINES).map(|line| cells(&line.inputs)).collect();
    if row.lines.len() > LINES {
        lines.push(format!("{} more", row.lines.len() - LINES));
    }
    format!("{inputs}; lines: {}", lines.join(" | "))
}

fn cells(cells: &BTreeMap<String, String>) -> String {
    let shown = |(name, value): (&String, &String)| {
        if value.is_empty() || value.contains([',', ' ', '"']) {
            format!("{name} {value:?}")
        } else {
            format!("{name} {value}")
        }
    };
    cells.iter().map(shown).collect::<Vec<_>>().join(", ")
}

/// What became of a row: `commission 12.00, band nothing`, or its fault.
pub(super) fn scored(scored: &Scored) -> String {
    match scored {
        Scored::Fault(fault) => fault.clone(),
        Scored::Outputs(outputs) => {
            let shown = |(name, value): &(String, Option<String>)| {
                format!("{name} {}", value.as_deref().unwrap_or("nothing"))
            };
            outputs.iter().map(shown).collect::<Vec<_>>().join(", ")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_shown_in_words() {
        let cells = |cells: &[(&str, &str)]| -> BTreeMap<String, String> {
            cells.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let check = |inputs: &[(&str, &str)], lines: usize, expected: &str| {
            let line = |number: usize| v1::PluginLine { inputs: cells(&[("amount", &number.to_string())]) };
            let shown = row(&v1::PluginRow { inputs: cells(inputs), lines: (0..lines).map(line).collect() });
            assert_eq!(shown, expected);
        };
        check(&[], 0, "no inputs");
        check(&[("revenue", "12.5"), ("region", "")], 0, "region \"\", revenue 12.5");
        check(&[("region", "O'Neill, \"Jr\"")], 2, r#"region "O'Neill, \"Jr\""; lines: amount 0 | amount 1"#);
        check(&[], 7, "no inputs; lines: amount 0 | amount 1 | amount 2 | amount 3 | amount 4 | 2 more");
    }

    #[test]
    fn outcomes_are_shown_in_words() {
        let outputs = vec![("pay".to_owned(), Some("1.00".to_owned())), ("band".to_owned(), None)];
        assert_eq!(scored(&Scored::Outputs(outputs)), "pay 1.00, band nothing");
        assert_eq!(scored(&Scored::Fault("TRAPPED: here".to_owned())), "TRAPPED: here");
    }
}
