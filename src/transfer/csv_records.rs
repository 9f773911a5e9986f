//! CSV as spreadsheets write it, one record at a time. A quote that is not closed as it should be spoils the line it opens
//! on, and nothing further: what was read while its end was looked for is read again.

use std::io::{self, BufRead};

use super::lines::{LINE_MAX_BYTES, Line, Lines};

/// A row as it stands in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CsvRecord {
    /// The line it begins on, from 1.
    pub(super) line: u64,
    /// The values; of a row that cannot be read, the last is what stands in the line from its quote on.
    pub(super) values: Vec<Vec<u8>>,
    /// The bytes, without the end of the line.
    pub(super) raw: Vec<u8>,
    /// Where in them the third value begins; the end, where there is none.
    pub(super) third: usize,
    /// Why it cannot be read, of the value at this place.
    pub(super) problem: Option<(usize, String)>,
}

/// The rows of a CSV file.
pub(super) struct CsvRecords<R> {
    lines: Lines<R>,
    delimiter: u8,
    /// The line before the names that says what separates, as spreadsheets write it: `sep=;`.
    told: Vec<u8>,
}

/// Where the reading of a row is.
#[derive(Clone, Copy)]
enum State {
    /// At the start of a value.
    Start,
    /// In a value without quotes.
    Plain,
    /// Within quotes that opened on this line.
    Quoted(u64),
    /// Behind a quote: a second one is a quote in the value, else the quotes are closed.
    Closed(u64),
}

/// A row that is being read.
struct Reading {
    values: Vec<Vec<u8>>,
    value: Vec<u8>,
    state: State,
    /// How many values began before the last one that begins on the first line, and where that one begins.
    last_on_first: (usize, usize),
    /// Bytes of the lines before the one that is being read.
    before: usize,
    /// Where the third value begins.
    third: Option<usize>,
}

// === impl CsvRecords ===

impl<R: BufRead> CsvRecords<R> {
    /// The rows of these lines. Without a delimiter, the one counts that a line `sep=;` tells, or else the one that the first
    /// line has most of.
    pub(super) fn new(reader: R, delimiter: Option<u8>) -> io::Result<Self> {
        let mut lines = Lines::new(reader)?;
        let first = lines.next_used()?;
        let told = first.as_ref().and_then(|line| told_delimiter(line.text()));
        let likely = first.as_ref().map_or(b',', |line| likely_delimiter(line.text()));
        let told_by = match (told, first) {
            (Some(_), Some(line)) => line.text().to_vec(),
            (_, first) => {
                lines.put_back(first.into_iter());
                Vec::new()
            }
        };
        Ok(Self { lines, delimiter: delimiter.or(told).unwrap_or(likely), told: told_by })
    }

    /// What separates values.
    pub(super) fn delimiter(&self) -> u8 {
        self.delimiter
    }

    /// The line before the names that says so, where there is one.
    pub(super) fn told(&self) -> &[u8] {
        &self.told
    }

    /// The next row; nothing at the end. Blank lines are no rows.
    pub(super) fn next(&mut self) -> io::Result<Option<CsvRecord>> {
        let Some(first) = self.lines.next_used()? else { return Ok(None) };
        let mut reading = Reading::new();
        let (mut further, mut bytes) = (Vec::<Line>::new(), 0);
        let problem = loop {
            let line = further.last().unwrap_or(&first);
            bytes += line.bytes.len();
            if !line.whole || bytes > LINE_MAX_BYTES {
                break Some(reading.too_long());
            }
            if let Some(problem) = reading.line(line, self.delimiter, further.is_empty()) {
                break Some(problem);
            }
            let State::Quoted(opened) = reading.state else { break None };
            match self.lines.next()? {
                Some(line) => further.push(line),
                None => break Some(unclosed(opened)),
            }
        };
        let line = first.number;
        let third = reading.third;
        let record = |values, raw: Vec<u8>, problem| {
            let third = third.unwrap_or(raw.len()).min(raw.len());
            CsvRecord { line, values, raw, third, problem }
        };
        let Some(problem) = problem else {
            let last = further.last().unwrap_or(&first);
            let end = last.bytes.len() - last.text().len();
            let mut raw =
                [&first].into_iter().chain(&further).flat_map(|line| line.bytes.clone()).collect::<Vec<_>>();
            raw.truncate(raw.len() - end);
            return Ok(Some(record(reading.values, raw, None)));
        };
        let place = reading.values.len();
        let values = reading.spoiled(&first);
        let raw = first.text().to_vec();
        self.lines.put_back(further.into_iter());
        Ok(Some(record(values, raw, Some((place, problem)))))
    }
}

// === impl Reading ===

impl Reading {
    fn new() -> Self {
        Self {
            values: Vec::new(),
            value: Vec::new(),
            state: State::Start,
            last_on_first: (0, 0),
            before: 0,
            third: None,
        }
    }

    /// Reads on through a line; gives what is wrong with it.
    fn line(&mut self, line: &Line, delimiter: u8, first: bool) -> Option<String> {
        let text = line.text();
        for (at, &byte) in text.iter().enumerate() {
            if first && matches!(self.state, State::Start) {
                self.last_on_first = (self.values.len(), at);
            }
            match (self.state, byte) {
                (State::Start, b'"') => self.state = State::Quoted(line.number),
                (State::Quoted(opened), b'"') => self.state = State::Closed(opened),
                (State::Quoted(_), _) => self.value.push(byte),
                (State::Closed(opened), b'"') => {
                    self.value.push(b'"');
                    self.state = State::Quoted(opened);
                }
                (_, byte) if byte == delimiter => {
                    self.end_value();
                    if self.values.len() == 2 {
                        self.third = Some(self.before + at + 1);
                    }
                }
                (State::Closed(_), b' ') => {}
                (State::Closed(opened), _) => return Some(followed(opened, line.number, &text[at..])),
                (State::Start | State::Plain, _) => {
                    self.value.push(byte);
                    self.state = State::Plain;
                }
            }
        }
        match self.state {
            State::Quoted(_) => self.value.extend_from_slice(&line.bytes[text.len()..]),
            _ => self.end_value(),
        }
        self.before += line.bytes.len();
        None
    }

    fn end_value(&mut self) {
        self.values.push(std::mem::take(&mut self.value));
        self.state = State::Start;
    }

    fn too_long(&self) -> String {
        match self.state {
            State::Quoted(opened) => unclosed(opened),
            _ => format!("the row has more than {LINE_MAX_BYTES} bytes, which are the most that are read"),
        }
    }

    /// The values of the first line, where the last of them cannot be read.
    fn spoiled(mut self, first: &Line) -> Vec<Vec<u8>> {
        let (count, start) = self.last_on_first;
        self.values.truncate(count);
        self.values.push(first.text()[start..].to_vec());
        self.values
    }
}

fn unclosed(opened: u64) -> String {
    format!(
        "the quote that opens in line {opened} is never closed: close it, or write a quote that is part of a value \
         twice, within quotes"
    )
}

fn followed(opened: u64, closed: u64, rest: &[u8]) -> String {
    let rest: String = String::from_utf8_lossy(rest).chars().take(20).collect();
    format!(
        "the quote that opens in line {opened} closes in line {closed}, and {rest:?} follows: a quote that is part of a \
         value is written twice, within quotes"
    )
}

/// What a line `sep=;` says.
fn told_delimiter(line: &[u8]) -> Option<u8> {
    let line = line.trim_ascii();
    let line = line.strip_prefix(b"\"").and_then(|line| line.strip_suffix(b"\"")).unwrap_or(line);
    match line {
        [s, e, p, b'=', delimiter] if [*s, *e, *p].eq_ignore_ascii_case(b"sep") => Some(*delimiter),
        _ => None,
    }
}

/// The separator that the first line has most of.
fn likely_delimiter(line: &[u8]) -> u8 {
    let count = |delimiter: u8| line.iter().filter(|byte| **byte == delimiter).count();
    // The last of equals wins with max_by_key: the comma, where the line has none of them.
    [b'|', b'\t', b';', b','].into_iter().max_by_key(|delimiter| count(*delimiter)).unwrap_or(b',')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::CsvRecords;

    fn read(text: &[u8]) -> Vec<String> {
        let mut records = CsvRecords::new(text, None).expect("memory can be read");
        let mut found = Vec::new();
        while let Some(record) = records.next().expect("memory can be read") {
            let values: Vec<_> =
                record.values.iter().map(|value| String::from_utf8_lossy(value).into_owned()).collect();
            let problem = record.problem.map_or(String::new(), |(place, problem)| {
                format!(" ! {place}: {}", problem.split(": ").next().unwrap_or_default())
            });
            found.push(format!("{}: {}{problem}", record.line, values.join("|")));
        }
        found
    }

    #[test]
    fn records() {
        let check = |text: &str, expected: &[&str]| assert_eq!(read(text.as_bytes()), expected, "{text:?}");
        check("a,b\n1,2", &["1: a|b", "2: 1|2"]);
        check("\n  \na;b\r\n\r\n1;\r\n", &["3: a|b", "5: 1|"]);
        check("a,b\r1,\"2\r3\"\r4,5\r", &["1: a|b", "2: 1|2\r3", "4: 4|5"]);
        check("a,b\n\"x \"\"y\"\"\", \"z\"\n", &["1: a|b", "2: x \"y\"| \"z\""]);
        check("a,b\n\"1\" ,5\" pipe\n,\n", &["1: a|b", "2: 1|5\" pipe", "3: |"]);
        check("sep=;\na;b,c\n1;2\n", &["2: a|b,c", "3: 1|2"]);
        check("\"SEP=|\"\r\na|b\r\n", &["2: a|b"]);
        check("sep=,x\n1,2\n", &["1: sep=|x", "2: 1|2"]);
        check("", &[]);
        check(" \n\n", &[]);
    }

    #[test]
    fn a_quote_spoils_its_line_and_no_other() {
        let check = |text: &str, expected: &[&str]| assert_eq!(read(text.as_bytes()), expected, "{text:?}");
        check(
            "a,b\n1,\"open\n3,4\n5,6\n",
            &[
                "1: a|b",
                "2: 1|\"open ! 1: the quote that opens in line 2 is never closed",
                "3: 3|4",
                "4: 5|6",
            ],
        );
        check(
            "a,b\n1,\"open\n3,\"four\"\n5,6\n",
            &[
                "1: a|b",
                "2: 1|\"open ! 1: the quote that opens in line 2 closes in line 3, and \"four\\\"\" follows",
                "3: 3|four",
                "4: 5|6",
            ],
        );
        check(
            "a,b,c\n1,\"two\nlines\",\"x\n3,4,5\n",
            &[
                "1: a|b|c",
                "2: 1|\"two ! 2: the quote that opens in line 3 is never closed",
                "3: lines\"|\"x ! 1: the quote that opens in line 3 is never closed",
                "4: 3|4|5",
            ],
        );
        let long = format!("a,b\n1,\"{}\n3,4\n", "x".repeat(1 << 20));
        let found = read(long.as_bytes());
        assert!(found[1].contains("! 0: the row has more than 1048576 bytes"), "{}", &found[1][1 << 20..]);
        assert_eq!(found[2], "3: 3|4");
        let many = format!("a,b\n1,\"x\n{}", "3,4\n".repeat(300_000));
        assert_eq!(read(many.as_bytes()).len(), 300_002);
    }

    #[test]
    fn a_row_keeps_its_bytes() {
        let check = |text: &[u8], expected: &[(&[u8], &[u8])]| {
            let mut records = CsvRecords::new(text, Some(b',')).unwrap();
            let mut found = Vec::new();
            while let Some(record) = records.next().unwrap() {
                found.push((record.raw.clone(), record.raw[record.third..].to_vec()));
            }
            let expected: Vec<_> = expected.iter().map(|(raw, rest)| (raw.to_vec(), rest.to_vec())).collect();
            assert_eq!(found, expected);
        };
        check(
            b"a, \"b\" ,c\r\n\"1\n2\",\"3\n4\",\"5\n6\",7\n8,9",
            &[(b"a, \"b\" ,c", b"c"), (b"\"1\n2\",\"3\n4\",\"5\n6\",7", b"\"5\n6\",7"), (b"8,9", b"")],
        );
        check(b"1,2,\"open\n3\xff,4,\n", &[(b"1,2,\"open", b"\"open"), (b"3\xff,4,", b"")]);
        check(b"1,\"open\n3,4\n", &[(b"1,\"open", b""), (b"3,4", b"")]);
    }

    proptest! {
        /// What the csv crate writes is read as it was, whatever is in the values.
        #[test]
        fn what_is_written_is_read(
            rows in prop::collection::vec(prop::collection::vec("[a,;\"\n\r ]{0,6}", 2..=2), 0..6)
        ) {
            let mut writer = csv::Writer::from_writer(Vec::new());
            writer.write_record(["x", "y"]).unwrap();
            rows.iter().for_each(|row| writer.write_record(row).unwrap());
            let text = writer.into_inner().unwrap();
            let mut records = CsvRecords::new(&text[..], None).unwrap();
            records.next().unwrap();
            let mut found = Vec::new();
            while let Some(record) = records.next().unwrap() {
                prop_assert_eq!(record.problem, None);
                found.push(record.values.into_iter().map(|v| String::from_utf8(v).unwrap()).collect::<Vec<_>>());
            }
            prop_assert_eq!(found, rows);
        }
    }
}
