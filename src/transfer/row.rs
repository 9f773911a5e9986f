//! A row of a file, made of what stands in it, or of what is wrong with that. How rows follow each other is in `rows`.

use csv::StringRecord;
use serde_json::Value;

use super::{
    csv_records::CsvRecord,
    encoding,
    lines::{LINE_MAX_BYTES, Line},
    marks,
};

/// What is wrong with a text that an earlier conversion has damaged.
const LOST: &str = "U+FFFD stands where a character was lost when the text was converted: restore it";

/// A row of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The line of the file that it begins on, from 1.
    pub line: u64,
    /// The values, by column; bytes that are not UTF-8 are replaced.
    pub values: StringRecord,
    /// The line of the file that it came from first: of a row that was rejected before, its mark says it.
    pub origin: u64,
    /// The bytes as they stand in the file, without the end of the line and the marks that a file of rejected rows has.
    pub raw: Vec<u8>,
    /// Why it cannot be read.
    pub problem: Option<String>,
}

/// The row of a record of CSV; of a file of rejected rows, without the marks.
pub(super) fn csv_row(mut record: CsvRecord, columns: &[String], marked: bool) -> Row {
    let mut origin = record.line;
    if marked {
        let marks: Vec<_> = record.values.drain(..record.values.len().min(2)).collect();
        let told = marks.first().and_then(|line| std::str::from_utf8(line).ok()?.trim().parse().ok());
        origin = told.unwrap_or(origin);
        record.raw.drain(..record.third);
        record.problem = record.problem.map(|(place, problem)| (place.saturating_sub(2), problem));
    }
    let named = |place: usize| columns.get(place).map_or("beyond the last", String::as_str);
    let foreign = |value: &Vec<u8>| std::str::from_utf8(value).is_err();
    let problem = if let Some((place, problem)) = record.problem {
        Some(format!("column {}: {problem}", named(place)))
    } else if let Some(place) = record.values.iter().position(foreign) {
        Some(format!("column {}: {}", named(place), encoding::describe(&record.values[place])))
    } else if record.values.len() != columns.len() {
        let (values, columns) = (record.values.len(), columns.len());
        Some(format!("{values} values where the first row names {columns} columns"))
    } else {
        let texts = record.values.iter().map(|value| String::from_utf8_lossy(value));
        texts
            .enumerate()
            .find(|(_, text)| text.contains(char::REPLACEMENT_CHARACTER))
            .map(|(place, _)| format!("column {}: {LOST}", named(place)))
    };
    let values = record.values.iter().map(|value| String::from_utf8_lossy(value)).collect::<Vec<_>>().into();
    Row { line: record.line, values, origin, raw: record.raw, problem }
}

/// The row of a line of JSON; of a line of marks alone, the line that it tells of.
pub(super) fn json_row(line: &Line, columns: &[String], told: Option<u64>) -> Result<Row, u64> {
    let mut cells = vec![String::new(); columns.len()];
    let text = line.bytes.trim_ascii();
    let raw = String::from_utf8_lossy(text);
    let mut origin = told;
    let problem = if !line.whole {
        Some(format!("the line has more than {LINE_MAX_BYTES} bytes, which are the most that are read"))
    } else if std::str::from_utf8(text).is_err() {
        Some(encoding::describe(text))
    } else if raw.contains(char::REPLACEMENT_CHARACTER) {
        Some(LOST.to_owned())
    } else {
        match serde_json::from_str::<Value>(&raw) {
            Ok(Value::Object(object)) => {
                origin = origin.or(marks::line_of(&object));
                if let Some(line) = origin.filter(|_| marks::is_remark(&object)) {
                    return Err(line);
                }
                flatten("", &Value::Object(object), &mut |path, value| {
                    if let Some(place) = columns.iter().position(|column| column == path) {
                        cells[place] = match value {
                            Value::Null => String::new(),
                            Value::String(text) => text.clone(),
                            other => other.to_string(),
                        };
                    }
                });
                None
            }
            Ok(other) => Some(format!("not a JSON object: {}", excerpt(&other.to_string()))),
            Err(error) => Some(format!("not JSON: {error}")),
        }
    };
    let origin = origin.unwrap_or(line.number);
    Ok(Row { line: line.number, values: cells.into(), origin, raw: text.to_vec(), problem })
}

/// Calls with every value that is not an object, by its dotted path.
pub(super) fn flatten(above: &str, value: &Value, visit: &mut impl FnMut(&str, &Value)) {
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                let path = if above.is_empty() { key.clone() } else { format!("{above}.{key}") };
                flatten(&path, value, visit);
            }
        }
        other => visit(above, other),
    }
}

fn excerpt(text: &str) -> String {
    text.chars().take(40).collect()
}
