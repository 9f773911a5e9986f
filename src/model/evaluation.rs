//! Rules of measures, their values, and runs, as far as they need no expressions: those are in `resource::rules`.

use std::collections::BTreeSet;

use super::{
    currency,
    finding::Findings,
    format::quoted,
    goal::period,
    name::{WORD, is_word},
    records::{Records, find},
    rejection::{EvaluationReason, Reason, Rejection},
    schema::{FieldKind, Schema, schemas},
    text::counted,
};
use crate::proto::v1::{
    Measure, MeasureValue, Ratio, Run, RunStep, Team, input_binding::Source, measure::Definition,
};

/// How many ratios may stand above each other.
pub const RATIO_DEPTH_MAX: usize = 8;

/// Checks a measure: ratios do not go in circles, money is not cut off, and a measure that values are supplied for stays one.
///
/// # Errors
/// `INTERNAL` where the store failed.
pub fn measure(measure: &Measure, records: &dyn Records, findings: &mut Findings) -> Result<(), Rejection> {
    if measure.money {
        check_money(measure, records, findings)?;
    }
    // That there is a definition is said in the contract.
    if let Some(Definition::Ratio(ratio)) = &measure.definition {
        check_ratio(&measure.name, ratio, records, findings)?;
    }
    if !matches!(measure.definition, Some(Definition::Supplied(_))) {
        let values = records.referrers(&measure.name, "measureValues")?;
        if values > 0 {
            let description =
                format!("has {} supplied for it: delete what is supplied first", counted(values, "value"));
            findings.field("definition", description);
        }
    }
    Ok(())
}

/// An amount of money keeps at least the decimals of the team's currency: cents are not rounded away unseen.
fn check_money(measure: &Measure, records: &dyn Records, findings: &mut Findings) -> Result<(), Rejection> {
    let team = measure.name.split("/measures/").next().unwrap_or_default();
    let Some(team) = find::<Team>(records, team)? else { return Ok(()) };
    let least = i32::from(currency::decimals(&team.currency).unwrap_or_default());
    if measure.scale < least {
        let description = format!("a money measure in {} has {least} decimals or more", team.currency);
        findings.field("scale", description);
    }
    Ok(())
}

fn check_ratio(
    name: &str,
    ratio: &Ratio,
    records: &dyn Records,
    findings: &mut Findings,
) -> Result<(), Rejection> {
    for (field, first) in [("ratio.numerator", &ratio.numerator), ("ratio.denominator", &ratio.denominator)] {
        let mut level = BTreeSet::from([first.clone()]);
        let mut depth = 1;
        while !level.is_empty() {
            if level.contains(name) {
                findings.add(
                    Reason::Evaluation(EvaluationReason::MeasureCycle),
                    field,
                    format!("{first} is computed, directly or through others, from {name} itself"),
                );
                break;
            }
            depth += 1;
            if depth > RATIO_DEPTH_MAX + 1 {
                let description = format!("more than {RATIO_DEPTH_MAX} ratios would stand above each other");
                findings.field(field, description);
                break;
            }
            let mut next = BTreeSet::new();
            for name in &level {
                if let Some(Definition::Ratio(ratio)) =
                    find::<Measure>(records, name)?.and_then(|measure| measure.definition)
                {
                    next.extend([ratio.numerator, ratio.denominator]);
                }
            }
            level = next;
        }
    }
    Ok(())
}

/// Checks a value of a measure: the measure takes values from outside, and the period has a day at least.
///
/// # Errors
/// `INTERNAL` where the store failed.
pub fn measure_value(
    value: &MeasureValue,
    records: &dyn Records,
    findings: &mut Findings,
) -> Result<(), Rejection> {
    period(&value.period_start, &value.period_end, findings);
    // A measure that does not exist was found where references are checked.
    if let Some(measure) = find::<Measure>(records, &value.measure)?
        && !matches!(measure.definition, Some(Definition::Supplied(_)))
    {
        let description = format!("{} is computed from records: a supplied one is accepted", value.measure);
        findings.field("measure", description);
    }
    Ok(())
}

/// Checks a run: its period, and its steps: names, and one source for each input.
pub fn run(run: &Run, findings: &mut Findings) {
    period(&run.period_start, &run.period_end, findings);
    let mut earlier: Vec<&str> = Vec::new();
    for (index, step) in run.steps.iter().enumerate() {
        let path = format!("steps[{index}]");
        if !is_word(&step.step) {
            let description = format!("{} is not accepted: {WORD} is", quoted(&step.step));
            findings.field(format!("{path}.step"), description);
        }
        if earlier.contains(&step.step.as_str()) {
            findings.field(format!("{path}.step"), format!("{} names a step before it", quoted(&step.step)));
        }
        check_inputs(step, &path, &earlier, findings);
        earlier.push(&step.step);
    }
}

fn check_inputs(step: &RunStep, path: &str, earlier: &[&str], findings: &mut Findings) {
    let binding = Reason::Evaluation(EvaluationReason::InvalidBinding);
    check_once(step.inputs.iter().map(|input| &*input.input), &format!("{path}.inputs"), findings);
    let fields = step.lines.iter().flat_map(|lines| &lines.fields);
    check_once(fields.map(|field| &*field.input), &format!("{path}.lines.fields"), findings);
    for (index, input) in step.inputs.iter().enumerate() {
        let path = format!("{path}.inputs[{index}]");
        // That there is a source is said in the contract.
        if let Some(Source::Output(output)) = &input.source {
            let named = output.split_once('.').filter(|(_, name)| !name.is_empty());
            if !named.is_some_and(|(step, _)| earlier.contains(&step)) {
                let steps = if earlier.is_empty() { "there are none".to_owned() } else { earlier.join(", ") };
                let description = format!(
                    "{} is no output of a step before this one: step.output is accepted, of these steps: {steps}",
                    quoted(output)
                );
                findings.add(binding, format!("{path}.output"), description);
            }
        }
    }
}

/// Checks that nothing is bound twice: the order would decide.
fn check_once<'a>(names: impl Iterator<Item = &'a str>, path: &str, findings: &mut Findings) {
    let mut seen = BTreeSet::new();
    for (index, name) in names.enumerate() {
        if !seen.insert(name) {
            let binding = Reason::Evaluation(EvaluationReason::InvalidBinding);
            findings.add(
                binding,
                format!("{path}[{index}].input"),
                format!("{} is bound twice", quoted(name)),
            );
        }
    }
}

/// The schema of a collection whose records are measured; what is wrong with the name is a finding.
pub fn source_collection(collection: &str, path: &str, findings: &mut Findings) -> Option<&'static Schema> {
    let found = schemas().get(collection).filter(|schema| !schema.computed);
    if found.is_none() && !collection.is_empty() {
        let known: Vec<&str> = schemas()
            .values()
            .filter(|schema| !schema.computed)
            .map(|schema| schema.collection.as_str())
            .collect();
        let description =
            format!("{} is no collection: accepted are {}", quoted(collection), known.join(", "));
        findings.field(format!("{path}.collection"), description);
    }
    found
}

/// Checks that a field refers to account managers, and says so where it does not.
pub fn check_owner_field(schema: &Schema, field: &str, path: &str, findings: &mut Findings) {
    check_field(
        schema,
        field,
        &format!("{path}.owner_field"),
        findings,
        "refers to account managers",
        |field| field.reference.as_deref() == Some("accountManagers"),
    );
}

/// Checks that a field is a date, and says so where it is not.
pub fn check_time_field(schema: &Schema, field: &str, path: &str, findings: &mut Findings) {
    check_field(schema, field, &format!("{path}.time_field"), findings, "is a date", |field| {
        matches!(field.kind, FieldKind::Date | FieldKind::Timestamp)
    });
}

fn check_field(
    schema: &Schema,
    name: &str,
    path: &str,
    findings: &mut Findings,
    wanted: &str,
    fits: impl Fn(&super::schema::Field) -> bool,
) {
    if name.is_empty() || schema.field(name).is_some_and(&fits) {
        return;
    }
    let known: Vec<&str> =
        schema.fields.values().filter(|field| fits(field)).map(|field| field.path.as_str()).collect();
    let known = if known.is_empty() { "there is none".to_owned() } else { known.join(", ") };
    let collection = &schema.collection;
    findings.field(path, format!("{} is no field of {collection} that {wanted}: {known}", quoted(name)));
}

#[cfg(test)]
mod tests {
    use super::super::records::tests::Kept;
    use super::*;
    use crate::proto::v1::{Aggregate, InputBinding, LineBinding, LineField, Supplied};

    fn name(id: &str) -> String {
        format!("teams/t/measures/{id}")
    }

    fn ratio(numerator: &str, denominator: &str) -> Option<Definition> {
        Some(Definition::Ratio(Ratio { numerator: name(numerator), denominator: name(denominator) }))
    }

    fn codes(findings: Findings) -> &'static str {
        findings.refuse().err().map_or("", |rejection| rejection.reason.code())
    }

    #[test]
    fn money_keeps_the_decimals_of_the_currency() {
        let mut kept = Kept::default();
        let check = |kept: &Kept, money: bool, scale: i32, expected: &str| {
            let definition = Some(Definition::Aggregate(Aggregate::default()));
            let record = Measure { name: name("won"), money, scale, definition, ..Default::default() };
            let mut findings = Findings::default();
            measure(&record, kept, &mut findings).unwrap();
            assert_eq!(codes(findings), expected, "{record:?}");
        };
        let team = name("won").split("/measures/").next().unwrap().to_owned();
        kept.put(&team, &Team { currency: "EUR".into(), ..Default::default() });
        check(&kept, true, 0, "INVALID_FIELD");
        check(&kept, true, 1, "INVALID_FIELD");
        check(&kept, true, 2, "");
        check(&kept, true, 4, "");
        check(&kept, false, 0, "");
        kept.put(&team, &Team { currency: "JPY".into(), ..Default::default() });
        check(&kept, true, 0, "");
    }

    #[test]
    fn measures() {
        let mut kept = Kept::default();
        let definitions = [
            ("won", Some(Definition::Aggregate(Aggregate::default()))),
            ("rate", ratio("won", "won")),
            ("back", ratio("won", "m")),
            ("r1", ratio("rate", "won")),
            ("r2", ratio("r1", "won")),
            ("r3", ratio("r2", "won")),
            ("r4", ratio("r3", "won")),
            ("r5", ratio("r4", "won")),
            ("r6", ratio("r5", "won")),
            ("r7", ratio("r6", "won")),
        ];
        for (id, definition) in definitions {
            kept.put(&name(id), &Measure { definition, ..Default::default() });
        }
        kept.referrers.insert((name("m"), "measureValues".into()), 3);
        let check = |id: &str, definition: Option<Definition>, expected: &str| {
            let mut findings = Findings::default();
            let record = Measure { name: name(id), definition, ..Default::default() };
            measure(&record, &kept, &mut findings).unwrap();
            assert_eq!(codes(findings), expected, "{record:?}");
        };
        let supplied = || Some(Definition::Supplied(Supplied::default()));
        check("x", ratio("won", "rate"), "");
        check("x", ratio("r6", "won"), "");
        check("x", ratio("r7", "won"), "INVALID_FIELD");
        check("won", ratio("rate", "back"), "MEASURE_CYCLE");
        check("x", ratio("x", "won"), "MEASURE_CYCLE");
        check("x", supplied(), "");
        // Values are supplied for it.
        check("m", supplied(), "");
        check("m", ratio("won", "won"), "INVALID_FIELD");
    }

    #[test]
    fn values_are_of_supplied_measures() {
        let mut kept = Kept::default();
        let supplied = Some(Definition::Supplied(Supplied::default()));
        kept.put(&name("s"), &Measure { definition: supplied, ..Default::default() });
        kept.put(&name("r"), &Measure { definition: ratio("s", "s"), ..Default::default() });
        let check = |measure: &str, expected: &str| {
            let mut findings = Findings::default();
            let value = MeasureValue { measure: name(measure), ..Default::default() };
            measure_value(&value, &kept, &mut findings).unwrap();
            assert_eq!(codes(findings), expected, "{measure}");
        };
        check("s", "");
        check("r", "INVALID_FIELD");
    }

    #[test]
    fn steps_of_runs() {
        let step = |id: &str, source: Option<Source>| RunStep {
            step: id.into(),
            inputs: vec![InputBinding { input: "x".into(), source }],
            ..Default::default()
        };
        let check = |steps: Vec<RunStep>, expected: &str| {
            let mut findings = Findings::default();
            run(&Run { steps: steps.clone(), ..Default::default() }, &mut findings);
            assert_eq!(codes(findings), expected, "{steps:?}");
        };
        let constant = || Some(Source::Constant("1".into()));
        let output = |text: &str| Some(Source::Output(text.into()));
        check(vec![step("a", constant())], "");
        check(vec![step("a", constant()), step("b_2", output("a.score"))], "");
        check(vec![step("a", constant()), step("a", constant())], "INVALID_FIELD");
        check(vec![step("A", constant())], "INVALID_FIELD");
        check(vec![step("1a", constant())], "INVALID_FIELD");
        check(vec![step("a", output("a.score"))], "INVALID_BINDING");
        check(vec![step("a", output("b.score")), step("b", constant())], "INVALID_BINDING");
        check(vec![step("a", constant()), step("b", output("a"))], "INVALID_BINDING");
        let mut twice = step("a", constant());
        twice.inputs.push(twice.inputs[0].clone());
        check(vec![twice], "INVALID_BINDING");
        let lines = |inputs: &[&str]| {
            let field = |input: &&str| LineField { input: (*input).into(), value: "amount".into() };
            let lines = LineBinding { fields: inputs.iter().map(field).collect(), ..Default::default() };
            vec![RunStep { lines: Some(lines), ..step("a", constant()) }]
        };
        check(lines(&["amount", "stage"]), "");
        check(lines(&["amount", "stage", "amount"]), "INVALID_BINDING");
    }
}
