//! The worked examples of a manual page, held against the plugin.

use alloc::{borrow::ToOwned, string::String, vec, vec::Vec};

use super::{Cells, Sample, score};
use crate::{Plugin, plugin};

/// Executes the examples of a manual page and answers how many rows were looked at. An example begins with a block of
/// parameters, ```` ```json ````, and goes on with tables, told by the cells of their first row:
///
/// - `| revenue | quota | → commission |`: a row of inputs, and after the arrow outputs: a value, `missing` or
///   `fault: …`. An empty cell is a missing input.
/// - `| line of row | deal | amount |`: detail lines, before the rows they belong to (from 1).
/// - `| step of row 1 | commission | note |`: the steps of an output, all of them.
///
/// A block ```` ```refused ```` after parameters is the refusal, word by word.
///
/// # Panics
/// When the plugin says something else, or the page has no example.
pub fn check_manual<T: Plugin>(page: &str) -> usize {
    let mut rows = 0;
    for example in page.split("```json\n").skip(1) {
        let (parameters, rest) = example.split_once("```").expect("a block ends");
        if let Some((_, refused)) = rest.split_once("```refused\n") {
            let (expected, _) = refused.split_once("```").expect("a block ends");
            let message = plugin::describe::<T>(parameters).expect_err("it is refused");
            let (crate::Refusal::BadParameters(message) | crate::Refusal::BadBatch(message)) = message;
            assert_eq!(message.trim(), expected.trim(), "{parameters}");
            rows += 1;
            continue;
        }
        rows += check_example::<T>(parameters, &tables(rest));
    }
    assert!(rows > 0, "the page has no example");
    rows
}

/// A table: its first row, and the others.
struct Table {
    head: Vec<String>,
    body: Vec<Vec<String>>,
}

fn check_example<T: Plugin>(parameters: &str, tables: &[Table]) -> usize {
    let mut sample = Sample::default();
    let mut expected: Vec<(usize, String, String)> = Vec::new();
    for table in tables.iter().filter(|table| !is_steps(table)) {
        for cells in &table.body {
            let named = table.head.iter().zip(cells);
            if table.head[0] == "line of row" {
                let row: usize = cells[0].parse().expect("the number of a row");
                sample.lines.resize_with(sample.lines.len().max(row), Vec::new);
                sample.lines[row - 1].push(owned(named.skip(1)));
                continue;
            }
            let (outputs, inputs): (Vec<_>, Vec<_>) = named.partition(|(name, _)| name.starts_with('→'));
            let wanted = outputs.into_iter().map(|(name, value)| {
                (sample.rows.len(), name.trim_start_matches('→').trim().to_owned(), value.clone())
            });
            expected.extend(wanted);
            sample.rows.push(owned(inputs.into_iter()));
        }
    }
    assert!(!expected.is_empty(), "an example without outputs: {parameters}");
    let scored = score::<T>(parameters, &sample).unwrap_or_else(|refused| panic!("{parameters}: {refused}"));
    for (row, output, value) in &expected {
        assert_eq!(&scored.value(output, *row), value, "{output} of row {} under {parameters}", row + 1);
    }
    for table in tables.iter().filter(|table| is_steps(table)) {
        let row: usize = table.head[0]["step of row ".len()..].parse().expect("the number of a row");
        let steps: Vec<Vec<String>> =
            scored.steps(&table.head[1], row - 1).into_iter().map(Vec::from).collect();
        assert_eq!(steps, table.body, "the steps of {} of row {row} under {parameters}", table.head[1]);
    }
    sample.rows.len()
}

fn is_steps(table: &Table) -> bool {
    table.head[0].starts_with("step of row ")
}

fn owned<'a>(cells: impl Iterator<Item = (&'a String, &'a String)>) -> Cells {
    cells.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The tables of the text up to the next heading, but for those that are no part of an example.
fn tables(text: &str) -> Vec<Table> {
    let mut tables: Vec<Table> = Vec::new();
    let mut within = false;
    for line in text.lines().take_while(|line| !line.starts_with('#')) {
        let Some(row) = line.trim().strip_prefix('|').and_then(|row| row.strip_suffix('|')) else {
            within = false;
            continue;
        };
        let cells: Vec<String> =
            row.split('|').map(|cell| cell.trim().trim_matches('`').to_owned()).collect();
        match tables.last_mut().filter(|_| within) {
            Some(_) if cells.iter().all(|cell| cell.chars().all(|c| c == '-')) => {}
            Some(table) => table.body.push(cells),
            None => tables.push(Table { head: cells, body: vec![] }),
        }
        within = true;
    }
    let example = |table: &Table| {
        is_steps(table)
            || table.head[0] == "line of row"
            || table.head.iter().any(|name| name.starts_with('→'))
    };
    tables.retain(example);
    tables
}
