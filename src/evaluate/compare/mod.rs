//! What another revision would change of a finished run: asked here, executed in `substitute`, told in `difference`.

mod comparisons;
mod difference;
mod substitute;

use std::{collections::BTreeMap, sync::Arc};

pub use self::comparisons::Comparisons;
use self::{
    difference::Comparison,
    substitute::{Substituted, substitute},
};
use super::{
    dataset::{Dataset, StepHeader, shadow_name},
    evaluator::Evaluator,
    results::run_name,
};
use crate::{
    model::{
        name::{Id, Name},
        rejection::Rejection,
    },
    proto::v1,
    resource::page::{self, Binding, Position},
    store::WriteError,
};

/// Account managers of a page that does not say.
const PAGE_DEFAULT: usize = 20;
/// The most account managers of a page: each is explained twice.
const PAGE_MOST: usize = 100;

/// What is compared, found.
struct Asked {
    dataset: Arc<Dataset>,
    place: usize,
    /// Empty for what the run found.
    baseline: String,
    candidate: String,
    /// What tells this comparison from others.
    key: String,
}

// === impl Evaluator ===

impl Evaluator {
    /// See `EvaluationService.CompareRevisions`.
    ///
    /// # Errors
    /// `RUN_NOT_FINISHED`, `DATASET_DAMAGED`, `INVALID_FIELD` for a step that cannot be told, `INVALID_BINDING` for a
    /// revision that takes what the evidence lacks, `INVALID_PAGE_TOKEN`; what the sandbox says; when the store fails.
    pub fn compare_revisions(
        &self,
        request: &v1::CompareRevisionsRequest,
    ) -> Result<v1::CompareRevisionsResponse, WriteError> {
        let name = run_name(&request.run)?;
        let asked = self.asked(&name, request)?;
        let size = page::size_of(request.page_size.into(), PAGE_DEFAULT, PAGE_MOST)?;
        let binding = Binding::new(&["CompareRevisions", &asked.key]);
        let start = Position::read_number(&request.page_token, binding)?;
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        let comparison = match self.comparisons().get(&asked.key) {
            Some(comparison) => comparison,
            None => {
                let comparison = Arc::new(self.comparison(&asked, &request.parameters)?);
                self.comparisons().put(asked.key.clone(), Arc::clone(&comparison));
                comparison
            }
        };
        let page: Vec<usize> = comparison.rows.iter().skip(start).take(size).copied().collect();
        let end = start.saturating_add(page.len());
        let more = end < comparison.rows.len();
        let evaluations = page.into_iter().map(|row| self.evaluation_change(&comparison, row, name.team()));
        let [baseline_payout, candidate_payout, payout_difference] = comparison.sums();
        let header = |dataset: &Dataset| dataset.header.steps[asked.place].revision.clone();
        Ok(v1::CompareRevisionsResponse {
            step: asked.dataset.header.steps[asked.place].step.clone(),
            baseline: header(&comparison.baseline),
            candidate: header(&comparison.candidate),
            rows: comparison.baseline.rows() as u64,
            rows_changed: comparison.rows.len() as u64,
            baseline_payout,
            candidate_payout,
            payout_difference,
            outputs: comparison.outputs.clone(),
            evaluations: evaluations.collect(),
            next_page_token: if more {
                Position::of_number(end as u64).token(binding)
            } else {
                String::new()
            },
            notes: comparison.notes.clone(),
        })
    }

    /// Finds what is to be compared.
    fn asked(&self, run: &Name, request: &v1::CompareRevisionsRequest) -> Result<Asked, WriteError> {
        let message: v1::Run = self.resources().get(run)?;
        let dataset = self.results().dataset(&message)?;
        let place = self.step(&dataset, request)?;
        let step = &dataset.header.steps[place];
        let candidate = match request.candidate.as_str() {
            "" => {
                let shadow = shadow_name(&step.step);
                let shadow = dataset.header.steps.iter().find(|other| other.step == shadow);
                let missing = || {
                    let what = format!("is required: step {} has no shadow to compare with", step.step);
                    Rejection::field("candidate", what)
                };
                shadow.ok_or_else(missing)?.revision.clone()
            }
            given => given.to_owned(),
        };
        for (field, revision) in [("baseline", &request.baseline), ("candidate", &candidate)] {
            if !revision.is_empty() && Name::parse(revision)?.team() != run.team() {
                return Err(Rejection::field(field, "is a revision of another team than the run").into());
            }
        }
        let key = [&message.dataset, &step.step, &request.baseline, &candidate, &request.parameters];
        let key = key.map(|part| blake3::hash(part.as_bytes()).to_hex().to_string()).concat();
        let key = blake3::hash(key.as_bytes()).to_hex()[..32].to_owned();
        let baseline = request.baseline.clone();
        Ok(Asked { dataset, place, baseline, candidate, key })
    }

    /// The place of the step: the one named, or the only one that can be meant.
    fn step(&self, dataset: &Dataset, request: &v1::CompareRevisionsRequest) -> Result<usize, WriteError> {
        let live: BTreeMap<&str, usize> =
            dataset.header.live().map(|(place, step)| (step.step.as_str(), place)).collect();
        let names = || live.keys().copied().collect::<Vec<_>>().join(", ");
        if !request.step.is_empty() {
            let unknown = || {
                let what = format!("{:?} is no step of the run: it has {}", request.step, names());
                Rejection::field("step", what)
            };
            return Ok(*live.get(request.step.as_str()).ok_or_else(unknown)?);
        }
        let meant: Vec<usize> = match request.candidate.as_str() {
            "" => {
                let has_shadow = |step: &StepHeader| {
                    let shadow = shadow_name(&step.step);
                    dataset.header.steps.iter().any(|other| other.step == shadow)
                };
                dataset.header.live().filter(|(_, step)| has_shadow(step)).map(|(place, _)| place).collect()
            }
            candidate => {
                let plugin = |revision: &str| -> Result<String, WriteError> {
                    Ok(self.resources().get::<v1::PluginRevision>(&Name::parse(revision)?)?.plugin)
                };
                let wanted = plugin(candidate)?;
                let mut meant = Vec::new();
                for (place, step) in dataset.header.live() {
                    if plugin(&step.revision)? == wanted {
                        meant.push(place);
                    }
                }
                meant
            }
        };
        match meant[..] {
            [place] => Ok(place),
            _ if live.len() == 1 => Ok(live.values().copied().next().unwrap_or_default()),
            _ => Err(Rejection::field("step", format!("is required: one of {}", names())).into()),
        }
    }

    fn comparison(&self, asked: &Asked, parameters: &str) -> Result<Comparison, WriteError> {
        let recorded = &*asked.dataset;
        let step = &recorded.header.steps[asked.place];
        let mut notes = self.untaken(asked, parameters)?;
        let parameters = if parameters.is_empty() { &step.parameters } else { parameters };
        let limits = recorded.header.limits.restore(&self.options().ceilings);
        let plugins = self.plugins().within(limits);
        let loaded = plugins.candidate(&asked.candidate, parameters)?;
        let candidate = substitute(self, recorded, asked.place, &asked.candidate, &loaded)?;
        notes.extend(self.notes(step, &asked.candidate, &candidate)?);
        let baseline = match asked.baseline.as_str() {
            "" => recorded.clone(),
            revision => {
                let loaded = plugins.candidate(revision, parameters)?;
                let baseline = substitute(self, recorded, asked.place, revision, &loaded)?;
                notes.extend(self.notes(step, revision, &baseline)?);
                baseline.dataset
            }
        };
        Ok(Comparison::of(baseline, candidate.dataset, candidate.executed, notes))
    }

    /// Which revisions do not take the parameters that are given, as they carry their own.
    ///
    /// # Errors
    /// `INVALID_FIELD` where none takes them.
    fn untaken(&self, asked: &Asked, parameters: &str) -> Result<Vec<String>, WriteError> {
        if parameters.is_empty() {
            return Ok(Vec::new());
        }
        let (mut notes, mut taken) = (Vec::new(), false);
        for revision in [&asked.candidate, &asked.baseline].into_iter().filter(|name| !name.is_empty()) {
            let found: v1::PluginRevision = self.resources().get(&Name::parse(revision)?)?;
            if found.parameters.is_empty() {
                taken = true;
            } else {
                notes.push(format!("{revision} carries its own parameters: those given are not for it"));
            }
        }
        if taken {
            return Ok(notes);
        }
        Err(Rejection::field("parameters", notes.join("; ")).into())
    }

    /// What has to be known of a revision that is put in the place of a step.
    fn notes(
        &self,
        step: &StepHeader,
        revision: &str,
        substituted: &Substituted,
    ) -> Result<Vec<String>, WriteError> {
        let plugin = |revision: &str| -> Result<String, WriteError> {
            Ok(self.resources().get::<v1::PluginRevision>(&Name::parse(revision)?)?.plugin)
        };
        let (own, executed) = (plugin(revision)?, plugin(&step.revision)?);
        let mut notes = Vec::new();
        if own != executed {
            notes.push(format!(
                "{revision} is a revision of {own}; step {} of the run executed {}, a revision of {executed}",
                step.step, step.revision
            ));
        }
        if !substituted.left_out.is_empty() {
            notes.push(format!(
                "{revision} takes what the evidence of step {} does not have, and it was taken as missing for everybody: {}",
                step.step,
                substituted.left_out.join(", ")
            ));
        }
        Ok(notes)
    }

    /// What changes for an account manager, with the steps of the explanations that differ.
    fn evaluation_change(&self, comparison: &Comparison, row: usize, team: &Id) -> v1::EvaluationChange {
        let mut change = comparison.evaluation(row, team);
        for &place in &comparison.places {
            // A plugin that cannot explain itself is no reason to say nothing of what it gives.
            let explain = |dataset: &Dataset| self.plugin_steps(dataset, place, row).unwrap_or_default();
            let (before, after) = (explain(&comparison.baseline), explain(&comparison.candidate));
            let step = &comparison.baseline.header.steps[place].step;
            change.steps.extend(explanation_changes(step, &before, &after));
        }
        change
    }
}

/// The steps that only one of two explanations has, that have another amount, or, of remarks, another note; repeated labels
/// are told apart by their order.
fn explanation_changes(
    step: &str,
    before: &[v1::ExplanationStep],
    after: &[v1::ExplanationStep],
) -> Vec<v1::ExplanationChange> {
    type Keyed<'a> = ((&'a str, &'a str, usize), &'a v1::ExplanationStep);
    fn numbered(steps: &[v1::ExplanationStep]) -> Vec<Keyed<'_>> {
        let mut seen: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        steps
            .iter()
            .map(|step| {
                let count = seen.entry((&step.label, &step.output)).or_default();
                *count += 1;
                ((step.label.as_str(), step.output.as_str(), *count), step)
            })
            .collect()
    }
    fn find(steps: &[Keyed<'_>], key: (&str, &str, usize)) -> v1::ExplanationStep {
        let found = steps.iter().find(|(other, _)| *other == key);
        found.map(|(_, step)| (*step).clone()).unwrap_or_default()
    }
    let (before, after) = (numbered(before), numbered(after));
    let only_after = after.iter().filter(|(key, _)| !before.iter().any(|(other, _)| other == key));
    let keys = before.iter().chain(only_after).map(|(key, _)| *key);
    let change = |key: (&str, &str, usize)| {
        let (was, would_be) = (find(&before, key), find(&after, key));
        // Of a part of an output the amount is all that counts; a remark may have none, and is told by its note.
        let noted = key.1.is_empty() && was.note != would_be.note;
        let moved = was.amount != would_be.amount;
        let amount = |amount: String| if moved { amount } else { String::new() };
        let note = |note: String| if noted { note } else { String::new() };
        (moved || noted).then(|| v1::ExplanationChange {
            step: step.to_owned(),
            label: key.0.to_owned(),
            output: key.1.to_owned(),
            baseline_amount: amount(was.amount),
            candidate_amount: amount(would_be.amount),
            baseline_note: note(was.note),
            candidate_note: note(would_be.note),
        })
    };
    keys.filter_map(change).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn explanations_differ_in_amounts_and_in_what_is_remarked() {
        let step = |label: &str, output: &str, amount: &str, note: &str| v1::ExplanationStep {
            label: label.into(),
            output: output.into(),
            amount: amount.into(),
            note: note.into(),
        };
        let check =
            |before: &[&v1::ExplanationStep], after: &[&v1::ExplanationStep], expected: &[[&str; 6]]| {
                let owned = |steps: &[&v1::ExplanationStep]| -> Vec<v1::ExplanationStep> {
                    steps.iter().map(|&step| step.clone()).collect()
                };
                let found = explanation_changes("kpi", &owned(before), &owned(after));
                let found: Vec<[&str; 6]> = found
                    .iter()
                    .map(|change| {
                        assert_eq!(change.step, "kpi");
                        [
                            &change.label,
                            &change.output,
                            &change.baseline_amount,
                            &change.candidate_amount,
                            &change.baseline_note,
                            &change.candidate_note,
                        ]
                        .map(String::as_str)
                    })
                    .collect();
                assert_eq!(found, expected);
            };
        let base = step("base", "pay", "10.00", "100 × 10%");
        check(&[&base], &[&base], &[]);
        check(&[&base], &[&step("base", "pay", "10.00", "200 × 5%")], &[]);
        check(
            &[&base],
            &[&step("base", "pay", "12.00", "100 × 12%")],
            &[["base", "pay", "10.00", "12.00", "", ""]],
        );
        check(&[&base, &base], &[&base], &[["base", "pay", "10.00", "", "", ""]]);
        check(&[], &[&base], &[["base", "pay", "", "10.00", "", ""]]);
        // A text has no amount: what it is stands in the note.
        let (a, b) = (step("band", "", "0", "\"A\" = …"), step("band", "", "0", "\"B\" = …"));
        check(&[&a], &[&a], &[]);
        check(&[&a], &[&b], &[["band", "", "", "", "\"A\" = …", "\"B\" = …"]]);
        let remark = |amount: &str| step("attainment", "", amount, "revenue / quota");
        check(&[&remark("1.5")], &[&remark("1.2")], &[["attainment", "", "1.5", "1.2", "", ""]]);
        check(&[&a, &remark("1")], &[&remark("1")], &[["band", "", "0", "", "\"A\" = …", ""]]);
    }
}
