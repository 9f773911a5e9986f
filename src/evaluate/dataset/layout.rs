//! What the columns of a dataset are called. The name of a step holds neither `.` nor `#`, so that no two are the same:
//! `kpi.revenue` (inputs and outputs), `kpi#records.revenue`, `kpi#lines.amount`, `kpi#line_record`, `kpi#group`,
//! `kpi#fault`, `kpi#fault_message`. The shadow of the step is the step `kpi~shadow`. Before the steps come the records behind
//! figures: `#own.won-revenue`, `#line.won-revenue`, `#goals.won-revenue`, by measure, and `#above`.

use super::header::{BaseHeader, BaseKind};

/// The metadata key of the header.
pub const HEADER_KEY: &str = "merit";

/// The column of ids.
pub const ACCOUNT_MANAGER: &str = "account_manager";

/// The column of the nearest account manager above in the reporting line who is in the dataset.
pub const ABOVE: &str = "#above";

/// The column of lists of the records that a measure counts. Of one that rolls up, a record is listed once: with its owner, or
/// with the nearest above who is in the dataset; the figure counts the lists of everybody below, by `#above`.
pub fn base(base: &BaseHeader) -> String {
    let kind = match base.kind {
        BaseKind::Own => "own",
        BaseKind::ReportingLine => "line",
        BaseKind::Goals => "goals",
    };
    format!("#{kind}.{}", base.measure)
}

/// The column of what people call the account managers.
pub const DISPLAY_NAME: &str = "display_name";

/// What the shadow of a step is called: no step of a run can have that name.
pub fn shadow(step: &str) -> String {
    format!("{step}~shadow")
}

/// The column of an input or output.
pub fn value(step: &str, name: &str) -> String {
    format!("{step}.{name}")
}

/// The column that says how many records an input comes from.
pub fn records(step: &str, input: &str) -> String {
    format!("{step}#records.{input}")
}

/// The column of lists of a line input.
pub fn line(step: &str, input: &str) -> String {
    format!("{step}#lines.{input}")
}

/// The column of lists of the records that the detail lines are.
pub fn line_record(step: &str) -> String {
    format!("{step}#line_record")
}

/// The column of groups.
pub fn group(step: &str) -> String {
    format!("{step}#group")
}

/// The column of the codes of faults.
pub fn fault(step: &str) -> String {
    format!("{step}#fault")
}

/// The column of the words of faults.
pub fn fault_message(step: &str) -> String {
    format!("{step}#fault_message")
}
