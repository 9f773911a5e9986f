//! Who may know whom: every path that begins with `crate` or with a dependency, held against the table.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::Visit;

use crate::sources::{Source, rust, table, text, top};

/// A row of the table.
struct Room {
    may_use: BTreeSet<String>,
    outside: BTreeSet<String>,
}

#[test]
fn arrows_point_down_the_table_only() {
    let rooms = rooms();
    let restricted: BTreeSet<&String> = rooms.values().flat_map(|room| &room.outside).collect();
    let mut offences = Vec::new();
    for source in rust(&["src"]) {
        let Some(name) = room_of(&source) else { continue };
        let Some(room) = rooms.get(&name) else {
            offences
                .push(format!("{}: {name} is not in the table of ARCHITECTURE.md", source.path.display()));
            continue;
        };
        let used = Used::by(&source);
        for inside in used.inside {
            // The generated contract belongs to everybody.
            let known = rooms.contains_key(&inside) || top().join("src").join(&inside).is_dir();
            if known && inside != name && inside != "proto" && !room.may_use.contains(&inside) {
                offences.push(format!("{}: {name} may not use {inside}", source.path.display()));
            }
        }
        for outside in used.outside {
            if restricted.contains(&outside) && !room.outside.contains(&outside) {
                offences.push(format!("{}: {name} may not use the crate {outside}", source.path.display()));
            }
        }
    }
    assert!(offences.is_empty(), "\n{}", offences.join("\n"));
}

#[test]
fn every_dependency_has_its_reason() {
    let manifest: toml::Table = text("Cargo.toml").parse().expect("Cargo.toml is TOML");
    let reasons: BTreeSet<String> = table("ARCHITECTURE.md", "| crate | why |")
        .into_iter()
        .flat_map(|row| {
            row[0].split(',').map(|name| name.trim().trim_matches('`').to_owned()).collect::<Vec<_>>()
        })
        .collect();
    let sections = ["dependencies", "build-dependencies", "dev-dependencies"];
    let named = sections.iter().flat_map(|section| manifest[*section].as_table().expect("a table").keys());
    let named: BTreeSet<String> = named.filter(|name| !name.starts_with("merit-")).cloned().collect();
    let without: Vec<&String> = named.difference(&reasons).collect();
    assert!(without.is_empty(), "ARCHITECTURE.md does not say why these are there: {without:?}");
    let gone: Vec<&String> = reasons.difference(&named).collect();
    assert!(gone.is_empty(), "ARCHITECTURE.md says why these are there, and they are not: {gone:?}");
}

fn rooms() -> BTreeMap<String, Room> {
    let rows = table("ARCHITECTURE.md", "| room | may use |");
    let names: Vec<String> = rows.iter().map(|row| row[0].clone()).collect();
    let list = |cell: &str| -> BTreeSet<String> {
        cell.split(',').map(|word| word.trim().trim_matches('`').replace('-', "_")).collect()
    };
    rows.iter()
        .map(|row| {
            let may_use =
                if row[1] == "all of them" { names.iter().cloned().collect() } else { list(&row[1]) };
            (row[0].clone(), Room { may_use, outside: list(&row[2]) })
        })
        .collect()
}

/// The first part of the path below `src`: a folder, or a file of its own.
fn room_of(source: &Source) -> Option<String> {
    let below = source.path.strip_prefix("src").ok()?;
    let first = below.components().next()?.as_os_str().to_str()?.trim_end_matches(".rs").to_owned();
    // What composes the rooms is in none.
    (!["lib", "main", "proto"].contains(&first.as_str())).then_some(first)
}

/// What a file uses: rooms of this crate, and other crates.
#[derive(Default)]
struct Used {
    inside: BTreeSet<String>,
    outside: BTreeSet<String>,
}

// === impl Used ===

impl Used {
    fn by(source: &Source) -> Self {
        let mut used = Self::default();
        used.visit_file(&source.syntax);
        used
    }

    fn path(&mut self, segments: &[String]) {
        match segments {
            [first, second, ..] if first == "crate" => drop(self.inside.insert(second.clone())),
            [first, _, ..] => drop(self.outside.insert(first.clone())),
            _ => {}
        }
    }

    fn tree(&mut self, tree: &syn::UseTree, above: &mut Vec<String>) {
        match tree {
            syn::UseTree::Path(path) => {
                above.push(path.ident.to_string());
                self.tree(&path.tree, above);
                above.pop();
            }
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| self.tree(tree, above)),
            leaf => {
                let mut segments = above.clone();
                segments.push(match leaf {
                    syn::UseTree::Name(name) => name.ident.to_string(),
                    syn::UseTree::Rename(rename) => rename.ident.to_string(),
                    _ => "*".to_owned(),
                });
                self.path(&segments);
            }
        }
    }

    /// Inside macros there are only tokens: `crate :: room`.
    fn tokens(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        for window in tokens.windows(4) {
            if let [
                TokenTree::Ident(first),
                TokenTree::Punct(colon),
                TokenTree::Punct(_),
                TokenTree::Ident(second),
            ] = window
                && colon.as_char() == ':'
            {
                self.path(&[first.to_string(), second.to_string()]);
            }
        }
        for token in tokens {
            if let TokenTree::Group(group) = token {
                self.tokens(group.stream());
            }
        }
    }
}

impl<'ast> Visit<'ast> for Used {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.tree(&item.tree, &mut Vec::new());
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.path(&segments);
        syn::visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        self.tokens(item.tokens.clone());
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        // Tests may look at what they like.
        if item.ident != "tests" {
            syn::visit::visit_item_mod(self, item);
        }
    }
}
