//! The file of rejected rows beside the file they came from: the row as it was, its line, and why.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use super::rows::Row;

/// Rows that were rejected, as a CSV file that can be mended and imported again by the same mapping.
#[derive(Debug)]
pub struct RejectedFile {
    path: PathBuf,
    columns: Vec<String>,
    writer: Option<csv::Writer<File>>,
    rows: u64,
}

// === impl RejectedFile ===

impl RejectedFile {
    /// The file beside this one, `FILE.rejected.csv`. It is written when the first row is rejected; one that an earlier
    /// import left is removed, so that what is there is of this import.
    ///
    /// # Errors
    /// That the earlier one cannot be removed.
    pub fn beside(file: &Path, columns: &[String], json_lines: bool) -> io::Result<Self> {
        let mut name = file.file_name().unwrap_or_default().to_owned();
        name.push(".rejected.csv");
        let path = file.with_file_name(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let columns = if json_lines { vec!["record".to_owned()] } else { columns.to_vec() };
        Ok(Self { path, columns, writer: None, rows: 0 })
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a row.
    ///
    /// # Errors
    /// That the file cannot be written.
    pub fn add(&mut self, row: &Row, reason: &str) -> io::Result<()> {
        let writer = match &mut self.writer {
            Some(writer) => writer,
            none => {
                let mut writer = csv::WriterBuilder::new()
                    .flexible(true)
                    .from_path(&self.path)
                    .map_err(io::Error::other)?;
                let header = self.columns.iter().map(String::as_str).chain(["line", "reason"]);
                writer.write_record(header).map_err(io::Error::other)?;
                none.insert(writer)
            }
        };
        let line = row.line.to_string();
        let tail = [line.as_str(), reason];
        let width = self.columns.len();
        let written = if row.raw.is_empty() {
            // Line and reason stand in their columns whatever the row: too few values are filled up, and what is too
            // many comes behind.
            let value = |place: usize| row.values.get(place).unwrap_or_default();
            let surplus = width..row.values.len().max(width);
            writer.write_record((0..width).map(value).chain(tail).chain(surplus.map(value)))
        } else {
            writer.write_record([row.raw.as_str()].into_iter().chain(tail))
        };
        self.rows += 1;
        written.map_err(io::Error::other)
    }

    /// Finishes the file, and answers how many rows it has.
    ///
    /// # Errors
    /// That the file cannot be written.
    pub fn finish(mut self) -> io::Result<u64> {
        if let Some(writer) = &mut self.writer {
            writer.flush()?;
        }
        Ok(self.rows)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{RejectedFile, Row};

    #[test]
    fn rejected_rows_stand_beside_the_file() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("deals.csv");
        let mut rejected =
            RejectedFile::beside(&file, &["a".to_owned(), "b".to_owned()], false).expect("nothing to remove");
        let row = |line, values: &[&str]| Row {
            line,
            values: values.to_vec().into(),
            raw: String::new(),
            problem: None,
        };
        rejected.add(&row(2, &["x, y", "1"]), "no \"such\" thing").expect("a row");
        rejected.add(&row(5, &["z"]), "too short").expect("a row");
        rejected.add(&row(6, &["p", "q", "r"]), "too long").expect("a row");
        let path = rejected.path().to_owned();
        assert_eq!(rejected.finish().expect("a file"), 3);
        let text = fs::read_to_string(path).expect("a file");
        let expected =
            "a,b,line,reason\n\"x, y\",1,2,\"no \"\"such\"\" thing\"\nz,,5,too short\np,q,6,too long,r\n";
        assert_eq!(text, expected);
        RejectedFile::beside(&file, &[], false).expect("removed");
        assert!(!directory.path().join("deals.csv.rejected.csv").exists());
    }
}
