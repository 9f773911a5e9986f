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
    /// What the plugin is called: lower-case letters, digits and hyphens, 57 at most. The folder has this name.
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

/// What a repository of plugins leaves out. Without its dot where it is kept here.
const IGNORED: Template = (".gitignore", include_str!("../../../plugins/examples/gitignore"));

/// The longest name: revisions are named `{name}-{number}`, in 63 characters.
const LONGEST_NAME: usize = 57;

/// Packages that a Rust plugin's own is taken for: those that its code names.
const TAKEN_IN_RUST: [&str; 4] = ["merit-sdk", "alloc", "core", "std"];

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
                example!("javascript", "merit.js"),
                example!("javascript", "package.json"),
                example!("javascript", "README.md"),
                CONTRACT,
            ],
            Self::Python => vec![
                example!("python", "app.py"),
                example!("python", "merit.py"),
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
        files.extend([CASES, IGNORED]);
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
    check_name(name, arguments.lang)
        .map_err(|what| Failure::Usage(format!("{name:?} cannot be the name: {what}")))?;
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

/// Holds the name to what can be published, and built.
fn check_name(name: &str, language: Language) -> Result<(), String> {
    let fine = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if !name.starts_with(|first: char| first.is_ascii_lowercase())
        || !name.bytes().all(fine)
        || name.ends_with('-')
    {
        return Err("lower-case letters, digits and hyphens are accepted, as in north-bonus".to_owned());
    }
    if name.len() > LONGEST_NAME {
        let length = name.len();
        return Err(format!("it has {length} characters, and at most {LONGEST_NAME} can be published"));
    }
    if language == Language::Rust && TAKEN_IN_RUST.contains(&name) {
        return Err("a plugin in Rust is built with a package of that name; give another".to_owned());
    }
    Ok(())
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

    use super::{Language, check_name};

    #[test]
    fn a_name_is_one_that_can_be_published_and_built() {
        let check = |name: &str, language: Language, expected: Result<(), &str>| {
            let told = check_name(name, language);
            match (&told, expected) {
                (Err(told), Err(expected)) => assert!(told.contains(expected), "{name}: {told}"),
                (told, expected) => assert_eq!(told.is_ok(), expected.is_ok(), "{name}: {told:?}"),
            }
        };
        check("north-bonus", Language::C, Ok(()));
        check(&"n".repeat(57), Language::C, Ok(()));
        check(&"n".repeat(58), Language::C, Err("it has 58 characters, and at most 57 can be published"));
        check("North", Language::C, Err("lower-case letters, digits and hyphens"));
        check("bonus-", Language::C, Err("lower-case letters, digits and hyphens"));
        check("", Language::C, Err("lower-case letters, digits and hyphens"));
        check("merit-sdk", Language::Rust, Err("a package of that name"));
        check("alloc", Language::Rust, Err("a package of that name"));
        check("merit-sdk", Language::C, Ok(()));
    }

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
            assert!(text(".gitignore").expect("it says what is made again").contains("*.wasm"));
            for (path, text) in &files {
                assert!(!text.is_empty() && !text.contains("../../sdk"), "{path}");
            }
        }
        let rust = Language::Rust.project("north-bonus");
        assert!(rust.iter().any(|file| file.0 == "merit-sdk/src/bindings.rs"));
        assert!(rust[0].1.contains("name = \"north-bonus\"") && rust[0].1.contains("path = \"merit-sdk\""));
    }
}
