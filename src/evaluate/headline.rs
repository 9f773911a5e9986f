//! Which outputs of a run are its score, its payouts and its grade.

use std::collections::BTreeSet;

use super::dataset::{Dataset, Header, Role, Source};

/// Which outputs of a run make score, payout and grade.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headline {
    /// Step and output of the score.
    pub score: Option<(usize, usize)>,
    /// Steps and outputs that add up to the payout.
    pub payouts: Vec<(usize, usize)>,
    /// Step and output of the grade.
    pub grade: Option<(usize, usize)>,
}

// === impl Headline ===

impl Headline {
    /// Of the steps that are no shadows: the first score and the first grade of the last step that has one; of the payouts, those that no later step
    /// takes as an input.
    #[must_use]
    pub fn of(header: &Header) -> Self {
        let sources = header.live().flat_map(|(_, step)| &step.inputs).map(|input| &input.source);
        let taken: BTreeSet<(&str, &str)> = sources
            .filter_map(|source| match source {
                Source::Output { step, output } => Some((step.as_str(), output.as_str())),
                _ => None,
            })
            .collect();
        let mut headline = Self::default();
        for (step_place, step) in header.live() {
            let first = |role| {
                let place = step.outputs.iter().position(|output| output.role == role)?;
                Some((step_place, place))
            };
            headline.score = first(Role::Score).or(headline.score);
            headline.grade = first(Role::Grade).or(headline.grade);
            for (place, output) in step.outputs.iter().enumerate() {
                if output.role == Role::Payout && !taken.contains(&(&*step.step, &*output.name)) {
                    headline.payouts.push((step_place, place));
                }
            }
        }
        headline
    }

    /// The payout of a row, at the currency's decimals: missing where one of its parts is, for a part that is not known
    /// is not nothing.
    #[must_use]
    pub fn payout(&self, dataset: &Dataset, row: usize) -> Option<i128> {
        if self.payouts.is_empty() {
            return None;
        }
        let mut sum = 0i128;
        for &(step, output) in &self.payouts {
            sum += i128::from(dataset.steps[step].outputs[output].number(row)?.0);
        }
        Some(sum)
    }
}
