//! Rows into records, by a mapping. What cannot become a record is told apart: left out by the mapping, or rejected, with
//! the reason. A row that refers to a row further down waits until the end.

use std::collections::BTreeSet;

use prost_reflect::{DynamicMessage, prost::Message as _};

use super::{
    directory::{Directory, Lookup},
    foreign::{Named, move_references},
    json::{field_of, parse_json_object, read_message},
    mapping::{FieldMapping, IdRule, Mapping, RowRule},
    marks,
    row::Row,
    seen::SeenIds,
    slug::slug,
    value::{read_date, read_value},
};
use crate::model::schema::{Schema, field_rule};

/// Rows that may wait for a row further down.
const WAITING_MAX: usize = 100_000;

/// Turns rows into records.
pub struct Converter {
    mapping: Mapping,
    /// Rows are JSON objects of the fields themselves.
    json: bool,
    /// `teams/{team}`.
    team: String,
    directory: Directory,
    /// Lookups in the collection that is being imported.
    own_lookups: Vec<Lookup>,
    seen: SeenIds,
    waiting: Vec<Row>,
    /// The fields that a file of columns gives.
    mask: Vec<String>,
    /// Other teams whose records became this one's.
    foreign: BTreeSet<String>,
}

/// What a row came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prepared {
    /// A record to be sent.
    Record(Record),
    /// The mapping leaves the row out.
    Skipped(Row),
    /// The row cannot become a record, for this reason.
    Rejected(Row, String),
    /// The row waits; `Converter::finish` has it.
    Waiting,
}

/// A record to be sent, and the row it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The last part of its name.
    pub id: String,
    /// The encoded record.
    pub encoded: Vec<u8>,
    /// The fields that its row gives, empty or not: of a record that is there, the others stay.
    pub mask: Vec<String>,
    /// The row.
    pub row: Row,
}

enum Problem {
    /// The row refers to a record of its own collection that is not there yet.
    NotYet,
    Rejected(String),
}

/// What a row says.
struct Content {
    id: String,
    /// The team that the record is of, where its name says another than the one that is imported into.
    foreign: Option<String>,
    message: DynamicMessage,
    mask: Vec<String>,
}

// === impl Converter ===

impl Converter {
    /// A converter for a team, `teams/{team}`; the directory has what `Mapping::lookups` asks for.
    #[must_use]
    pub fn new(mapping: Mapping, team: &str, directory: Directory) -> Self {
        let (seen, waiting, mask) = (SeenIds::default(), Vec::new(), mapping.mask());
        let own_lookups = mapping
            .lookups()
            .into_iter()
            .filter(|lookup| lookup.collection == mapping.schema.collection)
            .collect();
        let (team, foreign) = (team.to_owned(), BTreeSet::new());
        Self { mapping, json: false, team, directory, own_lookups, seen, waiting, mask, foreign }
    }

    /// The same for JSON lines whose objects are the records themselves, as `merit export` writes them.
    #[must_use]
    pub fn of_json(mut self) -> Self {
        self.json = true;
        self
    }

    /// The collection that the records belong to.
    #[must_use]
    pub fn schema(&self) -> &'static Schema {
        self.mapping.schema
    }

    /// The other teams whose records became this one's, by their names; what they refer to is this team's then, too.
    #[must_use]
    pub fn foreign_teams(&self) -> &BTreeSet<String> {
        &self.foreign
    }

    /// Turns a row into a record.
    pub fn prepare(&mut self, row: Row) -> Prepared {
        self.attempt(row, self.waiting.len() < WAITING_MAX)
    }

    /// Turns the rows that waited into records, as far as what they wait for has come.
    pub fn finish(&mut self) -> Vec<Prepared> {
        let mut done = Vec::new();
        loop {
            let waiting = std::mem::take(&mut self.waiting);
            let before = waiting.len();
            for row in waiting {
                match self.attempt(row, true) {
                    Prepared::Waiting => {}
                    prepared => done.push(prepared),
                }
            }
            if self.waiting.len() == before || self.waiting.is_empty() {
                break;
            }
        }
        let never = std::mem::take(&mut self.waiting);
        done.extend(never.into_iter().map(|row| self.attempt(row, false)).collect::<Vec<_>>());
        done
    }

    fn attempt(&mut self, row: Row, may_wait: bool) -> Prepared {
        if let Some(problem) = &row.problem {
            let problem = problem.clone();
            return Prepared::Rejected(row, problem);
        }
        if self.mapping.skip.iter().any(|rule| self.applies(rule, &row)) {
            return Prepared::Skipped(row);
        }
        if let Some(rule) = self.mapping.reject.iter().find(|rule| self.applies(rule, &row)) {
            let because = rule.because.clone();
            return Prepared::Rejected(row, because);
        }
        match self.convert(&row, may_wait) {
            Ok(Content { id, foreign, mut message, mask }) => {
                if let Some(team) = foreign {
                    move_references(&mut message, &team, &self.team);
                    self.foreign.insert(team);
                }
                let encoded = message.encode_to_vec();
                let made_of = match &self.mapping.id {
                    IdRule::Name(_) => String::new(),
                    IdRule::Slug(template) => template.fill(|column| self.cell(&row, column)),
                };
                if let Err(reason) = self.seen.check(&id, &made_of, &encoded, row.line) {
                    return Prepared::Rejected(row, reason);
                }
                self.remember(&id, &message);
                Prepared::Record(Record { id, encoded, mask, row })
            }
            Err(Problem::NotYet) => {
                self.waiting.push(row);
                Prepared::Waiting
            }
            Err(Problem::Rejected(reason)) => Prepared::Rejected(row, reason),
        }
    }

    fn applies(&self, rule: &RowRule, row: &Row) -> bool {
        rule.values.contains(self.cell(row, rule.column))
    }

    /// The text of a column, without space around it; the texts that mean nothing are empty.
    fn cell<'r>(&self, row: &'r Row, column: usize) -> &'r str {
        let text = row.values.get(column).unwrap_or_default().trim();
        if self.mapping.empty_values.iter().any(|empty| empty == text) { "" } else { text }
    }

    fn convert(&self, row: &Row, may_wait: bool) -> Result<Content, Problem> {
        let Named { id, foreign } = self.id(row).map_err(Problem::Rejected)?;
        if self.json {
            let (message, mask) = self.read_json(&row.raw).map_err(Problem::Rejected)?;
            return Ok(Content { id, foreign, message, mask });
        }
        let mut message = DynamicMessage::new(self.mapping.schema.message.clone());
        for field in &self.mapping.fields {
            if let Some(text) = self.text(field, row, may_wait)? {
                let value =
                    read_value(field.path.field(), field.path.is_entry(), &text).map_err(|reason| {
                        Problem::Rejected(format!("{}: {reason}", field.path.field().name()))
                    })?;
                field.path.set(&mut message, value);
            }
        }
        Ok(Content { id, foreign, message, mask: self.mask.clone() })
    }

    fn id(&self, row: &Row) -> Result<Named, String> {
        match &self.mapping.id {
            IdRule::Name(column) => {
                Named::read(self.cell(row, *column), &self.mapping.schema.collection, &self.team)
            }
            IdRule::Slug(template) => {
                let text = template.fill(|column| self.cell(row, column));
                let id = slug(&text);
                if id.is_empty() {
                    return Err("the column of the id is empty, or has neither letter nor digit".to_owned());
                }
                Ok(Named { id, foreign: None })
            }
        }
    }

    /// The text of a field, after everything the mapping says about it; nothing where the field stays unset.
    fn text(&self, field: &FieldMapping, row: &Row, may_wait: bool) -> Result<Option<String>, Problem> {
        let rejected = |reason: String| Problem::Rejected(format!("{}: {reason}", field.path.field().name()));
        let mut text = field.source.fill(|column| self.cell(row, column));
        if let Some(meaning) = field.values.get(text.as_str()) {
            text.clone_from(meaning);
        } else if field.listed_only && !text.is_empty() {
            return Err(rejected(format!("{text:?} is not in the mapping's map")));
        }
        if text.is_empty() {
            match &field.default {
                Some(default) => text.clone_from(default),
                None if field.reject_empty => return Err(rejected("it is empty".to_owned())),
                None => return Ok(None),
            }
        }
        if let Some(number) = &field.number {
            text = number.read(&text).map_err(&rejected)?;
        }
        if !field.dates.is_empty() {
            text = read_date(&text, &field.dates).map_err(&rejected)?;
        }
        match &field.lookup {
            Some(lookup) => self.look_up(lookup, &text, field, may_wait).map(Some),
            None => Ok(Some(text)),
        }
    }

    fn look_up(
        &self,
        lookup: &Lookup,
        text: &str,
        field: &FieldMapping,
        may_wait: bool,
    ) -> Result<String, Problem> {
        if lookup.by == Lookup::BY_ID {
            return Ok(format!("{}/{}/{}", self.team, lookup.collection, slug(text)));
        }
        let own = lookup.collection == self.mapping.schema.collection;
        if own && may_wait && !self.directory.knows(lookup, text) {
            return Err(Problem::NotYet);
        }
        let found = self.directory.find(lookup, text);
        found.map_err(|reason| Problem::Rejected(format!("{}: {reason}", field.path.field().name())))
    }

    /// The record itself, without what the service sets, and the fields that the object gives.
    fn read_json(&self, raw: &[u8]) -> Result<(DynamicMessage, Vec<String>), String> {
        let text = std::str::from_utf8(raw).map_err(|error| error.to_string())?;
        let mut object = parse_json_object(text)?;
        object.retain(|key, _| key != "id" && !marks::is_mark(key));
        let descriptor = &self.mapping.schema.message;
        let mut message = read_message(descriptor, &object)?;
        let mut mask = BTreeSet::new();
        for field in object.keys().filter_map(|key| field_of(descriptor, key)) {
            if field.name() == "etag" || field_rule(&field).output_only {
                message.clear_field(&field);
            } else {
                mask.insert(field.name().to_owned());
            }
        }
        Ok((message, mask.into_iter().collect()))
    }

    /// Lets the rows further down refer to this record.
    fn remember(&mut self, id: &str, message: &DynamicMessage) {
        let collection = &self.mapping.schema.collection;
        for lookup in &self.own_lookups {
            let value = message.get_field_by_name(&lookup.by);
            if let Some(key) = value.as_ref().and_then(|value| value.as_str()) {
                self.directory.add(lookup, key, &format!("{}/{collection}/{id}", self.team));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use prost_reflect::{DynamicMessage, SerializeOptions};

    use super::{Converter, Directory, Lookup, Mapping, Prepared};
    use crate::transfer::{Form, Rows};

    /// What becomes of every row: `line: id {record}`, `line! reason`, `line skipped`.
    fn check(mapping: &str, file: &str, expected: &[&str]) {
        let rows = Rows::open(Box::new(Cursor::new(file.to_owned())), Some(Form::Csv), None).expect("a file");
        let mapping = Mapping::parse(mapping, rows.columns()).expect("nothing is wrong");
        let mut directory = Directory::default();
        let lookup = Lookup { collection: "products".to_owned(), by: "display_name".to_owned() };
        directory.add(&lookup, "GTX Pro", "teams/t/products/gtx-pro");
        let message = mapping.schema().message.clone();
        let mut converter = Converter::new(mapping, "teams/t", directory);
        let mut prepared: Vec<_> = rows.map(|row| converter.prepare(row.expect("a row"))).collect();
        prepared.extend(converter.finish());
        let told: Vec<String> = prepared
            .into_iter()
            .map(|prepared| match prepared {
                Prepared::Record(record) => {
                    let decoded =
                        DynamicMessage::decode(message.clone(), record.encoded.as_slice()).expect("encoded");
                    let options = SerializeOptions::new().use_proto_field_name(true);
                    let json = decoded
                        .serialize_with_options(serde_json::value::Serializer, &options)
                        .expect("JSON");
                    format!("{}: {} {json}", record.row.line, record.id)
                }
                Prepared::Skipped(row) => format!("{} skipped", row.line),
                Prepared::Rejected(row, reason) => format!("{}! {reason}", row.line),
                Prepared::Waiting => "waits".to_owned(),
            })
            .collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn rows_become_records() {
        check(
            r#"
            collection = "opportunities"
            id = "number"
            empty_values = ["N/A"]
            reject = [{ column = "agent", empty = true, because = "nobody's deal" }]
            skip = [{ column = "number", values = ["total"] }]
            [fields]
            owner = { column = "agent", lookup = "accountManagers", by = "id" }
            product = { column = "product", map = { "GTXPro" = "GTX Pro" }, lookup = "products" }
            stage = { column = "stage", map = { "Closed" = "WON" }, otherwise = "reject", default = "PROSPECTING" }
            close_date = { column = "closed", date = "%d.%m.%Y" }
            amount = { column = "value", decimal = ",", thousands = "." }
            "#,
            "number;agent;product;stage;closed;value\n\
             A-1;Anna Snelling;GTXPro;Closed;31.12.2016;1.054,50\n\
             A-2;Anna Snelling;N/A;;;\n\
             A-3;;GTX Pro;Closed;;\n\
             A-4;Anna;GTX  Pro;Closed;;\n\
             A-5;Anna;GTX Pro;Open;;\n\
             A-6;Anna;GTX Pro;Closed;12/31/2016;\n\
             total;;;;;1054\n\
             A 1;Anna;;;;\n\
             A-7;Anna\n",
            &[
                r#"2: a-1 {"amount":"1054.50","close_date":"2016-12-31","owner":"teams/t/accountManagers/anna-snelling","product":"teams/t/products/gtx-pro","stage":"OPPORTUNITY_STAGE_WON"}"#,
                r#"3: a-2 {"owner":"teams/t/accountManagers/anna-snelling","stage":"OPPORTUNITY_STAGE_PROSPECTING"}"#,
                "4! nobody's deal",
                "5! product: there is nothing in products with display_name \"GTX  Pro\"; the nearest is \"GTX Pro\"",
                "6! stage: \"Open\" is not in the mapping's map",
                "7! close_date: \"12/31/2016\" is not a date of the form %d.%m.%Y",
                "8 skipped",
                "9! the id \"a-1\", made of \"A 1\", is that of line 2 too, which says otherwise: leave one of them out, or make the id of more columns",
                "10! 2 values where the first row names 6 columns",
            ],
        );
    }

    #[test]
    fn a_second_row_of_a_record_says_the_same_or_is_refused() {
        check(
            "collection = \"products\"\nid = \"name\"\n[fields]\ndisplay_name = \"name\"\nlist_price = \"price\"\n",
            "name,price\nMG,1\nMG,1\nMG,2\nGTX,1\n",
            &[
                r#"2: mg {"display_name":"MG","list_price":"1"}"#,
                r#"3: mg {"display_name":"MG","list_price":"1"}"#,
                "4! the id \"mg\", made of \"MG\", is that of line 2 too, which says otherwise: leave one of them out, or make the id of more columns",
                r#"5: gtx {"display_name":"GTX","list_price":"1"}"#,
            ],
        );
    }

    #[test]
    fn what_is_not_known_is_not_0() {
        check(
            "collection = \"customers\"\nid = \"name\"\n[fields]\ndisplay_name = \"name\"\nemployees = \"staff\"\n",
            "name,staff\nA,0\nB,\nC,12\n",
            &[
                r#"2: a {"display_name":"A","employees":"0"}"#,
                r#"3: b {"display_name":"B"}"#,
                r#"4: c {"display_name":"C","employees":"12"}"#,
            ],
        );
    }

    #[test]
    fn a_row_waits_for_one_further_down() {
        check(
            "collection = \"customers\"\nid = \"name\"\n[fields]\ndisplay_name = \"name\"\n\
             parent_customer = { column = \"of\", lookup = \"customers\" }\n",
            "name,of\nC,B\nB,A\nA,\nD,E\n",
            &[
                "waits",
                "waits",
                r#"4: a {"display_name":"A"}"#,
                "waits",
                r#"3: b {"display_name":"B","parent_customer":"teams/t/customers/a"}"#,
                r#"2: c {"display_name":"C","parent_customer":"teams/t/customers/b"}"#,
                "5! parent_customer: there is nothing in customers with display_name \"E\"",
            ],
        );
    }
}
