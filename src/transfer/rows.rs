//! Rows of a file, one at a time: CSV as spreadsheets write it, and JSON lines. A row that cannot be read is still a
//! row, with what is wrong with it, so that the counts of an import add up to the file.

use std::{
    collections::VecDeque,
    io::{self, BufRead, BufReader, Read},
    path::Path,
};

use csv::{ByteRecord, StringRecord};
use serde_json::Value;

use super::encoding;

/// The largest row, in bytes; a larger one is a quote that is not closed.
const ROW_MAX_BYTES: usize = 1 << 20;

/// Objects that are looked at to know the columns of JSON lines.
const JSON_LOOK_AHEAD: usize = 1000;

/// The form of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Values separated by commas (semicolons, tabs, bars), names in the first row, quotes where needed.
    Csv,
    /// A JSON object a line.
    JsonLines,
}

/// A row of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The line of the file that it begins on, from 1.
    pub line: u64,
    /// The values, by column; bytes that are not UTF-8 are replaced.
    pub values: StringRecord,
    /// The line itself, of JSON lines; empty for CSV.
    pub raw: String,
    /// Why it cannot be read.
    pub problem: Option<String>,
}

/// The rows of a file.
pub struct Rows {
    columns: Vec<String>,
    source: Source,
}

enum Source {
    Csv { reader: csv::Reader<Box<dyn Read + Send>>, record: ByteRecord },
    Json { reader: BufReader<Box<dyn Read + Send>>, line: u64, ahead: VecDeque<(u64, String)> },
}

/// A reader that ends with the end of a line, whether or not the file does.
struct Terminated<R> {
    inner: R,
    last: u8,
    ended: bool,
}

// === impl Terminated ===

impl<R: Read> Read for Terminated<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        if read > 0 {
            self.last = buffer[read - 1];
            return Ok(read);
        }
        if self.ended || self.last == b'\n' || buffer.is_empty() {
            return Ok(0);
        }
        self.ended = true;
        buffer[0] = b'\n';
        Ok(1)
    }
}

// === impl Form ===

impl Form {
    /// The form that the end of a file's name tells.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("jsonl" | "ndjson" | "json") => Self::JsonLines,
            _ => Self::Csv,
        }
    }
}

// === impl Rows ===

impl Rows {
    /// Begins to read. Without a delimiter, the one that makes the most columns of the first row counts.
    ///
    /// # Errors
    /// What the reader says, or that the file is in an encoding or form that is not read.
    pub fn open(reader: Box<dyn Read + Send>, form: Form, delimiter: Option<u8>) -> io::Result<Self> {
        let mut reader = BufReader::with_capacity(1 << 16, reader);
        let start = reader.fill_buf()?;
        if let Some(foreign) = encoding::foreign(&start[..start.len().min(1024)]) {
            let message = format!(
                "the file is {foreign}; only UTF-8 is read: convert it first, `iconv -f ENCODING -t UTF-8`"
            );
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        let mark = if start.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        let delimiter = delimiter.unwrap_or_else(|| likely_delimiter(&start[mark..]));
        reader.consume(mark);
        match form {
            Form::Csv => Self::open_csv(reader, delimiter),
            Form::JsonLines => Self::open_json(reader),
        }
    }

    fn open_csv(reader: BufReader<Box<dyn Read + Send>>, delimiter: u8) -> io::Result<Self> {
        let reader: Box<dyn Read + Send> = Box::new(Terminated { inner: reader, last: b'\n', ended: false });
        // With both ends of line known to it, csv counts lines one late: the other half is cut off in `csv_row`.
        let mut reader = csv::ReaderBuilder::new()
            .flexible(true)
            .delimiter(delimiter)
            .terminator(csv::Terminator::Any(b'\n'))
            .from_reader(reader);
        let header = reader.byte_headers().map_err(io::Error::other)?;
        let mut columns = Vec::with_capacity(header.len());
        for name in header {
            let name = std::str::from_utf8(name).map_err(|_| {
                io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("the first row: {}", encoding::describe(name)),
                )
            })?;
            columns.push(name.trim().to_owned());
        }
        Ok(Self { columns, source: Source::Csv { reader, record: ByteRecord::new() } })
    }

    fn open_json(mut reader: BufReader<Box<dyn Read + Send>>) -> io::Result<Self> {
        let (mut ahead, mut columns, mut line) = (VecDeque::new(), Vec::new(), 0);
        while ahead.len() < JSON_LOOK_AHEAD
            && let Some((number, text)) = next_line(&mut reader, &mut line)?
        {
            if let Ok(value @ Value::Object(_)) = serde_json::from_str::<Value>(&text) {
                flatten("", &value, &mut |path, _| {
                    if !columns.iter().any(|column| column == path) {
                        columns.push(path.to_owned());
                    }
                });
            }
            ahead.push_back((number, text));
        }
        Ok(Self { columns, source: Source::Json { reader, line, ahead } })
    }

    /// Reads these keys of JSON lines as well, as columns behind the ones that are known.
    pub fn expect(&mut self, columns: &[String]) {
        if matches!(self.source, Source::Json { .. }) {
            self.columns.extend_from_slice(columns);
        }
    }

    /// The columns: the first row of CSV, the keys of JSON lines, dotted into objects.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        &self.columns
    }
}

impl Iterator for Rows {
    type Item = io::Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.source {
            Source::Csv { reader, record } => loop {
                match reader.read_byte_record(record) {
                    Ok(false) => return None,
                    // A blank line that ends as Windows ends lines.
                    Ok(true) if record.len() == 1 && &record[0] == b"\r" => {}
                    Ok(true) => return Some(Ok(csv_row(record, reader.position().line(), &self.columns))),
                    Err(error) => return Some(Err(io::Error::other(error))),
                }
            },
            Source::Json { reader, line, ahead } => {
                let next = match ahead.pop_front() {
                    Some(next) => Some(next),
                    None => match next_line(reader, line) {
                        Ok(next) => next,
                        Err(error) => return Some(Err(error)),
                    },
                };
                next.map(|(line, text)| Ok(json_row(line, text, &self.columns)))
            }
        }
    }
}

/// The separator that the first line has most of.
fn likely_delimiter(start: &[u8]) -> u8 {
    let line = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let count = |delimiter: u8| line.iter().filter(|byte| **byte == delimiter).count();
    // The last of equals wins with max_by_key: the comma, where the line has none of them.
    [b'|', b'\t', b';', b','].into_iter().max_by_key(|delimiter| count(*delimiter)).unwrap_or(b',')
}

/// The row of a record that ends before line `next`.
fn csv_row(record: &mut ByteRecord, next: u64, columns: &[String]) -> Row {
    let breaks = record.as_slice().iter().filter(|byte| **byte == b'\n').count() as u64;
    let line = next.saturating_sub(breaks + 1);
    if record.as_slice().ends_with(b"\r") {
        let width = record.len();
        *record = record
            .iter()
            .enumerate()
            .map(
                |(place, value)| {
                    if place + 1 == width { value.strip_suffix(b"\r").unwrap_or(value) } else { value }
                },
            )
            .collect();
    }
    let problem = || {
        if record.as_slice().len() > ROW_MAX_BYTES {
            return Some(format!("the row has {} bytes: is a quote not closed?", record.as_slice().len()));
        }
        if let Some(place) = record.iter().position(|value| std::str::from_utf8(value).is_err()) {
            let column = columns.get(place).map_or("beyond the last", String::as_str);
            return Some(format!("column {column}: {}", encoding::describe(&record[place])));
        }
        if record.len() != columns.len() {
            return Some(format!(
                "{} values where the first row names {} columns",
                record.len(),
                columns.len()
            ));
        }
        None
    };
    let problem = problem();
    let values = match StringRecord::from_byte_record(record.clone()) {
        Ok(values) => values,
        Err(_) => record.iter().map(String::from_utf8_lossy).collect::<Vec<_>>().into(),
    };
    Row { line, values, raw: String::new(), problem }
}

/// The next line that is not blank, and its number.
fn next_line(reader: &mut impl BufRead, line: &mut u64) -> io::Result<Option<(u64, String)>> {
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        if reader.read_until(b'\n', &mut bytes)? == 0 {
            return Ok(None);
        }
        *line += 1;
        if !bytes.trim_ascii().is_empty() {
            let text = String::from_utf8_lossy(bytes.trim_ascii()).into_owned();
            return Ok(Some((*line, text)));
        }
    }
}

fn json_row(line: u64, raw: String, columns: &[String]) -> Row {
    let (mut cells, mut problem) = (vec![String::new(); columns.len()], None);
    match serde_json::from_str::<Value>(&raw) {
        Ok(value @ Value::Object(_)) => flatten("", &value, &mut |path, value| {
            if let Some(place) = columns.iter().position(|column| column == path) {
                cells[place] = match value {
                    Value::Null => String::new(),
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                };
            }
        }),
        Ok(other) => problem = Some(format!("not a JSON object: {}", excerpt(&other.to_string()))),
        Err(error) => problem = Some(format!("not JSON: {error}")),
    }
    Row { line, values: cells.into(), raw, problem }
}

/// Calls with every value that is not an object, by its dotted path.
fn flatten(above: &str, value: &Value, visit: &mut impl FnMut(&str, &Value)) {
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

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::{Form, Rows};

    fn read(form: Form, bytes: &[u8]) -> Result<(Vec<String>, Vec<String>), String> {
        let rows = Rows::open(Box::new(Cursor::new(bytes.to_vec())), form, None)
            .map_err(|error| error.to_string())?;
        let columns = rows.columns().to_vec();
        let rows = rows
            .map(|row| row.expect("memory can be read"))
            .map(|row| match row.problem {
                Some(problem) => format!("{}: {problem}", row.line),
                None => format!("{}: {}", row.line, row.values.iter().collect::<Vec<_>>().join("|")),
            })
            .collect();
        Ok((columns, rows))
    }

    #[test]
    fn csv_is_read_as_spreadsheets_write_it() {
        let check = |text: &[u8], columns: &[&str], rows: &[&str]| {
            let (found_columns, found_rows) = read(Form::Csv, text).expect("a file that can be read");
            assert_eq!(found_columns, columns);
            assert_eq!(found_rows, rows);
        };
        check(b"a,b\n1,2\n3,4\n", &["a", "b"], &["2: 1|2", "3: 3|4"]);
        check(b"\xef\xbb\xbfa, b\r\n1,2\r\n", &["a", "b"], &["2: 1|2"]);
        check(b"a;b\n\"x;\ny\";2\n3;4", &["a", "b"], &["2: x;\ny|2", "4: 3|4"]);
        check(b"a\tb\n1\t2\n", &["a", "b"], &["2: 1|2"]);
        check(b"a,b\n\"say \"\"hi\"\"\",\n", &["a", "b"], &["2: say \"hi\"|"]);
        check(b"a,b\n1\n2,3\n", &["a", "b"], &["2: 1 values where the first row names 2 columns", "3: 2|3"]);
        check(b"a,b\n\n1,2\n", &["a", "b"], &["3: 1|2"]);
        check(b"a,b\r\n\r\n\"1\r\n2\",\"3\"\r\n4,5", &["a", "b"], &["3: 1\r\n2|3", "5: 4|5"]);
        check(
            b"a,b\nCaf\xe9,2\n",
            &["a", "b"],
            &["2: column a: byte 0xE9 is not UTF-8 (it looks like WINDOWS-1252): convert the file, \
               `iconv -f WINDOWS-1252 -t UTF-8`"],
        );
        check(b"", &[], &[]);
    }

    #[test]
    fn json_lines_have_columns() {
        let text = b"{\"a\": 1, \"b\": {\"c\": \"x\"}}\n\n{\"a\": null, \"d\": [1]}\n[1]\n{\n";
        let (columns, rows) = read(Form::JsonLines, text).expect("a file that can be read");
        assert_eq!(columns, ["a", "b.c", "d"]);
        assert_eq!(rows[..3], ["1: 1|x|", "3: ||[1]", "4: not a JSON object: [1]"]);
        assert!(rows[3].starts_with("5: not JSON: "), "{}", rows[3]);
    }

    #[test]
    fn what_is_not_read_is_named() {
        let check = |bytes: &[u8], expected: &str| {
            let message = read(Form::Csv, bytes).expect_err("not a file that can be read");
            assert!(message.contains(expected), "{message}");
        };
        check(b"\xff\xfea\0,\0b\0", "UTF-16LE");
        check(b"PK\x03\x04...", "xlsx");
        check(b"caf\xe9,b\n1,2\n", "WINDOWS-1252");
    }
}
