//! A pool shared by score, to the last cent. `MANUAL.md` beside this crate says what the parameters mean.
#![cfg_attr(target_family = "wasm", no_std)]

extern crate alloc;

mod division;

use alloc::{borrow::ToOwned, format, string::String, vec::Vec};

use merit_sdk::{
    Answer, Context, Decimal, GroupScorer, Manifest, ParameterError, Parameters, Problems, Row, manifest,
};

use division::divide;

/// A pool shared by score.
pub struct PoolShare {
    pool: Pool,
    by: By,
    minimum_score: Option<Decimal>,
    equal_if_all_zero: bool,
}

/// Where the pool comes from.
enum Pool {
    Fixed(Decimal),
    /// So much of the sum of an input over the group.
    Rate {
        rate: Decimal,
        of: String,
    },
    /// An input that is the same for the whole group.
    Input(String),
}

/// What the shares are in proportion to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Score,
    ScoreAndWeight,
    Equal,
}

/// Names that an input cannot have, since they mean something else.
const TAKEN: &[&str] = &["score", "weight"];

// === impl PoolShare ===

impl GroupScorer for PoolShare {
    fn new(parameters: &Parameters<'_>) -> Result<Self, ParameterError> {
        let mut problems = Problems::new();
        problems.read(parameters.only(&["pool", "by", "minimum_score", "all_zero"]));
        let pool = problems.read(pool(parameters).map(Some));
        let by = match problems.read(parameters.choice("by", &["score", "score_and_weight", "equal"])) {
            "score_and_weight" => By::ScoreAndWeight,
            "equal" => By::Equal,
            _ => By::Score,
        };
        let minimum_score = problems.read(parameters.optional_decimal("minimum_score"));
        let equal_if_all_zero =
            problems.read(parameters.choice("all_zero", &["nothing", "equal"])) == "equal";
        problems.finish()?;
        let pool = pool.ok_or_else(|| parameters.error("pool", "is missing"))?;
        Ok(Self { pool, by, minimum_score, equal_if_all_zero })
    }

    fn manifest(&self) -> Manifest {
        let mut manifest = manifest("Shares a pool by score, adding up to the last cent.").group();
        if self.by != By::Equal || self.minimum_score.is_some() {
            manifest = manifest.number("score");
        }
        if self.by == By::ScoreAndWeight {
            manifest = manifest.number("weight");
        }
        match &self.pool {
            Pool::Fixed(_) => {}
            Pool::Rate { of: input, .. } | Pool::Input(input) => manifest = manifest.number(input),
        }
        manifest.payout("share").detail("part").build()
    }

    fn score(&self, context: &Context, rows: &[Row<'_>], answers: &mut [Answer<'_>]) -> Result<(), String> {
        let mut parts = Vec::with_capacity(rows.len());
        for (row, answer) in rows.iter().zip(answers.iter_mut()) {
            parts.push(self.weight(row).unwrap_or_else(|message| {
                answer.fault(message);
                None
            }));
        }
        if self.equal_if_all_zero && parts.iter().flatten().all(|weight| *weight == Decimal::ZERO) {
            parts.iter_mut().flatten().for_each(|weight| *weight = Decimal::ONE);
        }
        let weights: Vec<Decimal> = parts.iter().map(|part| part.unwrap_or(Decimal::ZERO)).collect();
        let pool = self.pool(rows)?.rounded(context.currency_scale, context.rounding)?;
        let total = weights.iter().try_fold(Decimal::ZERO, |sum, weight| sum.plus(*weight))?;
        let shares = divide(pool, &weights)?;
        for ((answer, weight), share) in answers.iter_mut().zip(&weights).zip(shares) {
            let part = if total == Decimal::ZERO { Decimal::ZERO } else { weight.over(total)? };
            answer.step("part", "part of the pool", part, format_args!("{weight} of {total}"));
            let label = format_args!("share of {pool}");
            answer.step("share", label, share.cut, format_args!("{weight} of {total}, cut off"));
            if share.rest != Decimal::ZERO {
                let note = format_args!("of what cutting off left over, number {} in line", share.place + 1);
                answer.step("share", "largest remainder", share.rest, note);
            }
        }
        Ok(())
    }
}

impl PoolShare {
    /// What the share of a row is in proportion to; nothing for who is below the minimum and has no part.
    fn weight(&self, row: &Row<'_>) -> Result<Option<Decimal>, String> {
        if self.by == By::Equal && self.minimum_score.is_none() {
            return Ok(Some(Decimal::ONE));
        }
        let score = row.number("score")?;
        if self.minimum_score.is_some_and(|minimum| score < minimum) {
            return Ok(None);
        }
        let weight = match self.by {
            By::Equal => Decimal::ONE,
            By::Score => score,
            By::ScoreAndWeight => score.times(not_negative("weight", row.number("weight")?)?)?,
        };
        let weight = not_negative("score", weight)
            .map_err(|_| format!("score is {score}; a share needs one of 0 or above"))?;
        Ok(Some(weight))
    }

    fn pool(&self, rows: &[Row<'_>]) -> Result<Decimal, String> {
        match &self.pool {
            Pool::Fixed(pool) => Ok(*pool),
            Pool::Rate { rate, of } => {
                let sum = rows.iter().try_fold(Decimal::ZERO, |sum, row| sum.plus(row.number(of)?))?;
                sum.times(*rate)
            }
            Pool::Input(input) => {
                let mut pool = None;
                for row in rows {
                    let here = row.number(input)?;
                    match pool {
                        Some(pool) if pool != here => {
                            return Err(format!(
                                "{input} is {pool} and {here} within a group; it has to be the same"
                            ));
                        }
                        _ => pool = Some(here),
                    }
                }
                Ok(pool.unwrap_or(Decimal::ZERO))
            }
        }
    }
}

fn not_negative(name: &str, number: Decimal) -> Result<Decimal, String> {
    if number >= Decimal::ZERO {
        Ok(number)
    } else {
        Err(format!("{name} is {number}; it has to be 0 or above"))
    }
}

fn pool(parameters: &Parameters<'_>) -> Result<Pool, ParameterError> {
    if !parameters.has_object("pool") {
        let amount = parameters.decimal("pool")?;
        if amount < Decimal::ZERO {
            return Err(parameters.error("pool", "has to be 0 or above"));
        }
        return Ok(Pool::Fixed(amount));
    }
    let given = parameters.object("pool")?;
    let mut problems = Problems::new();
    problems.read(given.only(&["rate", "of", "input"]));
    let key = if given.has("input") { "input" } else { "of" };
    let name = problems.read(given.name(key)).to_owned();
    problems.check(!TAKEN.contains(&name.as_str()), || {
        given.error(key, &format!("{name} is an input with another meaning; give another name"))
    });
    let rate = if key == "of" { problems.read(given.positive("rate")) } else { Decimal::ONE };
    problems.check(key == "of" || !(given.has("rate") || given.has("of")), || {
        given.error("input", "give either an input, or a rate and of what")
    });
    problems.finish()?;
    Ok(if key == "of" { Pool::Rate { rate, of: name } } else { Pool::Input(name) })
}

merit_sdk::export!(group PoolShare);

#[cfg(test)]
mod tests;
