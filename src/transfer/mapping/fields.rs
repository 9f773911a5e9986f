//! What a mapping file says about fields: where each comes from, and what its texts mean.

use std::collections::HashMap;

use prost_reflect::Kind;
use toml::{Table, Value};

use super::{FieldMapping, known_schema, reading::Reading};
use crate::{
    model::schema::{FieldKind, Schema, field_rule},
    transfer::{
        directory::Lookup,
        mistakes::Mistakes,
        number::{Grouping, NumberForm},
        path::FieldPath,
        template::Template,
        value::{check_date_format, read_date},
    },
};

/// What it may say about a field.
const FIELD_KEYS: &[&str] = &[
    "column",
    "template",
    "value",
    "map",
    "otherwise",
    "date",
    "decimal",
    "thousands",
    "grouping",
    "strip",
    "lookup",
    "by",
    "default",
    "empty",
];
// === impl Reading ===

impl Reading<'_> {
    pub(super) fn fields(&mut self, table: &Table, schema: &'static Schema) -> Vec<FieldMapping> {
        let mut mappings = Vec::new();
        let empty = Table::new();
        let fields = match table.get("fields") {
            Some(Value::Table(fields)) => fields,
            Some(_) => {
                self.mistakes.add("fields", "has to be a table, `[fields]`");
                &empty
            }
            None => &empty,
        };
        for (path, value) in fields {
            self.field(schema, path, value, &mut mappings);
        }
        for field in schema.message.fields().filter(|field| field_rule(field).required) {
            // A field that is a oneof's, or given by a path below it, counts as given.
            let given = mappings.iter().any(|mapping| mapping.path.top() == &field)
                || fields.keys().any(|path| path.split(['.', '[']).next() == Some(field.name()));
            if !given {
                self.mistakes.add(
                    "fields",
                    format!("{} needs `{}`, and nothing gives it", schema.message.name(), field.name()),
                );
            }
        }
        mappings
    }

    /// A field, or, where the file writes `labels.region = …` without quotes, the fields below it.
    fn field(
        &mut self,
        schema: &'static Schema,
        path: &str,
        value: &Value,
        mappings: &mut Vec<FieldMapping>,
    ) {
        if let Value::Table(table) = value
            && has_fields_below(schema, path)
            && !table.keys().any(|key| FIELD_KEYS.contains(&key.as_str()))
        {
            for (key, value) in table {
                self.field(schema, &format!("{path}.{key}"), value, mappings);
            }
            return;
        }
        let place = format!("fields.{path}");
        let found = FieldPath::parse(&schema.message, path, &place, &mut self.mistakes);
        let table = match value {
            Value::String(column) => Table::from_iter([("column".to_owned(), Value::String(column.clone()))]),
            Value::Table(table) => table.clone(),
            _ => {
                self.mistakes
                    .add(&place, "has to be a column, or a table with `column`, `template` or `value`");
                return;
            }
        };
        if let Some(mapping) = self.field_mapping(&table, &place, found) {
            mappings.push(mapping);
        }
    }

    fn field_mapping(&mut self, table: &Table, place: &str, path: Option<FieldPath>) -> Option<FieldMapping> {
        self.keys(table, FIELD_KEYS, place);
        let source = self.source(table, place);
        let values = self.value_map(table, place);
        let dates = self.texts(table, "date", place);
        for format in &dates {
            if let Err(message) = check_date_format(format) {
                self.mistakes.add(place, format!("`date`: {message}"));
            }
        }
        let listed_only = self.one_of(table, "otherwise", place, &["keep", "reject"]) == Some("reject");
        let reject_empty = self.one_of(table, "empty", place, &["omit", "reject"]) == Some("reject");
        let number = self.number(table, place);
        let default = self.text(table, "default", place);
        // Like every text of the file, it is in the form that the mapping says.
        let read = default.as_ref().and_then(|text| match (&number, &dates[..]) {
            (Some(number), _) => number.read(text).err(),
            (None, [_, ..]) => read_date(text, &dates).err(),
            _ => None,
        });
        if let Some(wrong) = read {
            self.mistakes.add(place, format!("`default`: {wrong}"));
        }
        let lookup = self.lookup(table, place, path.as_ref());
        Some(FieldMapping {
            path: path?,
            source: source?,
            values,
            listed_only,
            dates,
            number,
            lookup,
            default,
            reject_empty,
        })
    }

    fn source(&mut self, table: &Table, place: &str) -> Option<Template> {
        let given: Vec<_> =
            ["column", "template", "value"].into_iter().filter(|key| table.contains_key(*key)).collect();
        let [key] = given[..] else {
            self.mistakes.add(place, "needs exactly one of `column`, `template` and `value`");
            return None;
        };
        let text = self.text(table, key, place)?;
        match key {
            "column" => self.column(&text, place).map(Template::of_column),
            "template" => Some(self.template(&text, place)),
            _ => Some(Template::of_text(&text)),
        }
    }

    fn value_map(&mut self, table: &Table, place: &str) -> HashMap<String, String> {
        match table.get("map") {
            None => HashMap::new(),
            Some(Value::Table(map)) if map.values().all(Value::is_str) => map
                .iter()
                .map(|(from, to)| (from.clone(), to.as_str().unwrap_or_default().to_owned()))
                .collect(),
            Some(_) => {
                self.mistakes.add(
                    place,
                    "`map` has to be a table from texts to texts, `map = { \"GTXPro\" = \"GTX Pro\" }`",
                );
                HashMap::new()
            }
        }
    }

    fn one_of(
        &mut self,
        table: &Table,
        key: &str,
        place: &str,
        known: &[&'static str],
    ) -> Option<&'static str> {
        let text = self.text(table, key, place)?;
        let found = known.iter().copied().find(|word| *word == text);
        if found.is_none() {
            self.mistakes.unknown(place, &format!("`{key}` cannot be"), &text, known);
        }
        found
    }

    fn number(&mut self, table: &Table, place: &str) -> Option<NumberForm> {
        let said = ["decimal", "thousands", "grouping", "strip"].iter().any(|key| table.contains_key(*key));
        let form = NumberForm {
            decimal: self.character(table, "decimal", place).unwrap_or('.'),
            thousands: self.character(table, "thousands", place),
            grouping: match self.one_of(table, "grouping", place, &["three", "indian"]) {
                Some("indian") => Grouping::Indian,
                _ => Grouping::Three,
            },
            strip: self.texts(table, "strip", place),
        };
        if let Some(mistake) = form.mistake() {
            self.mistakes.add(place, mistake);
            return None;
        }
        said.then_some(form)
    }

    fn lookup(&mut self, table: &Table, place: &str, path: Option<&FieldPath>) -> Option<Lookup> {
        let by = self.text(table, "by", place);
        let Some(collection) = self.text(table, "lookup", place) else {
            if by.is_some() {
                self.mistakes.add(place, "`by` without `lookup`: say in which collection");
            }
            return None;
        };
        let schema = known_schema(
            &collection,
            "nothing is looked up in",
            |schema| !schema.computed,
            &mut self.mistakes,
        )?;
        if let Some(path) = path {
            let wanted = if path.is_entry() { String::new() } else { field_rule(path.field()).reference };
            if wanted != collection {
                let what = if wanted.is_empty() {
                    "refers to nothing".to_owned()
                } else {
                    format!("refers to {wanted}")
                };
                self.mistakes
                    .add(place, format!("`lookup = {collection:?}`, but {} {what}", path.field().name()));
            }
        }
        let by = by.unwrap_or_else(|| Lookup::BY_DEFAULT.to_owned());
        let texts: Vec<&str> = schema
            .fields
            .values()
            .filter(|field| field.kind == FieldKind::Text && !field.map)
            .map(|field| field.path.as_str())
            .collect();
        let entry = schema.field(&by).is_some_and(|field| field.kind == FieldKind::Text);
        if by != Lookup::BY_ID && !entry {
            self.mistakes.unknown(place, &format!("`by`: no text field in {collection}"), &by, &texts);
            return None;
        }
        Some(Lookup { collection, by })
    }
}

/// Whether a path leads to a map or a message, so that a table below it can be of the fields in it.
fn has_fields_below(schema: &Schema, path: &str) -> bool {
    FieldPath::parse(&schema.message, path, "", &mut Mistakes::default()).is_some_and(|path| {
        let field = path.field();
        !path.is_entry() && !field.is_list() && matches!(field.kind(), Kind::Message(_))
    })
}
