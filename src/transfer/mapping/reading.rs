//! What a mapping file says, setting by setting, with everything that is wrong noted on the way. What it says about fields
//! is in `fields`.

use std::collections::BTreeSet;

use toml::{Table, Value};

use super::rule::{IdRule, RowRule};
use crate::transfer::{mistakes::Mistakes, template::Template};

/// What it may say about rows to leave out.
const ROW_KEYS: &[&str] = &["column", "empty", "values", "because"];

/// What is known while a mapping file is read.
pub(super) struct Reading<'a> {
    pub(super) columns: &'a [String],
    pub(super) optional: Vec<String>,
    pub(super) missing: Vec<String>,
    pub(super) mistakes: Mistakes,
}

// === impl Reading ===

impl Reading<'_> {
    pub(super) fn keys(&mut self, table: &Table, known: &[&str], place: &str) {
        for key in table.keys().filter(|key| !known.contains(&key.as_str())) {
            self.mistakes.unknown(place, "no setting", key, known);
        }
    }

    pub(super) fn text(&mut self, table: &Table, key: &str, place: &str) -> Option<String> {
        match table.get(key)? {
            Value::String(text) => Some(text.clone()),
            number @ (Value::Integer(_) | Value::Boolean(_)) => Some(number.to_string()),
            other => {
                self.mistakes.add(place, format!("`{key}` has to be a text, not {}", other.type_str()));
                None
            }
        }
    }

    /// A list of texts, or one.
    pub(super) fn texts(&mut self, table: &Table, key: &str, place: &str) -> Vec<String> {
        match table.get(key) {
            None => Vec::new(),
            Some(Value::String(text)) => vec![text.clone()],
            Some(Value::Array(items)) if items.iter().all(Value::is_str) => {
                items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
            }
            Some(_) => {
                self.mistakes.add(place, format!("`{key}` has to be a text or a list of texts"));
                Vec::new()
            }
        }
    }

    pub(super) fn character(&mut self, table: &Table, key: &str, place: &str) -> Option<char> {
        let text = self.text(table, key, place)?;
        let mut characters = text.chars();
        match (characters.next(), characters.next()) {
            (Some(character), None) => Some(character),
            _ => {
                self.mistakes.add(place, format!("`{key}` has to be one character"));
                None
            }
        }
    }

    pub(super) fn column(&mut self, name: &str, place: &str) -> Option<usize> {
        if let Some(column) = self.columns.iter().position(|column| column == name) {
            return Some(column);
        }
        if self.optional.iter().any(|column| column == name) {
            let place = self.missing.iter().position(|column| column == name).unwrap_or_else(|| {
                self.missing.push(name.to_owned());
                self.missing.len() - 1
            });
            return Some(self.columns.len() + place);
        }
        let known: Vec<&str> = self.columns.iter().map(String::as_str).collect();
        self.mistakes.unknown(place, "the file has no column", name, &known);
        None
    }

    pub(super) fn template(&mut self, text: &str, place: &str) -> Template {
        let mut mistakes = std::mem::take(&mut self.mistakes);
        let template = Template::parse(text, place, &mut mistakes, &mut |name, found| {
            // What is wrong with a column goes to the same list, in order.
            std::mem::swap(found, &mut self.mistakes);
            let column = self.column(name, place);
            std::mem::swap(found, &mut self.mistakes);
            column
        });
        self.mistakes = mistakes;
        template
    }

    pub(super) fn id(&mut self, table: &Table) -> IdRule {
        let text = self.text(table, "id", "");
        let Some(text) = text else {
            if !table.contains_key("id") {
                self.mistakes.add("", "`id` is missing: which column tells records apart? `id = \"number\"` or `id = \"{region}-{number}\"`");
            }
            return IdRule::Name(0);
        };
        if text.contains('{') {
            return IdRule::Slug(self.template(&text, "id"));
        }
        IdRule::Slug(Template::of_column(self.column(&text, "id").unwrap_or_default()))
    }

    pub(super) fn row_rules(&mut self, table: &Table, key: &str) -> Vec<RowRule> {
        let items = match table.get(key) {
            None => return Vec::new(),
            Some(Value::Array(items)) => items,
            Some(_) => {
                self.mistakes.add("", format!("`{key}` has to be written `[[{key}]]`"));
                return Vec::new();
            }
        };
        let mut rules = Vec::new();
        for (number, item) in items.iter().enumerate() {
            let place = format!("{key}[{number}]");
            let Some(table) = item.as_table() else {
                self.mistakes.add(&place, "has to be a table with `column` and `empty` or `values`");
                continue;
            };
            rules.extend(self.row_rule(table, &place));
        }
        rules
    }

    pub(super) fn row_rule(&mut self, table: &Table, place: &str) -> Option<RowRule> {
        self.keys(table, ROW_KEYS, place);
        let mut values: BTreeSet<String> = self.texts(table, "values", place).into_iter().collect();
        if table.get("empty").and_then(Value::as_bool) == Some(true) {
            values.insert(String::new());
        }
        if values.is_empty() {
            self.mistakes.add(place, "says neither `empty = true` nor `values = [\"…\"]`");
        }
        let because = self.text(table, "because", place);
        let Some(name) = self.text(table, "column", place) else {
            self.mistakes.add(place, "`column` is missing");
            return None;
        };
        let column = self.column(&name, place)?;
        let because =
            because.unwrap_or_else(|| format!("{name} is one of the values that the mapping leaves out"));
        Some(RowRule { column, values, because })
    }
}
