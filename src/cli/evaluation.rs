//! Evaluations of a run, page by page, and as a sheet: who, score, payout, grade, then every input and output of every
//! step.

use super::{
    connection::{Connection, client},
    failure::Failure,
    output::{Format, Sheet, dynamic, short_name},
    page_printer::PagePrinter,
};
use crate::proto::v1;

/// Evaluations a page: the most that a server gives.
const PAGE_SIZE: i32 = 1000;

/// Which evaluations are wanted.
#[derive(Clone, Debug, Default)]
pub(super) struct Query {
    /// `teams/{team}/runs/{run}`.
    pub(super) run: String,
    pub(super) filter: String,
    pub(super) order_by: String,
    /// The most; nothing means all.
    pub(super) limit: Option<u64>,
}

/// Calls with every page of evaluations.
pub(super) async fn each_page(
    connection: &Connection,
    query: &Query,
    mut page: impl FnMut(&[v1::Evaluation]) -> Result<(), Failure>,
) -> Result<u64, Failure> {
    let mut client = client!(connection, evaluation_service_client::EvaluationServiceClient);
    let (mut token, mut count) = (String::new(), 0);
    loop {
        let left = query.limit.map_or(u64::MAX, |limit| limit.saturating_sub(count));
        if left == 0 {
            return Ok(count);
        }
        let request = v1::ListEvaluationsRequest {
            parent: query.run.clone(),
            page_size: i32::try_from(left).unwrap_or(PAGE_SIZE).min(PAGE_SIZE),
            page_token: std::mem::take(&mut token),
            filter: query.filter.clone(),
            order_by: query.order_by.clone(),
        };
        let answer = client.list_evaluations(connection.request(request)).await;
        let answer = answer.map_err(|status| connection.failure(status))?.into_inner();
        page(&answer.evaluations)?;
        count += answer.evaluations.len() as u64;
        if answer.next_page_token.is_empty() {
            return Ok(count);
        }
        token = answer.next_page_token;
    }
}

/// The best of a run, by payout where there is one, else by score.
pub(super) async fn leaderboard(connection: &Connection, run: &str, top: u64) -> Result<Sheet, Failure> {
    let mut best: Vec<v1::Evaluation> = Vec::new();
    for order_by in ["payout desc, score desc", "score desc"] {
        best.clear();
        let query = Query {
            run: run.to_owned(),
            order_by: order_by.to_owned(),
            limit: Some(top),
            ..Query::default()
        };
        each_page(connection, &query, |page| {
            best.extend_from_slice(page);
            Ok(())
        })
        .await?;
        if best.iter().any(|evaluation| !evaluation.payout.is_empty()) {
            break;
        }
    }
    let mut sheet = Sheet::new(&["#", "account manager", "score", "grade", "payout"]);
    for (place, evaluation) in best.iter().enumerate() {
        let v1::Evaluation { score, grade, payout, .. } = evaluation.clone();
        sheet.row([(place + 1).to_string(), who(evaluation), score, grade, payout]);
    }
    Ok(sheet.without_empty_columns())
}

/// Prints evaluations as they come.
pub(super) async fn print_all(
    connection: &Connection,
    query: &Query,
    format: Format,
) -> Result<u64, Failure> {
    let mut printer = PagePrinter::new(format);
    let mut columns = Vec::new();
    let count = each_page(connection, query, |page| {
        // A screen is not as wide as all inputs and outputs of all steps: those are for programs, and for `explain`.
        if format == Format::Csv && columns.is_empty() {
            columns = columns_of(page);
        }
        printer.page(&sheet(page, &columns, format == Format::Table), page.iter().map(dynamic))
    })
    .await?;
    printer.finish(&sheet(&[], &[], false))?;
    Ok(count)
}

/// The value of an input or output, as text; empty where it is missing.
pub(super) fn text(value: &v1::Value) -> String {
    match &value.value {
        Some(v1::value::Value::Number(text) | v1::value::Value::Text(text)) => text.clone(),
        None => String::new(),
    }
}

/// What people call the role of an output.
pub(super) fn role_name(role: v1::OutputRole) -> &'static str {
    match role {
        v1::OutputRole::Score => "score",
        v1::OutputRole::Payout => "payout",
        v1::OutputRole::Grade => "grade",
        v1::OutputRole::Detail => "detail",
        v1::OutputRole::Unspecified => "",
    }
}

/// What people call the account manager.
pub(super) fn who(evaluation: &v1::Evaluation) -> String {
    if evaluation.display_name.is_empty() {
        return short_name(&evaluation.account_manager);
    }
    evaluation.display_name.clone()
}

/// Every input and output of an evaluation with the name of its step; what came of a shadow stands with `STEP~shadow`, as
/// in the dataset.
fn values(evaluation: &v1::Evaluation) -> impl Iterator<Item = (String, &v1::Value)> {
    let live = evaluation.inputs.iter().chain(&evaluation.outputs).map(|value| (value.step.clone(), value));
    live.chain(evaluation.shadow_outputs.iter().map(|value| (format!("{}~shadow", value.step), value)))
}

/// `step.name` of every input and output, in the order in which they first appear.
fn columns_of(page: &[v1::Evaluation]) -> Vec<(String, String)> {
    let mut columns = Vec::new();
    for (step, value) in page.iter().flat_map(values) {
        let column = (step, value.name.clone());
        if !columns.contains(&column) {
            columns.push(column);
        }
    }
    columns
}

fn sheet(page: &[v1::Evaluation], columns: &[(String, String)], people: bool) -> Sheet {
    let mut sheet = Sheet::new(&["account_manager", "display_name", "score", "payout", "grade"]);
    sheet.columns.extend(columns.iter().map(|(step, name)| format!("{step}.{name}")));
    sheet.columns.push("faults".to_owned());
    for evaluation in page {
        let v1::Evaluation { account_manager, display_name, score, payout, grade, .. } = evaluation.clone();
        let account_manager = if people { short_name(&account_manager) } else { account_manager };
        let mut row = vec![account_manager, display_name, score, payout, grade];
        for (step, name) in columns {
            let value = values(evaluation).find(|(of, value)| of == step && &value.name == name);
            row.push(value.map(|(_, value)| text(value)).unwrap_or_default());
        }
        let faults: Vec<_> = evaluation
            .faults
            .iter()
            .map(|fault| format!("{}: {}: {}", fault.step, fault.reason, fault.message))
            .collect();
        row.push(faults.join("; "));
        sheet.rows.push(row);
    }
    sheet
}
