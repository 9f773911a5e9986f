//! Rows of a file, one at a time: CSV as spreadsheets write it, and JSON lines. A row that cannot be read is still a
//! row, with what is wrong with it, so that the counts of an import add up to the file.

use std::{
    collections::{HashMap, VecDeque},
    io::{self, BufRead as _, BufReader, Read},
    path::Path,
};

use serde_json::Value;

use super::{
    csv_records::{CsvRecord, CsvRecords},
    encoding,
    lines::{Line, Lines},
    marks,
    row::{Row, csv_row, flatten, json_row},
};

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

/// How the rows of a file are written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    pub(super) form: Form,
    /// What separates values of CSV.
    pub(super) delimiter: u8,
    /// What stands before the first row of a file of rejected ones.
    pub(super) head: Vec<u8>,
}

/// The rows of a file.
pub struct Rows {
    columns: Vec<String>,
    layout: Layout,
    /// Whether it is a file of rejected rows, whose first columns are marks.
    marked: bool,
    source: Source,
}

type Reader = BufReader<Box<dyn Read + Send>>;

enum Source {
    Csv(CsvRecords<Reader>),
    Json { lines: Lines<Reader>, ahead: VecDeque<Line> },
}

// === impl Form ===

impl Form {
    /// The form that the end of a file's name tells; nothing where the file itself has to tell.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("jsonl" | "ndjson" | "json") => Some(Self::JsonLines),
            Some("csv" | "tsv") => Some(Self::Csv),
            _ => None,
        }
    }

    /// The form that the beginning of a file tells: objects begin with a brace, names of columns do not.
    fn told_by(start: &[u8]) -> Self {
        if start.trim_ascii_start().starts_with(b"{") { Self::JsonLines } else { Self::Csv }
    }
}

// === impl Rows ===

impl Rows {
    /// Begins to read. Where no form is given, the file's beginning tells it; where no delimiter is, the one that makes
    /// the most columns of the first row counts.
    ///
    /// # Errors
    /// What the reader says; that the file is empty, or in an encoding or form that is not read; that its first row
    /// names two columns alike.
    pub fn open(reader: Box<dyn Read + Send>, form: Option<Form>, delimiter: Option<u8>) -> io::Result<Self> {
        let mut reader = BufReader::with_capacity(1 << 16, reader);
        let start = reader.fill_buf()?;
        if let Some(foreign) = encoding::foreign(&start[..start.len().min(1024)]) {
            return Err(unreadable(format!(
                "the file is {foreign}; only UTF-8 is read: convert it first, `iconv -f ENCODING -t UTF-8`"
            )));
        }
        let mark = if start.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        let form = form.unwrap_or_else(|| Form::told_by(&start[mark..]));
        if form == Form::JsonLines && start[mark..].trim_ascii_start().starts_with(b"[") {
            let message = "the file is a JSON array; an object a line is read: `jq -c '.[]'` makes it so";
            return Err(unreadable(message.to_owned()));
        }
        reader.consume(mark);
        let head = &b"\xef\xbb\xbf"[..mark];
        match form {
            Form::Csv => Self::open_csv(CsvRecords::new(reader, delimiter)?, head),
            Form::JsonLines => Self::open_json(Lines::new(reader)?, head),
        }
    }

    fn open_csv(mut records: CsvRecords<Reader>, mark: &[u8]) -> io::Result<Self> {
        let Some(CsvRecord { line, mut values, raw, third, problem }) = records.next()? else {
            return Err(unreadable("the file is empty: its first row has to name the columns".to_owned()));
        };
        if let Some((place, problem)) = problem {
            return Err(unreadable(format!(
                "line {line}, the names of the columns, value {}: {problem}",
                place + 1
            )));
        }
        let marked = marks::are_marked(&values);
        if marked {
            values.drain(..2);
        }
        let delimiter = records.delimiter();
        let told = if records.told().is_empty() { Vec::new() } else { [records.told(), b"\n"].concat() };
        let names = if marked { &raw[third..] } else { &raw[..] };
        let head = [mark, &told, &marks::csv_names(delimiter), names, b"\n"].concat();
        let layout = Layout { form: Form::Csv, delimiter, head };
        let mut columns = Vec::with_capacity(values.len());
        let mut places = HashMap::new();
        for (place, name) in values.iter().enumerate() {
            let name = std::str::from_utf8(name)
                .map_err(|_| unreadable(format!("the first row: {}", encoding::describe(name))))?
                .trim();
            // Columns without a name are what spreadsheets leave beside a table; nothing can refer to them.
            if let Some(before) = places.insert(name, place).filter(|_| !name.is_empty()) {
                return Err(unreadable(format!(
                    "columns {} and {} are both named {name:?}: rename or remove one of them",
                    before + 1,
                    place + 1
                )));
            }
            columns.push(name.to_owned());
        }
        Ok(Self { columns, layout, marked, source: Source::Csv(records) })
    }

    fn open_json(mut lines: Lines<Reader>, mark: &[u8]) -> io::Result<Self> {
        let (mut ahead, mut columns) = (VecDeque::new(), Vec::new());
        while ahead.len() < JSON_LOOK_AHEAD
            && let Some(line) = lines.next_used()?
        {
            if let Ok(value @ Value::Object(_)) = serde_json::from_slice::<Value>(&line.bytes) {
                flatten("", &value, &mut |path, _| {
                    if !marks::is_mark(path) && !columns.iter().any(|column| column == path) {
                        columns.push(path.to_owned());
                    }
                });
            }
            ahead.push_back(line);
        }
        if ahead.is_empty() {
            return Err(unreadable("the file is empty: an object a line is expected".to_owned()));
        }
        let layout = Layout { form: Form::JsonLines, delimiter: b',', head: mark.to_vec() };
        Ok(Self { columns, layout, marked: false, source: Source::Json { lines, ahead } })
    }

    /// The form in which the file is read.
    #[must_use]
    pub fn form(&self) -> Form {
        self.layout.form
    }

    /// How the file is written, so that another can be written like it.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.layout.clone()
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
            Source::Csv(records) => {
                records.next().transpose().map(|record| Ok(csv_row(record?, &self.columns, self.marked)))
            }
            Source::Json { lines, ahead } => {
                // A line of marks tells of the one behind it.
                let mut told = None;
                loop {
                    let next = ahead.pop_front().map(Ok).or_else(|| lines.next_used().transpose())?;
                    match next.map(|line| json_row(&line, &self.columns, told)) {
                        Ok(Ok(row)) => return Some(Ok(row)),
                        Ok(Err(line)) => told = Some(line),
                        Err(error) => return Some(Err(error)),
                    }
                }
            }
        }
    }
}

fn unreadable(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::{Form, Rows};

    fn read(form: Form, bytes: &[u8]) -> Result<(Vec<String>, Vec<String>), String> {
        let rows = Rows::open(Box::new(Cursor::new(bytes.to_vec())), Some(form), None)
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
            &["2: column a: byte 4 (0xE9) is not UTF-8 (it looks like WINDOWS-1252): convert the file, \
               `iconv -f WINDOWS-1252 -t UTF-8`"],
        );
        check(
            "a,b\nCaf\u{fffd},2\n".as_bytes(),
            &["a", "b"],
            &[
                "2: column a: U+FFFD stands where a character was lost when the text was converted: restore it",
            ],
        );
        check(b"\n\na,b,,\n1,2,,\n", &["a", "b", "", ""], &["4: 1|2||"]);
        check(b"a,b\r1,2\r3,4", &["a", "b"], &["2: 1|2", "3: 3|4"]);
        check(
            b"a,b\n1,\"2\n3,4\n",
            &["a", "b"],
            &[
                "2: column b: the quote that opens in line 2 is never closed: close it, or write a quote that is part \
               of a value twice, within quotes",
                "3: 3|4",
            ],
        );
    }

    #[test]
    fn json_lines_have_columns() {
        let (_, rows) =
            read(Form::JsonLines, b"{\"a\": 12345678901234567.89}\n").expect("a file that can be read");
        assert_eq!(rows, ["1: 12345678901234567.89"], "all digits");
        let text = b"{\"a\": 1, \"b\": {\"c\": \"x\"}}\n\n{\"a\": null, \"d\": [1]}\n[1]\n{\n";
        let (columns, rows) = read(Form::JsonLines, text).expect("a file that can be read");
        assert_eq!(columns, ["a", "b.c", "d"]);
        assert_eq!(rows[..3], ["1: 1|x|", "3: ||[1]", "4: not a JSON object: [1]"]);
        assert!(rows[3].starts_with("5: not JSON: "), "{}", rows[3]);
        let (_, rows) = read(Form::JsonLines, b"{\"a\": \"Caf\xe9\"}\n").expect("a file that can be read");
        assert!(rows[0].starts_with("1: byte 11 (0xE9) is not UTF-8"), "{}", rows[0]);
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
        check(b"", "the file is empty: its first row has to name the columns");
        check(b" \n\r\n", "the file is empty");
        check(b"a,b, a\n1,2,3\n", "columns 1 and 3 are both named \"a\": rename or remove one");
        check(b"a,\"b\n1,2\n", "line 1, the names of the columns, value 2: the quote that opens in line 1");
    }

    #[test]
    fn the_beginning_tells_the_form() {
        let check = |bytes: &[u8], expected: Result<Form, &str>| {
            let rows = Rows::open(Box::new(Cursor::new(bytes.to_vec())), None, None);
            let found = rows.map(|rows| rows.form()).map_err(|error| error.to_string());
            match (found, expected) {
                (Err(found), Err(expected)) => assert!(found.contains(expected), "{found}"),
                (found, expected) => assert_eq!(found, expected.map_err(str::to_owned)),
            }
        };
        check(b"\xef\xbb\xbf\n{\"a\": 1}\n", Ok(Form::JsonLines));
        check(b"a,b\n{,}\n", Ok(Form::Csv));
        check(b"", Err("the file is empty"));
        let array = Rows::open(Box::new(Cursor::new(b"[{}]".to_vec())), Some(Form::JsonLines), None);
        assert!(array.err().expect("no lines").to_string().contains("a JSON array"));
    }
}
