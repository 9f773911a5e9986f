//! The files of the project, as text and parsed.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A Rust file.
pub struct Source {
    /// The path from the top of the project.
    pub path: PathBuf,
    /// The text.
    pub text: String,
    /// The text, parsed.
    pub syntax: syn::File,
}

/// The top of the project.
pub fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file of the project, as text.
pub fn text(path: &str) -> String {
    fs::read_to_string(top().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The Rust files below some folders, by path; generated ones are left out.
pub fn rust(folders: &[&str]) -> Vec<Source> {
    let mut paths = Vec::new();
    for folder in folders {
        collect(&top().join(folder), &mut paths);
    }
    paths.retain(|path| path.extension().is_some_and(|end| end == "rs") && !path.ends_with("bindings.rs"));
    paths.sort();
    paths.into_iter().map(|path| parse(&path)).collect()
}

/// Every file below a folder.
pub fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.expect("the folder can be read").path();
        match path.is_dir() {
            true if path.ends_with("target") => {}
            true => collect(&path, paths),
            false => paths.push(path),
        }
    }
}

fn parse(path: &Path) -> Source {
    let text = fs::read_to_string(path).expect("the file can be read");
    let syntax = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let path = path.strip_prefix(top()).expect("it is below the top").to_owned();
    Source { path, text, syntax }
}

/// The rows of a table of a document: those below the header line that begins so, each cell trimmed.
pub fn table(document: &str, header: &str) -> Vec<Vec<String>> {
    let text = text(document);
    let mut lines = text.lines().skip_while(|line| !line.starts_with(header));
    assert!(lines.next().is_some(), "{document} has no table that begins {header}");
    let rows = lines.skip(1).take_while(|line| line.starts_with('|'));
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
    rows.map(cells).collect()
}
