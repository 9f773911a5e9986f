//! Real input, through the command line as a user would: the public set of CRM opportunities in `../shared/data/crm`,
//! dirt included, imported by the mappings of this folder; measures, quotas, a run, its statement and its replay, against
//! figures that the test counts itself, straight from the files. Skipped where the data is not there.

mod pipeline;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use merit::{
    proto::v1::{self, RollUp},
    transfer::slug,
};
use rust_decimal::Decimal;
use serde_json::Value as Json;

use crate::{command_line::CommandLine, harness::Harness};
use pipeline::{Agent, Deal, Figures};

const TEAM: &str = "teams/crm";
const MEASURES: [&str; 6] =
    ["deals-won", "deals-lost", "win-rate", "won-revenue", "average-won-deal", "days-to-close"];
const QUARTERS: [(&str, &str, &str); 4] = [
    ("2017-Q1", "01/01/2017", "04/01/2017"),
    ("2017-Q2", "04/01/2017", "07/01/2017"),
    ("2017-Q3", "07/01/2017", "10/01/2017"),
    ("2017-Q4", "10/01/2017", "01/01/2018"),
];

/// The command line, against a server of the harness.
struct Cli {
    line: CommandLine,
    /// Copies of the files: what is rejected is written beside them.
    files: tempfile::TempDir,
}

fn data() -> Option<PathBuf> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/crm");
    if data.is_dir() {
        return Some(data);
    }
    println!("SKIPPED: {} is not there", data.display());
    None
}

fn mapping(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/crm").join(name).display().to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_crm_set_from_import_to_replay() {
    let Some(data) = data() else { return };
    let harness = Harness::start().await;
    let team = v1::Team { display_name: "CRM".to_owned(), currency: "USD".to_owned(), ..Default::default() };
    let request = v1::CreateTeamRequest { team: Some(team), team_id: "crm".to_owned(), ..Default::default() };
    harness.organisation().create_team(request).await.unwrap();
    let cli = Cli::new(&harness, &data);
    let (agents, deals) = (pipeline::agents(&data), pipeline::deals(&data));

    cli.import_everything(&agents);
    check_records(&cli, &agents);
    check_measures(&harness, &agents, &deals, "2017-01-01", "2018-01-01").await;
    check_measures(&harness, &agents, &deals, "2017-04-01", "2017-07-01").await;
    check_run(&cli, &agents, &deals);
    harness.stopped().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dirt_that_no_mapping_decides_about_is_rejected_by_line() {
    let Some(data) = data() else { return };
    let harness = Harness::start().await;
    let team = v1::Team { display_name: "CRM".to_owned(), currency: "USD".to_owned(), ..Default::default() };
    let request = v1::CreateTeamRequest { team: Some(team), team_id: "crm".to_owned(), ..Default::default() };
    harness.organisation().create_team(request).await.unwrap();
    let cli = Cli::new(&harness, &data);
    cli.import("products.csv", "products.toml", &[("created", 7)]);
    cli.import("sales_teams.csv", "sales_managers.toml", &[("created", 6), ("unchanged", 29)]);
    cli.import("sales_teams.csv", "sales_agents.toml", &[("created", 35)]);
    cli.import("accounts.csv", "accounts.toml", &[("created", 85)]);

    let strict = fs::read_to_string(mapping("sales_pipeline.toml"))
        .unwrap()
        .replace("map = { \"GTXPro\" = \"GTX Pro\" }, ", "");
    let strict = format!(
        "{strict}\n[[reject]]\ncolumn = \"account\"\nempty = true\nbecause = \"a deal needs an account\"\n"
    );
    let path = cli.files.path().join("strict.toml");
    fs::write(&path, strict).unwrap();
    let output = cli.line.merit(&[
        "import",
        "-m",
        path.to_str().unwrap(),
        &cli.file("sales_pipeline.csv"),
        "-o",
        "json",
    ]);
    assert_eq!(output.status.code(), Some(4), "{}", String::from_utf8_lossy(&output.stderr));
    let counts: Json = serde_json::from_slice(&output.stdout).unwrap();
    let rejected = fs::read_to_string(counts["rejected_file"].as_str().unwrap()).unwrap();
    let of = |reason: &str| rejected.lines().filter(|line| line.contains(reason)).count() as u64;
    let (account, product) =
        (of("a deal needs an account"), of("with display_name \"\"GTXPro\"\"; the nearest is"));
    assert_eq!(account, 1425);
    assert_eq!(counts["rejected"], account + product, "{rejected}");
    assert_eq!(counts["created"].as_u64().unwrap() + account + product, 8800);
    // A line of the rejected file stands in the file on the line that it names.
    let file = fs::read_to_string(cli.file("sales_pipeline.csv")).unwrap();
    let mut rows = csv::Reader::from_reader(rejected.as_bytes());
    let first = rows.records().next().unwrap().unwrap();
    let (line, row) = (first[0].parse::<usize>().unwrap(), first[2].to_owned());
    assert!(file.lines().nth(line - 1).unwrap().starts_with(&row), "{row} is not on line {line}");
    harness.stopped().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_mapping_sends_nothing() {
    let Some(data) = data() else { return };
    let cli = Cli { line: CommandLine::new("127.0.0.1:1", "crm"), files: copies(&data) };
    let path = cli.files.path().join("wrong.toml");
    fs::write(
        &path,
        "collection = \"opportunities\"\nid = \"opportunity\"\n[fields]\nownr = \"sales_agnt\"\n",
    )
    .unwrap();
    // Nobody listens there: were it asked, the command would end with 3.
    let output = cli.line.merit(&["import", "-m", path.to_str().unwrap(), &cli.file("sales_pipeline.csv")]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    for expected in
        ["did you mean \"opportunity_id\"?", "did you mean \"owner\"?", "did you mean \"sales_agent\"?"]
    {
        assert!(said.contains(expected), "{expected} is not in {said}");
    }
}

/// Everybody is there, under the right manager; the dirt is mapped.
fn check_records(cli: &Cli, agents: &[Agent]) {
    let people = cli.list("account-managers", "");
    assert_eq!(people.len(), 41);
    for agent in agents {
        let person = people.iter().find(|person| person["display_name"] == agent.name.as_str()).unwrap();
        assert_eq!(person["office"], agent.office.as_str());
        let manager = format!("{TEAM}/accountManagers/{}", slug(&agent.manager));
        assert_eq!(person["reporting_line"][0]["manager"], manager.as_str(), "{}", agent.name);
    }
    let count = |collection: &str, filter: &str| cli.list(collection, filter).len();
    assert_eq!(count("customers", "sector = \"technology\""), 12);
    assert_eq!(count("customers", "sector = \"technolgy\""), 0);
    assert_eq!(count("customers", "location = \"Philippines\""), 1);
    assert_eq!(count("customers", "NOT ISMISSING(parent_customer)"), 15);
    assert_eq!(count("opportunities", &format!("product = \"{TEAM}/products/gtx-pro\"")), 1480);
    assert_eq!(count("opportunities", "ISMISSING(customer)"), 1425);
    assert_eq!(count("opportunities", "ISMISSING(engage_date)"), 500);
    assert_eq!(count("opportunities", "ISMISSING(close_date)"), 2089);
    assert_eq!(count("opportunities", "ISMISSING(amount)"), 2089);
}

/// The measures of every agent, and of every manager with the agents', as counted from the file.
async fn check_measures(harness: &Harness, agents: &[Agent], deals: &[Deal], start: &str, end: &str) {
    let own = pipeline::figures(deals, start, end);
    let managers = pipeline::rolled_up(agents, &own);
    for (roll_up, expected) in [(RollUp::Own, &own), (RollUp::ReportingLine, &managers)] {
        let request = v1::ComputeMeasuresRequest {
            parent: TEAM.to_owned(),
            measures: MEASURES.iter().map(|id| format!("{TEAM}/measures/{id}")).collect(),
            period_start: start.to_owned(),
            period_end: end.to_owned(),
            roll_up: roll_up.into(),
            page_size: 1000,
            ..Default::default()
        };
        let rows = harness.evaluations().compute_measures(request).await.unwrap().into_inner().rows;
        assert_eq!(rows.len(), 41);
        let managing = |row: &&v1::MeasureRow| managers.contains_key(&row.display_name);
        let wanted = rows.iter().filter(|row| managing(row) == (roll_up == RollUp::ReportingLine));
        for row in wanted {
            let figures = expected.get(&row.display_name).copied().unwrap_or_default();
            let found: Vec<Option<Decimal>> =
                row.figures.iter().map(|figure| figure.value.parse().ok()).collect();
            let texts = figures.texts();
            let counted: Vec<Option<Decimal>> = texts.iter().map(|text| text.parse().ok()).collect();
            assert_eq!(
                found, counted,
                "{} {roll_up:?} {start}: {:?} against {texts:?}",
                row.display_name, row.figures
            );
        }
    }
}

/// A formula that pays on attainment: every payout to the cent, one explained, all of it replayed.
fn check_run(cli: &Cli, agents: &[Agent], deals: &[Deal]) {
    cli.line.done(&["plugin", "publish", "commission", "--formula", &mapping("attainment.formula")]);
    let run = cli.line.json(&["run", &mapping("quarter.toml"), "--id", "q2"]);
    assert_eq!(run["state"], "RUN_STATE_SUCCEEDED", "{run}");
    assert_eq!(run["rows_total"], "35", "{run}");

    let own = pipeline::figures(deals, "2017-04-01", "2017-07-01");
    let results = cli.line.json_lines(&["results", "q2"]);
    assert_eq!(results.len(), 35);
    for (place, agent) in agents.iter().enumerate() {
        let result = results.iter().find(|result| result["display_name"] == agent.name.as_str()).unwrap();
        let revenue = own.get(&agent.name).copied().unwrap_or(Figures::default()).revenue;
        let expected = payout_cents(revenue, quota(place, 1));
        let payout: Decimal = result["payout"].as_str().unwrap().parse().unwrap();
        assert_eq!(payout, Decimal::new(expected, 2), "{}: {result}", agent.name);
    }
    let ordered = cli.line.json_lines(&["results", "q2", "--order-by", "payout desc", "-n", "5"]);
    let payouts: Vec<Decimal> =
        ordered.iter().map(|result| result["payout"].as_str().unwrap().parse().unwrap()).collect();
    assert!(payouts.is_sorted_by(|one, next| one >= next) && payouts.len() == 5, "{payouts:?}");

    let who = ordered[0]["account_manager"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    let explained = cli.line.json(&["explain", "q2", &who]);
    let steps = explained["steps"][0]["explanation"].as_array().unwrap().clone();
    let sum: Decimal = steps
        .iter()
        .filter(|step| step["output"] == "commission")
        .map(|step| step["amount"].as_str().unwrap().parse::<Decimal>().unwrap())
        .sum();
    assert_eq!(sum, payouts[0], "{explained}");
    let revenue = &explained["steps"][0]["inputs"][0];
    let deals_won = own[ordered[0]["display_name"].as_str().unwrap()].won;
    assert_eq!(revenue["records"], deals_won.to_string().as_str(), "{revenue}");

    let replayed = cli.line.json(&["replay", "q2", "--chunk-rows", "7", "--threads", "2"]);
    assert_eq!(replayed["identical"], true, "{replayed}");
}

/// Five percent up to the quota, eight beyond, nothing below half of it: in cents.
fn payout_cents(revenue: i64, quota: i64) -> i64 {
    if revenue * 2 < quota {
        return 0;
    }
    revenue.min(quota) * 5 + (revenue - quota).max(0) * 8
}

/// The quota of an agent, by the place in the file, for a quarter, in whole dollars.
fn quota(place: usize, quarter: usize) -> i64 {
    40_000 + 1_500 * i64::try_from(place).unwrap() + 500 * i64::try_from(quarter).unwrap()
}

fn copies(data: &Path) -> tempfile::TempDir {
    let files = tempfile::tempdir().unwrap();
    for file in ["accounts.csv", "products.csv", "sales_pipeline.csv", "sales_teams.csv"] {
        fs::copy(data.join(file), files.path().join(file)).unwrap();
    }
    files
}

// === impl Cli ===

impl Cli {
    fn new(harness: &Harness, data: &Path) -> Self {
        Self { line: CommandLine::new(harness.address, "crm"), files: copies(data) }
    }

    fn file(&self, name: &str) -> String {
        self.files.path().join(name).display().to_string()
    }

    fn list(&self, collection: &str, filter: &str) -> Vec<Json> {
        self.line.json_lines(&["list", collection, "--filter", filter])
    }

    /// Imports a file, and checks that the counts are these and add up to the lines of the file.
    fn import(&self, file: &str, by: &str, expected: &[(&str, u64)]) {
        let counts = self.line.json(&["import", "-m", &mapping(by), &self.file(file)]);
        let lines = pipeline::lines(&self.files.path().join(file));
        let expected: BTreeMap<_, _> = expected.iter().copied().collect();
        let mut sum = 0;
        for outcome in ["created", "updated", "unchanged", "skipped", "rejected"] {
            let count = counts[outcome].as_u64().unwrap();
            assert_eq!(count, expected.get(outcome).copied().unwrap_or_default(), "{file} by {by}: {counts}");
            sum += count;
        }
        assert_eq!(sum, lines, "{file}: {counts}");
        assert_eq!(counts["rows"], lines, "{file}: {counts}");
    }

    fn import_everything(&self, agents: &[Agent]) {
        let agent = ("created", 35);
        self.import("sales_teams.csv", "sales_managers.toml", &[("created", 6), ("unchanged", 29)]);
        self.import("sales_teams.csv", "sales_agents.toml", &[agent]);
        self.import("products.csv", "products.toml", &[("created", 7)]);
        self.import("accounts.csv", "accounts.toml", &[("created", 85)]);
        self.import("sales_pipeline.csv", "sales_pipeline.toml", &[("created", 8800)]);
        // Again: nothing changes.
        self.import("sales_pipeline.csv", "sales_pipeline.toml", &[("unchanged", 8800)]);
        self.import("accounts.csv", "accounts.toml", &[("unchanged", 85)]);
        let measures = self.line.json(&["import", "-c", "measures", &mapping("measures.jsonl")]);
        assert_eq!(measures["created"], 7, "{measures}");
        let mut quotas = "agent,quarter,from,until,quota\n".to_owned();
        for (place, agent) in agents.iter().enumerate() {
            for (number, (quarter, from, until)) in QUARTERS.iter().enumerate() {
                quotas.push_str(&format!(
                    "{},{quarter},{from},{until},{}\n",
                    agent.name,
                    quota(place, number)
                ));
            }
        }
        fs::write(self.files.path().join("quotas.csv"), quotas).unwrap();
        self.import("quotas.csv", "quotas.toml", &[("created", 140)]);
    }
}
