//! Random organisations, and a slow and plain way to reckon the same figures.

use proptest::prelude::*;
use rust_decimal::{Decimal, RoundingStrategy};
use v1::{
    AggregateFunction as Function,
    OpportunityStage::{Lost, Won},
};

use super::{Organisation, figures, over_deals, ratio, shown};
use crate::proto::v1;

#[derive(Clone, Debug)]
struct Deal {
    owner: usize,
    won: bool,
    amount: Option<Decimal>,
    /// Days of January 2026, from 0 (in December) to 40 (beyond January); all that count are in the quarter.
    day: Option<i64>,
}

fn deal() -> impl Strategy<Value = Deal> {
    let amount = prop::option::weighted(0.9, (-300_i64..300, 0_u32..3));
    // Few days, so that there are ties.
    let day = prop::option::weighted(0.9, prop_oneof![Just(-1_i64), 0_i64..4, Just(89), Just(90)]);
    (0_usize..8, any::<bool>(), amount, day).prop_map(|(owner, won, amount, day)| Deal {
        owner,
        won,
        amount: amount.map(|(unscaled, scale)| Decimal::new(unscaled, scale)),
        day,
    })
}

/// Who each account manager reports to, by row: always to an earlier one.
fn managers() -> impl Strategy<Value = Vec<Option<usize>>> {
    prop::collection::vec(prop::option::weighted(0.7, 0_usize..100), 1..7).prop_map(|above| {
        let manager =
            |(row, above): (usize, Option<usize>)| above.filter(|_| row > 0).map(|above| above % row.max(1));
        above.into_iter().enumerate().map(manager).collect()
    })
}

fn organisation(managers: &[Option<usize>], deals: &[Deal]) -> Organisation {
    let id = |row: usize| format!("m-{row}");
    let mut organisation = Organisation::default();
    for (row, manager) in managers.iter().enumerate() {
        organisation.account_manager(&id(row), &manager.map(id).unwrap_or_default());
    }
    for (number, deal) in deals.iter().enumerate() {
        let amount = deal.amount.map(|amount| amount.to_string()).unwrap_or_default();
        let day = |day: i64| (jiff::civil::date(2026, 1, 1) + jiff::Span::new().days(day)).to_string();
        let stage = if deal.won { Won } else { Lost };
        let close_date = deal.day.map(day).unwrap_or_default();
        organisation.deal(&format!("d-{number:03}"), &id(deal.owner), stage, &amount, &close_date);
    }
    organisation
}

/// Whether `row` is `top`, or below it.
fn is_in_team(managers: &[Option<usize>], top: usize, row: usize) -> bool {
    row == top || managers[row].is_some_and(|above| is_in_team(managers, top, above))
}

/// The won amounts of a row's team in the quarter, in the order of names, with their days.
fn amounts(managers: &[Option<usize>], deals: &[Deal], top: usize, roll_up: bool) -> Vec<(i64, Decimal)> {
    let counts = |deal: &&Deal| {
        deal.won
            && deal.owner < managers.len()
            && (deal.owner == top || (roll_up && is_in_team(managers, top, deal.owner)))
    };
    let dated = deals.iter().filter(counts).filter_map(|deal| Some((deal.day?, deal.amount?)));
    dated.filter(|(day, _)| (0..90).contains(day)).collect()
}

fn reckoned(function: Function, amounts: &[(i64, Decimal)]) -> Option<Decimal> {
    let count = Decimal::from(amounts.len());
    let sum: Decimal = amounts.iter().map(|(_, amount)| *amount).sum();
    let mut sorted: Vec<Decimal> = amounts.iter().map(|(_, amount)| *amount).collect();
    sorted.sort();
    let middle = sorted.len() / 2;
    match function {
        Function::Unspecified => None,
        Function::Sum => Some(sum),
        Function::Count => Some(count),
        Function::Distinct => {
            sorted.dedup();
            Some(Decimal::from(sorted.len()))
        }
        Function::Average => sum.checked_div(count),
        Function::Min => sorted.first().copied(),
        Function::Max => sorted.last().copied(),
        Function::First => amounts.iter().min_by_key(|(day, _)| *day).map(|(_, amount)| *amount),
        Function::Last => amounts.iter().max_by_key(|(day, _)| *day).map(|(_, amount)| *amount),
        Function::Median if sorted.is_empty() => None,
        Function::Median if sorted.len() % 2 == 1 => Some(sorted[middle]),
        Function::Median => Some((sorted[middle - 1] + sorted[middle]) / Decimal::TWO),
    }
}

/// As `shown` shows it: at a scale, rounded half to even.
fn at_scale(figure: Option<Decimal>, scale: u32) -> String {
    let Some(figure) = figure else { return "-".to_owned() };
    let mut rounded = figure.round_dp_with_strategy(scale, RoundingStrategy::MidpointNearestEven);
    rounded.rescale(scale);
    // There is no negative zero.
    if rounded.is_zero() { Decimal::new(0, scale).to_string() } else { rounded.to_string() }
}

proptest! {
    #[test]
    fn figures_are_those_of_the_plain_way(
        managers in managers(),
        deals in prop::collection::vec(deal(), 0..30),
        function in (1_i32..=9).prop_map(|function| Function::try_from(function).unwrap()),
        roll_up in any::<bool>(),
        scale in 0_u32..6,
    ) {
        let organisation = organisation(&managers, &deals);
        let measures = [over_deals("m", function, "stage = \"WON\"", "amount", i32::try_from(scale).unwrap())];
        let own_or_not = if roll_up { v1::RollUp::ReportingLine } else { v1::RollUp::Own };
        let figures = figures(&organisation, &measures, "m", own_or_not);
        for (row, shown) in shown(&figures).iter().enumerate() {
            let amounts = amounts(&managers, &deals, row, roll_up);
            prop_assert_eq!(shown, &at_scale(reckoned(function, &amounts), scale), "row {}", row);
            prop_assert_eq!(figures.records[row], amounts.len() as u64);
        }
    }

    #[test]
    fn ratios_are_those_of_the_plain_way(
        managers in managers(),
        deals in prop::collection::vec(deal(), 0..30),
        (above, below) in (1_i32..=9, 1_i32..=9),
        roll_up in any::<bool>(),
        scale in 0_u32..6,
    ) {
        let organisation = organisation(&managers, &deals);
        let function = |number| Function::try_from(number).unwrap();
        // The parts are rounded to whole numbers where they are shown, but not where they are divided.
        let measures = [
            over_deals("above", function(above), "stage = \"WON\"", "amount", 0),
            over_deals("below", function(below), "stage = \"WON\"", "amount", 0),
            ratio("m", "above", "below", i32::try_from(scale).unwrap()),
        ];
        let own_or_not = if roll_up { v1::RollUp::ReportingLine } else { v1::RollUp::Own };
        let shown = shown(&figures(&organisation, &measures, "m", own_or_not));
        for (row, shown) in shown.iter().enumerate() {
            let amounts = amounts(&managers, &deals, row, roll_up);
            let parts = reckoned(function(above), &amounts).zip(reckoned(function(below), &amounts));
            let quotient = parts.and_then(|(above, below)| above.checked_div(below));
            // The plain way has 28 digits in each of two divisions; where they decide, it says nothing.
            let near = quotient.is_some_and(|quotient| {
                let wiggle = Decimal::new(1, 15);
                at_scale(Some(quotient - wiggle), scale) != at_scale(Some(quotient + wiggle), scale)
            });
            if !near {
                prop_assert_eq!(shown, &at_scale(quotient, scale), "row {}", row);
            }
        }
    }
}
