//! Which rules of a chapter hold for which collection: one line each. The rules themselves are in `model`; those that
//! need the expression language are in the files beside this one.

mod expression;
mod measure;
mod plugin;
mod run;

use super::{plan::CollectionPlan, record::Record};
use crate::model::{
    crm, evaluation,
    finding::Findings,
    goal,
    name::Name,
    organisation,
    records::{Records, decode},
    rejection::Rejection,
};

/// Checks a record, as it is to be kept, against the rules of its chapter.
pub(crate) fn check(
    collection: &CollectionPlan,
    encoded: &[u8],
    records: &dyn Records,
    findings: &mut Findings,
) -> Result<(), Rejection> {
    match collection.schema.collection.as_str() {
        "accountManagers" => organisation::account_manager(&decode(encoded)?, records, findings)?,
        "teams" => crate::model::plugin::team(&decode(encoded)?, findings),
        "customers" => crm::customer(&decode(encoded)?, records, findings)?,
        "opportunities" => crm::opportunity(&decode(encoded)?, findings),
        "goals" => goal::goal(&decode(encoded)?, records, findings)?,
        "measures" => {
            let measure = decode(encoded)?;
            evaluation::measure(&measure, records, findings)?;
            measure::check(&measure, findings);
        }
        "measureValues" => evaluation::measure_value(&decode(encoded)?, records, findings)?,
        "runs" => {
            let run = decode(encoded)?;
            evaluation::run(&run, findings);
            run::check(&run, findings);
        }
        // Nothing holds of them but what their fields say.
        _ => {}
    }
    Ok(())
}

/// Changes a record beside its state, when a method of its own changes that, on behalf of the caller; answers the other
/// records that change with it.
pub(crate) fn change_state(
    collection: &CollectionPlan,
    record: &mut Record,
    caller: &str,
    records: &dyn Records,
) -> Result<Vec<(Name, Vec<u8>)>, Rejection> {
    match collection.schema.collection.as_str() {
        "pluginRevisions" => plugin::change_state(record, caller, records),
        // With others nothing changes but the state.
        _ => Ok(Vec::new()),
    }
}
