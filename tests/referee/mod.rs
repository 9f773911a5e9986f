//! What others have published: every case of the referee folder, computed by the plugins that ship, in the sandbox as a run
//! would. A case that does not apply says why; a kind that nobody knows fails. Cases of decimal arithmetic are held by
//! `plugins/expression/tests`.

mod appraisal;
mod case;
mod charges;
mod commission;
mod plugin;
mod quota;
mod tiers;

use std::{collections::BTreeMap, fs, path::Path};

use case::{Case, Told};

/// What a kind of case is held against.
type Check = fn(&Case) -> Told;

/// Every kind that is known, by the room that knows it.
const KINDS: &[&[(&str, Check)]] =
    &[tiers::KINDS, quota::KINDS, commission::KINDS, charges::KINDS, appraisal::KINDS];

/// Held by the tests of the expression language, whose arithmetic it is about.
const ELSEWHERE: &str = "decimal_rounding.json";

#[test]
fn what_others_publish_is_what_merit_computes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/referee");
    let Ok(entries) = fs::read_dir(&folder) else {
        println!("skipped: there is no ../shared/referee");
        return;
    };
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut files: Vec<_> = paths.filter(|path| path.extension().is_some_and(|end| end == "json")).collect();
    files.sort();
    let mut tally = Tally::default();
    for path in files.iter().filter(|path| !path.ends_with(ELSEWHERE)) {
        let text = fs::read_to_string(path).expect("the file can be read");
        let cases: Vec<serde_json::Value> = serde_json::from_str(&text).expect("a list of cases");
        cases.into_iter().for_each(|case| tally.hold(&Case::new(case)));
    }
    println!(
        "referee: {} cases pass, {} do not apply",
        tally.passed,
        tally.reasons.values().map(Vec::len).sum::<usize>()
    );
    for (reason, cases) in &tally.reasons {
        println!("  {}: {reason}", cases.join(", "));
    }
    assert!(tally.failures.is_empty(), "{} cases fail:\n{}", tally.failures.len(), tally.failures.join("\n"));
    assert!(tally.passed > 0, "there is no case");
}

/// What became of the cases.
#[derive(Default)]
struct Tally {
    passed: usize,
    reasons: BTreeMap<&'static str, Vec<String>>,
    failures: Vec<String>,
}

// === impl Tally ===

impl Tally {
    fn hold(&mut self, case: &Case) {
        let kind = case.text("kind");
        let known = KINDS.iter().flat_map(|kinds| kinds.iter()).find(|(known, _)| *known == kind);
        let Some((_, check)) = known else {
            self.failures.push(format!("{}: the kind {kind} is not known", case.id()));
            return;
        };
        match check(case) {
            Told::Same if case.overlooked().is_empty() => self.passed += 1,
            Told::Same => {
                let overlooked = case.overlooked().join(", ");
                self.failures.push(format!("{} ({kind}): nobody looks at {overlooked}", case.id()));
            }
            Told::NotApplicable(reason) => self.reasons.entry(reason).or_default().push(case.id().to_owned()),
            Told::Different(what) => {
                self.failures.push(format!("{} ({kind}, {}): {what}", case.id(), case.text("description")));
            }
        }
    }
}
