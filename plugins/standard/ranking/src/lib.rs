//! Places within a group, with ties by named methods, prizes by place and grades by share of the group. `MANUAL.md` beside this
//! crate says what the parameters mean.
#![cfg_attr(target_family = "wasm", no_std)]

extern crate alloc;

mod places;
mod plan;

use alloc::{format, string::String, vec::Vec};

use merit_sdk::{
    Answer, Context, Decimal, GroupScorer, Manifest, ParameterError, Parameters, Rounding, Row, manifest,
};

use places::Standing;
pub use plan::Ranking;

/// Decimals of a place: halves and thirds occur where ties share the mean of their places.
const PLACE_SCALE: u8 = 6;

impl GroupScorer for Ranking {
    fn new(parameters: &Parameters<'_>) -> Result<Self, ParameterError> {
        Self::read(parameters)
    }

    fn manifest(&self) -> Manifest {
        let mut manifest =
            manifest("Ranks a group, with prizes and grades by place.").group().number("score");
        for tie_break in &self.tie_breaks {
            manifest = manifest.number(&tie_break.input);
        }
        manifest = manifest.score("percent_rank").detail("place");
        if !self.prizes.is_empty() {
            manifest = manifest.payout("prize");
        }
        if !self.bands.is_empty() {
            manifest = manifest.grade("band");
        }
        manifest.build()
    }

    fn score(&self, context: &Context, rows: &[Row<'_>], answers: &mut [Answer<'_>]) -> Result<(), String> {
        let mut keys = Vec::with_capacity(rows.len());
        for row in rows {
            keys.push(self.keys(row)?);
        }
        let (ranked, others): (Vec<usize>, Vec<usize>) =
            (0..rows.len()).partition(|&row| self.minimum_reached(&keys[row]));
        let standings = places::standings(&ranked, &keys);
        for row in others {
            let answer = &mut answers[row];
            let note = format_args!("{} is not ranked", rows[row].number("score")?);
            answer.remark("below the minimum", Decimal::ZERO, note);
            if !self.prizes.is_empty() {
                answer.step("prize", "not ranked", Decimal::ZERO, "");
            }
        }
        for standing in &standings {
            self.place(standing, ranked.len(), &mut answers[standing.row])?;
        }
        if !self.prizes.is_empty() {
            self.pay(context, &standings, answers)?;
        }
        Ok(())
    }
}

impl Ranking {
    /// What a row is ordered by: larger comes first.
    fn keys(&self, row: &Row<'_>) -> Result<Vec<Decimal>, String> {
        let signed = |number: Decimal, ascending: bool| if ascending { number.negated() } else { number };
        let mut keys = Vec::with_capacity(1 + self.tie_breaks.len());
        keys.push(signed(row.number("score")?, self.ascending));
        for tie_break in &self.tie_breaks {
            keys.push(signed(row.number(&tie_break.input)?, tie_break.ascending));
        }
        Ok(keys)
    }

    fn minimum_reached(&self, keys: &[Decimal]) -> bool {
        let minimum = self.minimum.map(|minimum| if self.ascending { minimum.negated() } else { minimum });
        minimum.is_none_or(|minimum| keys[0] >= minimum)
    }

    /// Place, rank and band of a row.
    fn place(&self, standing: &Standing, count: usize, answer: &mut Answer<'_>) -> Result<(), String> {
        let place = self.ties.place(standing)?.rounded(PLACE_SCALE, Rounding::HalfEven)?;
        let note = match standing.tied {
            _ if !answer.explaining() => String::new(),
            1 => format!("{} ahead, of {count}", standing.ahead),
            tied => format!("{} ahead, {tied} tied, of {count}", standing.ahead),
        };
        answer.step("place", "place", place, &note);
        let (behind, others) = (count - standing.ahead - standing.tied, count - 1);
        let rank = match others {
            0 => Decimal::new(100, 0),
            others => Decimal::new(100 * behind as i128, 0).over(Decimal::new(others as i128, 0))?,
        };
        answer.step("percent_rank", "share behind", rank, format_args!("{behind} of {others} are behind"));
        let first = Decimal::new(standing.ahead as i128 + 1, 0);
        for band in &self.bands {
            if first <= band.up_to.times(Decimal::new(count as i128, 0))? {
                answer.grade("band", &band.grade);
                break;
            }
        }
        Ok(())
    }

    /// Prizes: to everybody that of the place, or to those who are tied what their places add up to, in equal parts.
    fn pay(
        &self,
        context: &Context,
        standings: &[Standing],
        answers: &mut [Answer<'_>],
    ) -> Result<(), String> {
        let prize = |place: usize| self.prizes.get(place).copied().unwrap_or(Decimal::ZERO);
        for standing in standings {
            let answer = &mut answers[standing.row];
            if standing.tied == 1 || !self.tied_share {
                let place = self.ties.paid(standing);
                answer.step("prize", "prize", prize(place), format_args!("place {}", place + 1));
                continue;
            }
            let places = self.ties.taken(standing);
            let sum = places.clone().try_fold(Decimal::ZERO, |sum, place| sum.plus(prize(place)))?;
            let sum = sum.rounded(context.currency_scale, context.rounding)?;
            // Cut into equal parts; the units left over go to those who come first.
            let (units, tied) = (sum.unscaled(), standing.tied as i128);
            let part = units / tied + i128::from((standing.among as i128) < units % tied);
            let taken = match (places.start + 1, places.end) {
                (first, last) if first == last => format!("place {first}"),
                (first, last) => format!("places {first} to {last}"),
            };
            let note = format_args!("{sum} for {taken}, in {tied} parts");
            answer.step("prize", "tied prize", Decimal::new(part, sum.scale()), note);
        }
        Ok(())
    }
}

merit_sdk::export!(group Ranking);

#[cfg(test)]
mod tests;
