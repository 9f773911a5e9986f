//! `merit explain --records`: the records behind an input of an evaluation, page by page.

use super::{
    connection::{Connection, client},
    evaluation::text,
    failure::Failure,
    output::{Format, Sheet, dynamic},
    page_printer::PagePrinter,
};
use crate::proto::v1;

/// Records a page: the most that a server gives.
const PAGE_SIZE: i32 = 1000;

/// Prints all records behind an input, `STEP.INPUT`.
pub(super) async fn print(
    connection: &Connection,
    evaluation: String,
    input: &str,
    format: Format,
) -> Result<(), Failure> {
    let Some((step, input)) = input.split_once('.') else {
        return Err(Failure::Usage(format!("--records {input}: write it STEP.INPUT, as kpi.revenue")));
    };
    let mut request = v1::ListEvaluationRecordsRequest {
        parent: evaluation,
        step: step.to_owned(),
        input: input.to_owned(),
        page_size: PAGE_SIZE,
        page_token: String::new(),
    };
    let mut client = client!(connection, evaluation_service_client::EvaluationServiceClient);
    let mut printer = PagePrinter::new(format);
    loop {
        let answer = client.list_evaluation_records(connection.request(request.clone())).await;
        let answer = answer.map_err(|status| connection.failure(status))?.into_inner();
        printer.page(&sheet(input, &answer.records), answer.records.iter().map(dynamic))?;
        if answer.next_page_token.is_empty() {
            return printer.finish(&sheet(input, &[]));
        }
        request.page_token = answer.next_page_token;
    }
}

/// The names, and what each record gave, of a line input.
fn sheet(input: &str, records: &[v1::EvaluationRecord]) -> Sheet {
    let mut sheet = Sheet::new(&["record", input]);
    for record in records {
        sheet.row([record.name.clone(), record.value.as_ref().map(text).unwrap_or_default()]);
    }
    sheet
}
