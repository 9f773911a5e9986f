//! The mapping file: which column of a file becomes which field of which collection, and what is done with what does
//! not fit. All of it is checked, against the schema and the file's columns, before anything is sent.

use std::collections::{BTreeSet, HashMap};

use prost_reflect::Kind;
use toml::{Table, Value};

use super::{
    directory::Lookup,
    mistakes::Mistakes,
    path::FieldPath,
    template::Template,
    value::{NumberForm, check_date_format},
};
use crate::model::{
    name::Name,
    schema::{FieldKind, Schema, field_rule, schemas},
};

/// What a mapping file may say.
const KEYS: &[&str] =
    &["collection", "id", "delimiter", "empty_values", "optional_columns", "fields", "skip", "reject"];
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
    "strip",
    "lookup",
    "by",
    "default",
    "empty",
];
/// What it may say about rows to leave out.
const ROW_KEYS: &[&str] = &["column", "empty", "values", "because"];

/// How the rows of a file become records.
#[derive(Clone, Debug)]
pub struct Mapping {
    pub(super) schema: &'static Schema,
    pub(super) id: IdRule,
    pub(super) empty_values: Vec<String>,
    pub(super) fields: Vec<FieldMapping>,
    pub(super) skip: Vec<RowRule>,
    pub(super) reject: Vec<RowRule>,
    /// Optional columns that the file does not have; they stand behind its own.
    missing: Vec<String>,
}

/// Where the id of a record comes from.
#[derive(Clone, Debug)]
pub(super) enum IdRule {
    /// The slug of a text.
    Slug(Template),
    /// The last part of the name in a column.
    Name(usize),
}

/// How a field gets its value.
#[derive(Clone, Debug)]
pub(super) struct FieldMapping {
    pub(super) path: FieldPath,
    pub(super) source: Template,
    /// What texts of the file mean.
    pub(super) values: HashMap<String, String>,
    /// Whether a text that `values` does not have is refused.
    pub(super) listed_only: bool,
    pub(super) dates: Vec<String>,
    pub(super) number: Option<NumberForm>,
    pub(super) lookup: Option<Lookup>,
    pub(super) default: Option<String>,
    pub(super) reject_empty: bool,
}

/// Rows that are left out.
#[derive(Clone, Debug)]
pub(super) struct RowRule {
    pub(super) column: usize,
    /// The values that leave a row out; the empty text is one of them where the rule says `empty`.
    pub(super) values: BTreeSet<String>,
    pub(super) because: String,
}

/// What is known while a mapping file is read.
struct Reading<'a> {
    columns: &'a [String],
    optional: Vec<String>,
    missing: Vec<String>,
    mistakes: Mistakes,
}

// === impl Lookup ===

impl Lookup {
    /// The field that means the id itself: nothing is asked of the server.
    pub(super) const BY_ID: &str = "id";
    const BY_DEFAULT: &str = "display_name";
}

// === impl Mapping ===

impl Mapping {
    /// Reads a mapping file for a file with these columns.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(text: &str, columns: &[String]) -> Result<Self, Mistakes> {
        let mut reading =
            Reading { columns, optional: Vec::new(), missing: Vec::new(), mistakes: Mistakes::default() };
        let table = match text.parse::<Table>() {
            Ok(table) => table,
            Err(error) => {
                reading.mistakes.add("", error.to_string().trim_end());
                return Err(reading.mistakes);
            }
        };
        reading.keys(&table, KEYS, "");
        delimiter_of(&table, &mut reading.mistakes);
        reading.optional = reading.texts(&table, "optional_columns", "");
        let empty_values = reading.texts(&table, "empty_values", "");
        let schema =
            reading.text(&table, "collection", "").and_then(|name| find_schema(&name, &mut reading.mistakes));
        if !table.contains_key("collection") {
            reading.mistakes.add(
                "",
                "`collection` is missing: which records does the file have? `collection = \"customers\"`",
            );
        }
        let id = reading.id(&table);
        let skip = reading.row_rules(&table, "skip");
        let reject = reading.row_rules(&table, "reject");
        let Some(schema) = schema else { return Err(reading.mistakes) };
        let fields = reading.fields(&table, schema);
        let Reading { missing, mistakes, .. } = reading;
        mistakes.or(Self { schema, id, empty_values, fields, skip, reject, missing })
    }

    /// The mapping of a file whose columns are named as fields, as `merit export` writes it. What the service sets is
    /// not read.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn plain(collection: &str, columns: &[String]) -> Result<Self, Mistakes> {
        let mut mistakes = Mistakes::default();
        let Some(schema) = find_schema(collection, &mut mistakes) else { return Err(mistakes) };
        let place = |wanted: &str| columns.iter().position(|column| column == wanted);
        let id = place("name").or_else(|| place("id"));
        if id.is_none() {
            mistakes.add(
                "",
                "no column `name` or `id` says which record a row is; say it in a mapping file, --mapping",
            );
        }
        let mut fields = Vec::new();
        for (column, name) in columns.iter().enumerate() {
            let top = name.split(['.', '[']).next().and_then(|top| schema.message.get_field_by_name(top));
            let set_by_service = top.is_some_and(|field| field_rule(&field).output_only);
            if set_by_service || name == "id" || name == "etag" {
                continue;
            }
            if let Some(path) = FieldPath::parse(&schema.message, name, "", &mut mistakes) {
                fields.push(FieldMapping::plain(path, column));
            }
        }
        let (empty_values, skip, reject, missing) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let id = IdRule::Name(id.unwrap_or_default());
        mistakes.or(Self { schema, id, empty_values, fields, skip, reject, missing })
    }

    /// What separates the values of the file, if the mapping says so.
    ///
    /// # Errors
    /// That the mapping is no TOML, or the separator no single ASCII character.
    pub fn delimiter(text: &str) -> Result<Option<u8>, Mistakes> {
        let mut mistakes = Mistakes::default();
        let delimiter = match text.parse::<Table>() {
            Ok(table) => delimiter_of(&table, &mut mistakes),
            Err(error) => {
                mistakes.add("", error.to_string().trim_end());
                None
            }
        };
        mistakes.or(delimiter)
    }

    /// The collection that the records belong to.
    #[must_use]
    pub fn schema(&self) -> &'static Schema {
        self.schema
    }

    /// The optional columns that the file does not have, in the order in which they stand behind its own.
    #[must_use]
    pub fn missing_columns(&self) -> &[String] {
        &self.missing
    }

    /// What has to be brought from the server before the first row.
    #[must_use]
    pub fn lookups(&self) -> BTreeSet<Lookup> {
        self.fields
            .iter()
            .filter_map(|field| field.lookup.clone())
            .filter(|lookup| lookup.by != Lookup::BY_ID)
            .collect()
    }
}

// === impl FieldMapping ===

impl FieldMapping {
    fn plain(path: FieldPath, column: usize) -> Self {
        Self {
            path,
            source: Template::of_column(column),
            values: HashMap::new(),
            listed_only: false,
            dates: Vec::new(),
            number: None,
            lookup: None,
            default: None,
            reject_empty: false,
        }
    }
}

// === impl Reading ===

impl Reading<'_> {
    fn keys(&mut self, table: &Table, known: &[&str], place: &str) {
        for key in table.keys().filter(|key| !known.contains(&key.as_str())) {
            self.mistakes.unknown(place, "no setting", key, known);
        }
    }

    fn text(&mut self, table: &Table, key: &str, place: &str) -> Option<String> {
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
    fn texts(&mut self, table: &Table, key: &str, place: &str) -> Vec<String> {
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

    fn character(&mut self, table: &Table, key: &str, place: &str) -> Option<char> {
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

    fn column(&mut self, name: &str, place: &str) -> Option<usize> {
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

    fn template(&mut self, text: &str, place: &str) -> Template {
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

    fn id(&mut self, table: &Table) -> IdRule {
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

    fn row_rules(&mut self, table: &Table, key: &str) -> Vec<RowRule> {
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

    fn row_rule(&mut self, table: &Table, place: &str) -> Option<RowRule> {
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

    fn fields(&mut self, table: &Table, schema: &'static Schema) -> Vec<FieldMapping> {
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
        let decimal = self.character(table, "decimal", place);
        let thousands = self.character(table, "thousands", place);
        let strip = self.texts(table, "strip", place);
        let said = decimal.is_some() || thousands.is_some() || !strip.is_empty();
        said.then_some(NumberForm { decimal, thousands, strip })
    }

    fn lookup(&mut self, table: &Table, place: &str, path: Option<&FieldPath>) -> Option<Lookup> {
        let by = self.text(table, "by", place);
        let Some(collection) = self.text(table, "lookup", place) else {
            if by.is_some() {
                self.mistakes.add(place, "`by` without `lookup`: say in which collection");
            }
            return None;
        };
        let schema = find_schema(&collection, &mut self.mistakes)?;
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

/// The schema of a collection that records can be imported into.
fn find_schema(collection: &str, mistakes: &mut Mistakes) -> Option<&'static Schema> {
    let known: Vec<&str> = schemas()
        .values()
        .filter(|schema| !schema.computed && schema.collection != Name::TEAMS)
        .map(|schema| schema.collection.as_str())
        .collect();
    if !known.contains(&collection) {
        mistakes.unknown("collection", "nothing is imported into", collection, &known);
        return None;
    }
    schemas().get(collection)
}

fn delimiter_of(table: &Table, mistakes: &mut Mistakes) -> Option<u8> {
    match table.get("delimiter")?.as_str().map(str::as_bytes) {
        Some([delimiter]) => Some(*delimiter),
        _ => {
            mistakes.add("", "`delimiter` has to be one character of ASCII, `\";\"` or `\"\\t\"`");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Mapping;

    const COLUMNS: [&str; 4] = ["number", "agent", "product", "value"];

    fn parse(text: &str) -> Result<Mapping, Vec<String>> {
        let columns: Vec<_> = COLUMNS.iter().map(|column| (*column).to_owned()).collect();
        Mapping::parse(text, &columns).map_err(|mistakes| mistakes.0)
    }

    #[test]
    fn a_mapping_is_read() {
        let mapping = parse(
            r#"
            collection = "opportunities"
            id = "{number}"
            empty_values = ["N/A"]
            [[reject]]
            column = "agent"
            empty = true
            because = "nobody's deal"
            [fields]
            owner = { column = "agent", lookup = "accountManagers" }
            product = { column = "product", map = { "GTXPro" = "GTX Pro" }, lookup = "products" }
            amount = { column = "value", decimal = ",", default = "0" }
            labels.source = { value = "crm" }
            "labels.old number" = "number"
            "#,
        )
        .expect("nothing is wrong");
        assert_eq!(mapping.fields.len(), 5);
        assert_eq!(mapping.lookups().len(), 2);
        assert_eq!(mapping.reject.len(), 1);
    }

    #[test]
    fn every_mistake_is_named_at_once() {
        let mistakes = parse(
            r#"
            colection = "opportunities"
            collection = "opportunities"
            id = "nmber"
            [[skip]]
            column = "agent"
            [fields]
            ownr = "agent"
            product = { column = "product", lookup = "customers", otherwise = "rejct" }
            amount = { column = "valu", date = "dd.mm" }
            etag = { colum = "value" }
            "#,
        )
        .expect_err("much is wrong");
        let expected = [
            "no setting \"colection\"; did you mean \"collection\"?",
            "id: the file has no column \"nmber\"; did you mean \"number\"?",
            "skip[0]: says neither `empty = true` nor `values = [\"…\"]`",
            "fields.amount: the file has no column \"valu\"; did you mean \"value\"?",
            "fields.amount: `date`: \"dd.mm\" does not tell year, month and day: `%d.%m.%Y`",
            "fields.etag: no setting \"colum\"; did you mean \"column\"?",
            "fields.etag: needs exactly one of `column`, `template` and `value`",
            "fields.ownr: no field in Opportunity \"ownr\"; did you mean \"owner\"?",
            "fields.product: `otherwise` cannot be \"rejct\"; did you mean \"reject\"?",
            "fields.product: `lookup = \"customers\"`, but product refers to products",
            "fields: Opportunity needs `owner`, and nothing gives it",
        ];
        for mistake in expected {
            assert!(mistakes.iter().any(|found| found == mistake), "{mistake}\nin {mistakes:#?}");
        }
        assert_eq!(mistakes.len(), expected.len(), "{mistakes:#?}");
    }

    #[test]
    fn what_is_missing_is_named() {
        let check = |text: &str, expected: &str| {
            let mistakes = parse(text).expect_err(expected);
            assert!(mistakes.iter().any(|mistake| mistake.contains(expected)), "{mistakes:?}");
        };
        check("id = \"number\"", "`collection` is missing");
        check("collection = \"customers\"", "`id` is missing");
        check("collection = \"customer\"\nid = \"number\"", "did you mean \"customers\"?");
        check("collection = \"evaluations\"\nid = \"number\"", "nothing is imported into \"evaluations\"");
        check("collection = ", "TOML parse error");
        check(
            "collection = \"products\"\nid = \"number\"\ndelimiter = \"ab\"",
            "`delimiter` has to be one character",
        );
    }
}
