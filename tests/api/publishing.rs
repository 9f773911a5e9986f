//! Publishing from the command line, and what it lists of plugins and keys.

use std::fs;

use super::{command_line::CommandLine, guest::Guest, harness::Harness};

async fn started() -> (Harness, CommandLine) {
    let harness = Harness::start().await;
    harness.team("acme").await;
    let cli = CommandLine::new(harness.address, "acme");
    fs::write(cli.home().join("pay.formula"), "input x\npayout c = x\n").unwrap();
    fs::write(cli.home().join("wrong.formula"), "payout c = (").unwrap();
    fs::write(cli.home().join("pay.wasm"), Guest::good().component()).unwrap();
    (harness, cli)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_publication_can_be_checked() {
    let (harness, cli) = started().await;
    let check = |source: &[&str], code: i32, part: &str| {
        let arguments = [&["plugin", "publish", "pay", "--validate-only"], source].concat();
        let output = cli.merit(&arguments);
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_eq!(output.status.code(), Some(code), "{source:?}: {said}");
        assert!(said.contains(part), "{source:?}: {said}");
        assert_eq!(cli.merit(&["get", "plugins", "pay"]).status.code(), Some(1), "nothing is kept");
    };
    check(&["--formula", "pay.formula"], 0, "nothing is wrong; nothing was published");
    check(&["--component", "pay.wasm", "--activate"], 0, "nothing is wrong; nothing was published");
    check(&["--formula", "wrong.formula"], 1, "line 1, column 13");
    // Without that flag the plugin has to be there, for who calls the API.
    cli.done(&["plugin", "publish", "pay", "--formula", "pay.formula"]);
    cli.done(&["plugin", "publish", "pay", "--formula", "pay.formula", "--validate-only"]);
    assert_eq!(cli.json_lines(&["plugin", "list"]).len(), 1);
    harness.stopped().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn revisions_are_listed_as_people_count() {
    let (harness, cli) = started().await;
    for plugin in ["pay", "bonus"] {
        for number in 0..11 {
            let sheet = format!("input x\npayout c = x + {number}\n");
            fs::write(cli.home().join("n.formula"), sheet).unwrap();
            cli.done(&["plugin", "publish", plugin, "--formula", "n.formula"]);
        }
    }
    let names = |arguments: &[&str]| -> Vec<String> {
        let ids = cli.json_lines(arguments);
        ids.iter().map(|line| line["name"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()).collect()
    };
    let numbered = |plugin: &str| (1..=11).map(|number| format!("{plugin}-{number}")).collect::<Vec<_>>();
    assert_eq!(names(&["plugin", "list"]), [numbered("bonus"), numbered("pay")].concat());
    assert_eq!(names(&["plugin", "list", "pay"]), numbered("pay"));
    assert_eq!(cli.done(&["plugin", "runs", "pay-2"]), "no run used teams/acme/pluginRevisions/pay-2\n");
    assert_eq!(cli.done(&["plugin", "runs", "pay-2", "-o", "csv"]), "run\n");
    harness.stopped().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_replaced_only_where_that_is_said() {
    let (harness, cli) = started().await;
    let key = |name: &str| cli.done(&["plugin", "keygen", name]).trim().to_owned();
    let (one, two) = (key("one.key"), key("two.key"));
    let trusted = || cli.json(&["get", "teams", "acme"])["trusted_keys"][0]["public_key"].clone();
    cli.done(&["plugin", "trust", "ci", &one]);
    cli.done(&["plugin", "trust", "ci", &one]);
    let refused = cli.refused(&["plugin", "trust", "ci", &two], 2);
    assert!(
        refused.contains("trusts another key by the id ci") && refused.contains("--replace"),
        "{refused}"
    );
    assert_eq!(trusted(), one.as_str());
    cli.done(&["plugin", "trust", "ci", &two, "--replace"]);
    assert_eq!(trusted(), two.as_str());
    harness.stopped().await;
}
