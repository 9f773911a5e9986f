//! Texts in batches: what a row gives depends neither on its neighbours nor on what stands where a value is missing.

use crate::table::show;
use merit_expression::{Column, Evaluated, Expression, Kind, Scope, Values};
use proptest::prelude::*;
use std::{ops::Range, sync::Arc};

const DICTIONARY: [&str; 4] = ["a b", "North-1", "", "Zürich"];

const TEXTS: [&str; 12] = [
    "FIND(\"-\", a)",
    "FIND(\"b\", a, LEN(b))",
    "LEFT(a, FIND(\"r\", a) - 1)",
    "CONCAT(a, FIND(\"-\", b), \"x\")",
    "MID(a, 2, LEN(b) - 1)",
    "UPPER(a) & TRIM(b)",
    "IF(a = b, LEFT(a), RIGHT(b, 2))",
    "IFERROR(FIND(\"o\", a), -1)",
    "IFMISSING(a, b) & \"!\"",
    "a IN (\"a b\", \"zürich\") OR EXACT(a, b)",
    "SWITCH(a, \"a b\", 1, b, 2)",
    "a < b AND FIND(\"r\", a) > 1",
];

struct Names;

impl Scope for Names {
    fn kind(&self, name: &str) -> Option<Kind> {
        ["a", "b"].contains(&name).then_some(Kind::Text)
    }

    fn names(&self) -> Vec<String> {
        ["a", "b"].map(String::from).to_vec()
    }
}

/// Which text each row has, and whether it has it.
type Rows = Vec<[(u32, bool); 2]>;

fn evaluated(text: &str, rows: &Rows, range: Range<usize>) -> Evaluated {
    let expression = Expression::compile(text, &Names).unwrap();
    let dictionary: Arc<Vec<Arc<str>>> = Arc::new(DICTIONARY.iter().map(|text| Arc::from(*text)).collect());
    let column = |name: &String| {
        let cells = rows[range.clone()].iter().map(|row| row[usize::from(name == "b")]);
        let (codes, missing): (Vec<u32>, Vec<bool>) = cells.unzip();
        let values = Values::Text { dictionary: Arc::clone(&dictionary), codes: Arc::new(codes) };
        Column { values, missing: Some(Arc::new(missing)) }
    };
    let columns: Vec<Column> = expression.names().iter().map(column).collect();
    expression.evaluate(range.len(), &columns.iter().collect::<Vec<_>>())
}

fn told(evaluated: &Evaluated, row: usize) -> String {
    match evaluated.faults.iter().find(|fault| fault.row as usize == row) {
        Some(fault) => fault.message.clone(),
        None => show(&evaluated.column, row),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn batches_change_nothing(rows in proptest::collection::vec(
        [(0u32..4, any::<bool>()), (0u32..4, any::<bool>())], 1..20,
    )) {
        for text in TEXTS {
            let whole = evaluated(text, &rows, 0..rows.len());
            for row in 0..rows.len() {
                let alone = evaluated(text, &rows, row..row + 1);
                prop_assert_eq!(told(&whole, row), told(&alone, 0), "{} row {}", text, row);
            }
        }
    }
}
