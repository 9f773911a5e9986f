//! `merit compute`: measures of a period without a run.

use clap::{Args, ValueEnum};

use super::{
    connection::{Connection, client},
    failure::Failure,
    output::{OutputArguments, Sheet, dynamic, short_name},
    page_printer::PagePrinter,
    period,
};
use crate::proto::v1;

/// Account managers a page: the most that a server gives.
const PAGE_SIZE: i32 = 1000;

/// What `merit compute` takes.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The measures, by id or name: 1 to 50.
    #[arg(required = true, value_name = "MEASURE")]
    measures: Vec<String>,
    /// The period: 2017-Q1, 2017-03, 2017 (of the calendar), FY2017, FY2017-Q1 (the team's fiscal year that ends in 2017),
    /// 2017-01-01..2017-04-01.
    #[arg(short, long, value_name = "PERIOD")]
    period: String,
    /// What the figure of a sales manager counts, whatever the measures say: own records, or those of everybody below too.
    #[arg(long, value_enum)]
    roll_up: Option<RollUp>,
    /// Which account managers, over their fields: `region = "North"`.
    #[arg(short, long, value_name = "EXPRESSION", default_value = "", hide_default_value = true)]
    filter: String,
    #[command(flatten)]
    output: OutputArguments,
}

/// See `v1::RollUp`.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum RollUp {
    /// Own records only.
    Own,
    /// Own records and those of everybody below in the reporting line.
    ReportingLine,
}

/// Prints the figures of everybody.
pub(super) async fn run(connection: &Connection, arguments: &Arguments) -> Result<(), Failure> {
    let first_month = period::first_month(connection, &arguments.period).await?;
    let (period_start, period_end) = period::parse_of(&arguments.period, first_month)
        .map_err(|message| Failure::Usage(format!("--period: {message}")))?;
    let names: Result<Vec<String>, Failure> =
        arguments.measures.iter().map(|measure| connection.name("measures", measure)).collect();
    let roll_up = match arguments.roll_up {
        None => v1::RollUp::Unspecified,
        Some(RollUp::Own) => v1::RollUp::Own,
        Some(RollUp::ReportingLine) => v1::RollUp::ReportingLine,
    };
    let mut request = v1::ComputeMeasuresRequest {
        parent: connection.team()?.to_owned(),
        measures: names?,
        period_start,
        period_end,
        roll_up: roll_up.into(),
        filter: arguments.filter.clone(),
        page_size: PAGE_SIZE,
        page_token: String::new(),
    };
    let mut client = client!(connection, evaluation_service_client::EvaluationServiceClient);
    let mut printer = PagePrinter::new(arguments.output.output);
    loop {
        let answer = client.compute_measures(connection.request(request.clone())).await;
        let answer = answer.map_err(|status| connection.failure(status))?.into_inner();
        printer.page(&sheet(&request.measures, &answer.rows), answer.rows.iter().map(dynamic))?;
        if answer.next_page_token.is_empty() {
            return printer.finish(&sheet(&request.measures, &[]));
        }
        request.page_token = answer.next_page_token;
    }
}

/// Who, then the figure of each measure and how many records it comes from, then why there is none.
fn sheet(measures: &[String], rows: &[v1::MeasureRow]) -> Sheet {
    let mut sheet = Sheet::new(&["account_manager", "display_name"]);
    for measure in measures {
        let id = short_name(measure);
        sheet.columns.extend([id.clone(), format!("{id} records")]);
    }
    sheet.columns.push("faults".to_owned());
    for row in rows {
        let mut cells = vec![short_name(&row.account_manager), row.display_name.clone()];
        for figure in &row.figures {
            cells.extend([figure.value.clone(), figure.records.to_string()]);
        }
        let faults: Vec<&str> =
            row.figures.iter().map(|figure| &*figure.fault).filter(|fault| !fault.is_empty()).collect();
        cells.push(faults.join("; "));
        sheet.rows.push(cells);
    }
    sheet
}
