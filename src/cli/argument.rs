//! Arguments that may be long: `@FILE` is the text of a file, `-` what stdin has.

use std::{
    fs,
    io::{self, Read as _},
    path::Path,
};

use super::failure::Failure;

/// The text that an argument means.
pub(super) fn text_of(flag: &str, argument: &str) -> Result<String, Failure> {
    if argument == "-" {
        let mut text = String::new();
        io::stdin()
            .read_to_string(&mut text)
            .map_err(|error| Failure::file(format!("{flag}: reading stdin"), error))?;
        return Ok(text);
    }
    match argument.strip_prefix('@') {
        Some(path) => read_text(path),
        None => Ok(argument.to_owned()),
    }
}

/// The text of a file, without the mark that some editors put before it and nobody sees.
pub(super) fn read_text(path: &str) -> Result<String, Failure> {
    let text = fs::read_to_string(path).map_err(|error| Failure::file(format!("reading {path}"), error))?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// The bytes of a file.
pub(super) fn read_bytes(path: &str) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| Failure::file(format!("reading {path}"), error))
}

/// A path as it is typed into a shell.
pub(super) fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |letter: char| letter.is_alphanumeric() || "/._-+,:@%".contains(letter);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text;
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::quoted;

    #[test]
    fn paths_are_typed_as_a_shell_takes_them() {
        let check = |path: &str, expected: &str| assert_eq!(quoted(Path::new(path)), expected);
        check("merit-data/a.b", "merit-data/a.b");
        check("my data", "'my data'");
        check("it's", "'it'\\''s'");
        check("$HOME;x", "'$HOME;x'");
        check("", "''");
    }
}
