//! `merit demo`, as the README gives it, and what can be done with its data afterwards.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
};

use rust_decimal::Decimal;
use serde_json::Value as Json;

use super::{command_line::CommandLine, harness::Harness};

/// Collections in an order in which each refers to those before it only.
const COLLECTIONS: [&str; 7] =
    ["accountManagers", "products", "customers", "opportunities", "measures", "goals", "measureValues"];

fn decimal(text: &Json) -> Decimal {
    text.as_str().unwrap().parse().unwrap()
}

/// The best of the quarter is on the board, the statement adds up to what is paid, and it replays.
fn check_results(cli: &CommandLine, shown: &str) {
    let best = cli.json_lines(&["results", "fourth-quarter", "--order-by", "payout desc", "-n", "10"]);
    assert_eq!(best.len(), 10);
    for place in &best {
        let (who, payout) = (place["display_name"].as_str().unwrap(), place["payout"].as_str().unwrap());
        let on_board = |line: &str| line.contains(who) && line.contains(payout);
        assert!(shown.lines().any(on_board), "{who} with {payout} is not on the board: {shown}");
    }
    let who = best[0]["account_manager"].as_str().unwrap().rsplit('/').next().unwrap();
    let explained = cli.json(&["explain", "fourth-quarter", who]);
    let steps = explained["steps"].as_array().unwrap().iter();
    let parts = steps.flat_map(|step| step["explanation"].as_array().unwrap());
    let paid: Decimal =
        parts.filter(|part| part["output"] == "commission").map(|part| decimal(&part["amount"])).sum();
    assert_eq!(paid, decimal(&best[0]["payout"]), "the statement adds up to what is paid");
    let nobody = cli.refused(&["explain", "fourth-quarter", "nobody"], 1);
    assert!(nobody.contains("merit results"), "{nobody}");
    assert!(shown.contains("every output identical"), "{shown}");
    assert_eq!(cli.json(&["replay", "fourth-quarter", "--chunk-rows", "7"])["identical"], true);
}

/// Everything that a team has, exported and imported into another team that has nothing, is there.
fn check_round_trip(cli: &CommandLine) {
    cli.done(&["create", "teams", "--id", "copy", "--set", "display_name=Copy", "--set", "currency=EUR"]);
    for (place, collection) in COLLECTIONS.iter().enumerate() {
        let file = format!("{collection}.{}", if place % 2 == 0 { "csv" } else { "jsonl" });
        cli.done(&["export", collection, "--out", &file]);
        let count = |counts: &Json, key: &str| counts[key].as_u64().unwrap();
        let again = cli.json(&["import", "-c", collection, &file]);
        assert_eq!(count(&again, "unchanged"), count(&again, "rows"), "{collection}: {again}");
        let copied = cli.json(&["import", "-c", collection, &file, "--team", "copy"]);
        assert_eq!(count(&copied, "created"), count(&copied, "rows"), "{collection}: {copied}");
    }
    let deal = cli.json(&["get", "teams/copy/opportunities/d-0001"]);
    assert!(deal["owner"].as_str().unwrap().starts_with("teams/copy/accountManagers/"), "{deal}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demonstration_does_the_main_job_and_leaves_what_is_there() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("data");
    let nowhere = CommandLine::new("127.0.0.1:1", "demo");
    let demo = ["demo", "--data", data.to_str().unwrap()];
    let shown = nowhere.done(&demo);
    assert!(shown.contains("serve --data "), "{shown}");

    let harness = Harness::start_in(place, |_| {}).await;
    let cli = CommandLine::new(harness.address, "demo");
    check_results(&cli, &shown);
    check_round_trip(&cli);
    cli.done(&["export", "run", "fourth-quarter"]);
    assert!(cli.home().join("fourth-quarter.parquet").exists());
    check_exports(&cli);
    cli.done(&["update", "customers", "alder-bank", "--set", "sector=fishing", "--clear", "owner"]);
    let place = harness.stopped().await;

    // A second time: the run gets another name, and what was changed stays.
    nowhere.done(&demo);
    let harness = Harness::start_in(place, |_| {}).await;
    let cli = CommandLine::new(harness.address, "demo");
    let customer = cli.json(&["get", "customers", "alder-bank"]);
    assert_eq!((&customer["sector"], &customer["owner"]), (&"fishing".into(), &Json::Null));
    assert_eq!(cli.json(&["list", "runs"]).as_array().unwrap().len(), 2);
    harness.stopped().await;
}

/// A file that is there stays as it is when what was to replace it cannot be had.
fn check_exports(cli: &CommandLine) {
    let text = || fs::read_to_string(cli.home().join("x.csv")).unwrap();
    cli.done(&["export", "products", "--out", "x.csv"]);
    let before = text();
    let check = |arguments: &[&str], code: i32, part: &str| {
        let said = cli.refused(&[&["export", "products"], arguments].concat(), code);
        assert!(said.contains(part), "{said}");
        assert_eq!(text(), before);
    };
    check(&["--out", "x.csv", "--fields", "nope"], 2, "no field \"nope\"");
    check(&["--out", "x.csv", "--filter", "nope = 1"], 1, "INVALID_FILTER");
    check(&["--out", "x.csv", "--server", "http://127.0.0.1:1"], 3, "no answer");
    check(&["--out", "x.parquet"], 2, "not as Parquet");
    let to_stdout = cli.done(&["export", "products", "-o", "csv", "--out", "-"]);
    assert_eq!(to_stdout, before);
    assert!(!cli.home().join("-").exists());
}

/// What a directory has, hidden or not.
fn entries(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_interrupted_leaves_nothing_behind() {
    let cli = CommandLine::new("127.0.0.1:1", "demo");
    let temporary = cli.home().join("tmp");
    fs::create_dir(&temporary).unwrap();
    let check = |signal: &str, code: i32| {
        let mut command = cli.command(&["demo"]);
        let mut child =
            command.env("TMPDIR", &temporary).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().starts_with("A service on")));
        assert_eq!(entries(&temporary).len(), 1);
        let killed = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        assert!(killed.success());
        let ended = child.wait().unwrap();
        assert_eq!(ended.code(), Some(code), "{ended}");
        assert_eq!(entries(&temporary), Vec::<String>::new(), "{signal}");
    };
    tokio::task::block_in_place(|| {
        check("-INT", 130);
        check("-TERM", 143);
    });
}
