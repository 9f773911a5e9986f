//! No two files of the service need each other, directly or around corners: every file can be read after those that it
//! imports. A folder's `mod.rs` that hands names on is not an import; whoever takes such a name imports the file it is from.

use std::collections::{BTreeMap, BTreeSet};

use syn::visit::Visit;

use crate::sources::{Source, rust};

/// A module, `["resource", "plan"]`; the crate itself is empty.
type Module = Vec<String>;

/// Who imports whom, with a name that ties them.
type Arrows = BTreeMap<Module, BTreeMap<Module, String>>;

#[test]
fn no_files_import_each_other_in_a_circle() {
    let arrows = arrows();
    assert!(arrows.values().map(BTreeMap::len).sum::<usize>() > 500, "imports are found");
    let mut told = String::new();
    for circle in circles(&arrows) {
        told.push_str("\na circle:\n");
        for from in &circle {
            for (to, name) in arrows[from].iter().filter(|(to, _)| circle.contains(*to)) {
                told.push_str(&format!("  {} -> {} for {name}\n", from.join("/"), to.join("/")));
            }
        }
    }
    assert!(told.is_empty(), "{told}");
}

/// Files that can all be reached from each other.
fn circles(arrows: &Arrows) -> BTreeSet<BTreeSet<Module>> {
    let reached = |start: &Module| {
        let mut seen = BTreeSet::new();
        let mut next: Vec<&Module> = arrows[start].keys().collect();
        while let Some(module) = next.pop() {
            if seen.insert(module.clone()) {
                next.extend(arrows[module].keys());
            }
        }
        seen
    };
    let all: BTreeMap<&Module, BTreeSet<Module>> =
        arrows.keys().map(|module| (module, reached(module))).collect();
    let circle = |module: &Module| -> BTreeSet<Module> {
        all[module].iter().filter(|other| all[*other].contains(module)).cloned().collect()
    };
    arrows.keys().map(circle).filter(|circle| circle.len() > 1).collect()
}

fn arrows() -> Arrows {
    let sources = rust(&["src"]);
    // The binary is a crate of its own.
    let sources = sources.iter().filter(|source| !source.path.ends_with("main.rs"));
    let files: BTreeMap<Module, File> =
        sources.map(|source| (module_of(source), File::read(source))).collect();
    let mut arrows = Arrows::new();
    for (module, file) in &files {
        let mine = arrows.entry(module.clone()).or_default();
        for path in &file.used {
            if let Some(target) = target(&files, module, path)
                && target != *module
            {
                mine.entry(target).or_insert_with(|| path.join("::"));
            }
        }
    }
    arrows
}

fn module_of(source: &Source) -> Module {
    let below = source.path.strip_prefix("src").expect("it is below src").with_extension("");
    let mut module: Module = below.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if matches!(module.last().map(String::as_str), Some("mod" | "lib")) {
        module.pop();
    }
    module
}

/// The module that defines what a path names, seen from a module.
fn target(files: &BTreeMap<Module, File>, from: &Module, path: &[String]) -> Option<Module> {
    let mut module = from.clone();
    let mut rest = path;
    match path.first()?.as_str() {
        "crate" => {
            module.clear();
            rest = &path[1..];
        }
        "self" => rest = &path[1..],
        "super" => {
            while rest.first().is_some_and(|part| part == "super") {
                module.pop()?;
                rest = &rest[1..];
            }
        }
        // A child, or else a crate, a type, a name that was brought in and counted there.
        first if !files[from].children.contains(first) => return None,
        _ => {}
    }
    for (index, part) in rest.iter().enumerate() {
        let file = files.get(&module)?;
        if file.children.contains(part) {
            module.push(part.clone());
        } else if let Some(named) = file.names.get(part) {
            let mut path = named.clone();
            path.extend_from_slice(&rest[index + 1..]);
            return target(files, &module, &path);
        } else {
            break;
        }
    }
    files.contains_key(&module).then_some(module)
}

/// What a file says of modules.
#[derive(Default)]
struct File {
    /// Modules that it declares, in files of their own.
    children: BTreeSet<String>,
    /// Names that it brings in, to hand them on or for itself and its children, with where they are from.
    names: BTreeMap<String, Vec<String>>,
    /// Every path that it uses.
    used: BTreeSet<Vec<String>>,
}

// === impl File ===

impl File {
    fn read(source: &Source) -> Self {
        let mut file = Self::default();
        file.visit_file(&source.syntax);
        file
    }

    fn tree(&mut self, tree: &syn::UseTree, above: &[String], hands_on: bool) {
        let with = |name: &syn::Ident| {
            let mut path = above.to_vec();
            if name != "self" || above.is_empty() {
                path.push(name.to_string());
            }
            path
        };
        match tree {
            syn::UseTree::Path(path) => self.tree(&path.tree, &with(&path.ident), hands_on),
            syn::UseTree::Group(group) => {
                group.items.iter().for_each(|tree| self.tree(tree, above, hands_on));
            }
            syn::UseTree::Name(name) => self.leaf(name.ident.to_string(), with(&name.ident), hands_on),
            syn::UseTree::Rename(name) => self.leaf(name.rename.to_string(), with(&name.ident), hands_on),
            syn::UseTree::Glob(_) => drop(self.used.insert(above.to_vec())),
        }
    }

    fn leaf(&mut self, name: String, path: Vec<String>, hands_on: bool) {
        self.names.insert(name, path.clone());
        if !hands_on {
            self.used.insert(path);
        }
    }
}

impl<'ast> Visit<'ast> for File {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.tree(&item.tree, &[], !matches!(item.vis, syn::Visibility::Inherited));
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.segments.len() > 1 {
            self.used.insert(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        }
        syn::visit::visit_path(self, path);
    }

    fn visit_vis_restricted(&mut self, _: &'ast syn::VisRestricted) {
        // Who may see it, not what it sees.
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if item.content.is_none() {
            self.children.insert(item.ident.to_string());
        } else if item.ident != "tests" {
            syn::visit::visit_item_mod(self, item);
        }
    }
}
