//! `merit compute`: figures of a period without a run.

use serde_json::Value as Json;

use super::{command_line::CommandLine, harness::Harness, runs::organisation};

#[tokio::test(flavor = "multi_thread")]
async fn measures_are_computed_for_periods_of_the_calendar_and_the_fiscal_year() {
    let harness = Harness::start().await;
    organisation(&harness).await;
    let cli = CommandLine::new(harness.address, "acme");
    // a-1 has three deals, won on 2026-02-10: the last quarter of a fiscal year that begins in April.
    cli.done(&["update", "teams", "acme", "--set", "fiscal_year_start_month=4"]);
    let one = ["--filter", "name = \"teams/acme/accountManagers/a-1\""];
    let check = |period: &str, expected: &str| {
        let found = cli.json(&[&["compute", "revenue", "--period", period][..], &one[..]].concat());
        let [row] = &found.as_array().unwrap()[..] else { panic!("{found}") };
        assert_eq!(
            (&row["display_name"], &row["figures"][0]["value"]),
            (&"Person 1".into(), &expected.into())
        );
    };
    check("2026-Q1", "601.50");
    check("2026", "601.50");
    check("FY2026", "601.50");
    check("FY2026-Q4", "601.50");
    check("FY2026-Q1", "0.00");
    check("FY2027", "0.00");
    let said = cli.refused(&["compute", "revenue", "--period", "FY26"], 2);
    assert!(said.contains("FY2017-Q1"), "{said}");
    let said = cli.refused(&["compute", "revenu", "--period", "2026"], 1);
    assert!(said.contains("teams/acme/measures/revenu"), "{said}");

    let command = ["compute", "revenue", "--period", "FY2026-Q4", "--roll-up", "own"];
    assert_eq!((cli.json(&command).as_array().unwrap().len(), cli.json_lines(&command).len()), (10, 10));
    let csv = cli.done(&[&command[..], &["-o", "csv"]].concat());
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines[0], "account_manager,display_name,revenue,revenue records,faults");
    assert_eq!((lines[1], lines.len()), ("a-0,Person 0,301.50,3,", 11));
    let table = cli.done(&command);
    assert!(table.contains("Person 9") && !table.contains("faults"), "{table}");
    let nobody = ["--filter", "region = \"West\""];
    assert_eq!(cli.done(&[&command[..], &nobody[..]].concat()), "nothing found\n");
    assert_eq!(cli.json(&[&command[..], &nobody[..]].concat()), Json::Array(Vec::new()));

    // A run takes the same periods.
    std::fs::write(cli.home().join("pay.formula"), "input revenue\npayout pay = revenue * 10%\n").unwrap();
    cli.done(&["plugin", "publish", "pay", "--formula", "pay.formula"]);
    std::fs::write(cli.home().join("run.toml"), "period = \"FY2026-Q4\"\n").unwrap();
    let by_flag = cli.json(&["run", "--period", "FY2026-Q4", "--step", "pay-1", "--validate-only"]);
    let by_file = cli.json(&["run", "run.toml", "--step", "pay-1", "--validate-only"]);
    for run in [by_flag, by_file] {
        let period = (run["period_start"].as_str(), run["period_end"].as_str());
        assert_eq!(period, (Some("2026-01-01"), Some("2026-04-01")));
    }
}
