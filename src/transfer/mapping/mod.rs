//! The mapping file: which column of a file becomes which field of which collection, and what is done with what does
//! not fit. All of it is checked, against the schema and the file's columns, before anything is sent.

mod fields;
mod reading;
mod rule;

use std::collections::{BTreeSet, HashMap};

use toml::Table;

use super::{directory::Lookup, mistakes::Mistakes, path::FieldPath, template::Template};
use crate::model::schema::{Schema, field_rule, is_imported, schemas};
use reading::Reading;
pub(in crate::transfer) use rule::{FieldMapping, IdRule, RowRule};

/// What a mapping file may say.
const KEYS: &[&str] =
    &["collection", "id", "delimiter", "empty_values", "optional_columns", "fields", "skip", "reject"];
/// How the rows of a file become records.
#[derive(Clone, Debug)]
pub struct Mapping {
    pub(in crate::transfer) schema: &'static Schema,
    pub(in crate::transfer) id: IdRule,
    pub(in crate::transfer) empty_values: Vec<String>,
    pub(in crate::transfer) fields: Vec<FieldMapping>,
    pub(in crate::transfer) skip: Vec<RowRule>,
    pub(in crate::transfer) reject: Vec<RowRule>,
    /// Optional columns that the file does not have; they stand behind its own.
    missing: Vec<String>,
}

// === impl Lookup ===

impl Lookup {
    /// The field that means the id itself: nothing is asked of the server.
    pub(in crate::transfer) const BY_ID: &str = "id";
    pub(in crate::transfer) const BY_DEFAULT: &str = "display_name";
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
            // A column without a name is what spreadsheets leave beside a table.
            if set_by_service || ["id", "etag", ""].contains(&name.as_str()) {
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

    /// The fields that the file gives, as an update mask: what stands in none of its columns stays as it is.
    #[must_use]
    pub fn mask(&self) -> Vec<String> {
        let paths: BTreeSet<String> = self.fields.iter().map(|field| field.path.mask()).collect();
        paths.into_iter().collect()
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

/// The schema of a collection that records can be imported into.
fn find_schema(collection: &str, mistakes: &mut Mistakes) -> Option<&'static Schema> {
    known_schema(collection, "nothing is imported into", is_imported, mistakes)
}

/// The schema of a collection, of those that serve.
fn known_schema(
    collection: &str,
    wrong: &str,
    serves: fn(&Schema) -> bool,
    mistakes: &mut Mistakes,
) -> Option<&'static Schema> {
    let known: Vec<&str> =
        schemas().values().filter(|schema| serves(schema)).map(|schema| schema.collection.as_str()).collect();
    if !known.contains(&collection) {
        mistakes.unknown("collection", wrong, collection, &known);
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
            close_date = { column = "value", date = "%d.%m.%Y", default = "2026-11-23" }
            labels.a = { column = "value", decimal = ",", default = "0.5" }
            labels.b = { column = "value", thousands = "." }
            labels.c = { column = "value", thousands = ",", grouping = "chinese" }
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
            "fields.close_date: `default`: \"2026-11-23\" is not a date of the form %d.%m.%Y",
            "fields.labels.a: `default`: \"0.5\" is not a number of the form 1234567,50",
            "fields.labels.b: `thousands` and `decimal` are both '.' (decimal is \".\" where nothing is said)",
            "fields.labels.c: `grouping` cannot be \"chinese\"; known: three, indian",
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
        check("collection = \"runs\"\nid = \"number\"", "nothing is imported into \"runs\"");
        check("collection = ", "TOML parse error");
        check(
            "collection = \"products\"\nid = \"number\"\ndelimiter = \"ab\"",
            "`delimiter` has to be one character",
        );
    }
}
