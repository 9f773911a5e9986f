//! The file of rejected rows: each as it was, in the order of the file that it came from, with its line and the reason
//! before it (`marks`). It takes its place when all is done, so that one before it is there until then.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, BufReader, BufWriter, Read, Seek as _, Write},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

use super::{
    marks::{marked_csv, marked_json},
    row::Row,
    rows::{Form, Layout},
};

/// How the names of such files go on before the end that tells the form.
const MARK: &str = ".rejected";

/// Rows that were rejected.
#[derive(Debug)]
pub struct RejectedFile {
    path: PathBuf,
    layout: Layout,
    /// What takes the place in the end: made at once, so that a place that cannot be written is known before anything is sent.
    target: NamedTempFile,
    /// Rows as they come: a line number and a length, and the bytes.
    spool: BufWriter<File>,
    last: u64,
    /// Rows of lines before the last one.
    late: BTreeMap<u64, Vec<u8>>,
    rows: u64,
}

// === impl RejectedFile ===

impl RejectedFile {
    /// Where the rejected rows of a file go: beside it, `FILE.rejected.csv`; what is still rejected of such a file itself, in
    /// its own place, unless it has to stay as it is.
    #[must_use]
    pub fn place(file: &Path, form: Form, stays: bool) -> PathBuf {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let end = file.extension().and_then(|end| end.to_str()).filter(|_| Form::of(file) == Some(form));
        let end = end.unwrap_or(match form {
            Form::Csv => "csv",
            Form::JsonLines => "jsonl",
        });
        if !stays && name.ends_with(&format!("{MARK}.{end}")) {
            return file.to_owned();
        }
        file.with_file_name(format!("{name}{MARK}.{end}"))
    }

    /// The file of this name, for rows of a file of this layout. Nothing is there before `finish`.
    ///
    /// # Errors
    /// That nothing can be written there.
    pub fn new(path: &Path, layout: Layout) -> io::Result<Self> {
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let target = tempfile::Builder::new()
            .prefix(".merit-rejected-")
            // As of any file that is made, not as of one for its maker alone; the umask counts.
            .permissions(fs::Permissions::from_mode(0o666))
            .tempfile_in(directory.unwrap_or(Path::new(".")))?;
        let spool = BufWriter::new(tempfile::tempfile()?);
        let (path, late) = (path.to_owned(), BTreeMap::new());
        Ok(Self { path, layout, target, spool, last: 0, late, rows: 0 })
    }

    /// Where the file is to be.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a row.
    ///
    /// # Errors
    /// That it cannot be written.
    pub fn add(&mut self, row: &Row, reason: &str) -> io::Result<()> {
        let bytes = match self.layout.form {
            Form::Csv => marked_csv(row.origin, reason, self.layout.delimiter, &row.raw),
            Form::JsonLines => marked_json(row.origin, reason, &row.raw),
        };
        self.rows += 1;
        if row.line < self.last {
            self.late.entry(row.line).or_default().extend_from_slice(&bytes);
            return Ok(());
        }
        self.last = row.line;
        self.spool.write_all(&row.line.to_le_bytes())?;
        self.spool.write_all(&(bytes.len() as u64).to_le_bytes())?;
        self.spool.write_all(&bytes)
    }

    /// Puts the file in its place, and answers how many rows it has. Where there is none, one that was there is removed: what
    /// it had is in, or was never of this file.
    ///
    /// # Errors
    /// That it cannot be written.
    pub fn finish(self) -> io::Result<u64> {
        if self.rows == 0 {
            return match fs::remove_file(&self.path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(0),
            };
        }
        let mut out = BufWriter::new(self.target.as_file());
        out.write_all(&self.layout.head)?;
        let mut spool = self.spool.into_inner().map_err(io::IntoInnerError::into_error)?;
        spool.rewind()?;
        let mut spool = BufReader::new(spool);
        let mut late = self.late.into_iter().peekable();
        while let Some((line, bytes)) = next(&mut spool)? {
            while let Some((_, before)) = late.next_if(|(before, _)| *before < line) {
                out.write_all(&before)?;
            }
            out.write_all(&bytes)?;
        }
        // What comes late is of lines before the last: nothing is left here.
        late.try_for_each(|(_, bytes)| out.write_all(&bytes))?;
        out.flush()?;
        drop(out);
        self.target.persist(&self.path).map_err(|error| error.error)?;
        Ok(self.rows)
    }
}

/// The next row of a spool.
fn next(spool: &mut impl Read) -> io::Result<Option<(u64, Vec<u8>)>> {
    let mut head = [0; 16];
    match spool.read_exact(&mut head) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    let [line, length] = [0, 8].map(|at| {
        let mut number = [0; 8];
        number.copy_from_slice(&head[at..at + 8]);
        u64::from_le_bytes(number)
    });
    let mut bytes = vec![0; length as usize];
    spool.read_exact(&mut bytes)?;
    Ok(Some((line, bytes)))
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Cursor, path::Path};

    use super::{Form, RejectedFile};
    use crate::transfer::Rows;

    /// Rejects these lines of a file, in this order, for `no <line>`, and reads what is in the rejected file then.
    fn reject(file: &[u8], form: Form, lines: &[u64]) -> Vec<u8> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("rejected");
        let rows = Rows::open(Box::new(Cursor::new(file.to_vec())), Some(form), None).unwrap();
        let mut rejected = RejectedFile::new(&path, rows.layout()).unwrap();
        let rows: Vec<_> = rows.map(|row| row.unwrap()).collect();
        for line in lines {
            let row = rows.iter().find(|row| row.line == *line).unwrap();
            rejected.add(row, &format!("no {line}")).unwrap();
        }
        assert!(!path.exists(), "nothing is there before the end");
        assert_eq!(rejected.finish().unwrap(), lines.len() as u64);
        fs::read(path).unwrap()
    }

    #[test]
    fn rejected_rows_are_as_they_were() {
        let check = |file: &[u8], form: Form, lines: &[u64], expected: &[u8]| {
            let text = reject(file, form, lines);
            assert_eq!(text, expected, "{}", String::from_utf8_lossy(&text));
            // What is read again is what was read before, and is told of as of the same lines.
            let again = Rows::open(Box::new(Cursor::new(text.clone())), Some(form), None).unwrap();
            let origins: Vec<u64> = again.map(|row| row.unwrap().origin).collect();
            let mut sorted = lines.to_vec();
            sorted.sort_unstable();
            assert_eq!(origins, sorted);
            let again = Rows::open(Box::new(Cursor::new(text.clone())), Some(form), None).unwrap();
            let places: Vec<u64> = again.map(|row| row.unwrap().line).collect();
            let renamed = |text: &[u8]| String::from_utf8_lossy(text).replace("no ", "");
            // Rejected a second time, for other reasons: the same rows, with one pair of marks each.
            let twice = reject(&text, form, &places);
            assert_eq!(renamed(&twice).lines().count(), renamed(&text).lines().count());
        };
        check(
            b"\xef\xbb\xbfa;b\r\n\"x; y\";1\r\nz\r\np;q;r\r\n1;\"2\r\nCaf\xe9;4\r\n",
            Form::Csv,
            &[2, 3, 5, 6, 4],
            b"\xef\xbb\xbf_line;_reason;a;b\n2;no 2;\"x; y\";1\n3;no 3;z\n4;no 4;p;q;r\n5;no 5;1;\"2\n6;no 6;Caf\xe9;4\n",
        );
        check(
            b"sep=|\na,c|b\n1|2\n3|4\n",
            Form::Csv,
            &[4, 3],
            b"sep=|\n_line|_reason|a,c|b\n3|no 3|1|2\n4|no 4|3|4\n",
        );
        check(
            b"{\"b\": 1.50}\n\n[1]\n{\n{\"a\": \"\xe9\"}\n",
            Form::JsonLines,
            &[1, 3, 4, 5],
            b"{\"_line\":1,\"_reason\":\"no 1\",\"b\": 1.50}\n{\"_line\":3,\"_reason\":\"no 3\"}\n[1]\n\
              {\"_line\":4,\"_reason\":\"no 4\"}\n{\n{\"_line\":5,\"_reason\":\"no 5\"}\n{\"a\": \"\xe9\"}\n",
        );
    }

    #[test]
    fn one_of_an_earlier_import_stays_until_the_end() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("deals.csv.rejected.csv");
        fs::write(&path, "mended").unwrap();
        let rows = Rows::open(Box::new(Cursor::new("a\n1\n")), Some(Form::Csv), None).unwrap();
        drop(RejectedFile::new(&path, rows.layout()).unwrap());
        assert_eq!(fs::read_to_string(&path).unwrap(), "mended");
        assert_eq!(RejectedFile::new(&path, rows.layout()).unwrap().finish().unwrap(), 0);
        let left: Vec<_> = fs::read_dir(directory.path()).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
        assert!(RejectedFile::new(&directory.path().join("not-there/x.csv"), rows.layout()).is_err());
    }

    #[test]
    fn places() {
        let check = |file: &str, form: Form, stays: bool, expected: &str| {
            assert_eq!(RejectedFile::place(Path::new(file), form, stays), Path::new(expected));
        };
        check("a/deals.csv", Form::Csv, false, "a/deals.csv.rejected.csv");
        check("deals.tsv", Form::Csv, false, "deals.tsv.rejected.tsv");
        check("deals.txt", Form::Csv, false, "deals.txt.rejected.csv");
        check("deals.ndjson", Form::JsonLines, false, "deals.ndjson.rejected.ndjson");
        check("stdin", Form::JsonLines, false, "stdin.rejected.jsonl");
        check("deals.csv.rejected.csv", Form::Csv, false, "deals.csv.rejected.csv");
        check("deals.csv.rejected.csv", Form::Csv, true, "deals.csv.rejected.csv.rejected.csv");
    }
}
