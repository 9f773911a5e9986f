//! The file that a command writes: there when it is whole, and until then what was there before.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

use super::failure::Failure;

/// A file to be written, or standard output.
pub(super) struct OutFile {
    /// Where it goes; nothing for standard output.
    path: Option<PathBuf>,
    target: Target,
}

enum Target {
    Stdout,
    /// Something that is no file, and is written to as it is: a pipe, a device.
    Straight(File),
    /// Takes the place of the file in the end.
    Beside(NamedTempFile),
}

// === impl OutFile ===

impl OutFile {
    /// A file of this name; `-` and nothing are standard output.
    pub(super) fn create(path: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = path.filter(|path| path.as_os_str() != "-") else {
            return Ok(Self { path: None, target: Target::Stdout });
        };
        let failed = |error| Failure::file(format!("creating {}", path.display()), error);
        // A link stays one.
        let place = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let target = match fs::metadata(&place) {
            Ok(about) if about.is_dir() => return Err(failed(io::ErrorKind::IsADirectory.into())),
            Ok(about) if !about.is_file() => {
                Target::Straight(File::options().write(true).open(&place).map_err(failed)?)
            }
            _ => Target::Beside(beside(&place).map_err(failed)?),
        };
        Ok(Self { path: Some(place), target })
    }

    /// Whether it is standard output.
    pub(super) fn is_stdout(&self) -> bool {
        matches!(self.target, Target::Stdout)
    }

    /// What is written to.
    pub(super) fn writer(&self) -> Result<Box<dyn Write>, Failure> {
        let file = match &self.target {
            Target::Stdout => return Ok(Box::new(io::stdout())),
            Target::Straight(file) => file.try_clone(),
            Target::Beside(file) => file.as_file().try_clone(),
        };
        let file = file.map_err(|error| Failure::file("writing the file", error))?;
        Ok(Box::new(file))
    }

    /// Puts the file in its place, and answers where that is.
    pub(super) fn finish(self) -> Result<Option<PathBuf>, Failure> {
        if let (Target::Beside(file), Some(path)) = (self.target, &self.path) {
            file.persist(path)
                .map_err(|error| Failure::file(format!("writing {}", path.display()), error.error))?;
        }
        Ok(self.path)
    }
}

/// A file in the same directory, with what it may be read and written by.
fn beside(path: &Path) -> io::Result<NamedTempFile> {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let before = fs::metadata(path).map(|about| about.permissions());
    let permissions = before.unwrap_or_else(|_| fs::Permissions::from_mode(0o666));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".merit-").permissions(permissions);
    builder.tempfile_in(directory.unwrap_or(Path::new(".")))
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::OutFile;

    #[test]
    fn what_was_there_is_there_until_the_end() {
        let directory = tempfile::tempdir().unwrap();
        let (path, link) = (directory.path().join("x.csv"), directory.path().join("link.csv"));
        let text = || fs::read_to_string(&path).unwrap();
        fs::write(&path, "before").unwrap();
        std::os::unix::fs::symlink("x.csv", &link).unwrap();
        let file = OutFile::create(Some(&link)).unwrap();
        file.writer().unwrap().write_all(b"after").unwrap();
        assert_eq!(text(), "before");
        drop(file);
        assert_eq!(text(), "before");
        let file = OutFile::create(Some(&link)).unwrap();
        file.writer().unwrap().write_all(b"after").unwrap();
        file.finish().unwrap();
        assert_eq!(text(), "after");
        assert!(link.is_symlink());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2, "nothing is left beside them");
        assert!(OutFile::create(Some(Path::new("-"))).unwrap().is_stdout());
        assert!(OutFile::create(Some(directory.path())).is_err());
        let device = OutFile::create(Some(Path::new("/dev/null"))).unwrap();
        device.writer().unwrap().write_all(b"x").unwrap();
        assert_eq!(device.finish().unwrap().as_deref(), Some(Path::new("/dev/null")));
    }
}
