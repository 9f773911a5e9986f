//! What the files say, counted by this test itself: nothing here goes through Merit.

use std::{collections::BTreeMap, fs, path::Path};

/// A deal of the file.
#[derive(Clone, Debug)]
pub struct Deal {
    pub agent: String,
    pub stage: String,
    /// Days since 1970; nothing where the file has no date.
    pub engaged: Option<i64>,
    pub closed: Option<i64>,
    /// Whole dollars.
    pub value: Option<i64>,
}

/// Who works for whom: agent, manager, office.
#[derive(Clone, Debug)]
pub struct Agent {
    pub name: String,
    pub manager: String,
    pub office: String,
}

/// The figures of somebody over a period, as the measures declare them: texts, empty where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    pub won: i64,
    pub lost: i64,
    pub revenue: i64,
    pub days: i64,
}

/// Rows of a file whose values hold neither quotes nor commas, without the first.
fn rows(path: &Path) -> Vec<Vec<String>> {
    let text = fs::read_to_string(path).unwrap();
    assert!(!text.contains('"'), "{} has quotes: split it properly", path.display());
    text.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

pub fn deals(directory: &Path) -> Vec<Deal> {
    let deal = |row: Vec<String>| Deal {
        agent: row[1].clone(),
        stage: row[4].clone(),
        engaged: day(&row[5]),
        closed: day(&row[6]),
        value: row[7].parse().ok(),
    };
    rows(&directory.join("sales_pipeline.csv")).into_iter().map(deal).collect()
}

pub fn agents(directory: &Path) -> Vec<Agent> {
    let agent =
        |row: Vec<String>| Agent { name: row[0].clone(), manager: row[1].clone(), office: row[2].clone() };
    rows(&directory.join("sales_teams.csv")).into_iter().map(agent).collect()
}

/// The number of lines below the first.
pub fn lines(path: &Path) -> u64 {
    rows(path).len() as u64
}

/// Days from 1970-01-01 by the rules of the calendar.
pub fn day(text: &str) -> Option<i64> {
    let parts: Vec<i64> = text.split('-').map(str::parse).collect::<Result<_, _>>().ok()?;
    let [year, month, day] = parts[..] else { return None };
    // Years begin in March, so that the leap day is the last.
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(365 * year + year / 4 - year / 100 + year / 400 + day_of_year - 719_468)
}

/// The figures of every agent over the days from `start` up to, not including, `end`.
pub fn figures(deals: &[Deal], start: &str, end: &str) -> BTreeMap<String, Figures> {
    let (start, end) = (day(start).unwrap(), day(end).unwrap());
    let mut figures: BTreeMap<String, Figures> = BTreeMap::new();
    for deal in deals {
        let Some(closed) = deal.closed.filter(|closed| (start..end).contains(closed)) else { continue };
        let entry = figures.entry(deal.agent.clone()).or_default();
        if deal.stage == "Won" {
            entry.won += 1;
            entry.revenue += deal.value.unwrap();
            entry.days += closed - deal.engaged.unwrap();
        } else {
            entry.lost += 1;
        }
    }
    figures
}

/// The figures of every manager: those of the agents added up.
pub fn rolled_up(agents: &[Agent], figures: &BTreeMap<String, Figures>) -> BTreeMap<String, Figures> {
    let mut managers: BTreeMap<String, Figures> = BTreeMap::new();
    for agent in agents {
        let own = figures.get(&agent.name).copied().unwrap_or_default();
        let sum = managers.entry(agent.manager.clone()).or_default();
        sum.won += own.won;
        sum.lost += own.lost;
        sum.revenue += own.revenue;
        sum.days += own.days;
    }
    managers
}

// === impl Figures ===

impl Figures {
    /// As the measures are asked for: deals won, deals lost, win rate, won revenue, average won deal, days to close.
    pub fn texts(self) -> [String; 6] {
        let Self { won, lost, revenue, days } = self;
        [
            won.to_string(),
            lost.to_string(),
            quotient(won, won + lost, 4),
            decimal(i128::from(revenue) * 100, 2),
            quotient(revenue, won, 2),
            quotient(days, won, 2),
        ]
    }
}

/// `a / b` with so many decimals, half to even; empty where b is 0.
fn quotient(a: i64, b: i64, decimals: u32) -> String {
    if b == 0 {
        return String::new();
    }
    let (scaled, b) = (i128::from(a) * 10_i128.pow(decimals), i128::from(b));
    let (whole, rest) = (scaled.div_euclid(b), scaled.rem_euclid(b));
    let up = rest * 2 > b || (rest * 2 == b && whole % 2 != 0);
    decimal(whole + i128::from(up), decimals)
}

fn decimal(unscaled: i128, decimals: u32) -> String {
    let one = 10_i128.pow(decimals);
    format!("{}.{:0width$}", unscaled / one, unscaled % one, width = decimals as usize)
}
