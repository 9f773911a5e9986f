//! The file that says what a run is to do, and the flags that say the same: TOML in, `Run` out. Ids are enough where the
//! service wants names.

use prost_reflect::ReflectMessage as _;
use serde_json::{Map, Value as Json, json};
use toml::{Table, Value};

use super::{connection::Connection, failure::Failure, output::dynamic, period};
use crate::{model::nearest::nearest, proto::v1, transfer::read_message};

/// The form of a run file, for --help.
pub(super) const RUN_FILE_HELP: &str = r#"The run file:
  display_name = "First quarter"
  period = "2017-Q1"                   # or 2017-03, 2017, FY2017-Q1, 2017-01-01..2017-04-01
  mode = "trial"                       # or "final"
  population = 'region = "North"'      # default: everybody employed in the period

  [[steps]]
  step = "commission"
  revision = "commission-1"            # or plugin = "commission": its active revision
  shadow = "commission-2"              # a candidate beside it, no part of the results
  parameters = { rate = "0.05" }       # where the revision brings none
  [steps.inputs]                       # default: the measure, target or attribute of the same name
  revenue = { measure = "won-revenue" }
  quota   = { target = "won-revenue" }
  region  = { attribute = "region" }
  gate    = { output = "scorecard.performance" }
  floor   = { constant = "100" }
  [steps.lines]                        # for plugins that go deal by deal
  collection = "opportunities"
  owner_field = "owner"
  time_field = "close_date"
  condition = 'stage = "WON"'
  fields = { amount = "amount" }"#;

/// The run that a file describes.
pub(super) async fn read(connection: &Connection, file: &str, text: &str) -> Result<v1::Run, Failure> {
    let wrong = |message: String| Failure::Usage(format!("{file}: {message}"));
    let mut table: Table =
        text.parse().map_err(|error: toml::de::Error| wrong(error.to_string().trim_end().to_owned()))?;
    if let Some(text) = table.remove("period") {
        let text = text.as_str().map(str::to_owned).unwrap_or_else(|| text.to_string());
        let first_month = period::first_month(connection, &text).await?;
        let (start, end) = period::parse_of(&text, first_month).map_err(wrong)?;
        table.insert("period_start".to_owned(), Value::String(start));
        table.insert("period_end".to_owned(), Value::String(end));
    }
    let mut object = Map::new();
    for (key, value) in table {
        let json = match (key.as_str(), value) {
            ("steps", Value::Array(steps)) => {
                let steps = steps.into_iter().enumerate();
                let steps =
                    steps.map(|(place, value)| step(connection, value, &format!("steps[{place}]"), &wrong));
                Json::Array(steps.collect::<Result<_, _>>()?)
            }
            (_, Value::Datetime(date)) => json!(date.to_string()),
            (_, value) => serde_json::to_value(value).unwrap_or_default(),
        };
        object.insert(key, json);
    }
    let descriptor = dynamic(&v1::Run::default()).descriptor();
    let message = read_message(&descriptor, &object).map_err(wrong)?;
    message.transcode_to().map_err(|error| wrong(error.to_string()))
}

/// A step, with names where ids are, lists where tables are, and text where JSON is.
fn step(
    connection: &Connection,
    value: Value,
    place: &str,
    wrong: &dyn Fn(String) -> Failure,
) -> Result<Json, Failure> {
    let mut json = serde_json::to_value(value).unwrap_or_default();
    let Some(step) = json.as_object_mut() else {
        return Err(wrong("write steps as `[[steps]]`".to_owned()));
    };
    for (field, collection) in
        [("revision", "pluginRevisions"), ("plugin", "plugins"), ("shadow", "pluginRevisions")]
    {
        if let Some(name) = step.get_mut(field).filter(|name| name.is_string()) {
            *name = json!(connection.name(collection, name.as_str().unwrap_or_default())?);
        }
    }
    if let Some(parameters) = step.get_mut("parameters").filter(|parameters| parameters.is_object()) {
        *parameters = json!(parameters.to_string());
    }
    if let Some(Json::Object(inputs)) = step.get("inputs").cloned() {
        let bindings = inputs.into_iter().map(|(input, source)| {
            let place = format!("{place}.inputs.{input}");
            binding(connection, &input, source, &place, wrong)
        });
        let bindings = bindings.collect::<Result<_, _>>()?;
        step.insert("inputs".to_owned(), Json::Array(bindings));
    }
    if let Some(lines) = step.get_mut("lines").and_then(Json::as_object_mut)
        && let Some(Json::Object(fields)) = lines.get("fields").cloned()
    {
        let fields =
            fields.into_iter().map(|(input, value)| json!({ "input": input, "value": value })).collect();
        lines.insert("fields".to_owned(), Json::Array(fields));
    }
    Ok(json)
}

/// Where an input comes from: `{ measure = "won-revenue" }`.
fn binding(
    connection: &Connection,
    input: &str,
    source: Json,
    place: &str,
    wrong: &dyn Fn(String) -> Failure,
) -> Result<Json, Failure> {
    const KINDS: [&str; 5] = ["measure", "target", "attribute", "output", "constant"];
    let mut entries = match source {
        Json::Object(entries) if entries.len() == 1 => entries,
        other => {
            let form = format!("write one source, `{input} = {{ measure = \"won-revenue\" }}`, not {other}");
            return Err(wrong(format!("{place}: {form}")));
        }
    };
    if let Some(kind) = entries.keys().find(|kind| !KINDS.contains(&kind.as_str())) {
        let hint = nearest(kind, KINDS);
        let hint = hint.map_or_else(|| KINDS.join(", "), |near| format!("did you mean {near:?}?"));
        return Err(wrong(format!("{place}: there is no source {kind:?}; {hint}")));
    }
    for key in ["measure", "target"] {
        if let Some(Json::String(id)) = entries.get(key).cloned() {
            entries.insert(key.to_owned(), json!(connection.name("measures", &id)?));
        }
    }
    entries.insert("input".to_owned(), json!(input));
    Ok(Json::Object(entries))
}

/// A step that a flag describes, `NAME=REVISION` or a revision alone, which then gives the name; `plugins/ID` stands for the
/// plugin's active revision.
pub(super) fn step_of_flag(connection: &Connection, flag: &str) -> Result<v1::RunStep, Failure> {
    let (step, revision) = match flag.split_once('=') {
        Some((step, revision)) => (step.to_owned(), revision),
        None => {
            let id = flag.rsplit('/').next().unwrap_or(flag);
            let is_plugin = flag.contains("plugins/");
            let plugin = id.rsplit_once('-').filter(|_| !is_plugin).map_or(id, |(plugin, _)| plugin);
            (plugin.replace('-', "_"), flag)
        }
    };
    if revision.contains("plugins/") {
        let plugin = connection.name("plugins", revision)?;
        return Ok(v1::RunStep { step, plugin, ..v1::RunStep::default() });
    }
    Ok(v1::RunStep {
        step,
        revision: connection.name("pluginRevisions", revision)?,
        ..v1::RunStep::default()
    })
}

/// The step of that name.
///
/// # Errors
/// Which steps there are.
pub(super) fn step_of<'r>(steps: &'r mut [v1::RunStep], name: &str) -> Result<&'r mut v1::RunStep, String> {
    let known: Vec<String> = steps.iter().map(|step| step.step.clone()).collect();
    steps.iter_mut().find(|step| step.step == name).ok_or_else(|| match known.as_slice() {
        [] => format!("there is no step {name:?}, nor any other; --step adds one"),
        known => format!("there is no step {name:?}, there is {}", known.join(", ")),
    })
}

/// Binds an input as a flag says, `STEP.INPUT=KIND:SOURCE`.
pub(super) fn bind(connection: &Connection, steps: &mut [v1::RunStep], flag: &str) -> Result<(), Failure> {
    use v1::input_binding::Source;
    let wrong =
        |why: &str| Failure::Usage(format!("--input {flag}: {why}; write it STEP.INPUT=measure:won-revenue"));
    let (target, source) = flag.split_once('=').ok_or_else(|| wrong("there is no ="))?;
    let (step, input) = target.split_once('.').ok_or_else(|| wrong("there is no step"))?;
    let (kind, value) = source.split_once(':').ok_or_else(|| wrong("there is no kind of source"))?;
    let source = match kind {
        "measure" => Source::Measure(connection.name("measures", value)?),
        "target" => Source::Target(connection.name("measures", value)?),
        "attribute" => Source::Attribute(value.to_owned()),
        "output" => Source::Output(value.to_owned()),
        "constant" => Source::Constant(value.to_owned()),
        _ => return Err(wrong("a source is a measure, target, attribute, output or constant")),
    };
    let step = step_of(steps, step).map_err(|why| wrong(&why))?;
    step.inputs.push(v1::InputBinding { input: input.to_owned(), source: Some(source) });
    Ok(())
}
