//! `merit plugin new`: a folder with a plugin that builds and passes its cases, in the language asked for. What is in it
//! are the examples of `plugins/examples`, with another name.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};

use crate::cli::{failure::Failure, output::print_line};

#[derive(Debug, Args)]
pub(super) struct NewArguments {
    /// The language.
    #[arg(long, value_enum, value_name = "LANGUAGE")]
    lang: Language,
    /// What the plugin is called: lower-case letters, digits and hyphens. The folder has this name.
    name: String,
    /// Where to make the folder [default: here].
    #[arg(long, value_name = "DIRECTORY", default_value = ".")]
    directory: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Language {
    Rust,
    #[value(alias = "javascript")]
    Js,
    Python,
    C,
    Assemblyscript,
    Formula,
}

/// A file of a template: its path, and its text.
type Template = (&'static str, &'static str);

/// A file of an example.
macro_rules! example {
    ($folder:literal, $path:literal) => {
        ($path, include_str!(concat!("../../../plugins/examples/", $folder, "/", $path)))
    };
}

const CASES: Template = ("cases.toml", include_str!("../../../plugins/examples/cases.toml"));
const CONTRACT: Template = ("wit/scoring.wit", include_str!("../../../plugins/wit/1.0.0/scoring.wit"));

/// The SDK, as the plugin's own copy: it is on no registry. Listed by the build script.
const SDK: &[Template] = include!(concat!(env!("OUT_DIR"), "/sdk_files.rs"));

/// How the example names the SDK, and how its copy is named.
const SDK_PATHS: (&str, &str) = ("../../sdk", "merit-sdk");

/// What the examples are called, in the manifests of their languages.
const EXAMPLE: &str = "\"commission\"";

// === impl Language ===

impl Language {
    fn files(self) -> Vec<Template> {
        let mut files = match self {
            Self::Rust => {
                vec![
                    example!("rust", "Cargo.toml"),
                    example!("rust", "src/lib.rs"),
                    example!("rust", "README.md"),
                ]
            }
            Self::Js => vec![
                example!("javascript", "plugin.js"),
                example!("javascript", "package.json"),
                example!("javascript", "README.md"),
                CONTRACT,
            ],
            Self::Python => vec![
                example!("python", "app.py"),
                example!("python", "requirements.txt"),
                example!("python", "README.md"),
                CONTRACT,
            ],
            Self::C => vec![example!("c", "plugin.c"), example!("c", "merit.h"), example!("c", "README.md")],
            Self::Assemblyscript => vec![
                example!("assemblyscript", "plugin.ts"),
                example!("assemblyscript", "merit.ts"),
                example!("assemblyscript", "package.json"),
                example!("assemblyscript", "README.md"),
            ],
            Self::Formula => vec![example!("formula", "plugin.formula"), example!("formula", "README.md")],
        };
        files.push(CASES);
        files
    }

    /// The files of a plugin of this name.
    fn project(self, name: &str) -> Vec<(String, String)> {
        // Only the manual and the manifests have a name in them: code stays as it is tested.
        let named = |(path, text): Template| {
            let text = match path {
                "README.md" => text.replace("NAME", name).replace("MODULE", &name.replace('-', "_")),
                "package.json" | "Cargo.toml" => {
                    text.replace(EXAMPLE, &format!("{name:?}")).replace(SDK_PATHS.0, SDK_PATHS.1)
                }
                _ => text.to_owned(),
            };
            (path.to_owned(), text)
        };
        let mut files: Vec<(String, String)> = self.files().into_iter().map(named).collect();
        if self == Self::Rust {
            files.extend(
                SDK.iter().map(|(path, text)| (format!("{}/{path}", SDK_PATHS.1), (*text).to_owned())),
            );
        }
        files
    }
}

/// Makes the folder.
pub(super) fn run(arguments: &NewArguments) -> Result<(), Failure> {
    let name = &arguments.name;
    let fine = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if !name.starts_with(|first: char| first.is_ascii_lowercase())
        || !name.bytes().all(fine)
        || name.ends_with('-')
    {
        return Err(Failure::Usage(format!(
            "{name:?} cannot be the name: lower-case letters, digits and hyphens are accepted, as in north-bonus"
        )));
    }
    let folder = arguments.directory.join(name);
    fs::create_dir(&folder).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            Failure::Usage(format!("{} is there already: give another name", folder.display()))
        }
        _ => Failure::file(format!("making {}", folder.display()), error),
    })?;
    for (path, text) in arguments.lang.project(name) {
        write(&folder.join(path), &text)?;
    }
    print_line(&format!("{} is made; its README.md says how it is built and tested", folder.display()))
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error| Failure::file(format!("writing {}", path.display()), error);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    fs::write(path, text).map_err(failed)
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::Language;

    #[test]
    fn languages_have_the_names_that_people_call_them() {
        assert_eq!(Language::from_str("javascript", false), Ok(Language::Js));
        assert_eq!(Language::from_str("js", false), Ok(Language::Js));
    }

    #[test]
    fn a_project_is_named_and_whole() {
        for language in Language::value_variants() {
            let files = language.project("north-bonus");
            let text = |path: &str| files.iter().find(|file| file.0 == path).map(|file| file.1.as_str());
            let readme = text("README.md").expect("it says how to go on");
            assert!(
                readme.starts_with("# north-bonus\n") && readme.contains("merit plugin test"),
                "{readme}"
            );
            assert!(!readme.contains("NAME") && !readme.contains("MODULE"), "{readme}");
            assert!(text("cases.toml").expect("it has cases").contains("[[case]]"));
            for (path, text) in &files {
                assert!(!text.is_empty() && !text.contains("../../sdk"), "{path}");
            }
        }
        let rust = Language::Rust.project("north-bonus");
        assert!(rust.iter().any(|file| file.0 == "merit-sdk/src/bindings.rs"));
        assert!(rust[0].1.contains("name = \"north-bonus\"") && rust[0].1.contains("path = \"merit-sdk\""));
    }
}
