//! The parameters: what they are, and what is refused.

use alloc::{borrow::ToOwned, format, string::String, vec::Vec};

use merit_sdk::{Decimal, ParameterError, Parameters, Problems};

use crate::places::Ties;

/// More prizes than that are not written by hand.
const MOST_PLACES: i128 = 10_000;

/// Places within a group.
pub struct Ranking {
    pub(crate) ascending: bool,
    pub(crate) ties: Ties,
    pub(crate) tie_breaks: Vec<TieBreak>,
    pub(crate) minimum: Option<Decimal>,
    /// By place, from 0.
    pub(crate) prizes: Vec<Decimal>,
    pub(crate) tied_share: bool,
    pub(crate) bands: Vec<Band>,
}

/// What decides where scores are the same.
pub(crate) struct TieBreak {
    pub input: String,
    pub ascending: bool,
}

/// A grade for the best so many of the group.
pub(crate) struct Band {
    pub up_to: Decimal,
    pub grade: String,
}

// === impl Ranking ===

impl Ranking {
    pub(crate) fn read(parameters: &Parameters<'_>) -> Result<Self, ParameterError> {
        let mut problems = Problems::new();
        let keys = ["order", "ties", "tie_breaks", "minimum_score", "prizes", "tied_prizes", "bands"];
        problems.read(parameters.only(&keys));
        let ascending =
            problems.read(parameters.choice("order", &["descending", "ascending"])) == "ascending";
        let ties = Ties::named(problems.read(parameters.choice("ties", &Ties::NAMES)));
        let tie_breaks = problems.read(tie_breaks(parameters));
        let minimum = problems.read(parameters.optional_decimal("minimum_score"));
        let prizes = problems.read(prizes(parameters));
        let tied_share = problems.read(parameters.choice("tied_prizes", &["each", "shared"])) == "shared";
        problems.check(!(tied_share && ties == Ties::Ordinal), || {
            parameters
                .error("tied_prizes", "nobody is tied with ordinal places: leave it out, or use other ties")
        });
        let bands = problems.read(bands(parameters));
        problems.finish()?;
        Ok(Self { ascending, ties, tie_breaks, minimum, prizes, tied_share, bands })
    }
}

fn tie_breaks(parameters: &Parameters<'_>) -> Result<Vec<TieBreak>, ParameterError> {
    if !parameters.has("tie_breaks") {
        return Ok(Vec::new());
    }
    let mut names: Vec<String> = alloc::vec!["score".to_owned()];
    parameters.each("tie_breaks", |item| {
        let mut problems = Problems::new();
        problems.read(item.only(&["input", "order"]));
        let input = problems.read(item.name("input")).to_owned();
        problems.check(!names.contains(&input), || {
            item.error("input", &format!("{input} is compared already; give another name"))
        });
        names.push(input.clone());
        let ascending = problems.read(item.choice("order", &["descending", "ascending"])) == "ascending";
        problems.finish()?;
        Ok(TieBreak { input, ascending })
    })
}

/// The prize of every place. Places go on from one entry to the next, without gap or overlap.
fn prizes(parameters: &Parameters<'_>) -> Result<Vec<Decimal>, ParameterError> {
    let mut prizes = Vec::new();
    if !parameters.has("prizes") {
        return Ok(prizes);
    }
    parameters.each("prizes", |item| {
        let mut problems = Problems::new();
        problems.read(item.only(&["place", "up_to", "prize"]));
        let next = prizes.len() as i128 + 1;
        let whole = |number: Decimal| (number.shortest().scale() == 0).then(|| number.shortest().unscaled());
        let place = whole(problems.read(item.decimal("place")));
        let up_to = problems.read(item.optional_decimal("up_to")).map_or(place, whole);
        let prize = problems.read(item.decimal("prize"));
        problems.check(prize >= Decimal::ZERO, || item.error("prize", "has to be 0 or above"));
        if problems.none() {
            problems.check(place == Some(next), || {
                item.error("place", &format!("has to be {next}: places go on without gap or overlap"))
            });
            problems.check(up_to.is_some_and(|last| (next..=MOST_PLACES).contains(&last)), || {
                item.error("up_to", &format!("has to be a whole number from {next} to {MOST_PLACES}"))
            });
        }
        let right = problems.none();
        problems.finish()?;
        if right {
            let last = up_to.unwrap_or(next);
            prizes.extend((next..=last).map(|_| prize));
        }
        Ok(())
    })?;
    Ok(prizes)
}

fn bands(parameters: &Parameters<'_>) -> Result<Vec<Band>, ParameterError> {
    if !parameters.has("bands") {
        return Ok(Vec::new());
    }
    let mut before = Decimal::ZERO;
    parameters.each("bands", |item| {
        let mut problems = Problems::new();
        problems.read(item.only(&["up_to", "grade"]));
        let up_to = problems.read(item.decimal("up_to"));
        problems.check(up_to > before && up_to <= Decimal::ONE, || {
            item.error("up_to", &format!("has to be a share of the group above {before}, at most 1 (100%)"))
        });
        before = up_to;
        let grade = problems.read(item.text("grade")).to_owned();
        problems.finish()?;
        Ok(Band { up_to, grade })
    })
}
