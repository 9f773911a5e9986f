//! What a refusal of the server says: the reason, the fields that are wrong, facts for programs, and what to do next.

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use merit_expression::{Problem, Sheet};
use serde_json::{Value as Json, json};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::model::{
    name::Name,
    rejection::Rejection,
    schema::{is_imported, schemas},
};

/// A refusal, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    reason: String,
    message: String,
    /// Fields and what is wrong with them.
    violations: Vec<(String, String)>,
    /// The problems of a formula, each with its line of the sheet, instead of the violations.
    problems: Vec<String>,
    facts: BTreeMap<String, String>,
    next: Option<String>,
}

// === impl Refusal ===

impl Refusal {
    /// What a status says.
    pub(super) fn of(status: &Status) -> Self {
        let details = status.get_error_details();
        let info = details.error_info();
        let reason = info.map_or_else(|| format!("{:?}", status.code()), |info| info.reason.clone());
        let violations = details.bad_request().map(|request| request.field_violations.as_slice());
        let violations = violations.unwrap_or_default().iter();
        let delay = details.retry_info().and_then(|retry| retry.retry_delay);
        Self {
            message: status.message().to_owned(),
            violations: violations.map(|wrong| (wrong.field.clone(), wrong.description.clone())).collect(),
            problems: Vec::new(),
            facts: info.map(|info| info.metadata.clone().into_iter().collect()).unwrap_or_default(),
            next: None,
            reason,
        }
        .advised(status.code(), delay)
    }

    /// With what to do about it.
    fn advised(mut self, code: Code, delay: Option<Duration>) -> Self {
        self.next = match delay {
            Some(delay) => Some(format!("try again in {} ms", delay.as_millis())),
            None => self.next(code).map(str::to_owned),
        };
        self
    }

    /// The collection of the record that is meant, where it says one.
    fn collection(&self) -> &str {
        let resource = self.facts.get("resource").map_or("", String::as_str);
        resource.rsplit('/').nth(1).unwrap_or_default()
    }

    fn next(&self, code: Code) -> Option<&'static str> {
        let is_of_order = |(field, _): &(String, String)| field == "order_by";
        let next = match (self.reason.as_str(), code) {
            ("INVALID_FILTER", _) if self.violations.iter().any(is_of_order) => {
                "fields are named as in the protos, each with an optional ` desc`: `amount desc, name`"
            }
            ("NOT_FOUND", _) if self.message.contains("/evaluations/") => {
                "`merit results RUN` lists who was scored"
            }
            ("ALREADY_EXISTS", _) if !is_updated(self.collection()) => "give another --id",
            ("REQUEST_ID_REUSED", _) => "give a request id of its own to every different request",
            ("INVALID_FILTER", _) => "fields are named as in the protos: `stage = \"WON\" AND amount > 1000`",
            ("INVALID_PAGE_TOKEN", _) => "begin at the first page again",
            ("REFERENCE_NOT_FOUND", _) => "create what is referred to first",
            ("ETAG_MISMATCH", _) => "get it again, look at what changed, and send the new etag",
            ("INVALID_BINDING", _) => {
                "say where an input comes from: `--input STEP.INPUT=KIND:SOURCE`, with measure, target, attribute, output or \
             constant"
            }
            ("SELF_APPROVAL", _) => "have somebody else approve it: `merit plugin approve`",
            ("SIGNATURE_REQUIRED", _) => {
                "sign it with a key that the team trusts: `merit plugin publish --key FILE --key-id ID`"
            }
            ("QUARANTINED", _) => {
                "mend the plugin and publish it anew; `merit plugin check` finds such things before"
            }
            ("RUN_NOT_FINISHED", _) => {
                "look at the run with `merit get runs/ID`; only a run that succeeded has results"
            }
            (_, Code::NotFound) => {
                "see what there is with `merit list COLLECTION`; the team is --team or MERIT_TEAM"
            }
            (_, Code::AlreadyExists) => "change it with `merit update`, or give another --id",
            (_, Code::Unauthenticated | Code::PermissionDenied) => {
                "ask an administrator of the server for access"
            }
            (_, Code::Internal) => "the server's log has the cause",
            (_, Code::Unimplemented) => {
                "the server is of another version than this command: compare `merit --version`"
            }
            (_, Code::DataLoss) => "verify the journal with `merit audit verify`",
            _ => return None,
        };
        Some(next)
    }

    /// What a rejection says.
    pub(super) fn of_rejection(rejection: &Rejection) -> Self {
        let violations = rejection.violations.iter();
        Self {
            reason: rejection.reason.code().to_owned(),
            message: rejection.message.clone(),
            violations: violations.map(|wrong| (wrong.field.clone(), wrong.description.clone())).collect(),
            problems: Vec::new(),
            facts: BTreeMap::new(),
            next: None,
        }
    }

    /// The same about a formula sheet: its problems are shown where they are, all of them, if they are those that were told.
    pub(super) fn about(mut self, sheet: Option<&str>) -> Self {
        let Some(Err(problems)) = sheet.filter(|_| self.reason == "INVALID_FORMULA").map(Sheet::compile)
        else {
            return self;
        };
        let here: Vec<String> = problems.iter().map(Problem::to_string).collect();
        let told = self.violations.iter().filter(|(_, description)| description.starts_with("line "));
        if !told.clone().all(|(_, description)| here.contains(description)) {
            return self;
        }
        let sheet = sheet.unwrap_or_default();
        self.problems = problems.iter().map(|problem| problem.shown(sheet)).collect();
        self.message = match here.len() {
            1 => "the formula has a problem".to_owned(),
            count => format!("the formula has {count} problems"),
        };
        self.violations = here.into_iter().map(|problem| ("formula".to_owned(), problem)).collect();
        self
    }

    /// For people: what the message has told is not told again.
    pub(super) fn text(&self) -> String {
        let mut text = format!("error: {}", self.told());
        if let Some(next) = &self.next {
            let _ = writeln!(text, "  next: {next}");
        }
        text
    }

    /// Everything but what to do next.
    pub(super) fn told(&self) -> String {
        let mut text = format!("{}: {}\n", self.reason, self.message);
        for problem in &self.problems {
            let _ = writeln!(text, "  {}", problem.replace('\n', "\n  "));
        }
        let violations = if self.problems.is_empty() { &self.violations[..] } else { &[] };
        for (field, description) in violations {
            if self.message.contains(description) {
                continue;
            }
            // Lines below each other belong there: a caret points at what stands above it.
            match description.split_once('\n') {
                None => _ = writeln!(text, "  {field}: {description}"),
                Some(_) => _ = writeln!(text, "  {field}:\n    {}", description.replace('\n', "\n    ")),
            }
        }
        for (key, value) in &self.facts {
            let _ = writeln!(text, "  {key}: {value}");
        }
        text
    }

    /// For programs.
    pub(super) fn json(&self) -> Json {
        let violations = self.violations.iter();
        let violations: Vec<Json> = violations
            .map(|(field, description)| json!({ "field": field, "description": description }))
            .collect();
        let mut json = json!({ "reason": self.reason, "message": self.message });
        if !violations.is_empty() {
            json["violations"] = violations.into();
        }
        if !self.facts.is_empty() {
            json["facts"] = json!(self.facts);
        }
        if let Some(next) = &self.next {
            json["next"] = next.as_str().into();
        }
        json
    }
}

/// Whether records of a collection are updated by clients.
fn is_updated(collection: &str) -> bool {
    collection == Name::TEAMS || schemas().get(collection).is_some_and(is_imported)
}

#[cfg(test)]
mod tests {
    use tonic_types::ErrorDetails;

    use super::*;

    #[test]
    fn nothing_is_told_twice() {
        let check = |message: &str, violations: &[(&str, &str)], expected: &str| {
            let mut details = ErrorDetails::new();
            for (field, description) in violations {
                details.add_bad_request_violation(*field, *description);
            }
            details.set_error_info("INVALID_FIELD", "merit.v1", std::collections::HashMap::new());
            let status = Status::with_error_details(Code::InvalidArgument, message, details);
            let refusal = Refusal::of(&status);
            assert_eq!(refusal.text(), expected);
            assert_eq!(refusal.json()["violations"].as_array().map_or(0, Vec::len), violations.len());
        };
        check(
            "amount: is no number",
            &[("amount", "is no number")],
            "error: INVALID_FIELD: amount: is no number\n",
        );
        check(
            "a: 1 is; and 1 more",
            &[("a", "1 is"), ("b", "2 is")],
            "error: INVALID_FIELD: a: 1 is; and 1 more\n  b: 2 is\n",
        );
        check(
            "wrong",
            &[("sheet", "line 1\n  a + b\n      ^")],
            "error: INVALID_FIELD: wrong\n  sheet:\n    line 1\n      a + b\n          ^\n",
        );
    }

    #[test]
    fn problems_of_a_formula_are_shown_where_they_are() {
        let sheet = "input revenue\npayout p = revenu * 5%\nscore s = revnue";
        let (first, second) = (
            "line 2, column 12: `revenu` is not known; did you mean `revenue`?",
            "line 3, column 11: `revnue` is not known; did you mean `revenue`?",
        );
        let check = |told: &[&str], sheet: Option<&str>, expected: &str| {
            let mut details = ErrorDetails::new();
            told.iter().for_each(|problem| _ = details.add_bad_request_violation("formula", *problem));
            details.set_error_info("INVALID_FORMULA", "merit.v1", std::collections::HashMap::new());
            let status = Status::with_error_details(Code::InvalidArgument, "the formula is wrong", details);
            assert_eq!(Refusal::of(&status).about(sheet).text(), expected);
        };
        let shown = format!(
            "error: INVALID_FORMULA: the formula has 2 problems\n  {first}\n    payout p = revenu * 5%\n               ^^^^^^\n  \
             {second}\n    score s = revnue\n              ^^^^^^\n"
        );
        check(&[first, second], Some(sheet), &shown);
        // What the server had no room for is found here.
        check(&[first, "1 more"], Some(sheet), &shown);
        // A server that sees it otherwise is believed.
        let other = "error: INVALID_FORMULA: the formula is wrong\n  formula: line 1, column 1: so\n";
        check(&["line 1, column 1: so"], Some(sheet), other);
        check(&["line 1, column 1: so"], Some("score s = 1"), other);
        check(&["line 1, column 1: so"], None, other);
    }

    #[test]
    fn what_to_do_next_is_said() {
        let check = |reason: &str, code: Code, resource: &str, field: &str, part: &str| {
            let mut details = ErrorDetails::new();
            let facts = [("resource".to_owned(), resource.to_owned())];
            details.set_error_info(reason, "merit.v1", std::collections::HashMap::from(facts));
            details.add_bad_request_violation(field, "is wrong");
            let text =
                Refusal::of(&Status::with_error_details(code, format!("no {resource}"), details)).text();
            let next = text.split("next: ").nth(1).unwrap_or_default();
            assert!(next.contains(part), "{reason}: {text}");
        };
        let held = Code::FailedPrecondition;
        check("INVALID_BINDING", held, "", "", "--input STEP.INPUT=KIND:SOURCE");
        check("SELF_APPROVAL", held, "", "", "somebody else");
        check("SIGNATURE_REQUIRED", held, "", "", "--key-id");
        check("QUARANTINED", held, "", "", "publish it anew");
        check("INVALID_FILTER", Code::InvalidArgument, "", "filter", "amount > 1000");
        check("INVALID_FILTER", Code::InvalidArgument, "", "order_by", "amount desc, name");
        check(
            "ALREADY_EXISTS",
            Code::AlreadyExists,
            "teams/t/customers/c",
            "",
            "change it with `merit update`",
        );
        check("ALREADY_EXISTS", Code::AlreadyExists, "teams/t", "", "change it with `merit update`");
        check("ALREADY_EXISTS", Code::AlreadyExists, "teams/t/runs/r", "", "give another --id");
        check("NOT_FOUND", Code::NotFound, "teams/t/runs/r/evaluations/e", "", "merit results RUN");
        check("NOT_FOUND", Code::NotFound, "teams/t/runs/r", "", "merit list COLLECTION");
    }
}
