//! `merit results`, `explain` and `replay`: what a run found, how it came about, and whether it comes about again.

use clap::Args;

use super::{
    connection::{Connection, client},
    evaluation::{self, Query, role_name, text, who},
    failure::Failure,
    output::{Format, OutputArguments, Sheet, dynamic, json, print_json, print_line, short_name},
    progress::Progress,
    records,
};
use crate::proto::v1;

/// What `merit results` takes. A table shows what it came to; `-o json|jsonl|csv` have every input and output too.
#[derive(Debug, Args)]
pub(super) struct ResultsArguments {
    /// The run, by id or name.
    run: String,
    /// Which evaluations: `payout > 1000`, `faulted`, `commission.attainment < 50%`.
    #[arg(short, long, value_name = "EXPRESSION", default_value = "", hide_default_value = true)]
    filter: String,
    /// Fields, each with an optional ` desc`: `payout desc`.
    #[arg(long, value_name = "FIELDS", default_value = "", hide_default_value = true)]
    order_by: String,
    /// The most evaluations, at least 1 [default: all].
    #[arg(short = 'n', long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    #[command(flatten)]
    output: OutputArguments,
}

/// What `merit explain` takes.
#[derive(Debug, Args)]
pub(super) struct ExplainArguments {
    /// The run, by id or name; or the name of an evaluation.
    run: String,
    /// The account manager, by id or name.
    account_manager: Option<String>,
    /// Lists the records behind an input, all of them, with the values of detail lines.
    #[arg(long, value_name = "STEP.INPUT")]
    records: Option<String>,
    #[command(flatten)]
    output: OutputArguments,
}

/// What `merit replay` takes.
#[derive(Debug, Args)]
pub(super) struct ReplayArguments {
    /// The run, by id or name.
    run: String,
    /// Account managers in a call of a plugin [default: as the run]; the answer must not depend on it.
    #[arg(long, value_name = "ROWS", default_value_t, hide_default_value = true, value_parser = clap::value_parser!(i32).range(0..))]
    chunk_rows: i32,
    /// Threads at work [default: the server's cores]; the answer must not depend on it.
    #[arg(long, value_name = "COUNT", default_value_t, hide_default_value = true, value_parser = clap::value_parser!(i32).range(0..))]
    threads: i32,
    #[command(flatten)]
    output: OutputArguments,
}

/// Prints what a run found.
pub(super) async fn results(connection: &Connection, arguments: &ResultsArguments) -> Result<(), Failure> {
    let query = Query {
        run: connection.name("runs", &arguments.run)?,
        filter: arguments.filter.clone(),
        order_by: arguments.order_by.clone(),
        limit: arguments.limit,
    };
    evaluation::print_all(connection, &query, arguments.output.output).await.map(drop)
}

/// Prints how an evaluation came about.
pub(super) async fn explain(connection: &Connection, arguments: &ExplainArguments) -> Result<(), Failure> {
    let name = match (&arguments.account_manager, arguments.run.contains("/evaluations/")) {
        (_, true) => arguments.run.clone(),
        (Some(account_manager), false) => {
            let run = connection.name("runs", &arguments.run)?;
            let account_manager = connection.name("accountManagers", account_manager)?;
            format!("{run}/evaluations/{}", short_name(&account_manager))
        }
        (None, false) => {
            return Err(Failure::Usage("whose evaluation? `merit explain RUN ACCOUNT_MANAGER`".to_owned()));
        }
    };
    if let Some(input) = &arguments.records {
        return records::print(connection, name, input, arguments.output.output).await;
    }
    let explanation = fetch(connection, name).await?;
    match arguments.output.output {
        format @ (Format::Json | Format::Jsonl) => print_json(format, &json(&dynamic(&explanation)))?,
        Format::Csv => steps_sheet(&explanation).print(Format::Csv)?,
        Format::Table => print_line(&statement(&explanation))?,
    }
    let evaluation = explanation.evaluation.unwrap_or_default();
    match evaluation.faults.first() {
        Some(fault) => Err(Failure::Differs(format!(
            "{} could not be scored by {}: {}: {}",
            who(&evaluation),
            fault.step,
            fault.reason,
            fault.message
        ))),
        None => Ok(()),
    }
}

/// Asks for an explanation.
pub(super) async fn fetch(
    connection: &Connection,
    name: String,
) -> Result<v1::ExplainEvaluationResponse, Failure> {
    let mut client = client!(connection, evaluation_service_client::EvaluationServiceClient);
    let answer = client.explain_evaluation(connection.request(v1::ExplainEvaluationRequest { name })).await;
    Ok(answer.map_err(|status| connection.failure(status))?.into_inner())
}

/// An explanation, for people: what went in and where it came from, what was done with it, what came out.
pub(super) fn statement(explanation: &v1::ExplainEvaluationResponse) -> String {
    let evaluation = explanation.evaluation.clone().unwrap_or_default();
    let mut text = format!("{} ({})\n", who(&evaluation), evaluation.name);
    for step in &explanation.steps {
        let revision = short_name(&step.revision);
        let component: String = step.component.chars().take(12).collect();
        text.push_str(&format!("\n{}: {revision}, component {component}…\n", step.step));
        text.push_str(&inputs_table(step));
        text.push('\n');
        text.push_str(&explanation_table(&evaluation, step));
        text.push('\n');
        let mut outputs = Sheet::new(&["output", "value", "role"]);
        for output in evaluation.outputs.iter().filter(|output| output.step == step.step) {
            outputs.row([output.name.clone(), self::text(output), role_name(output.role()).to_owned()]);
        }
        text.push_str(&outputs.table());
        text.push('\n');
    }
    for fault in &evaluation.faults {
        text.push_str(&format!(
            "\n{} could not be scored: {}: {}\n",
            fault.step, fault.reason, fault.message
        ));
    }
    for (what, value) in
        [("Score", &evaluation.score), ("Grade", &evaluation.grade), ("Payout", &evaluation.payout)]
    {
        if !value.is_empty() {
            text.push_str(&format!("\n{what}: {value}"));
        }
    }
    text
}

fn inputs_table(step: &v1::StepExplanation) -> String {
    let mut sheet = Sheet::new(&["input", "value", "source", "records"]);
    for input in &step.inputs {
        let value = input.value.clone().unwrap_or_default();
        let records = if input.records > 0 { input.records.to_string() } else { String::new() };
        sheet.row([value.name.clone(), text(&value), input.source.clone(), records]);
    }
    sheet.without_empty_columns().table() + "\n"
}

/// What was done, for people: without what the tables above and below say already, inputs and how details came about.
fn explanation_table(evaluation: &v1::Evaluation, step: &v1::StepExplanation) -> String {
    let mut sheet = Sheet::new(&["step", "amount", "of", "how"]);
    let input = |label: &String| {
        step.inputs.iter().any(|input| input.value.as_ref().is_some_and(|value| &value.name == label))
    };
    let detail = |name: &String| {
        let mut outputs = evaluation.outputs.iter().filter(|output| output.step == step.step);
        outputs.any(|output| &output.name == name && output.role() == v1::OutputRole::Detail)
    };
    for part in &step.explanation {
        let remark = part.output.is_empty();
        if (remark && input(&part.label)) || detail(&part.output) {
            continue;
        }
        // A text has no amount: the note begins with it.
        let amount = if remark && part.note.starts_with('"') { "" } else { &part.amount };
        sheet.row([&part.label, amount, &part.output, &part.note]);
    }
    sheet.without_empty_columns().table() + "\n"
}

/// All inputs and steps, one a row.
fn steps_sheet(explanation: &v1::ExplainEvaluationResponse) -> Sheet {
    let mut sheet = Sheet::new(&["step", "kind", "name", "value", "output", "source", "records"]);
    for step in &explanation.steps {
        for input in &step.inputs {
            let value = input.value.clone().unwrap_or_default();
            let (name, amount) = (value.name.clone(), text(&value));
            let records = input.records.to_string();
            sheet.row([
                step.step.clone(),
                "input".to_owned(),
                name,
                amount,
                String::new(),
                input.source.clone(),
                records,
            ]);
        }
        for part in &step.explanation {
            let v1::ExplanationStep { label, output, amount, note } = part.clone();
            sheet.row([step.step.clone(), "step".to_owned(), label, amount, output, note, String::new()]);
        }
    }
    sheet
}

/// Executes a run again, and says whether it comes out the same.
pub(super) async fn replay(connection: &Connection, arguments: &ReplayArguments) -> Result<(), Failure> {
    let mut client = client!(connection, evaluation_service_client::EvaluationServiceClient);
    let name = connection.name("runs", &arguments.run)?;
    let request = v1::ReplayRunRequest {
        name: name.clone(),
        chunk_rows: arguments.chunk_rows,
        threads: arguments.threads,
    };
    let answer = client.replay_run(connection.long_request(request));
    let answer = Progress::waiting("replaying").during(answer, |_| ()).await;
    let answer = answer.map_err(|status| connection.failure(status))?.into_inner();
    match arguments.output.output {
        format @ (Format::Json | Format::Jsonl) => print_json(format, &json(&dynamic(&answer)))?,
        format => {
            let difference = answer.first_difference.clone().unwrap_or_default();
            let mut sheet = Sheet::new(&[
                "run",
                "identical",
                "rows",
                "account_manager",
                "step",
                "output",
                "recorded",
                "replayed",
            ]);
            let v1::Difference { account_manager, step, output, recorded, replayed } = difference;
            let identical = answer.identical.to_string();
            sheet.row([
                short_name(&name),
                identical,
                answer.rows.to_string(),
                short_name(&account_manager),
                step,
                output,
                recorded,
                replayed,
            ]);
            if format == Format::Csv {
                sheet.print(format)?;
            } else if answer.identical {
                print_line(&format!(
                    "identical: {} account managers, dataset {}",
                    answer.rows, answer.dataset
                ))?;
            } else {
                print_line(&sheet.without_empty_columns().table())?;
            }
        }
    }
    if answer.identical {
        return Ok(());
    }
    Err(Failure::Differs("the replay differs from the run".to_owned()))
}
