//! What is looked up while a file is read: the names of records by a field of theirs, brought from the server once.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap, btree_map::Entry},
};

use crate::model::nearest::nearest;

/// Keys that are not there for which the nearest there is is looked for, in each way to look up: every one is compared with all
/// that are known, and who reads the messages has seen enough by then.
const HINTS_MAX: usize = 100;

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
    /// The nearest names of keys that are not there.
    hints: RefCell<BTreeMap<Lookup, HashMap<String, Option<String>>>>,
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
    pub(super) fn find(&self, lookup: &Lookup, key: &str) -> Result<String, String> {
        let Lookup { collection, by } = lookup;
        match self.entries.get(lookup).and_then(|entries| entries.get(key)) {
            Some(Found::One(name)) => Ok(name.clone()),
            Some(Found::Several(one, other)) => {
                Err(format!("{key:?} is the {by} of several {collection}: {one} and {other}"))
            }
            None => {
                let hint = self.hint(lookup, key);
                let hint = hint.map(|name| format!("; the nearest is {name:?}")).unwrap_or_default();
                Err(format!("there is nothing in {collection} with {by} {key:?}{hint}"))
            }
        }
    }

    /// The nearest key there is, of the first so many that are not.
    fn hint(&self, lookup: &Lookup, key: &str) -> Option<String> {
        let mut hints = self.hints.borrow_mut();
        let hints = match hints.entry(lookup.clone()) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(HashMap::new()),
        };
        if let Some(hint) = hints.get(key) {
            return hint.clone();
        }
        if hints.len() >= HINTS_MAX {
            return None;
        }
        // In order, so that of two equally near ones the same is named every time.
        let mut known: Vec<&str> = self
            .entries
            .get(lookup)
            .into_iter()
            .flat_map(|entries| entries.keys().map(String::as_str))
            .collect();
        known.sort_unstable();
        let hint = nearest(key, known).map(str::to_owned);
        hints.insert(key.to_owned(), hint.clone());
        hint
    }
}

#[cfg(test)]
mod tests {
    use super::{Directory, HINTS_MAX, Lookup};

    #[test]
    fn one_is_found() {
        let lookup = Lookup { collection: "products".to_owned(), by: "display_name".to_owned() };
        let mut directory = Directory::default();
        for (key, name) in [("GTX Pro", "p/1"), ("GTX Pro ", "p/1"), ("MG", "p/2"), ("MG", "p/3")] {
            directory.add(&lookup, key, name);
        }
        let check = |key: &str, expected: Result<&str, &str>| {
            assert_eq!(directory.find(&lookup, key), expected.map(str::to_owned).map_err(str::to_owned));
        };
        check("GTX Pro", Ok("p/1"));
        check("MG", Err("\"MG\" is the display_name of several products: p/2 and p/3"));
        check(
            "GTXPro",
            Err("there is nothing in products with display_name \"GTXPro\"; the nearest is \"GTX Pro\""),
        );
        check("Else", Err("there is nothing in products with display_name \"Else\""));
    }
    #[test]
    fn what_is_near_is_looked_for_so_many_times_and_no_more() {
        let lookup = Lookup { collection: "customers".to_owned(), by: "display_name".to_owned() };
        let mut directory = Directory::default();
        directory.add(&lookup, "Customer", "c");
        let hinted = |key: &str| directory.find(&lookup, key).unwrap_err().contains("the nearest is");
        let keys: Vec<String> =
            (0..=HINTS_MAX).map(|number| format!("Customer{}", number % 10 + number)).collect();
        for key in &keys[..HINTS_MAX / 2] {
            // The same key again costs nothing.
            assert!((0..HINTS_MAX).all(|_| hinted(key)), "{key}");
        }
        let distinct = (0..2 * HINTS_MAX).filter(|number| hinted(&format!("Customr{number}"))).count();
        assert!((1..=HINTS_MAX).contains(&distinct), "{distinct}");
        assert!(!hinted("Customer!"));
    }
}
