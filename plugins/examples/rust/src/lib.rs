//! Graduated commission on attainment: 5% of the revenue up to the quota, 8% from there to 120% of it, 12% above.
//! Below half the quota nothing is paid.
#![cfg_attr(target_family = "wasm", no_std)]
extern crate alloc;

use alloc::string::String;

use merit_sdk::{Answer, Context, Decimal, Manifest, ParameterError, Parameters, Row, Scorer, manifest};

/// The quota's share from which on each rate counts.
const TIERS: [(Decimal, Decimal, &str); 3] = [
    (Decimal::ZERO, Decimal::new(5, 2), "up to the quota"),
    (Decimal::ONE, Decimal::new(8, 2), "up to 120% of the quota"),
    (Decimal::new(12, 1), Decimal::new(12, 2), "above"),
];

struct Commission;

impl Scorer for Commission {
    fn new(parameters: &Parameters<'_>) -> Result<Self, ParameterError> {
        parameters.only(&[])?;
        Ok(Self)
    }

    fn manifest(&self) -> Manifest {
        manifest("Graduated commission on attainment, with a gate at half the quota.")
            .number("revenue")
            .number("quota")
            .payout("commission")
            .build()
    }

    fn score(&self, _: &Context, row: &Row<'_>, answer: &mut Answer<'_>) -> Result<(), String> {
        let (revenue, quota) = (row.number("revenue")?, row.number("quota")?);
        if quota <= Decimal::ZERO || revenue.plus(revenue)? < quota {
            answer.step("commission", "nothing", Decimal::ZERO, "below half the quota");
            return Ok(());
        }
        for (tier, (from, rate, label)) in TIERS.iter().enumerate() {
            let from = quota.times(*from)?;
            let until = match TIERS.get(tier + 1) {
                Some((until, ..)) => quota.times(*until)?.min(revenue),
                None => revenue,
            };
            if from < until {
                answer.step("commission", label, until.minus(from)?.times(*rate)?, "the slice × its rate");
            }
        }
        Ok(())
    }
}

merit_sdk::export!(Commission);

#[cfg(test)]
mod tests {
    use merit_sdk::{Scorer, manifest};

    /// What the plugin is told to be; what it pays is in cases.toml, for `merit plugin test`.
    #[test]
    fn it_pays_a_commission() {
        let told = super::Commission.manifest();
        assert_eq!(told.outputs[0].name, manifest("").payout("commission").build().outputs[0].name);
    }
}
