//! Rules of customers and deals.

use super::{
    finding::Findings,
    organisation::day,
    records::{Records, find},
    rejection::{CrmReason, Reason, Rejection},
};
use crate::proto::v1::{Customer, Opportunity, OpportunityStage};

/// How many companies may belong to one another, each to the next.
const DEPTH_MAX: usize = 100;

/// Checks a customer: no company belongs, directly or through others, to itself.
///
/// # Errors
/// `INTERNAL` where the store failed.
pub fn customer(
    customer: &Customer,
    records: &dyn Records,
    findings: &mut Findings,
) -> Result<(), Rejection> {
    let above = |name: &str| {
        Ok(find::<Customer>(records, name)?.map(|customer| customer.parent_customer).unwrap_or_default())
    };
    let reason = Reason::Crm(CrmReason::CustomerCycle);
    no_cycle("parent_customer", reason, &customer.name, &customer.parent_customer, above, findings)
}

/// Checks that going up from `first` does not come back to `name`, and ends.
///
/// # Errors
/// What `above` answers.
pub(super) fn no_cycle(
    field: &str,
    reason: Reason,
    name: &str,
    first: &str,
    above: impl Fn(&str) -> Result<String, Rejection>,
    findings: &mut Findings,
) -> Result<(), Rejection> {
    let mut next = first.to_owned();
    for _ in 0..DEPTH_MAX {
        if next.is_empty() {
            return Ok(());
        }
        if next == name {
            let what = format!("{first} belongs, directly or through others, to {name} itself");
            findings.add(reason, field, what);
            return Ok(());
        }
        next = above(&next)?;
    }
    findings
        .field(field, format!("more than {DEPTH_MAX} are above each other: at most as many are accepted"));
    Ok(())
}

/// Checks a deal: what is closed has the day on which it closed, not before it was engaged, and what is open has none;
/// what is won has an amount.
pub fn opportunity(opportunity: &Opportunity, findings: &mut Findings) {
    let stage = opportunity.stage();
    let closed = matches!(stage, OpportunityStage::Won | OpportunityStage::Lost);
    let short = stage.as_str_name().trim_start_matches("OPPORTUNITY_STAGE_");
    if closed && opportunity.close_date.is_empty() {
        findings
            .field("close_date", format!("is required of a deal that is {short}: a date like 2026-03-31"));
    }
    if !closed && !opportunity.close_date.is_empty() {
        findings.field("close_date", format!("is for closed deals, and this one is {short}: leave it empty"));
    }
    if let (Some(engaged), Some(closed)) = (day(&opportunity.engage_date), day(&opportunity.close_date))
        && closed < engaged
    {
        findings.field("close_date", format!("{closed} is before engage_date {engaged}"));
    }
    if stage == OpportunityStage::Won && opportunity.amount.is_empty() {
        findings.field("amount", "is required of a deal that is WON: what it was sold for");
    }
}

#[cfg(test)]
mod tests {
    use super::super::records::tests::Kept;
    use super::*;

    #[test]
    fn deals() {
        let check = |stage: OpportunityStage, engaged: &str, closed: &str, amount: &str, expected: &str| {
            let deal = Opportunity {
                stage: stage.into(),
                engage_date: engaged.into(),
                close_date: closed.into(),
                amount: amount.into(),
                ..Default::default()
            };
            let mut findings = Findings::default();
            opportunity(&deal, &mut findings);
            let violations =
                findings.refuse().err().map(|rejection| rejection.violations).unwrap_or_default();
            let fields: Vec<&str> = violations.iter().map(|violation| violation.field.as_str()).collect();
            assert_eq!(fields.join(" "), expected, "{deal:?}");
        };
        use OpportunityStage::{Engaging, Lost, Prospecting, Won};
        check(Prospecting, "", "", "", "");
        check(Engaging, "2024-01-01", "", "10", "");
        check(Engaging, "2024-01-01", "2024-02-01", "10", "close_date");
        check(Won, "2024-01-01", "2024-01-01", "10", "");
        check(Won, "2024-01-01", "", "", "close_date amount");
        check(Won, "2024-01-02", "2024-01-01", "10", "close_date");
        check(Lost, "2024-01-01", "2024-02-01", "", "");
        check(Lost, "", "", "", "close_date");
    }

    #[test]
    fn companies_do_not_belong_to_themselves() {
        let name = |id: &str| format!("teams/t/customers/{id}");
        let company = |id: &str, parent: &str| Customer {
            name: name(id),
            parent_customer: if parent.is_empty() { String::new() } else { name(parent) },
            ..Default::default()
        };
        let mut kept = Kept::default();
        for (id, parent) in [("b", "c"), ("c", ""), ("d", "a")] {
            kept.put(&name(id), &company(id, parent));
        }
        let check = |parent: &str, expected: &str| {
            let mut findings = Findings::default();
            customer(&company("a", parent), &kept, &mut findings).unwrap();
            let found = findings.refuse().err().map_or("", |rejection| rejection.reason.code());
            assert_eq!(found, expected, "{parent}");
        };
        check("", "");
        check("b", "");
        check("a", "CUSTOMER_CYCLE");
        check("d", "CUSTOMER_CYCLE");
    }
}
