//! Runs: the expressions of their population, groups, inputs and detail lines.

use merit_expression::Kind;

use super::expression;
use crate::{
    model::{
        evaluation::{check_owner_field, check_time_field, source_collection},
        finding::Findings,
        schema::schemas,
    },
    proto::v1::{LineBinding, Run, RunStep, input_binding::Source},
};

/// What a plugin can be given.
const GIVEN: &[Kind] = &[Kind::Number, Kind::Text];

/// What makes a group other than a field does: the one reported to.
const MANAGER: &str = "manager";

/// Checks the expressions of a run.
pub(super) fn check(run: &Run, findings: &mut Findings) {
    let people = &schemas()["accountManagers"];
    expression::check(&run.population, people, &[Kind::Boolean], "population", findings);
    for (index, step) in run.steps.iter().enumerate() {
        check_step(step, &format!("steps[{index}]"), findings);
    }
}

fn check_step(step: &RunStep, path: &str, findings: &mut Findings) {
    let people = &schemas()["accountManagers"];
    if step.group_by.trim() != MANAGER {
        let path = format!("{path}.group_by");
        expression::check(&step.group_by, people, &[Kind::Text], &path, findings);
    }
    for (index, input) in step.inputs.iter().enumerate() {
        if let Some(Source::Attribute(attribute)) = &input.source {
            let path = format!("{path}.inputs[{index}].attribute");
            if attribute.trim().is_empty() {
                findings.field(&path, "is required: an expression over the fields of account managers");
            }
            expression::check(attribute, people, GIVEN, &path, findings);
        }
    }
    if let Some(lines) = &step.lines {
        check_lines(lines, &format!("{path}.lines"), findings);
    }
}

fn check_lines(lines: &LineBinding, path: &str, findings: &mut Findings) {
    let Some(schema) = source_collection(&lines.collection, path, findings) else { return };
    check_owner_field(schema, &lines.owner_field, path, findings);
    check_time_field(schema, &lines.time_field, path, findings);
    expression::check(&lines.condition, schema, &[Kind::Boolean], &format!("{path}.condition"), findings);
    for (index, field) in lines.fields.iter().enumerate() {
        expression::check(&field.value, schema, GIVEN, &format!("{path}.fields[{index}].value"), findings);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::v1::{InputBinding, LineField};

    #[test]
    fn expressions_of_runs() {
        let check = |population: &str, group_by: &str, attribute: &str, line: &str, expected: &str| {
            let inputs =
                vec![InputBinding { input: "x".into(), source: Some(Source::Attribute(attribute.into())) }];
            let lines = LineBinding {
                collection: "opportunities".into(),
                condition: "stage = \"WON\"".into(),
                owner_field: "owner".into(),
                time_field: "close_date".into(),
                fields: vec![LineField { input: "amount".into(), value: line.into() }],
            };
            let step =
                RunStep { inputs, lines: Some(lines), group_by: group_by.into(), ..Default::default() };
            let run = Run { population: population.into(), steps: vec![step], ..Default::default() };
            let mut findings = Findings::default();
            super::check(&run, &mut findings);
            let found = findings.refuse().err().map(|rejection| rejection.violations[0].field.clone());
            assert_eq!(found.unwrap_or_default(), expected, "{run:?}");
        };
        check("region = \"North\"", "manager", "labels.level", "amount", "");
        check("", "region", "region", "amount * 2", "");
        check("region", "", "region", "amount", "population");
        check("etag = \"1\"", "", "region", "amount", "population");
        check("", "hire_date", "region", "amount", "steps[0].group_by");
        check("", "", "regio", "amount", "steps[0].inputs[0].attribute");
        check("", "", "region", "close_date", "steps[0].lines.fields[0].value");
    }
}
