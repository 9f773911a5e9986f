//! Cases that a plugin has to pass, from a file: TOML or JSON for what has detail lines, CSV for what a spreadsheet holds.
//! A case gives inputs and says which outputs, or which fault, are expected.

use std::{collections::BTreeMap, path::Path};

use serde_json::{Map, Value as Json};

use crate::{
    cli::{argument::read_text, failure::Failure},
    model::nearest::nearest,
    proto::v1,
    sandbox::Manifest,
};

/// What `--help` says of the file.
pub(super) const CASES_HELP: &str = r#"The file of cases, TOML (or JSON of the same shape):
  parameters = { rate = "5%" }            # of the plugin; needs no place where there are none

  [[case]]
  name = "above the quota"
  inputs = { revenue = "120000.00", quota = "100000" }
  lines = [{ amount = "10.50" }]          # where the plugin takes detail lines
  outputs = { commission = "6600.00" }    # exactly; "" where there is no value; others are not looked at

  [[case]]
  name = "no quota"
  inputs = { revenue = "1" }
  fault = "quota is missing"              # a part of the message
  group = "north"                         # which rows are scored together, for a plugin of scope group

Or CSV: a column for each input and expected output by its name, and `case`, `fault`, `group` where wanted. A column that
is both input and output means the input; `output.NAME` means the output."#;

/// A case.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Case {
    /// What people call it, or its number.
    pub(super) name: String,
    pub(super) group: String,
    pub(super) row: v1::PluginRow,
    /// What is expected, by output; the empty text where no value is.
    pub(super) outputs: BTreeMap<String, String>,
    /// A part of the fault that is expected.
    pub(super) fault: Option<String>,
}

/// A file of cases, before it is known what the plugin takes.
pub(super) struct CasesFile {
    path: String,
    /// The parameters that the file gives, as JSON.
    pub(super) parameters: Option<String>,
    cases: Vec<Json>,
    /// Names of columns, of CSV, where a value is of an input or an output by its name.
    flat: bool,
}

/// What a file may say, and what a case may.
const KEYS: &[&str] = &["parameters", "case"];
const CASE_KEYS: &[&str] = &["name", "inputs", "lines", "outputs", "fault", "group"];

// === impl CasesFile ===

impl CasesFile {
    /// Reads a file.
    pub(super) fn read(path: &str) -> Result<Self, Failure> {
        let text = read_text(path)?;
        let extension = Path::new(path).extension().and_then(|extension| extension.to_str());
        Self::parse(path, extension, &text).map_err(|what| Failure::Usage(format!("{path}: {what}")))
    }

    fn parse(path: &str, extension: Option<&str>, text: &str) -> Result<Self, String> {
        if extension == Some("csv") {
            let cases = csv_cases(text)?;
            return Ok(Self { path: path.to_owned(), parameters: None, cases, flat: true });
        }
        let document: Json = match extension {
            Some("json") => serde_json::from_str(text).map_err(|error| error.to_string())?,
            _ => toml::from_str(text).map_err(|error| error.to_string())?,
        };
        let mut document = object("the file", document)?;
        only("the file", &document, KEYS)?;
        let parameters = document.remove("parameters").map(|parameters| match parameters {
            Json::String(text) => text,
            other => other.to_string(),
        });
        let Some(Json::Array(cases)) = document.remove("case") else {
            return Err("it has no cases: write [[case]], and below it name, inputs, outputs".to_owned());
        };
        Ok(Self { path: path.to_owned(), parameters, cases, flat: false })
    }

    /// The cases, as the plugin takes them.
    pub(super) fn cases(&self, manifest: &Manifest) -> Result<Vec<Case>, Failure> {
        let wrong = |number: usize, what: String| {
            Failure::Usage(format!("{}, case {}: {what}", self.path, number + 1))
        };
        self.cases
            .iter()
            .enumerate()
            .map(|(number, json)| self.case(number, json, manifest).map_err(|what| wrong(number, what)))
            .collect()
    }

    fn case(&self, number: usize, json: &Json, manifest: &Manifest) -> Result<Case, String> {
        let mut json = object("a case", json.clone())?;
        if self.flat {
            json = unfolded(json, manifest)?;
        }
        only("a case", &json, CASE_KEYS)?;
        let texts_of = |json: &mut Map<String, Json>, key: &str| {
            json.remove(key).map_or(Ok(BTreeMap::new()), |value| texts(key, value))
        };
        let inputs = texts_of(&mut json, "inputs")?;
        let outputs = texts_of(&mut json, "outputs")?;
        let lines = match json.remove("lines") {
            None => Vec::new(),
            Some(Json::Array(lines)) => lines
                .into_iter()
                .map(|line| Ok(v1::PluginLine { inputs: given(texts("lines", line)?) }))
                .collect::<Result<_, String>>()?,
            Some(_) => return Err("lines: a list is expected, as [{ amount = \"10\" }]".to_owned()),
        };
        let mut text_of = |key: &str| match json.remove(key) {
            None => Ok(None),
            Some(Json::String(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
            Some(other) => Err(format!("{key}: a text is expected, not {other}")),
        };
        let (name, group, fault) = (text_of("name")?, text_of("group")?, text_of("fault")?);
        let known: Vec<&str> = manifest.outputs.iter().map(|output| output.name.as_str()).collect();
        if let Some(wrong) = outputs.keys().find(|name| !known.contains(&name.as_str())) {
            return Err(format!("the plugin has no output {wrong:?}; it has {}", known.join(", ")));
        }
        if outputs.is_empty() && fault.is_none() {
            return Err("it expects nothing: give `outputs` or `fault`".to_owned());
        }
        Ok(Case {
            name: name.unwrap_or_else(|| (number + 1).to_string()),
            group: group.unwrap_or_default(),
            row: v1::PluginRow { inputs: given(inputs), lines },
            outputs,
            fault,
        })
    }
}

/// The rows of a CSV file as objects of its columns.
fn csv_cases(text: &str) -> Result<Vec<Json>, String> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let columns = reader.headers().map_err(|error| error.to_string())?.clone();
    reader
        .records()
        .map(|record| {
            let record = record.map_err(|error| error.to_string())?;
            let cells = columns.iter().zip(&record);
            Ok(Json::Object(cells.map(|(name, cell)| (name.trim().to_owned(), cell.trim().into())).collect()))
        })
        .collect()
}

/// A row of CSV in the shape of a case.
fn unfolded(row: Map<String, Json>, manifest: &Manifest) -> Result<Map<String, Json>, String> {
    let (mut case, mut inputs, mut outputs) = (Map::new(), Map::new(), Map::new());
    let is_input = |name: &str| manifest.inputs.iter().any(|input| input.name == name);
    let is_output = |name: &str| manifest.outputs.iter().any(|output| output.name == name);
    let faulted = row.get("fault").is_some_and(|fault| fault != "");
    for (column, cell) in row {
        match column.as_str() {
            "case" => _ = case.insert("name".to_owned(), cell),
            "fault" | "group" => _ = case.insert(column, cell),
            name if is_input(name) => _ = inputs.insert(column, cell),
            name if is_output(name.strip_prefix("output.").unwrap_or(name)) => {
                // Of a row that faults, no output is expected.
                if !faulted {
                    outputs.insert(name.strip_prefix("output.").unwrap_or(name).to_owned(), cell);
                }
            }
            name => {
                let names = manifest.inputs.iter().map(|input| &input.name);
                let names = names.chain(manifest.outputs.iter().map(|output| &output.name));
                let known: Vec<&str> = names.map(String::as_str).chain(["case", "fault", "group"]).collect();
                let hint = nearest(name, known.iter().copied());
                let hint = hint.map_or_else(|| known.join(", "), |near| format!("did you mean {near:?}?"));
                return Err(format!("the plugin has neither input nor output {name:?}; {hint}"));
            }
        }
    }
    case.insert("inputs".to_owned(), Json::Object(inputs));
    case.insert("outputs".to_owned(), Json::Object(outputs));
    Ok(case)
}

fn object(what: &str, json: Json) -> Result<Map<String, Json>, String> {
    match json {
        Json::Object(object) => Ok(object),
        other => Err(format!("{what}: names and values are expected, not {other}")),
    }
}

fn only(what: &str, object: &Map<String, Json>, known: &[&str]) -> Result<(), String> {
    let Some(wrong) = object.keys().find(|key| !known.contains(&key.as_str())) else { return Ok(()) };
    let hint = nearest(wrong, known.iter().copied());
    let hint =
        hint.map_or_else(|| format!("known: {}", known.join(", ")), |near| format!("did you mean {near:?}?"));
    Err(format!("{what} has no {wrong:?}; {hint}"))
}

/// What is given: the empty text says that nothing is.
fn given(texts: BTreeMap<String, String>) -> BTreeMap<String, String> {
    texts.into_iter().filter(|(_, text)| !text.is_empty()).collect()
}

/// Values as texts. A number is taken as it is written where that is exact.
fn texts(what: &str, json: Json) -> Result<BTreeMap<String, String>, String> {
    let text = |name: &str, value: Json| match value {
        Json::Null => Ok(String::new()),
        Json::String(text) => Ok(text),
        Json::Number(number) => {
            let text = number.to_string();
            let digits = text.bytes().filter(u8::is_ascii_digit).count();
            // A file's numbers are binary; with more digits they are no longer the ones that were written.
            if digits > 15 || text.contains(['e', 'E']) {
                return Err(format!("{what}.{name}: write {text} in quotes, so that every digit counts"));
            }
            Ok(text)
        }
        other => Err(format!("{what}.{name}: a text or a number is expected, not {other}")),
    };
    object(what, json)?.into_iter().map(|(name, value)| text(&name, value).map(|text| (name, text))).collect()
}

#[cfg(test)]
mod tests {
    use super::CasesFile;
    use crate::sandbox::{Input, Kind, Manifest, Output, Role, Scope};

    fn manifest() -> Manifest {
        let input = |name: &str| Input { name: name.into(), kind: Kind::Number, scale: 2, required: true };
        Manifest {
            summary: String::new(),
            scope: Scope::Row,
            inputs: vec![input("revenue"), input("quota")],
            line_inputs: vec![input("amount")],
            outputs: vec![Output { name: "pay".into(), role: Role::Payout, scale: 0 }],
        }
    }

    fn check(extension: &str, text: &str, expected: Result<&[&str], &str>) {
        let cases = CasesFile::parse("f", Some(extension), text)
            .map_err(|what| format!("error: {what}\n"))
            .and_then(|file| file.cases(&manifest()).map_err(|failure| format!("{failure:?}")));
        let told = cases.map(|cases| {
            let told = cases.iter().map(|case| {
                format!(
                    "{}: {:?} {} {:?} {:?}",
                    case.name,
                    case.row.inputs,
                    case.row.lines.len(),
                    case.outputs,
                    case.fault
                )
            });
            told.collect::<Vec<_>>()
        });
        match (told, expected) {
            (Err(told), Err(expected)) => assert!(told.contains(expected), "{told}"),
            (told, expected) => assert_eq!(
                told,
                expected.map(|lines| lines.iter().map(ToString::to_string).collect()).map_err(str::to_owned)
            ),
        }
    }

    #[test]
    fn cases_are_read_in_three_forms() {
        let case = r#"x: {"quota": "10", "revenue": "1.50"} 0 {"pay": "2"} None"#;
        check(
            "toml",
            "[[case]]\nname = 'x'\ninputs = { revenue = '1.50', quota = 10 }\noutputs = { pay = 2 }",
            Ok(&[case]),
        );
        check(
            "json",
            r#"{"case": [{"name": "x", "inputs": {"revenue": "1.50", "quota": 10}, "outputs": {"pay": "2"}}]}"#,
            Ok(&[case]),
        );
        check("csv", "case,revenue,quota,pay\nx,1.50,10,2\n", Ok(&[case]));
        check(
            "csv",
            "revenue,quota,output.pay,fault\n1,,,missing\n",
            Ok(&[r#"1: {"revenue": "1"} 0 {} Some("missing")"#]),
        );
        check(
            "toml",
            "[[case]]\ninputs = {}\nlines = [{ amount = 1 }, {}]\noutputs = { pay = '' }",
            Ok(&[r#"1: {} 2 {"pay": ""} None"#]),
        );
    }

    #[test]
    fn what_is_wrong_with_cases_is_told() {
        check("toml", "", Err("it has no cases"));
        check(
            "toml",
            "[[case]]\ninput = {}",
            Err("case 1: a case has no \\\"input\\\"; did you mean \\\"inputs\\\"?"),
        );
        check("toml", "[[case]]\noutputs = { pai = 1 }", Err("no output \\\"pai\\\"; it has pay"));
        check("toml", "[[case]]\ninputs = { revenue = 1 }", Err("it expects nothing"));
        check(
            "toml",
            "[[case]]\noutputs = { pay = 1234567890.1234567 }",
            Err("in quotes, so that every digit counts"),
        );
        check("csv", "revenu,pay\n1,2\n", Err("did you mean \\\"revenue\\\"?"));
    }
}
