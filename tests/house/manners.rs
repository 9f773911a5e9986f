//! How things are written: lengths, first lines, words that say that something is not done.

use std::fmt::Write as _;

use syn::{spanned::Spanned, visit::Visit};

use crate::sources::{Source, rust};

/// Longer is two files.
const FILE_LINES: usize = 500;
/// Longer is two functions.
const FUNCTION_LINES: usize = 70;
const FOLDERS: &[&str] = &["src", "plugins", "tests", "benches"];

#[test]
fn files_say_what_they_are() {
    let offences: Vec<String> = rust(FOLDERS)
        .iter()
        .filter(|source| !source.text.starts_with("//!") && !source.text.starts_with("#!"))
        .map(|source| source.path.display().to_string())
        .collect();
    assert!(offences.is_empty(), "these do not begin with //! and what they are: {offences:#?}");
}

#[test]
fn nothing_is_too_long() {
    let mut offences = String::new();
    for source in rust(FOLDERS) {
        let lines = source.text.lines().count();
        if lines > FILE_LINES {
            writeln!(offences, "{}: {lines} lines, {FILE_LINES} are allowed", source.path.display())
                .expect("fits");
        }
        let mut functions = Functions { source: &source, offences: &mut offences };
        functions.visit_file(&source.syntax);
    }
    assert!(offences.is_empty(), "\n{offences}");
}

#[test]
fn nothing_is_called_done_that_is_not() {
    // Put together here, so that this file does not offend itself.
    let words = [
        concat!("todo", "!("),
        concat!("unimplemented", "!("),
        concat!("#[ign", "ore"),
        concat!("FIX", "ME"),
        concat!("XX", "X"),
        concat!("for n", "ow"),
        concat!("place", "holder"),
        concat!("HA", "CK"),
    ];
    let mut offences = String::new();
    for source in rust(FOLDERS) {
        for (index, line) in source.text.lines().enumerate() {
            for word in words.iter().filter(|word| line.contains(**word)) {
                writeln!(offences, "{}:{}: {word}", source.path.display(), index + 1).expect("fits");
            }
        }
    }
    assert!(offences.is_empty(), "\n{offences}");
}

struct Functions<'a> {
    source: &'a Source,
    offences: &'a mut String,
}

// === impl Functions ===

impl Functions<'_> {
    fn check(&mut self, name: &syn::Ident, block: &syn::Block) {
        let span = block.span();
        let lines = span.end().line - span.start().line + 1;
        if lines > FUNCTION_LINES {
            let (path, line) = (self.source.path.display(), span.start().line);
            writeln!(self.offences, "{path}:{line}: {name} has {lines} lines, {FUNCTION_LINES} are allowed")
                .expect("fits");
        }
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.check(&item.sig.ident, &item.block);
        syn::visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.check(&item.sig.ident, &item.block);
        syn::visit::visit_impl_item_fn(self, item);
    }
}
