//! `merit plugin test`: a plugin against a file of cases. Exactly: there is no tolerance.

use std::collections::{BTreeMap, BTreeSet};

use clap::Args;

use super::{
    cases::{CASES_HELP, Case, CasesFile},
    local::PluginArguments,
    shown,
};
use crate::{
    cli::{
        failure::Failure,
        output::{Format, OutputArguments, Sheet, print_json, print_line},
    },
    evaluate::author::{AuthoredPlugin, Scored},
    model::decimal::Unscaled,
    proto::v1,
    sandbox::Scope,
};

#[derive(Debug, Args)]
#[command(after_long_help = CASES_HELP)]
pub(super) struct TestArguments {
    #[command(flatten)]
    plugin: PluginArguments,
    /// The file of cases (.toml, .json, .csv); --help has the form.
    #[arg(default_value = "cases.toml")]
    cases: String,
    #[command(flatten)]
    output: OutputArguments,
}

/// An expectation that does not hold.
struct Miss {
    case: String,
    what: String,
    expected: String,
    found: String,
}

/// Runs every case.
pub(super) fn run(arguments: &TestArguments) -> Result<(), Failure> {
    let file = CasesFile::read(&arguments.cases)?;
    let plugin = arguments.plugin.load(file.parameters.as_deref())?;
    let cases = file.cases(&plugin)?;
    let context = arguments.plugin.context()?;
    let mut misses = Vec::new();
    for (group, cases) in groups(&plugin, &cases) {
        let rows: Vec<&v1::PluginRow> = cases.iter().map(|case| &case.row).collect();
        let scored = plugin.score(&context, &rows).map_err(|rejection| {
            let group = if group.is_empty() { String::new() } else { format!(", group {group}") };
            Failure::Usage(format!("{}{group}: {}", arguments.cases, rejection.message))
        })?;
        for (case, scored) in cases.iter().zip(&scored) {
            misses.extend(missed(case, scored));
        }
    }
    report(arguments, cases.len(), &misses)
}

/// The cases that are scored together: by group for a plugin that looks at groups, else all, each by itself.
fn groups<'c>(plugin: &AuthoredPlugin, cases: &'c [Case]) -> BTreeMap<&'c str, Vec<&'c Case>> {
    let mut groups: BTreeMap<&str, Vec<&Case>> = BTreeMap::new();
    for case in cases {
        let group = if plugin.manifest.scope == Scope::Group { case.group.as_str() } else { "" };
        groups.entry(group).or_default().push(case);
    }
    groups
}

/// What of a case does not hold.
fn missed(case: &Case, scored: &Scored) -> Vec<Miss> {
    let miss = |what: &str, expected: &str, found: &str| Miss {
        case: case.name.clone(),
        what: what.to_owned(),
        expected: expected.to_owned(),
        found: found.to_owned(),
    };
    match (scored, &case.fault) {
        (Scored::Fault(found), Some(expected)) if found.contains(expected) => Vec::new(),
        (Scored::Fault(found), Some(expected)) => vec![miss("fault", expected, found)],
        (Scored::Fault(found), None) => {
            let expected = case.outputs.iter().map(|(name, value)| format!("{name} {value}"));
            vec![miss("fault", &expected.collect::<Vec<_>>().join(", "), found)]
        }
        (Scored::Outputs(_), Some(expected)) => vec![miss("fault", expected, &shown::scored(scored))],
        (Scored::Outputs(outputs), None) => case
            .outputs
            .iter()
            .filter_map(|(name, expected)| {
                let found = outputs.iter().find(|(output, _)| output == name)?.1.as_deref().unwrap_or("");
                (!same(expected, found)).then(|| miss(name, expected, found))
            })
            .collect(),
    }
}

/// Whether two texts are the same text or the same number.
fn same(expected: &str, found: &str) -> bool {
    if expected == found {
        return true;
    }
    let (Some(expected), Some(found)) = (Unscaled::parse(expected), Unscaled::parse(found)) else {
        return false;
    };
    let scale = expected.scale.max(found.scale);
    expected.rescale(scale).is_ok_and(|digits| found.rescale(scale) == Ok(digits))
}

fn report(arguments: &TestArguments, cases: usize, misses: &[Miss]) -> Result<(), Failure> {
    let failed = misses.iter().map(|miss| miss.case.as_str()).collect::<BTreeSet<_>>().len();
    let mut sheet = Sheet::new(&["case", "what", "expected", "found"]);
    for miss in misses {
        sheet.row([&miss.case, &miss.what, &miss.expected, &miss.found].map(Clone::clone));
    }
    match arguments.output.output {
        Format::Table => {
            if !misses.is_empty() {
                print_line(&sheet.table())?;
            }
            print_line(&format!(
                "{}: {}, {} as expected, {failed} not",
                arguments.plugin.name(),
                if cases == 1 { "1 case".to_owned() } else { format!("{cases} cases") },
                cases - failed
            ))?;
        }
        Format::Csv => sheet.print(Format::Csv)?,
        format => {
            let misses: Vec<_> = misses
                .iter()
                .map(|miss| serde_json::json!({ "case": miss.case, "what": miss.what, "expected": miss.expected, "found": miss.found }))
                .collect();
            print_json(format, &serde_json::json!({ "cases": cases, "failed": failed, "misses": misses }))?;
        }
    }
    if failed == 0 {
        Ok(())
    } else {
        Err(Failure::Differs(format!("{failed} of {cases} cases are not as expected")))
    }
}

#[cfg(test)]
mod tests {
    use super::same;

    #[test]
    fn numbers_are_the_same_whatever_zeros_they_end_with() {
        assert!(same("12.5", "12.50") && same("-0", "0") && same("A", "A") && same("", ""));
        assert!(!same("12.5", "12.51") && !same("A", "a") && !same("", "0") && !same("0", ""));
    }
}
