//! What is looked up while a file is read: the names of records by a field of theirs, brought from the server once.

use std::collections::{BTreeMap, HashMap, btree_map::Entry};

use crate::model::nearest::nearest;

/// A way to look records up: by a text field of a collection.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lookup {
    /// The collection: `accountManagers`.
    pub collection: String,
    /// The field: `display_name`.
    pub by: String,
}

/// The names of records, by what they are looked up by.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    entries: BTreeMap<Lookup, HashMap<String, Found>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Found {
    One(String),
    /// Two of them: what is looked up is not told apart by this field.
    Several(String, String),
}

// === impl Directory ===

impl Directory {
    /// Adds a record. The same one twice is one.
    pub fn add(&mut self, lookup: &Lookup, key: &str, name: &str) {
        let key = key.trim();
        if key.is_empty() {
            return;
        }
        let entries = match self.entries.entry(lookup.clone()) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(HashMap::new()),
        };
        match entries.get(key) {
            None => {
                entries.insert(key.to_owned(), Found::One(name.to_owned()));
            }
            Some(Found::One(known)) if known != name => {
                let both = Found::Several(known.clone(), name.to_owned());
                entries.insert(key.to_owned(), both);
            }
            Some(_) => {}
        }
    }

    /// Whether there is a record, or several.
    pub(super) fn knows(&self, lookup: &Lookup, key: &str) -> bool {
        self.entries.get(lookup).is_some_and(|entries| entries.contains_key(key))
    }

    /// The name of the one record.
    ///
    /// # Errors
    /// That there is none, with the nearest there is, or that there are several.
    pub(super) fn find(&self, lookup: &Lookup, key: &str) -> Result<&str, String> {
        let Lookup { collection, by } = lookup;
        let entries = self.entries.get(lookup);
        match entries.and_then(|entries| entries.get(key)) {
            Some(Found::One(name)) => Ok(name),
            Some(Found::Several(one, other)) => {
                Err(format!("{key:?} is the {by} of several {collection}: {one} and {other}"))
            }
            None => {
                // Names in order, so that of two equally near ones the same is named every time.
                let mut known: Vec<&str> =
                    entries.map(|entries| entries.keys().map(String::as_str).collect()).unwrap_or_default();
                known.sort_unstable();
                let hint =
                    nearest(key, known).map(|name| format!("; the nearest is {name:?}")).unwrap_or_default();
                Err(format!("there is nothing in {collection} with {by} {key:?}{hint}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Directory, Lookup};

    #[test]
    fn one_is_found() {
        let lookup = Lookup { collection: "products".to_owned(), by: "display_name".to_owned() };
        let mut directory = Directory::default();
        for (key, name) in [("GTX Pro", "p/1"), ("GTX Pro ", "p/1"), ("MG", "p/2"), ("MG", "p/3")] {
            directory.add(&lookup, key, name);
        }
        let check = |key: &str, expected: Result<&str, &str>| {
            assert_eq!(directory.find(&lookup, key), expected.map_err(str::to_owned));
        };
        check("GTX Pro", Ok("p/1"));
        check("MG", Err("\"MG\" is the display_name of several products: p/2 and p/3"));
        check(
            "GTXPro",
            Err("there is nothing in products with display_name \"GTXPro\"; the nearest is \"GTX Pro\""),
        );
        check("Else", Err("there is nothing in products with display_name \"Else\""));
    }
}
