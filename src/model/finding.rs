//! What is wrong with a record: all of it at once, so that a client mends a record in one go.

use super::rejection::{Reason, Rejection, ResourceReason, Violation};

/// The most violations that an answer names.
pub const FINDINGS_MAX: usize = 100;

/// How many of them the message repeats in words.
const TOLD: usize = 3;

/// Violations gathered while a record is checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    findings: Vec<(Reason, Violation)>,
}

// === impl Findings ===

impl Findings {
    /// Adds a violation of the rule that `reason` stands for.
    pub fn add(&mut self, reason: Reason, field: impl Into<String>, description: impl Into<String>) {
        if !self.is_full() {
            self.findings.push((reason, Violation { field: field.into(), description: description.into() }));
        }
    }

    /// Whether no more is taken up: what is found from here on need not be put into words.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.findings.len() >= FINDINGS_MAX
    }

    /// Adds a field with a value that it may not have.
    pub fn field(&mut self, field: impl Into<String>, description: impl Into<String>) {
        self.add(Reason::Resource(ResourceReason::InvalidField), field, description);
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.findings.is_empty()
    }

    /// Adds what others found, below `prefix`.
    pub fn append(&mut self, prefix: &str, others: Self) {
        for (reason, violation) in others.findings {
            let field = match (prefix, violation.field.as_str()) {
                ("", field) => field.to_owned(),
                (prefix, "") => prefix.to_owned(),
                (prefix, field) => format!("{prefix}.{field}"),
            };
            self.add(reason, field, violation.description);
        }
    }

    /// Refuses, if anything is wrong: for the reason that comes first in the order of reasons, with every violation.
    ///
    /// # Errors
    /// The rejection.
    pub fn refuse(self) -> Result<(), Rejection> {
        let Some(reason) = self.findings.iter().map(|(reason, _)| *reason).min() else { return Ok(()) };
        let mut told: Vec<&(Reason, Violation)> = self.findings.iter().collect();
        told.sort_by_key(|(reason, _)| *reason);
        let mut message = told
            .iter()
            .take(TOLD)
            .map(|(_, violation)| match violation.field.as_str() {
                "" => violation.description.clone(),
                field => format!("{field}: {}", violation.description),
            })
            .collect::<Vec<_>>()
            .join("; ");
        if told.len() > TOLD {
            message.push_str(&format!("; and {} more", told.len() - TOLD));
        }
        let mut rejection = Rejection::new(reason, message);
        rejection.violations = self.findings.into_iter().map(|(_, violation)| violation).collect();
        Err(rejection)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_reason_in_order_is_reported_with_every_violation() {
        let mut findings = Findings::default();
        findings.add(Reason::Resource(ResourceReason::ReferenceNotFound), "owner", "does not exist");
        findings.field("amount", "is not a number");
        let mut all = Findings::default();
        all.append("opportunity", findings);
        let rejection = all.refuse().unwrap_err();
        assert_eq!(rejection.reason.code(), "INVALID_FIELD");
        assert_eq!(
            rejection.message,
            "opportunity.amount: is not a number; opportunity.owner: does not exist"
        );
        assert_eq!(rejection.violations.len(), 2);
        assert_eq!(Findings::default().refuse(), Ok(()));
    }
}
