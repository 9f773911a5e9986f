//! The standard plugins are the build of their sources: the record beside them says of which. That the build
//! gives these bytes is checked by `plugins/standard/build.sh --check`, which needs a compiler for Wasm.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::sources::{collect, text, top};

const BUILT: &str = "plugins/standard/built";
const MEND: &str = "run plugins/standard/build.sh and commit what it writes";

#[test]
fn components_are_those_of_the_record() {
    let record = record("COMPONENTS.sha256");
    assert!(!record.is_empty());
    for (name, recorded) in record {
        assert_eq!(hash(&format!("{BUILT}/{name}")), recorded, "{name}: {MEND}");
    }
}

#[test]
fn sources_are_those_of_the_record() {
    let record = record("SOURCES.sha256");
    let stale: Vec<&String> =
        record.iter().filter(|(path, recorded)| hash(path) != **recorded).map(|(path, _)| path).collect();
    assert!(stale.is_empty(), "changed since the components were built: {stale:#?}; {MEND}");

    let mut paths = Vec::new();
    for folder in ["plugins/expression/src", "plugins/sdk/src", "plugins/wit"] {
        collect(&top().join(folder), &mut paths);
    }
    let unrecorded: Vec<String> = paths
        .iter()
        .map(|path| path.strip_prefix(top()).expect("below the top").display().to_string())
        .filter(|path| !path.ends_with("tests.rs") && !path.contains("/tests/") && !path.ends_with(".md"))
        .filter(|path| !record.contains_key(path))
        .collect();
    assert!(unrecorded.is_empty(), "new since the components were built: {unrecorded:#?}; {MEND}");
}

#[test]
fn dependencies_are_those_of_the_record() {
    let lock = text("Cargo.lock");
    for line in text(&format!("{BUILT}/DEPENDENCIES")).lines().filter(|line| !line.starts_with("merit-")) {
        let (name, version) = line.split_once(' ').expect("a name and a version");
        let entry = format!("name = \"{name}\"\nversion = \"{version}\"");
        assert!(lock.contains(&entry), "the components were built with {line}; {MEND}");
    }
}

/// A file as `sha256sum` writes it, by path.
fn record(name: &str) -> BTreeMap<String, String> {
    let text = text(&format!("{BUILT}/{name}"));
    let entry = |line: &str| line.split_once("  ").map(|(hash, path)| (path.to_owned(), hash.to_owned()));
    text.lines().filter_map(entry).collect()
}

fn hash(path: &str) -> String {
    let bytes = std::fs::read(top().join(path)).unwrap_or_default();
    Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
