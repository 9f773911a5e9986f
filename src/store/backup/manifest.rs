//! The manifest of a backup: a line for each file with its hash and length, and the hash of all that as the last line.

use crate::store::{BlobHash, Mark};

/// What a backup is, by its manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Manifest {
    /// The last record.
    pub mark: Mark,
    /// The files.
    pub files: Vec<Listed>,
}

/// A file of a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    /// Where it is, from the backup's directory: `journal/…` or `blobs/…`.
    pub path: String,
    /// Its length.
    pub bytes: u64,
    /// Its hash.
    pub hash: BlobHash,
}

const TITLE: &str = "merit backup 1";

// === impl Manifest ===

impl Manifest {
    /// As it is written.
    pub fn text(&self) -> String {
        let body = self.body();
        let hash = blake3::hash(body.as_bytes());
        format!("{body}manifest {}\n", hash.to_hex())
    }

    /// Reads one.
    ///
    /// # Errors
    /// In words, what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let read = |text: &str| -> Option<Self> {
            let mut lines = text.lines();
            (lines.next()? == TITLE).then_some(())?;
            let (sequence, hash) = lines.next()?.strip_prefix("sequence ")?.split_once(' ')?;
            let BlobHash(hash) = hash.parse().ok()?;
            let mark = Mark { sequence: sequence.parse().ok()?, hash };
            let mut manifest = Self { mark, files: Vec::new() };
            for line in lines.take_while(|line| !line.starts_with("manifest ")) {
                let mut parts = line.strip_prefix("file ")?.splitn(3, ' ');
                let hash = parts.next()?.parse().ok()?;
                let bytes = parts.next()?.parse().ok()?;
                manifest.files.push(Listed { path: parts.next()?.to_owned(), bytes, hash });
            }
            Some(manifest)
        };
        let manifest = read(text).ok_or("this is no manifest of a backup, or one of another version")?;
        // What is written is a function of what is read: any other byte is damage.
        if manifest.text() != text {
            return Err("the manifest does not have the hash that is its last line".to_owned());
        }
        // A manifest may come from anywhere: it names files of the backup and no others.
        let outside = manifest.files.iter().find(|listed| !is_inside(&listed.path));
        match outside {
            Some(listed) => Err(format!("{:?} is no file of a backup", listed.path)),
            None => Ok(manifest),
        }
    }

    fn body(&self) -> String {
        let mut body = format!("{TITLE}\nsequence {} {}\n", self.mark.sequence, BlobHash(self.mark.hash));
        for Listed { path, bytes, hash } in &self.files {
            body.push_str(&format!("file {hash} {bytes} {path}\n"));
        }
        body
    }
}

/// Whether a path is one folder and one plain name.
fn is_inside(path: &str) -> bool {
    let Some((folder, name)) = path.split_once('/') else { return false };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.';
    matches!(folder, "journal" | "blobs")
        && name.bytes().all(plain)
        && !name.starts_with('.')
        && !name.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(path: &str) -> Manifest {
        let hash = BlobHash([7; 32]);
        Manifest {
            mark: Mark { sequence: 12, hash: hash.0 },
            files: vec![Listed { path: path.to_owned(), bytes: 64, hash }],
        }
    }

    #[test]
    fn what_is_written_is_read() {
        for path in ["journal/00000000000000000001.journal", "blobs/ab"] {
            assert_eq!(Manifest::parse(&manifest(path).text()), Ok(manifest(path)));
        }
    }

    #[test]
    fn a_changed_byte_is_noticed() {
        let text = manifest("blobs/ab").text();
        for place in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[place] ^= 1;
            assert!(Manifest::parse(&String::from_utf8(bytes).unwrap()).is_err(), "byte {place}");
        }
        assert!(Manifest::parse(&text[..text.len() - 1]).is_err());
        assert!(Manifest::parse(&format!("{text}\n")).is_err());
        assert!(Manifest::parse("").is_err());
    }

    #[test]
    fn files_elsewhere_are_refused() {
        for path in ["../x", "blobs/../../x", "/etc/passwd", "blobs/", "blobs/.x", "index/db", "blobs/a/b"] {
            let error = Manifest::parse(&manifest(path).text()).unwrap_err();
            assert!(error.contains("no file of a backup"), "{path}: {error}");
        }
    }
}
