//! Gives a step up whose plugin finishes its call for nobody: some rows, spread over all, are tried alone as soon as one call
//! does not end within its limits. Whether the step is given up depends on these rows alone, not on how it is executed.

use std::sync::OnceLock;

use crate::{
    model::rejection::PluginReason,
    sandbox::{Scope, Verdict},
};

/// Rows, or groups, that are tried. A step of fewer is executed to its end, which costs no more.
pub const TRIED: usize = 16;

/// A step that no row of a sample gets through.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the plugin finished its call for none of {TRIED} {what} that were tried alone, spread over all {of}: each ended with \
     {}; the last: {verdict}. The step was given up there, the other {} {what} were not tried alone",
    verdict.reason.code(),
    of - TRIED
)]
pub struct Hopeless {
    /// Rows, or groups.
    what: &'static str,
    /// How many there are.
    of: usize,
    /// Of the last one that was tried.
    pub verdict: Verdict,
}

/// The rows, or groups, of a step that are tried.
pub struct Trial<'a> {
    what: &'static str,
    of: usize,
    sample: Vec<&'a [u32]>,
    found: OnceLock<Option<Hopeless>>,
}

// === impl Trial ===

impl<'a> Trial<'a> {
    /// The trial of a step with these batches.
    pub fn new(scope: Scope, batches: &'a [Vec<u32>]) -> Self {
        let (what, units): (_, Vec<&[u32]>) = match scope {
            Scope::Row => ("rows", batches.iter().flat_map(|rows| rows.chunks(1)).collect()),
            Scope::Group => ("groups", batches.iter().map(Vec::as_slice).collect()),
        };
        let of = units.len();
        let sample =
            if of > TRIED { (0..TRIED).map(|place| units[place * of / TRIED]).collect() } else { vec![] };
        Self { what, of, sample, found: OnceLock::new() }
    }

    /// Makes the trial when a call does not end within its limits, once; others that ask wait for what it finds.
    /// `evaluate` calls the plugin, and answers its verdict where it has one that counts.
    pub fn after(
        &self,
        verdict: &Verdict,
        evaluate: impl Fn(&[u32]) -> Option<Verdict>,
    ) -> Option<&Hopeless> {
        if self.sample.is_empty() || !is_of_a_limit(verdict.reason) {
            return None;
        }
        self.found.get_or_init(|| self.find(evaluate)).as_ref()
    }

    fn find(&self, evaluate: impl Fn(&[u32]) -> Option<Verdict>) -> Option<Hopeless> {
        let mut last: Option<Verdict> = None;
        for rows in &self.sample {
            let verdict = evaluate(rows)?;
            let like_the_others = last.is_none_or(|last| last.reason == verdict.reason);
            if !like_the_others || !is_of_a_limit(verdict.reason) {
                return None;
            }
            last = Some(verdict);
        }
        last.map(|verdict| Hopeless { what: self.what, of: self.of, verdict })
    }
}

/// Whether it is said of a limit that it was reached, which takes time, unlike a trap.
fn is_of_a_limit(reason: PluginReason) -> bool {
    use PluginReason::{OutOfFuel, OutOfMemory, OutputTooLarge, StackOverflow};
    [OutOfFuel, OutOfMemory, OutputTooLarge, StackOverflow].contains(&reason)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    fn verdict(reason: PluginReason) -> Verdict {
        Verdict { reason, row: None, message: "it is over".to_owned() }
    }

    /// What becomes of a step whose batches are these, and which rows are tried.
    fn check(
        batches: &[Vec<u32>],
        first: PluginReason,
        of_row: impl Fn(u32) -> Option<PluginReason>,
        hopeless: bool,
        wanted: &[u32],
    ) {
        let trial = Trial::new(Scope::Row, batches);
        let tried = RefCell::new(Vec::new());
        for _ in 0..2 {
            let evaluate = |rows: &[u32]| {
                tried.borrow_mut().extend_from_slice(rows);
                of_row(rows[0]).map(verdict)
            };
            assert_eq!(trial.after(&verdict(first), evaluate).is_some(), hopeless);
        }
        assert_eq!(tried.into_inner(), wanted);
    }

    #[test]
    fn a_step_is_given_up_when_nobody_of_the_sample_gets_through() {
        use PluginReason::{OutOfFuel, OutOfMemory, Trapped};
        let rows: Vec<u32> = (0..160).collect();
        let sample: Vec<u32> = (0..16).map(|place| place * 10).collect();
        for size in [1, 7, 160] {
            let batches: Vec<Vec<u32>> = rows.chunks(size).map(<[u32]>::to_vec).collect();
            let check = |first, of_row: fn(u32) -> Option<PluginReason>, hopeless, tried| {
                check(&batches, first, of_row, hopeless, &sample[..tried]);
            };
            check(OutOfFuel, |_| Some(OutOfFuel), true, 16);
            check(OutOfFuel, |row| (row != 30).then_some(OutOfFuel), false, 4);
            check(OutOfFuel, |row| Some(if row < 150 { OutOfFuel } else { OutOfMemory }), false, 16);
            check(OutOfFuel, |_| Some(Trapped), false, 1);
            check(Trapped, |_| Some(OutOfFuel), false, 0);
        }
        check(&[rows[..16].to_vec()], OutOfFuel, |_| Some(OutOfFuel), false, &[]);
    }

    #[test]
    fn it_says_what_was_not_tried() {
        let groups: Vec<Vec<u32>> = (0..20).map(|place| vec![place, 100 + place]).collect();
        let trial = Trial::new(Scope::Group, &groups);
        let found = trial.after(&verdict(PluginReason::OutOfFuel), |rows| {
            assert_eq!(rows.len(), 2);
            Some(verdict(PluginReason::OutOfFuel))
        });
        assert_eq!(
            found.unwrap().to_string(),
            "the plugin finished its call for none of 16 groups that were tried alone, spread over all 20: each ended with \
             OUT_OF_FUEL; the last: it is over. The step was given up there, the other 4 groups were not tried alone"
        );
    }
}
