//! Cases that a plugin has to pass, from a file: TOML or JSON for what has detail lines, CSV for what a spreadsheet holds.
//! A case gives inputs and says which outputs, or which fault, are expected.

use std::{collections::BTreeMap, path::Path};

use serde_json::{Map, Value as Json};

use super::document;
use crate::{
    cli::{argument::read_text, failure::Failure},
    evaluate::author::AuthoredPlugin,
    model::{nearest::nearest, rejection::Rejection},
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
        let file = match extension {
            Some("csv") => {
                let cases = document::of_csv(text)?;
                Self { path: path.to_owned(), parameters: None, cases, flat: true }
            }
            extension => {
                let document = match extension {
                    Some("json") => document::of_json(text)?,
                    _ => document::of_toml(text)?,
                };
                let mut document = object("the file", document)?;
                only("the file", &document, KEYS)?;
                let parameters = document.remove("parameters").map(|parameters| match parameters {
                    Json::String(text) => text,
                    other => other.to_string(),
                });
                let cases = match document.remove("case") {
                    Some(Json::Array(cases)) => cases,
                    _ => Vec::new(),
                };
                Self { path: path.to_owned(), parameters, cases, flat: false }
            }
        };
        if file.cases.is_empty() {
            return Err("it has no cases: write [[case]], and below it name, inputs, outputs; of CSV, a row"
                .to_owned());
        }
        Ok(file)
    }

    /// The cases, as this plugin takes them.
    pub(super) fn cases(&self, plugin: &AuthoredPlugin) -> Result<Vec<Case>, Failure> {
        let cases = self.named(&plugin.manifest).map_err(Failure::Usage)?;
        for case in &cases {
            plugin.lacks(&case.row).map_err(|rejection| {
                Failure::Usage(format!("{}, case {:?}: {}", self.path, case.name, in_words(&rejection)))
            })?;
        }
        Ok(cases)
    }

    /// The cases, each with a name of its own, whose inputs and outputs are those of the manifest.
    fn named(&self, manifest: &Manifest) -> Result<Vec<Case>, String> {
        let mut cases: Vec<Case> = Vec::with_capacity(self.cases.len());
        for (number, json) in self.cases.iter().enumerate() {
            let named = json.get(if self.flat { "case" } else { "name" }).and_then(Json::as_str);
            let named = named.filter(|name| !name.is_empty());
            let called = named.map_or_else(|| (number + 1).to_string(), |name| format!("{name:?}"));
            let case = self
                .case(number, json, manifest)
                .map_err(|what| format!("{}, case {called}: {what}", self.path))?;
            if let Some(before) = cases.iter().position(|before| before.name == case.name) {
                let (before, after) = (before + 1, number + 1);
                let name = &case.name;
                return Err(format!(
                    "{}: cases {before} and {after} are both called {name:?}; give each a name of its own",
                    self.path
                ));
            }
            cases.push(case);
        }
        Ok(cases)
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
        known("input", inputs.keys(), manifest.inputs.iter().map(|input| input.name.as_str()))?;
        for line in &lines {
            let names = manifest.line_inputs.iter().map(|input| input.name.as_str());
            known("input of lines", line.inputs.keys(), names)?;
        }
        known("output", outputs.keys(), manifest.outputs.iter().map(|output| output.name.as_str()))?;
        if outputs.is_empty() && fault.is_none() {
            return Err("it expects nothing: give `outputs` or `fault`".to_owned());
        }
        if fault.is_some() && outputs.values().any(|output| !output.is_empty()) {
            return Err("it expects a fault, and outputs, which a faulted row has none of: give one of them"
                .to_owned());
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

/// A row of CSV in the shape of a case.
fn unfolded(row: Map<String, Json>, manifest: &Manifest) -> Result<Map<String, Json>, String> {
    let (mut case, mut inputs, mut outputs) = (Map::new(), Map::new(), Map::new());
    let is_input = |name: &str| manifest.inputs.iter().any(|input| input.name == name);
    let is_output = |name: &str| manifest.outputs.iter().any(|output| output.name == name);
    // Of a row that faults, no output is expected, unless one stands there.
    let faulted = row.get("fault").is_some_and(|fault| fault != "");
    for (column, cell) in row {
        match column.as_str() {
            "case" => _ = case.insert("name".to_owned(), cell),
            "fault" | "group" => _ = case.insert(column, cell),
            name if is_input(name) => _ = inputs.insert(column, cell),
            name if is_output(name.strip_prefix("output.").unwrap_or(name)) => {
                if !faulted || cell != "" {
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

/// Refuses a name that is not known.
fn known<'a>(
    what: &str,
    names: impl Iterator<Item = &'a String>,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Result<(), String> {
    for name in names {
        if !known.clone().any(|known| known == name) {
            let all: Vec<&str> = known.clone().collect();
            let hint = nearest(name, known).map_or_else(
                || format!("it has {}", if all.is_empty() { "none".to_owned() } else { all.join(", ") }),
                |near| format!("did you mean {near:?}?"),
            );
            return Err(format!("the plugin has no {what} {name:?}; {hint}"));
        }
    }
    Ok(())
}

/// What is wrong with a value of a row, by its name.
fn in_words(rejection: &Rejection) -> String {
    let Some(violation) = rejection.violations.first() else { return rejection.message.clone() };
    let field = violation.field.trim_start_matches("rows[0].").replace("inputs[\"", "").replace("\"]", "");
    format!("{field}: {}", violation.description)
}

/// Values as texts. A number is taken as it is written.
fn texts(what: &str, json: Json) -> Result<BTreeMap<String, String>, String> {
    let text = |name: &str, value: Json| match value {
        Json::Null => Ok(String::new()),
        Json::String(text) => Ok(text),
        Json::Number(number) => {
            let text = number.to_string();
            if text.contains(['e', 'E']) {
                return Err(format!("{what}.{name}: write {text} without an exponent"));
            }
            Ok(text)
        }
        other => Err(format!("{what}.{name}: a text or a number is expected, not {other}")),
    };
    object(what, json)?.into_iter().map(|(name, value)| text(&name, value).map(|text| (name, text))).collect()
}

#[cfg(test)]
mod tests;
