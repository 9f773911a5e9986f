//! `merit plugin compare`: what another revision would change of a finished run.

use clap::Args;

use super::arguments::Common;
use crate::{
    cli::{
        connection::{Connection, client},
        evaluation::role_name,
        failure::Failure,
        output::{Format, Sheet, dynamic, json, print_json, print_line, short_name},
        progress::Progress,
    },
    proto::v1,
};

/// What is compared.
#[derive(Debug, Args)]
pub(super) struct CompareArguments {
    /// The run, by id or name.
    run: String,
    /// The revision that would be in the place of another [default: the shadow of the run's step].
    candidate: Option<String>,
    /// The step [default: the only one that can be meant].
    #[arg(short, long, value_name = "STEP")]
    step: Option<String>,
    /// The revision to compare with [default: what the run found].
    #[arg(long, value_name = "REVISION")]
    baseline: Option<String>,
    /// How many account managers to show, those with the largest change first.
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
    top: usize,
}

/// Compares, and shows totals, account managers, and the steps that differ.
pub(super) async fn compare(common: &Common<CompareArguments>) -> Result<(), Failure> {
    let connection = Connection::open(&common.connection).await?;
    let arguments = &common.arguments;
    let revision = |given: &Option<String>| match given {
        Some(given) => connection.name("pluginRevisions", given),
        None => Ok(String::new()),
    };
    let mut request = v1::CompareRevisionsRequest {
        run: connection.name("runs", &arguments.run)?,
        step: arguments.step.clone().unwrap_or_default(),
        baseline: revision(&arguments.baseline)?,
        candidate: revision(&arguments.candidate)?,
        ..v1::CompareRevisionsRequest::default()
    };
    let mut client = client!(connection, evaluation_service_client::EvaluationServiceClient);
    let mut found: Option<v1::CompareRevisionsResponse> = None;
    loop {
        let shown = found.as_ref().map_or(0, |found| found.evaluations.len());
        let left = arguments.top.saturating_sub(shown);
        request.page_size = i32::try_from(left.clamp(1, 100)).unwrap_or(100);
        let answer = client.compare_revisions(connection.long_request(request.clone()));
        let answer = Progress::waiting("comparing").during(answer, |_| ()).await;
        let answer = answer.map_err(|status| connection.failure(status))?.into_inner();
        request.page_token.clone_from(&answer.next_page_token);
        match &mut found {
            Some(found) => found.evaluations.extend(answer.evaluations),
            None => found = Some(answer),
        }
        if request.page_token.is_empty()
            || found.as_ref().is_some_and(|f| f.evaluations.len() >= arguments.top)
        {
            break;
        }
    }
    let mut found = found.unwrap_or_default();
    found.evaluations.truncate(arguments.top);
    match common.output.output {
        format @ (Format::Json | Format::Jsonl) => print_json(format, &json(&dynamic(&found))),
        Format::Csv => people(&found).print(Format::Csv),
        Format::Table => {
            print_line(&format!(
                "step {}: {} instead of {}; {} of {} account managers would change, payouts by {} ({} to {})",
                found.step,
                short_name(&found.candidate),
                short_name(&found.baseline),
                found.rows_changed,
                found.rows,
                found.payout_difference,
                found.baseline_payout,
                found.candidate_payout
            ))?;
            for note in &found.notes {
                print_line(&format!("note: {note}"))?;
            }
            print_line(&totals(&found).table())?;
            if found.evaluations.is_empty() {
                return Ok(());
            }
            print_line(&people(&found).table())?;
            let best = &found.evaluations[0];
            if best.steps.is_empty() {
                return Ok(());
            }
            print_line(&format!("\nthe steps that differ for {}:", best.display_name))?;
            print_line(&steps(best).table())
        }
    }
}

fn totals(found: &v1::CompareRevisionsResponse) -> Sheet {
    let mut sheet = Sheet::new(&["output", "role", "changed", "was", "would be", "difference"]);
    for change in &found.outputs {
        sheet.row([
            format!("{}.{}", change.step, change.output),
            role_name(change.role()).to_owned(),
            change.rows_changed.to_string(),
            change.baseline_total.clone(),
            change.candidate_total.clone(),
            change.difference.clone(),
        ]);
    }
    sheet
}

fn people(found: &v1::CompareRevisionsResponse) -> Sheet {
    let mut sheet = Sheet::new(&["account manager", "name", "payout", "would be", "difference", "changes"]);
    for change in &found.evaluations {
        let shown = |text: &str| if text.is_empty() { "nothing".to_owned() } else { text.to_owned() };
        let values = change.values.iter().map(|value| {
            let (baseline, candidate) = (shown(&value.baseline), shown(&value.candidate));
            let output = [&*value.step, &*value.output].into_iter().filter(|part| !part.is_empty());
            format!("{} {baseline} → {candidate}", output.collect::<Vec<_>>().join("."))
        });
        sheet.row([
            short_name(&change.account_manager),
            change.display_name.clone(),
            change.baseline_payout.clone(),
            change.candidate_payout.clone(),
            change.payout_difference.clone(),
            values.collect::<Vec<_>>().join("; "),
        ]);
    }
    sheet
}

fn steps(change: &v1::EvaluationChange) -> Sheet {
    let mut sheet = Sheet::new(&["step", "what", "output", "was", "would be"]);
    for step in &change.steps {
        // A remark may differ in what it says alone.
        let moved = [&step.baseline_amount, &step.candidate_amount].iter().any(|amount| !amount.is_empty());
        let (was, would_be) = match moved {
            true => (&step.baseline_amount, &step.candidate_amount),
            false => (&step.baseline_note, &step.candidate_note),
        };
        sheet.row([&step.step, &step.label, &step.output, was, would_be].map(String::as_str));
    }
    sheet
}
