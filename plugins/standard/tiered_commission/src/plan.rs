//! The parameters: what they are, and what is refused.

use alloc::string::ToString;

use merit_sdk::{Decimal, ParameterError, Parameters, Problems};

use crate::{gate::Gates, rates::BaseRate, tiers::Schedule};

/// What the tiers are applied to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Per {
    /// The total of the row.
    Total,
    /// Each deal by itself.
    Deal,
    /// Each deal on top of those before it.
    Running,
}

/// Commission by tiers.
pub struct TieredCommission {
    pub(crate) schedule: Schedule,
    pub(crate) base_rate: BaseRate,
    pub(crate) per: Per,
    pub(crate) by_attainment: bool,
    pub(crate) of_target_pay: bool,
    pub(crate) before: bool,
    pub(crate) shares: bool,
    pub(crate) refunds_at_original_rate: bool,
    pub(crate) gates: Gates,
    pub(crate) floor: Option<Decimal>,
    pub(crate) cap: Option<Decimal>,
    pub(crate) deal_floor: Option<Decimal>,
    pub(crate) deal_cap: Option<Decimal>,
}

const KEYS: &[&str] = &[
    "tiers",
    "mode",
    "bound",
    "basis",
    "base_rate",
    "rate_of",
    "per",
    "before",
    "shares",
    "refunds",
    "gate_amount",
    "gate_attainment",
    "floor",
    "cap",
    "deal_floor",
    "deal_cap",
];

/// What only makes sense deal by deal.
const OF_DEALS: [&str; 4] = ["shares", "refunds", "deal_floor", "deal_cap"];

// === impl TieredCommission ===

impl TieredCommission {
    pub(crate) fn read(parameters: &Parameters<'_>) -> Result<Self, ParameterError> {
        let mut problems = Problems::new();
        problems.read(parameters.only(KEYS));
        let per = match problems.read(parameters.choice("per", &["total", "deal", "running"])) {
            "deal" => Per::Deal,
            "running" => Per::Running,
            _ => Per::Total,
        };
        if per == Per::Total {
            for key in OF_DEALS {
                problems.check(!parameters.has(key), || {
                    parameters.error(key, "is about single deals: set per to deal or running")
                });
            }
        }
        let before = problems.read(parameters.flag("before"));
        problems.check(!before || per != Per::Deal, || {
            parameters.error(
                "before",
                "means nothing where each deal stands by itself: set per to running or total",
            )
        });
        let base_rate = problems.read(BaseRate::read(parameters));
        let multipliers = parameters.has("base_rate");
        let by_attainment =
            problems.read(parameters.choice("basis", &["amount", "attainment"])) == "attainment";
        let schedule = problems.read(Schedule::read(parameters, multipliers, by_attainment).map(Some));
        let (floor, cap) = bounds(parameters, "floor", "cap", &mut problems);
        let (deal_floor, deal_cap) = bounds(parameters, "deal_floor", "deal_cap", &mut problems);
        let of_target_pay =
            problems.read(parameters.choice("rate_of", &["amount", "target_pay"])) == "target_pay";
        let shares = problems.read(parameters.flag("shares"));
        let refunds = problems.read(parameters.choice("refunds", &["tiers", "original"])) == "original";
        let gates = problems.read(Gates::read(parameters));
        problems.finish()?;
        let schedule = schedule.ok_or_else(|| parameters.error("tiers", "is missing"))?;
        Ok(Self {
            schedule,
            base_rate,
            per,
            by_attainment,
            of_target_pay,
            before,
            shares,
            refunds_at_original_rate: refunds,
            gates,
            floor,
            cap,
            deal_floor,
            deal_cap,
        })
    }

    pub(crate) fn needs_quota(&self) -> bool {
        self.by_attainment || self.of_target_pay || self.gates.need_quota()
    }
}

/// The least and the most that is paid. A floor below 0 bounds what is taken back.
fn bounds(
    parameters: &Parameters<'_>,
    floor_key: &str,
    cap_key: &str,
    problems: &mut Problems,
) -> (Option<Decimal>, Option<Decimal>) {
    let floor = problems.read(parameters.optional_decimal(floor_key));
    let cap = problems.read(parameters.optional_not_negative(cap_key));
    if let (Some(least), Some(most)) = (floor, cap) {
        problems.check(least <= most, || {
            let what = "is below the ".to_string() + floor_key;
            parameters.error(cap_key, &what)
        });
    }
    (floor, cap)
}
