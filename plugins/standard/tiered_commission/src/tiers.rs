//! Tiers, and what a stretch of the way through them earns.

use alloc::{format, string::String, vec::Vec};

use merit_sdk::{Answer, Decimal, Fraction, ParameterError, Parameters, Problems};

/// How amounts are placed in tiers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Each slice at its own rate.
    Graduated,
    /// Everything at the rate of the tier reached.
    Volume,
    /// Up to the second tier at the first rate, everything above at the rate of the tier reached.
    Overage,
}

/// The tiers and how they are walked.
pub struct Schedule {
    tiers: Vec<Tier>,
    mode: Mode,
    /// A value exactly on a bound belongs to the tier below it.
    bound_below: bool,
}

struct Tier {
    from: Decimal,
    rate: Decimal,
    flat: Decimal,
}

/// A part of the way: the total on the row, or a deal.
pub struct Stretch<'a> {
    /// What its steps begin with.
    pub label: &'a str,
    /// How much further it goes; a refund goes back.
    pub length: Decimal,
    /// The share of it that is paid for.
    pub share: Decimal,
    /// What the tiers' rates are multiplied with.
    pub base_rate: Decimal,
    /// Target pay and quota, where rates are shares of the target pay.
    pub pay: Option<(Decimal, Decimal)>,
}

/// How far one has come.
pub struct Position {
    total: Decimal,
    /// The highest tier reached so far: its flat amount, and those below it, are paid.
    highest: Option<usize>,
}

// === impl Position ===

impl Position {
    /// After so much, sold before.
    pub fn after(schedule: &Schedule, bounds: &[Decimal], before: Decimal) -> Self {
        let highest = (before > Decimal::ZERO).then(|| schedule.reached(bounds, before));
        Self { total: before, highest }
    }

    /// At the beginning.
    pub fn start() -> Self {
        Self { total: Decimal::ZERO, highest: None }
    }
}

// === impl Schedule ===

impl Schedule {
    /// Reads `tiers`, `mode` and `bound`; tiers have multipliers where there is a base rate, and begin at shares of the quota
    /// where they are by attainment.
    pub fn read(
        parameters: &Parameters<'_>,
        multipliers: bool,
        by_attainment: bool,
    ) -> Result<Self, ParameterError> {
        let mut problems = Problems::new();
        let mode = problems.read(parameters.choice("mode", &["graduated", "volume", "overage"]));
        let mode = match mode {
            "volume" => Mode::Volume,
            "overage" => Mode::Overage,
            _ => Mode::Graduated,
        };
        let bound_below = problems.read(parameters.choice("bound", &["above", "below"])) == "below";
        let tiers = problems.read(tiers(parameters, multipliers, by_attainment));
        problems.finish()?;
        Ok(Self { tiers, mode, bound_below })
    }

    /// Where the tiers begin, as amounts.
    pub fn bounds(&self, unit: Decimal) -> Result<Vec<Decimal>, String> {
        self.tiers.iter().map(|tier| tier.from.times(unit)).collect()
    }

    /// The tier that a total is in. What is below 0 is in the first: it is paid back at the first rate.
    pub fn reached(&self, bounds: &[Decimal], total: Decimal) -> usize {
        let within = |bound: &Decimal| if self.bound_below { *bound < total } else { *bound <= total };
        bounds.iter().rposition(within).unwrap_or(0)
    }

    /// Adds a step per slice and flat amount of a stretch, and answers what they add up to.
    pub fn pay(
        &self,
        stretch: &Stretch<'_>,
        bounds: &[Decimal],
        position: &mut Position,
        answer: &mut Answer<'_>,
    ) -> Result<Fraction, String> {
        let end = position.total.plus(stretch.length)?;
        let mut earned = Fraction::ZERO;
        for (index, slice) in self.slices(bounds, position.total, end)? {
            let amount = self.earned(slice, index, stretch)?;
            earned = earned.plus(amount)?;
            let label = format_args!("{}tier {}", stretch.label, index + 1);
            match (answer.explaining(), stretch.share == Decimal::ONE) {
                (false, _) => answer.step("commission", "", amount, ""),
                (_, true) => answer.step("commission", label, amount, self.note(slice, index, stretch)),
                (_, false) => {
                    let note = format!("{}, {} of it", self.note(slice, index, stretch), stretch.share);
                    answer.step("commission", label, amount, note);
                }
            }
        }
        let reached = self.reached(bounds, end);
        if end >= Decimal::ZERO {
            let first = match (self.mode, position.highest) {
                (_, Some(highest)) if highest >= reached => reached + 1,
                (Mode::Volume, _) => reached,
                (_, Some(highest)) => highest + 1,
                (_, None) => 0,
            };
            for (index, bound) in bounds.iter().enumerate().take(reached + 1).skip(first) {
                let flat = self.tiers[index].flat;
                if flat != Decimal::ZERO {
                    earned = earned.plus(flat)?;
                    let label = format_args!("{}tier {}, flat", stretch.label, index + 1);
                    answer.step("commission", label, flat, format_args!("{bound} reached"));
                }
            }
            position.highest = position.highest.max(Some(reached));
        }
        position.total = end;
        Ok(earned)
    }

    /// The slices of a way by tier, those of length 0 left out unless it is the only one.
    fn slices(
        &self,
        bounds: &[Decimal],
        start: Decimal,
        end: Decimal,
    ) -> Result<Vec<(usize, Decimal)>, String> {
        let reached = self.reached(bounds, end);
        let whole = end.minus(start)?;
        let mut slices = Vec::new();
        match self.mode {
            Mode::Volume => slices.push((reached, whole)),
            Mode::Overage => {
                let top = bounds.get(1).copied();
                let lower = |total: Decimal| top.map_or(total, |top| total.min(top));
                let below = lower(end).minus(lower(start))?;
                slices.push((0, below));
                // Back over the line, what was above it goes at the rate that was reached there.
                let above = if whole < Decimal::ZERO { self.reached(bounds, start) } else { reached };
                slices.push((above, whole.minus(below)?));
            }
            Mode::Graduated => {
                for index in 0..bounds.len() {
                    let slice = self.part(bounds, index, end)?.minus(self.part(bounds, index, start)?)?;
                    slices.push((index, slice));
                }
            }
        }
        slices.retain(|(_, slice)| *slice != Decimal::ZERO);
        if slices.is_empty() {
            slices.push((reached, Decimal::ZERO));
        }
        Ok(slices)
    }

    /// How much of a total is in a tier.
    fn part(&self, bounds: &[Decimal], index: usize, total: Decimal) -> Result<Decimal, String> {
        let up_to = bounds.get(index + 1).map_or(total, |next| total.min(*next));
        let from = bounds[index];
        // Below the first tier is only what is negative.
        if up_to > from || index == 0 { up_to.minus(from) } else { Ok(Decimal::ZERO) }
    }

    /// What a slice earns, not divided yet where rates are shares of the target pay.
    fn earned(&self, slice: Decimal, index: usize, stretch: &Stretch<'_>) -> Result<Fraction, String> {
        let slice = Fraction::from(slice).times(stretch.share)?;
        let amount = slice.times(self.tiers[index].rate)?.times(stretch.base_rate)?;
        match stretch.pay {
            Some((target_pay, quota)) => amount.times(target_pay)?.over(quota),
            None => Ok(amount),
        }
    }

    fn note(&self, slice: Decimal, index: usize, stretch: &Stretch<'_>) -> String {
        let rate = self.tiers[index].rate;
        let base = match stretch.base_rate == Decimal::ONE {
            true => String::new(),
            false => format!(" × {}", stretch.base_rate),
        };
        match stretch.pay {
            Some((target_pay, quota)) => format!("{slice} / {quota} × {rate}{base} × {target_pay}"),
            None => format!("{slice} × {rate}{base}"),
        }
    }
}

fn tiers(
    parameters: &Parameters<'_>,
    multipliers: bool,
    by_attainment: bool,
) -> Result<Vec<Tier>, ParameterError> {
    let rate_key = if multipliers { "multiplier" } else { "rate" };
    // Where the tier before begins, and where it says that it ends.
    let mut before: Option<(Decimal, Option<Decimal>)> = None;
    let last = parameters.list("tiers")?.len() - 1;
    let mut at = 0;
    parameters.each("tiers", |item| {
        let mut problems = Problems::new();
        if multipliers && item.has("rate") {
            problems.check(false, || item.error("rate", "there is a base_rate: give a multiplier of it"));
        } else if !multipliers && item.has("multiplier") {
            problems.check(false, || item.error("multiplier", "there is no base_rate: give a rate"));
        } else {
            problems.read(item.only(&["from", "to", rate_key, "flat"]));
        }
        let from = problems.read(if by_attainment { item.share("from") } else { item.decimal("from") });
        let to = problems.read(item.optional_decimal("to"));
        if problems.none() {
            problems.read(adjoins(item, from, to, before, at == last));
        }
        let rate = problems.read(item.decimal(rate_key));
        problems.check(rate >= Decimal::ZERO, || item.error(rate_key, "has to be 0 or above"));
        let flat = problems.read(item.optional_not_negative("flat")).unwrap_or(Decimal::ZERO);
        before = Some((from, to));
        at += 1;
        problems.finish()?;
        Ok(Tier { from, rate, flat })
    })
}

/// Refuses a tier that leaves a gap to the one before, or overlaps it.
fn adjoins(
    item: &Parameters<'_>,
    from: Decimal,
    to: Option<Decimal>,
    before: Option<(Decimal, Option<Decimal>)>,
    last: bool,
) -> Result<(), ParameterError> {
    let wrong = |key: &str, what: String| Err(item.error(key, &what));
    match before {
        None if from != Decimal::ZERO => {
            return wrong(
                "from",
                "the first tier has to begin at 0: nothing may be left without a rate".into(),
            );
        }
        Some((begin, _)) if from <= begin => {
            return wrong("from", format!("has to be above {begin}, where the tier before begins"));
        }
        Some((_, Some(end))) if from > end => {
            return wrong("from", format!("leaves a gap: the tier before ends at {end}; give {end}"));
        }
        Some((_, Some(end))) if from < end => {
            return wrong("from", format!("overlaps the tier before, which ends at {end}; give {end}"));
        }
        _ => {}
    }
    match to {
        Some(to) if to <= from => wrong("to", format!("has to be above {from}, where the tier begins")),
        Some(_) if last => wrong("to", "the last tier has no end: leave it out, or add a tier above".into()),
        _ => Ok(()),
    }
}
