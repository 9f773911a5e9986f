//! What differs between two datasets of the same run: per output in total, and which account managers are concerned.

use crate::{
    evaluate::{
        column::{Column, count_u32},
        dataset::{Dataset, OutputHeader, Role},
        headline::Headline,
        results::account_manager,
    },
    model::{decimal::decimal_text, name::Id},
    proto::v1,
};

/// What the fault of a step is called among its outputs.
const FAULT: &str = "fault";

/// Two datasets of the same run, and what differs between them.
pub struct Comparison {
    /// As it was, or with the revision compared with.
    pub baseline: Dataset,
    /// With the candidate.
    pub candidate: Dataset,
    /// The steps that may differ.
    pub places: Vec<usize>,
    /// The rows that differ: the largest change of payout first.
    pub rows: Vec<usize>,
    /// Each output.
    pub outputs: Vec<v1::OutputChange>,
    /// The payouts of each row, before and after.
    pub payouts: Vec<(Option<i128>, Option<i128>)>,
    /// Which outputs count, before and after.
    headlines: [Headline; 2],
    /// What has to be known to judge it.
    pub notes: Vec<String>,
}

/// An output that one of the two has, or both in the same role: in another it is another output.
struct Pair<'a> {
    header: &'a OutputHeader,
    baseline: Option<&'a Column>,
    candidate: Option<&'a Column>,
}

// === impl Comparison ===

impl Comparison {
    /// Compares two datasets of the same rows.
    #[must_use]
    pub fn of(baseline: Dataset, candidate: Dataset, places: Vec<usize>, mut notes: Vec<String>) -> Self {
        let rows = baseline.rows();
        let headlines = [Headline::of(&baseline.header), Headline::of(&candidate.header)];
        notes.extend(places.iter().flat_map(|&place| changed_roles(&baseline, &candidate, place)));
        for (role, [before, after]) in counting(&headlines) {
            let (before, after) = (named(&baseline, before), named(&candidate, after));
            if before != after {
                notes.push(format!("the {} is {before}, and would be {after}", role.word()));
            }
        }
        let mut differs = vec![false; rows];
        let mut outputs = Vec::new();
        for &place in &places {
            for pair in pairs(&baseline, &candidate, place) {
                let changed: Vec<usize> = (0..rows).filter(|&row| pair.differs(row)).collect();
                changed.iter().for_each(|&row| differs[row] = true);
                outputs.push(pair.total(&baseline.header.steps[place].step, changed.len()));
            }
            let (before, after) = (&baseline.steps[place].faults, &candidate.steps[place].faults);
            for row in before.keys().chain(after.keys()) {
                differs[*row as usize] |= before.get(row) != after.get(row);
            }
        }
        let payouts: Vec<_> = (0..rows)
            .map(|row| (headlines[0].payout(&baseline, row), headlines[1].payout(&candidate, row)))
            .collect();
        // What counts may be another output than before, though no output differs.
        for (row, differs) in differs.iter_mut().enumerate() {
            *differs |= payouts[row].0 != payouts[row].1
                || counting(&headlines).iter().any(|(_, [before, after])| {
                    counted(&baseline, *before, row) != counted(&candidate, *after, row)
                });
        }
        let mut rows: Vec<usize> = (0..rows).filter(|&row| differs[row]).collect();
        // Stable: ties stay in the order of ids.
        rows.sort_by_key(|&row| std::cmp::Reverse(difference(payouts[row]).unsigned_abs()));
        Self { baseline, candidate, places, rows, outputs, payouts, headlines, notes }
    }

    /// The sums of the payouts, as clients see them: before, after, and by how much that is more.
    #[must_use]
    pub fn sums(&self) -> [String; 3] {
        let before: i128 = self.payouts.iter().filter_map(|payout| payout.0).sum();
        let after: i128 = self.payouts.iter().filter_map(|payout| payout.1).sum();
        [before, after, after - before].map(|sum| self.money(sum))
    }

    /// What changes for an account manager, without the steps of explanations.
    #[must_use]
    pub fn evaluation(&self, row: usize, team: &Id) -> v1::EvaluationChange {
        let mut values = Vec::new();
        for &place in &self.places {
            let step = &self.baseline.header.steps[place].step;
            let value = |output: &str, role: v1::OutputRole, [baseline, candidate]: [Option<String>; 2]| {
                v1::ValueChange {
                    step: step.clone(),
                    output: output.to_owned(),
                    baseline: baseline.unwrap_or_default(),
                    candidate: candidate.unwrap_or_default(),
                    role: role.into(),
                }
            };
            for pair in pairs(&self.baseline, &self.candidate, place).filter(|pair| pair.differs(row)) {
                let trim = pair.header.role != Role::Payout;
                let shown = |column: Option<&Column>| column.and_then(|column| cell(column, row, trim));
                let (name, role) = (&pair.header.name, pair.header.role.message());
                values.push(value(name, role, [pair.baseline, pair.candidate].map(shown)));
            }
            let fault = |dataset: &Dataset| {
                let fault = dataset.steps[place].faults.get(&count_u32(row))?;
                Some(format!("{}: {}", fault.reason, fault.message))
            };
            let (before, after) = (fault(&self.baseline), fault(&self.candidate));
            if before != after {
                values.push(value(FAULT, v1::OutputRole::Unspecified, [before, after]));
            }
        }
        for (role, [before, after]) in counting(&self.headlines) {
            // Where the same output counts, or one that there is no more, it is among those that differ already.
            let another = before.is_some()
                && after.is_some()
                && named(&self.baseline, before) != named(&self.candidate, after);
            let (baseline, candidate) =
                (counted(&self.baseline, before, row), counted(&self.candidate, after, row));
            if another && baseline != candidate {
                values.push(v1::ValueChange {
                    output: role.word().to_owned(),
                    baseline: baseline.unwrap_or_default(),
                    candidate: candidate.unwrap_or_default(),
                    role: role.message().into(),
                    ..Default::default()
                });
            }
        }
        let payout = self.payouts[row];
        let money = |amount: Option<i128>| amount.map(|amount| self.money(amount)).unwrap_or_default();
        v1::EvaluationChange {
            account_manager: account_manager(team, &self.baseline.ids[row]),
            display_name: self.baseline.display_names.get(row).to_owned(),
            baseline_payout: money(payout.0),
            candidate_payout: money(payout.1),
            payout_difference: self.money(difference(payout)),
            values,
            steps: Vec::new(),
        }
    }

    fn money(&self, amount: i128) -> String {
        decimal_text(amount, self.baseline.header.currency_scale, false)
    }
}

fn difference((before, after): (Option<i128>, Option<i128>)) -> i128 {
    after.unwrap_or_default() - before.unwrap_or_default()
}

/// An output that counts, by step and place there, before and after.
type Counting = [Option<(usize, usize)>; 2];

/// The outputs that count as score and as grade.
fn counting(headlines: &[Headline; 2]) -> [(Role, Counting); 2] {
    let [before, after] = headlines;
    [(Role::Score, [before.score, after.score]), (Role::Grade, [before.grade, after.grade])]
}

/// What an output is called.
fn named(dataset: &Dataset, output: Option<(usize, usize)>) -> String {
    let Some((step, output)) = output else { return "nothing".to_owned() };
    let header = &dataset.header.steps[step];
    format!("{}.{}", header.step, header.outputs[output].name)
}

/// The value in a row of an output that counts.
fn counted(dataset: &Dataset, output: Option<(usize, usize)>, row: usize) -> Option<String> {
    let (step, output) = output?;
    cell(&dataset.steps[step].outputs[output], row, true)
}

/// The outputs of a step that would have another role, in words.
fn changed_roles<'a>(
    baseline: &'a Dataset,
    candidate: &'a Dataset,
    place: usize,
) -> impl Iterator<Item = String> + use<'a> {
    let (before, after) = (&baseline.header.steps[place], &candidate.header.steps[place].outputs);
    before.outputs.iter().filter_map(move |output| {
        let other = after.iter().find(|other| other.name == output.name && other.role != output.role)?;
        let (was, would_be) = (output.role.word(), other.role.word());
        Some(format!("{}.{} is a {was}, and would be a {would_be}", before.step, output.name))
    })
}

/// The outputs of a step: those of the baseline, then those that only the candidate has, or has in another role.
fn pairs<'a>(baseline: &'a Dataset, candidate: &'a Dataset, place: usize) -> impl Iterator<Item = Pair<'a>> {
    let (before, after) = (&baseline.header.steps[place].outputs, &candidate.header.steps[place].outputs);
    fn is_same(one: &OutputHeader, other: &OutputHeader) -> bool {
        one.name == other.name && one.role == other.role
    }
    let find = move |dataset: &'a Dataset, outputs: &[OutputHeader], wanted: &OutputHeader| {
        let output = outputs.iter().position(|output| is_same(output, wanted))?;
        Some(&dataset.steps[place].outputs[output])
    };
    let only_after = after.iter().filter(|output| !before.iter().any(|known| is_same(known, output)));
    before.iter().chain(only_after).map(move |header| Pair {
        header,
        baseline: find(baseline, before, header),
        candidate: find(candidate, after, header),
    })
}

// === impl Pair ===

impl Pair<'_> {
    fn differs(&self, row: usize) -> bool {
        let cell_of = |column: Option<&Column>| column.and_then(|column| cell(column, row, true));
        match (self.baseline, self.candidate) {
            (Some(baseline), Some(candidate)) if same_number(baseline, candidate, row) => false,
            (baseline, candidate) => cell_of(baseline) != cell_of(candidate),
        }
    }

    fn total(&self, step: &str, rows_changed: usize) -> v1::OutputChange {
        let trim = self.header.role != Role::Payout;
        let (before, after) = (self.baseline.and_then(sum), self.candidate.and_then(sum));
        let shown = |sum: Option<(i128, u8)>| {
            sum.map(|(digits, scale)| decimal_text(digits, scale, trim)).unwrap_or_default()
        };
        v1::OutputChange {
            step: step.to_owned(),
            output: self.header.name.clone(),
            role: self.header.role.message().into(),
            rows_changed: rows_changed as u64,
            baseline_total: shown(before),
            candidate_total: shown(after),
            difference: shown(before.zip(after).and_then(|(before, after)| less(after, before))),
        }
    }
}

/// Whether both have the same digits in a row: what most rows have, told without writing them out.
fn same_number(one: &Column, other: &Column, row: usize) -> bool {
    one.number(row).is_some_and(|number| other.number(row) == Some(number))
}

fn cell(column: &Column, row: usize, trim: bool) -> Option<String> {
    match column.number(row) {
        Some((digits, scale)) => Some(decimal_text(i128::from(digits), scale, trim)),
        None => column.text(row).map(str::to_owned),
    }
}

/// The sum of a column of numbers.
fn sum(column: &Column) -> Option<(i128, u8)> {
    let crate::evaluate::column::Values::Number { scale, .. } = &column.values else { return None };
    let digits =
        (0..column.rows()).filter_map(|row| column.number(row)).map(|(digits, _)| i128::from(digits));
    Some((digits.sum(), *scale))
}

/// One exact decimal less another; nothing where it cannot be held.
fn less(one: (i128, u8), other: (i128, u8)) -> Option<(i128, u8)> {
    let scale = one.1.max(other.1);
    let at = |(digits, from): (i128, u8)| digits.checked_mul(10i128.checked_pow(u32::from(scale - from))?);
    Some((at(one)?.checked_sub(at(other)?)?, scale))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_of_different_scales() {
        let check = |one, other, expected| assert_eq!(less(one, other), expected);
        check((1250, 2), (1, 0), Some((1150, 2)));
        check((1, 0), (1250, 2), Some((-1150, 2)));
        check((i128::MAX, 0), (1, 2), None);
    }
}
