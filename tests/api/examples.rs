//! The examples of `--help`, executed as they stand: against a server with records of the names that they use.

use std::{fs, os::unix::fs::symlink, path::Path};

use super::{command_line::CommandLine, harness::Harness};

/// Commands in an order in which each finds what it needs. Not here are those that go on for ever, write where a test may
/// not, or begin with what another tool makes.
const COMMANDS: [&str; 34] = [
    "create",
    "get",
    "update",
    "list",
    "change",
    "import",
    "export",
    "plugin standard",
    "plugin publish",
    "plugin list",
    "plugin approve",
    "plugin activate",
    "run",
    "results",
    "explain",
    "replay",
    "cancel",
    "plugin compare",
    "plugin runs",
    "plugin describe",
    "plugin evaluate",
    "plugin explain",
    "plugin keygen",
    "plugin sign",
    "plugin trust",
    "plugin check",
    "plugin test",
    "plugin bench",
    "plugin new",
    "plugin retire",
    "delete",
    "status",
    "audit list",
    "audit verify",
];

/// The examples of a command.
fn examples(cli: &CommandLine, command: &str) -> Vec<String> {
    let words: Vec<&str> = command.split(' ').chain(["-h"]).collect();
    let help = cli.done(&words);
    let shown = help.split("Examples:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    // A line that was too long goes on in the next.
    let joined = shown.replace('\n', " ");
    let starts = joined.split(" merit ").map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    starts.map(|line| line.trim_start_matches("merit ").to_owned()).filter(|line| !line.is_empty()).collect()
}

/// The words of a line as a shell takes them apart.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
    for letter in line.chars() {
        match letter {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(std::mem::take(&mut word)),
            other => word.push(other),
        }
    }
    words.push(word);
    words
}

/// The files that examples name.
fn write_files(home: &Path) {
    let write = |name: &str, text: &str| fs::write(home.join(name), text).unwrap();
    write(
        "pipeline.toml",
        "collection = 'opportunities'\nid = 'number'\n[fields]\nowner = { column = 'agent', lookup = 'accountManagers' }\n",
    );
    write("pipeline.csv", "number,agent\nD-1,Anna\n");
    write("customers.csv", "id,display_name\nglobex,Globex\n");
    write("commission.formula", "input revenue\npayout commission = revenue * 5%\n");
    write("scorecard.json", include_str!("../../src/cli/demo/scorecard.json"));
    write("rows.jsonl", "{\"revenue\": 1200.50}\n");
    write(
        "cases.toml",
        "[[case]]\nname = 'above the quota'\ninputs = { revenue = '130000', quota = '100000' }\noutputs = { commission = '7800.00' }\n",
    );
    let component = Path::new(env!("CARGO_MANIFEST_DIR")).join("plugins/examples/built/c.wasm");
    fs::copy(component, home.join("commission.wasm")).unwrap();
}

/// The records that examples name.
fn create_records(cli: &CommandLine) {
    let create = |collection: &str, id: &str, fields: &[&str]| {
        let sets = fields.iter().flat_map(|field| ["--set", field]);
        cli.done(&["create", collection, "--id", id].into_iter().chain(sets).collect::<Vec<_>>());
    };
    create("account-managers", "anna", &["display_name=Anna"]);
    create("opportunities", "d-2026-17", &["owner=anna", "stage=ENGAGING"]);
    for id in ["revenue", "won-revenue"] {
        let aggregate =
            ["aggregate.collection=opportunities", "aggregate.function=SUM", "aggregate.value=amount"];
        let by = ["aggregate.owner_field=owner", "aggregate.time_field=close_date", "scale=2"];
        create("measures", id, &[&["display_name=Revenue"], &aggregate[..], &by].concat());
    }
    let period = ["period_start=2026-01-01", "period_end=2026-04-01", "target=1000"];
    create(
        "goals",
        "quota-anna",
        &[&["display_name=Quota", "measure=won-revenue", "owner=anna"], &period[..]].concat(),
    );
    for (text, shadow) in [("revenue * 4%", "commission-1"), ("revenue * 5%", "commission-2")] {
        let sheet = cli.home().join("before.formula");
        fs::write(&sheet, format!("input revenue\npayout commission = {text}\n")).unwrap();
        cli.done(&["plugin", "publish", "commission", "--formula", "before.formula"]);
        cli.done(&["get", "plugin-revisions", shadow]);
    }
    cli.done(&["run", "--period", "2026-Q1", "--step", "commission-1", "--id", "q1-2026"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_example_does_what_it_says() {
    let harness = Harness::start().await;
    harness.team("acme").await;
    let cli = CommandLine::new(harness.address, "acme");
    write_files(cli.home());
    symlink(harness.data(), cli.home().join("merit-data")).unwrap();
    create_records(&cli);
    for command in COMMANDS {
        let examples = examples(&cli, command);
        assert!(!examples.is_empty(), "{command}");
        for example in examples {
            let mut words = words(&example);
            if let Some(expected) = words.iter().position(|word| word == "--expect") {
                // No example can know it.
                let found = cli.json(&["audit", "verify"]);
                let text = |field: &str| found[field].as_str().unwrap().to_owned();
                words[expected + 1] = format!("{}:{}", text("sequence"), text("hash"));
            }
            let output = cli.merit(&words.iter().map(String::as_str).collect::<Vec<_>>());
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            // The run of that name has ended; everything else is done.
            let expected = if command == "cancel" { 1 } else { 0 };
            assert_eq!(output.status.code(), Some(expected), "merit {example}: {said}");
            assert!(command != "cancel" || said.contains("STATE_FORBIDS"), "{said}");
        }
    }
    harness.stopped().await;
}
