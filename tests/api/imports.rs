//! Files in and out by the command line: what an import changes and what it leaves, what becomes of rejected rows, and that
//! what is exported comes in again, wherever it is.

use std::fs;

use serde_json::Value as Json;

use super::{command_line::CommandLine, harness::Harness};

/// A server with two teams, and the command line of one of them.
async fn started() -> (Harness, CommandLine) {
    let harness = Harness::start().await;
    for team in ["acme", "other"] {
        harness.team(team).await;
    }
    let cli = CommandLine::new(harness.address, "acme");
    (harness, cli)
}

// === impl CommandLine ===

impl CommandLine {
    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.home().join(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.home().join(name)).unwrap()
    }

    fn has(&self, name: &str) -> bool {
        self.home().join(name).exists()
    }

    /// Imports a file: how many rows were created, updated, unchanged and rejected, and what was said.
    fn import(&self, arguments: &[&str]) -> ([u64; 4], String) {
        let output = self.merit(&[&["import", "-o", "json"], arguments].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let counts: Json = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{arguments:?}: {error}: {said}"));
        let count = |key: &str| counts[key].as_u64().unwrap();
        assert_eq!(output.status.code(), Some(if count("rejected") > 0 { 4 } else { 0 }), "{said}");
        (["created", "updated", "unchanged", "rejected"].map(count), said)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_file_does_not_give_stays() {
    let (harness, cli) = started().await;
    cli.done(&["create", "account-managers", "--id", "bo", "--set", "display_name=Bo"]);
    let given = ["--set", "display_name=Anna", "--set", "region=North", "--set", "office=Berlin"];
    let more = [
        "--set",
        "labels.level=senior",
        "--set",
        "labels.role=agent",
        "--set",
        "reporting_line[0].manager=bo",
    ];
    cli.done(&[&["create", "account-managers", "--id", "anna"][..], &given, &more].concat());
    let check = |arguments: &[&str], expected: [u64; 4], fields: &[(&str, Json)]| {
        assert_eq!(cli.import(arguments).0, expected, "{arguments:?}");
        let anna = cli.json(&["get", "account-managers", "anna"]);
        for (field, value) in fields {
            assert_eq!(&anna[*field], value, "{arguments:?}: {field} of {anna}");
        }
    };
    let manager = serde_json::json!([{ "manager": "teams/acme/accountManagers/bo" }]);
    let labels = serde_json::json!({ "level": "senior", "role": "agent" });

    cli.done(&["export", "account-managers", "--fields", "name,display_name,region", "--out", "am.csv"]);
    cli.write("am.csv", cli.read("am.csv").replace("North", "South"));
    let kept = [("region", "South".into()), ("office", "Berlin".into()), ("labels", labels.clone())];
    check(&["-c", "account-managers", "am.csv"], [0, 1, 1, 0], &kept);
    check(&["-c", "account-managers", "am.csv"], [0, 0, 2, 0], &[("reporting_line", manager.clone())]);
    // A column that is there and empty empties the field.
    cli.write("am.csv", "id,display_name,office\nanna,Anna,\n");
    check(
        &["-c", "account-managers", "am.csv"],
        [0, 1, 0, 0],
        &[("office", Json::Null), ("region", "South".into())],
    );
    cli.write("am.csv", "id,display_name,labels.level\nanna,Anna,\n");
    let role = serde_json::json!({ "role": "agent" });
    check(&["-c", "account-managers", "am.csv"], [0, 1, 0, 0], &[("labels", role.clone())]);
    // JSON lines give what their keys name.
    cli.write("am.jsonl", "{\"id\": \"anna\", \"region\": null, \"office\": \"Oslo\"}\n");
    check(
        &["-c", "account-managers", "am.jsonl"],
        [0, 1, 0, 0],
        &[("region", Json::Null), ("office", "Oslo".into())],
    );
    // A mapping gives the fields that it has.
    cli.write("am.toml", "collection = 'accountManagers'\nid = 'who'\n[fields]\ndisplay_name = 'who'\nlabels.level = { value = 'junior' }\n");
    cli.write("am.csv", "who\nAnna\n");
    let both = serde_json::json!({ "level": "junior", "role": "agent" });
    check(
        &["-m", "am.toml", "am.csv"],
        [0, 1, 0, 0],
        &[("labels", both), ("office", "Oslo".into()), ("reporting_line", manager)],
    );
    harness.stopped().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rejected_rows_are_mended_where_they_are() {
    let (harness, cli) = started().await;
    cli.write(
        "products.toml",
        "collection = 'products'\nid = 'number'\ndelimiter = ';'\n[fields]\ndisplay_name = 'name'\nlist_price = { column = 'price', decimal = ',', thousands = '.' }\n",
    );
    let file = b"\xef\xbb\xbfnumber;name;price\r\n1;One;1.234,50\r\n2;Two;12.34\r\n3;;5\r\n4;Caf\xe9;6\r\n5;Five;x;7\r\n";
    cli.write("products.csv", file);
    let (counts, said) = cli.import(&["-m", "products.toml", "products.csv"]);
    assert_eq!(counts, [1, 0, 0, 4], "{said}");
    let place = "products.csv.rejected.csv";
    let rejected = fs::read(cli.home().join(place)).unwrap();
    assert!(rejected.starts_with(b"\xef\xbb\xbf_line;_reason;number;name;price\n3;\"list_price: \"\"12.34\"\" is not a number of the form 1.234.567,50\";2;Two;12.34\n4;"), "{}", String::from_utf8_lossy(&rejected));
    assert!(
        rejected.windows(10).any(|bytes| bytes == b";4;Caf\xe9;6\n"),
        "bytes that are not UTF-8 are kept"
    );
    // Half of it mended: what is left stays in the same file, marked once, with the lines of the first one.
    let mended =
        String::from_utf8_lossy(&rejected).replace("2;Two;12.34", "2;Two;12,34").replace("3;;5", "3;Three;5");
    let mended = mended.replace("Caf\u{fffd}", "Café");
    cli.write(place, &mended);
    // A server that is not there takes nothing, and nothing is lost.
    let refused = cli.refused(&["import", "-m", "products.toml", place, "--server", "http://127.0.0.1:1"], 3);
    assert_eq!(cli.read(place), mended, "{refused}");
    assert_eq!(cli.import(&["-m", "products.toml", place, "--validate-only"]).0, [3, 0, 0, 1]);
    assert_eq!(cli.read(place), mended, "what is only checked is still to be imported");
    assert_eq!(cli.import(&["-m", "products.toml", place]).0, [3, 0, 0, 1]);
    assert!(!cli.has("products.csv.rejected.csv.rejected.csv.rejected.csv"));
    let left = cli.read(place);
    assert_eq!(left.lines().count(), 2, "{left}");
    assert!(left.ends_with("\n6;4 values where the first row names 3 columns;5;Five;x;7\n"), "{left}");
    cli.write(place, left.replace(";x;7", ";7"));
    assert_eq!(cli.import(&["-m", "products.toml", place]).0, [1, 0, 0, 0]);
    assert!(!cli.has(place), "nothing is rejected any more");
    harness.stopped().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rejected_rows_of_every_form_come_in_again() {
    let (harness, cli) = started().await;
    // With the names of fields as columns.
    cli.write("p.csv", "id,display_name\na,A\nb,\n");
    assert_eq!(cli.import(&["-c", "products", "p.csv"]).0, [1, 0, 0, 1]);
    cli.write("p.csv.rejected.csv", cli.read("p.csv.rejected.csv").replace(",b,", ",b,B"));
    assert_eq!(cli.import(&["-c", "products", "p.csv.rejected.csv"]).0, [1, 0, 0, 0]);
    // JSON lines.
    cli.write(
        "p.jsonl",
        "{\"id\":\"c\",\"display_name\":\"C\",\"list_price\":12.50}\n{\"id\":\"d\",\"list_price\":1}\n[1]\n",
    );
    assert_eq!(cli.import(&["-c", "products", "p.jsonl"]).0, [1, 0, 0, 2]);
    assert_eq!(cli.json(&["get", "products", "c"])["list_price"], "12.50");
    let rejected = cli.read("p.jsonl.rejected.jsonl");
    assert!(rejected.starts_with("{\"_line\":2,\"_reason\":\"INVALID_FIELD: display_name: is required\",\"id\":\"d\",\"list_price\":1}\n"), "{rejected}");
    let mended = rejected
        .replace("\"id\":\"d\"", "\"id\":\"d\",\"display_name\":\"D\"")
        .replace("\n[1]\n", "\n{\"id\":\"e\",\"display_name\":\"E\"}\n");
    cli.write("p.jsonl.rejected.jsonl", mended);
    assert_eq!(cli.import(&["-c", "products", "p.jsonl.rejected.jsonl"]).0, [2, 0, 0, 0]);
    // What is wrong is told by field.
    for (line, part) in [
        ("{\"id\":\"f\",\"display_name\":7}", "display_name: a text is expected"),
        ("{\"id\":\"f\",\"display_nam\":\"F\",\"display_name\":\"F\"}", "display_nam"),
        ("{\"id\":\"f\",\"display_name\":\"F\",\"display_name\":\"G\"}", "display_name is given twice"),
    ] {
        cli.write("q.jsonl", format!("{line}\n"));
        let output = cli.merit(&["import", "-c", "products", "q.jsonl"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success());
        let told = if cli.has("q.jsonl.rejected.jsonl") { cli.read("q.jsonl.rejected.jsonl") } else { said };
        assert!(told.contains(part), "{told}");
        let _ = fs::remove_file(cli.home().join("q.jsonl.rejected.jsonl"));
    }
    // A place that cannot be written is known before anything is sent.
    let refused = cli.refused(&["import", "-c", "products", "p.csv", "--rejected", "nowhere/p.csv"], 5);
    assert!(refused.contains("--rejected names another"), "{refused}");
    harness.stopped().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_exported_comes_in_again() {
    let (harness, cli) = started().await;
    let managers = |count: usize| -> String {
        // Everybody reports to the next one, who stands below.
        let lines = (0..count).map(|number| {
            let line = match number + 1 {
                last if last == count => String::new(),
                next => format!("[{{\"\"manager\"\":\"\"teams/acme/accountManagers/m{next}\"\"}}]"),
            };
            format!("m{number},M{number},\"{line}\"\n")
        });
        std::iter::once("id,display_name,reporting_line\n".to_owned()).chain(lines).collect()
    };
    cli.write("managers.csv", managers(40).replace(",\"\"\n", ",\n"));
    assert_eq!(cli.import(&["-c", "account-managers", "managers.csv"]).0, [40, 0, 0, 0]);
    cli.write("deals.csv", "id,display_name,owner\nd1,D,teams/acme/accountManagers/m7\n");
    assert_eq!(cli.import(&["-c", "opportunities", "deals.csv"]).0, [1, 0, 0, 0]);
    for (collection, count) in [("account-managers", 40), ("opportunities", 1)] {
        for file in [format!("{collection}.csv"), format!("{collection}.jsonl")] {
            cli.done(&["export", collection, "--out", &file]);
            // Into the same team nothing changes; into another everything is that one's.
            assert_eq!(cli.import(&["-c", collection, &file]).0, [0, 0, count, 0], "{file}");
            let (counts, said) = cli.import(&["-c", collection, &file, "--team", "other"]);
            let expected = if file.ends_with(".csv") { [count, 0, 0, 0] } else { [0, 0, count, 0] };
            assert_eq!(counts, expected, "{said}");
            assert!(said.contains("records of teams/acme were taken into teams/other"), "{said}");
        }
    }
    let deal = cli.json(&["get", "teams/other/opportunities/d1"]);
    assert_eq!(deal["owner"], "teams/other/accountManagers/m7");
    // Who refers to nobody is rejected in the end, once.
    cli.write(
        "managers.csv",
        format!("{}x,X,\"[{{\"\"manager\"\":\"\"teams/acme/accountManagers/nobody\"\"}}]\"\n", managers(2)),
    );
    let (counts, _) = cli.import(&["-c", "account-managers", "managers.csv"]);
    assert_eq!(counts[3], 1);
    let rejected = cli.read("managers.csv.rejected.csv");
    assert!(rejected.lines().nth(1).unwrap().starts_with("4,\"REFERENCE_NOT_FOUND: "), "{rejected}");
    // The record of another collection is none of this one.
    cli.write(
        "deals.csv",
        "name,display_name,owner\nteams/acme/customers/d1,D,teams/acme/accountManagers/m7\n",
    );
    assert_eq!(cli.import(&["-c", "opportunities", "deals.csv"]).0, [0, 0, 0, 1]);
    harness.stopped().await;
}
