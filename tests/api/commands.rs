//! What commands print and how they end: data on stdout and nothing else, errors that a program can read, exit codes as
//! `merit --help` has them.

use std::{fs, net::TcpListener, path::Path, process::Stdio};

use merit::{proto::v1, store};
use serde_json::Value as Json;

use super::{command_line::CommandLine, harness::Harness};

/// A server with a team and a customer, and the command line for it.
async fn started() -> (Harness, CommandLine) {
    let harness = Harness::start().await;
    harness.team("acme").await;
    let customer = v1::CreateCustomerRequest {
        parent: "teams/acme".to_owned(),
        customer_id: "globex".to_owned(),
        customer: Some(v1::Customer { display_name: "Globex, \"Ltd\"".to_owned(), ..Default::default() }),
        ..Default::default()
    };
    harness.crm().create_customer(customer).await.unwrap();
    let cli = CommandLine::new(harness.address, "acme");
    (harness, cli)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_printed_is_data_in_every_form() {
    let (harness, cli) = started().await;
    let commands: &[&[&str]] = &[
        &["list", "customers"],
        &["list", "products"],
        &["get", "customers", "globex"],
        &["update", "customers/globex", "--set", "labels.region=North"],
        &["create", "customers", "--set", "display_name=Initech"],
        &["status"],
        &["audit", "list"],
        &["audit", "verify"],
        &["plugin", "list"],
        &["plugin", "standard"],
        &["plugin", "describe", "--standard", "ranking"],
    ];
    for command in commands {
        cli.json(command);
        cli.json_lines(command);
        let csv = cli.done(&[command, &["-o", "csv"][..]].concat());
        let mut rows = csv::Reader::from_reader(csv.as_bytes());
        assert!(!rows.headers().unwrap().is_empty(), "{command:?}");
        assert!(rows.records().all(|row| row.is_ok()), "{command:?}: {csv}");
        assert!(!cli.done(command).trim().is_empty(), "{command:?}");
    }
    let names = cli.done(&[
        "list",
        "customers",
        "--fields",
        "display_name",
        "-o",
        "csv",
        "-f",
        "labels.region = \"North\"",
    ]);
    assert!(names.contains("\"Globex, \"\"Ltd\"\"\""), "{names}");
    harness.stopped().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_changed_is_what_is_meant() {
    let (harness, cli) = started().await;
    cli.done(&["create", "customers", "--id", "p1", "--set", "display_name=P", "--set", "labels.a=b"]);
    cli.done(&["create", "products", "--id", "p1", "--set", "display_name=P"]);
    // The record of another collection is not this one's.
    for command in ["get", "delete", "update"] {
        let said = cli.refused(&[command, "customers", "products/p1"], 2);
        assert!(said.contains("\"products/p1\" is no name in customers"), "{said}");
    }
    assert_eq!(cli.json(&["get", "customers/p1"])["display_name"], "P");
    assert!(cli.refused(&["get", "customers", "ACME Ltd"], 2).contains("did you mean acme-ltd?"));
    // What is read, changed and sent is refused when somebody else was first, or when it is of another record.
    let read = cli.json(&["get", "customers", "p1"]);
    let with = |field: &str, value: &str| {
        let mut json = read.clone();
        json[field] = value.into();
        json.to_string()
    };
    cli.done(&["update", "customers", "p1", "--set", "sector=retail"]);
    let stale = cli.refused(&["update", "customers", "p1", "--json", &with("sector", "finance")], 1);
    assert!(stale.contains("ETAG_MISMATCH"), "{stale}");
    let other = cli.refused(&["update", "customers", "globex", "--json", &with("sector", "finance")], 2);
    assert!(other.contains("--json is of teams/acme/customers/p1"), "{other}");
    let updated =
        cli.json(&["update", "customers", "p1", "--json", r#"{"annual_revenue": 12.50, "sector": null}"#]);
    assert_eq!((&updated["annual_revenue"], &updated["sector"]), (&"12.50".into(), &Json::Null));
    let refused = |json: &str, part: &str| {
        let said = cli.refused(&["update", "customers", "p1", "--json", json], 2);
        assert!(said.contains(part), "{said}");
    };
    refused(r#"{"sector": "a", "sector": "b"}"#, "--json: sector is given twice");
    refused(r#"{"employees": "many"}"#, "--json: employees: a whole number is expected");
    let cleared = cli.json(&["update", "customers", "p1", "--clear", "labels.a"]);
    assert_eq!(cleared["labels"], Json::Null);
    assert_eq!(cli.json(&["delete", "customers", "p1"])["name"], "teams/acme/customers/p1");
    harness.stopped().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_is_changed_by_whatever_goes_that_way() {
    let (harness, cli) = started().await;
    cli.done(&["create", "account-managers", "--id", "anna", "--set", "display_name=Anna"]);
    cli.done(&[
        "create",
        "account-managers",
        "--id",
        "bo",
        "--set",
        "display_name=Bo",
        "--set",
        "reporting_line[0].manager=anna",
    ]);
    cli.done(&["create", "opportunities", "--id", "d", "--set", "owner=anna", "--set", "stage=prospecting"]);
    let check = |arguments: &[&str], stage: &str, close_date: Json| {
        let deal = cli.json(&[&["change", "opportunities/d"], arguments].concat());
        assert_eq!((&deal["stage"], &deal["close_date"]), (&Json::from(stage), &close_date), "{arguments:?}");
    };
    check(&["--to", "engaging"], "OPPORTUNITY_STAGE_ENGAGING", Json::Null);
    check(
        &["--to", "WON", "--set", "close_date=2026-03-31", "--set", "amount=12"],
        "OPPORTUNITY_STAGE_WON",
        "2026-03-31".into(),
    );
    let forbidden = cli.refused(&["change", "opportunities", "d", "--to", "PROSPECTING"], 1);
    assert!(forbidden.contains("STATE_FORBIDS"), "{forbidden}");
    check(&["--to", "ENGAGING"], "OPPORTUNITY_STAGE_ENGAGING", Json::Null);
    let unknown = cli.refused(&["change", "opportunities", "d", "--to", "ENGAGIN"], 2);
    assert!(unknown.contains("did you mean ENGAGING?"), "{unknown}");
    let stateless = cli.refused(&["change", "products", "p", "--to", "WON"], 2);
    assert!(stateless.contains("products have no change"), "{stateless}");
    let help = cli.done(&["change", "--help"]);
    for way in
        ["opportunities: WON or LOST, from PROSPECTING, ENGAGING", "runs: CANCELLED, from PENDING, RUNNING"]
    {
        assert!(help.contains(way), "{help}");
    }
    harness.stopped().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_are_json_where_the_output_is() {
    let (harness, cli) = started().await;
    // Accepts connections, and never says anything.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("http://{}", silent.local_addr().unwrap());
    let check = |arguments: &[&str], code: i32, reason: &str, part: &str| {
        for form in ["json", "jsonl"] {
            let said = cli.refused(&[arguments, &["-o", form]].concat(), code);
            let said: Json = serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"));
            let error = &said["error"];
            assert_eq!(
                (error["reason"].as_str(), &error["exit_code"]),
                (Some(reason), &Json::from(code)),
                "{said}"
            );
            assert!(error["message"].as_str().unwrap().contains(part), "{said}");
        }
        let said = cli.refused(arguments, code);
        assert!(said.starts_with("error: ") && said.contains(part), "{said}");
    };
    check(&["get", "customers", "nobody"], 1, "NOT_FOUND", "teams/acme/customers/nobody");
    check(&["list", "customers", "--filter", "size > "], 1, "INVALID_FILTER", "size");
    check(&["list", "custumers"], 2, "USAGE", "did you mean customers?");
    check(&["list", "customers", "--timeout", "400000000000"], 2, "USAGE", "1..=31536000");
    check(&["list", "customers", "--limit", "0"], 2, "USAGE", "'--limit <COUNT>'");
    check(&["update", "customers", "globex"], 2, "USAGE", "nothing to change");
    check(&["list", "evaluations"], 2, "USAGE", "merit results RUN");
    check(&["delete", "runs", "r"], 2, "USAGE", "runs have no delete; they have create, get, list, change");
    check(&["list", "customers", "--server", &silent, "--timeout", "1"], 3, "UNREACHABLE", &silent);
    check(&["plugin", "check", "nowhere.wasm"], 5, "FILE", "nowhere.wasm");
    let refused = cli.refused(&["create", "customers", "--set", "parent_customer=no", "-o", "json"], 1);
    let refused: Json = serde_json::from_str(&refused).unwrap();
    assert_eq!(refused["error"]["reason"], "INVALID_FIELD", "{refused}");
    let fields: Vec<&Json> =
        refused["error"]["violations"].as_array().unwrap().iter().map(|wrong| &wrong["field"]).collect();
    assert_eq!(fields, ["customer.display_name", "customer.parent_customer"], "all that is wrong, at once");
    harness.stopped().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publication_that_is_refused_leaves_no_plugin() {
    let (_harness, line) = started().await;
    let sheet = |name: &str, text: &str| std::fs::write(line.home().join(name), text).unwrap();
    sheet("wrong.formula", "payout c = (");
    // With the mark that some editors put before a text.
    sheet("right.formula", "\u{feff}input x\npayout c = x\n");
    let refused = line.merit(&["plugin", "publish", "pay", "--formula", "wrong.formula"]);
    assert_eq!(refused.status.code(), Some(1));
    assert_eq!(line.merit(&["get", "plugins", "pay"]).status.code(), Some(1));
    line.done(&["plugin", "publish", "pay", "--formula", "right.formula"]);
    // What was there before stays.
    line.merit(&["plugin", "publish", "pay", "--formula", "wrong.formula"]);
    line.done(&["get", "plugins", "pay"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_problem_of_a_formula_is_shown_where_it_is() {
    let (_harness, line) = started().await;
    let check = |problems: usize| {
        let payouts =
            (1..=problems).map(|at| format!("payout commission_{at} = revenu * {at}% # of the quarter"));
        let sheet = format!("input revenue\n{}\n", payouts.collect::<Vec<_>>().join("\n"));
        std::fs::write(line.home().join("wrong.formula"), sheet).unwrap();
        let publish = ["plugin", "publish", "pay", "--formula", "wrong.formula"];
        let try_out = ["plugin", "evaluate", "--formula", "wrong.formula", "--input", "revenue=1"];
        for (words, code) in
            [(&publish[..], 1), (&try_out[..], 1), (&["plugin", "check", "wrong.formula"][..], 4)]
        {
            let refused = line.merit(words);
            let shown = String::from_utf8(refused.stderr).unwrap();
            assert_eq!(refused.status.code(), Some(code), "{shown}");
            assert!(
                shown.contains(&format!("INVALID_FORMULA: the formula has {problems} problems\n")),
                "{shown}"
            );
            assert_eq!(shown.matches("^^^^^^\n").count(), problems, "{shown}");
            for at in 1..=problems {
                let column = format!("payout commission_{at} = ").len() + 1;
                let problem = format!(
                    "  line {}, column {column}: `revenu` is not known; did you mean `revenue`?\n    payout commission_{at} = revenu",
                    at + 1
                );
                assert!(shown.contains(&problem), "{problem}\n{shown}");
            }
        }
        let json = line.merit(&[&publish[..], &["-o", "json"][..]].concat());
        let json: Json = serde_json::from_slice(&json.stderr).unwrap();
        assert_eq!(json["error"]["violations"].as_array().unwrap().len(), problems);
    };
    check(15);
    // More than the answer of a call has room for.
    check(90);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_goes_away_is_no_failure() {
    let (harness, cli) = started().await;
    let mut command = cli.command(&["list", "customers"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let ended = tokio::task::block_in_place(|| child.wait_with_output().unwrap());
    assert_eq!((ended.status.code(), ended.stderr.as_slice()), (Some(0), &b""[..]));
    // Nor is one that does not take what went wrong.
    let mut child = cli.command(&["get", "customers", "nobody"]).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stderr.take());
    assert_eq!(tokio::task::block_in_place(|| child.wait().unwrap()).code(), Some(1));
    harness.stopped().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_is_held_against_what_was_written_down() {
    let (harness, cli) = started().await;
    let found = cli.json(&["audit", "verify"]);
    let text = |field: &str| found[field].as_str().unwrap().to_owned();
    let mark = format!("{}:{}", text("sequence"), text("hash"));
    let earlier = format!("1:{}", text("hash"));
    let later = format!("{}0:{}", text("sequence"), text("hash"));
    let check = |place: &[&str]| {
        let with = |mark: &str| [&["audit", "verify", "--expect"][..], &[mark], place].concat().join(" ");
        let run = |mark: &str, code: i32, part: &str| {
            let arguments = with(mark);
            let output = cli.merit(&arguments.split(' ').collect::<Vec<_>>());
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.code() == Some(code) && said.contains(part), "{arguments}: {output:?}");
        };
        let arguments = with(&mark);
        let said = cli.done(&arguments.split(' ').collect::<Vec<_>>());
        assert!(said.contains(&format!("--expect {mark}")), "{said}");
        run(&earlier, 6, "this is another history");
        run(&later, 6, "what was behind it is lost");
        run("12", 2, "write it SEQUENCE:HASH");
    };
    check(&[]);
    let data = harness.data();
    check(&["--data", data.to_str().unwrap()]);
    let stopped = harness.stopped().await;
    check(&["--data", stopped.path().join("data").to_str().unwrap()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shell_knows_the_collections() {
    let cli = CommandLine::new("127.0.0.1:1", "acme");
    for shell in ["bash", "zsh", "fish"] {
        let script = cli.done(&["completions", shell]);
        for collection in ["opportunities", "accountManagers", "measureValues"] {
            assert!(script.contains(collection), "{shell}: {collection}");
        }
    }
}

fn corrupted(directory: &Path) {
    let journal = fs::read_dir(directory.join("journal")).unwrap();
    let mut segments: Vec<_> =
        journal.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()).collect();
    segments.sort();
    let mut found = false;
    for segment in segments {
        let mut bytes = fs::read(&segment).unwrap();
        // Within the first of several records: a cut at the end would be mended.
        if let Some(at) = bytes.windows(4).position(|window| window == b"acme") {
            bytes[at] ^= 1;
            fs::write(&segment, bytes).unwrap();
            found = true;
            break;
        }
    }
    assert!(found, "the team is in no segment of the journal");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_cannot_start_says_which_way() {
    let (harness, cli) = started().await;
    let stopped = harness.stopped().await;
    let damaged = stopped.path().join("data");
    let healthy = tempfile::tempdir().unwrap();
    let holder = store::Database::open(healthy.path(), store::Options::default()).unwrap();
    corrupted(&damaged);
    let foreign = tempfile::tempdir().unwrap();
    fs::write(foreign.path().join("thesis.txt"), b"x").unwrap();
    let file = foreign.path().join("thesis.txt");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let check = |arguments: &[&str], code: i32, parts: &[&str]| {
        let said = cli.refused(arguments, code);
        assert!(parts.iter().all(|part| said.contains(part)), "{arguments:?}: {said}");
    };
    let serve = |data: &Path, code: i32, parts: &[&str]| {
        let data = data.to_str().unwrap();
        let parts = [parts, &[data][..]].concat();
        check(&["serve", "--listen", "127.0.0.1:0", "--log-filter", "off", "--data", data], code, &parts);
    };
    serve(foreign.path(), 2, &["has thesis.txt, and nothing of Merit's", "give an empty directory"]);
    serve(&file, 5, &["opening the data in"]);
    serve(&damaged, 6, &["damaged at byte", "next: ", "merit backup restore"]);
    serve(healthy.path(), 7, &["in use by another process", "next: ", "--data"]);
    check(
        &["serve", "--listen", &taken, "--log-filter", "off", "--data", "new"],
        7,
        &["cannot listen on", &taken, "next: ", "--listen"],
    );
    // Variables that are none of its own do not stop it; one of a section has to be right.
    let with = |variable: &str, parts: &[&str]| {
        let data = foreign.path().to_str().unwrap();
        let mut command = cli.command(&["serve", "--listen", "127.0.0.1:0", "--data", data]);
        let output =
            tokio::task::block_in_place(|| command.env(variable, "tcp://10.0.0.1:7171").output().unwrap());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(parts.iter().all(|part| said.contains(part)), "{variable}: {said}");
    };
    for stray in ["MERIT_PORT", "MERIT_SERVICE_HOST", "MERIT_PYTHON"] {
        with(stray, &["has thesis.txt"]);
    }
    with("MERIT_LISTN", &["has thesis.txt", "MERIT_LISTN is ignored; did you mean MERIT_LISTEN?"]);
    with("MERIT_LIMITS__CALS", &["limits.cals: there is no such key; did you mean calls?"]);
    check(&["serve", "--listen", "localhost"], 2, &["write it ADDRESS:PORT, such as 127.0.0.1:7171"]);
    let (data, backup) = (damaged.to_str().unwrap(), cli.home().join("backup"));
    check(&["backup", "create", "--data", data, backup.to_str().unwrap()], 6, &["damaged at byte"]);
    let verified = cli.merit(&["audit", "verify", "--data", data]);
    assert_eq!(verified.status.code(), Some(6), "{}", String::from_utf8_lossy(&verified.stderr));
    drop(holder);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_shows_what_there_is_room_for_and_says_what_not() {
    let (harness, cli) = started().await;
    let long = "Initech, with a name that nobody would read to its end in a table";
    let labels = "labels={\"region\":\"North\"}";
    cli.done(&[
        "create",
        "customers",
        "--id",
        "initech",
        "--set",
        &format!("display_name={long}"),
        "--set",
        labels,
    ]);
    let check = |arguments: &[&str], shown: &[&str], absent: &[&str], said: &[&str]| {
        let output = cli.merit(&[&["list", "customers"], arguments].concat());
        let (table, note) =
            (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert!(shown.iter().all(|part| table.contains(part)), "{table}");
        assert!(!absent.iter().any(|part| table.contains(part)), "{table}");
        assert!(said.iter().all(|part| note.contains(part)) && note.is_empty() == said.is_empty(), "{note}");
    };
    check(
        &[],
        &["initech", "Initech, with a name that nobody would…"],
        &["North", "etag"],
        &["not shown: labels", "--wide"],
    );
    check(&["--wide"], &[long, "etag", "{\"region\":\"North\"}"], &[], &[]);
    check(&["--fields", "display_name,labels.region"], &[long, "North"], &["initech "], &[]);
    harness.stopped().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_says_what_is_wrong_with_it() {
    let (harness, cli) = started().await;
    let write = |name: &str, text: &str| fs::write(cli.home().join(name), text).unwrap();
    write("pay.formula", "input x\npayout c = 1 / x\n");
    cli.done(&["plugin", "publish", "pay", "--formula", "pay.formula"]);
    let described = cli.done(&["plugin", "describe", "pay-1"]);
    assert!(
        described.lines().any(|line| line.contains("payout") && line.contains("the currency's")),
        "{described}"
    );
    let check = |file: &str, part: &str| {
        write("run.toml", &format!("period = '2026-Q1'\n{file}"));
        let said = cli.refused(&["run", "run.toml"], 2);
        assert!(said.contains(&format!("run.toml: {part}")), "{said}");
    };
    let step = "[[steps]]\nstep = 'pay'\nrevision = 'pay-1'\n";
    check(&format!("mod = 'trial'\n{step}"), "mod: Run has no such field; did you mean \"mode\"?");
    check(&format!("mode = 'trail'\n{step}"), "mode: \"trail\" is none of TRIAL, FINAL");
    check(
        &format!("{step}inputs = {{ x = {{ mesure = 'm' }} }}"),
        "steps[0].inputs.x: there is no source \"mesure\"; did you mean \"measure\"?",
    );
    check(&format!("{step}inputs = {{ x = 'm' }}"), "steps[0].inputs.x: write one source");
    check(&format!("{step}line = {{}}"), "steps[0].line: RunStep has no such field; did you mean \"lines\"?");
    check("steps = [", "TOML parse error at line 2");
    // Nobody to score is worth a word, and an id that is taken is not changed.
    let run = ["run", "--period", "2026-Q1", "--step", "pay-1", "--input", "pay.x=constant:0", "--id", "q1"];
    let nobody = cli.merit(&run);
    let said = String::from_utf8_lossy(&nobody.stderr).into_owned();
    assert_eq!(nobody.status.code(), Some(4), "{said}");
    assert!(said.contains("nobody was scored: nobody is employed in the period"), "{said}");
    assert_eq!(
        cli.done(&["results", "q1", "-o", "csv"]),
        "account_manager,display_name,score,payout,grade,faults\n"
    );
    let taken = cli.refused(&run, 1);
    assert!(taken.contains("give another --id") && !taken.contains("merit update"), "{taken}");
    cli.done(&["create", "account-managers", "--id", "anna", "--set", "display_name=Anna"]);
    cli.merit(&[&run[..8], &["q2"]].concat());
    let faulted = cli.merit(&["explain", "q2", "anna", "-o", "json"]);
    assert_eq!(faulted.status.code(), Some(4), "a fault is told");
    let tried = cli.merit(&["plugin", "explain", "pay-1", "--input", "x=0", "-o", "json"]);
    assert_eq!(tried.status.code(), Some(4), "a fault is told");
    for result in [faulted, tried] {
        assert!(serde_json::from_slice::<Json>(&result.stdout).is_ok(), "{result:?}");
    }
    let sources = cli.refused(&["plugin", "publish", "pay"], 2);
    assert!(
        ["--formula", "--component", "--standard"].iter().all(|flag| sources.contains(flag)),
        "{sources}"
    );
    let wrong = |rows: &str, part: &str| {
        write("rows.jsonl", rows);
        let said = cli.refused(&["plugin", "evaluate", "pay-1", "--rows", "rows.jsonl"], 2);
        assert!(said.contains(part), "{said}");
    };
    wrong(
        r#"{"x":"1","lines":[{"amount":"5"},7]}"#,
        "line 1: lines[1]: an object of inputs is expected, not 7",
    );
    wrong(r#"{"x":[1]}"#, "line 1: x: a text or a number is expected, not [1]");
    harness.stopped().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_typed_is_understood() {
    let (harness, cli) = started().await;
    // What is meant for the command may stand before it.
    let server = format!("http://{}", harness.address);
    let listed = cli.merit(&["--server", &server, "--team=acme", "-o", "json", "list", "customers"]);
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    assert_eq!(serde_json::from_slice::<Json>(&listed.stdout).unwrap().as_array().unwrap().len(), 1);
    cli.refused(&["--server", &server, "completions", "bash"], 2);
    // What is no number is told once, and as what it is.
    let refused =
        cli.refused(&["create", "products", "--set", "display_name=P", "--set", "list_price=(12.000)"], 1);
    assert!(refused.contains("is not a decimal number") && !refused.contains("decimals: "), "{refused}");
    let order = cli.refused(&["list", "customers", "--order-by", "nothing"], 1);
    assert!(order.contains("`amount desc, name`"), "{order}");
    let status = cli.done(&["status", "-o", "csv"]);
    assert_eq!(status.lines().count(), 2, "{status}");
    assert!(status.starts_with("version,engine,sequence,"), "{status}");
    let data = cli.home().join("nothing-there");
    for words in [&["backup", "create", "there"][..], &["audit", "verify"]] {
        let said = cli.refused(&[words, &["--data", data.to_str().unwrap()]].concat(), 2);
        assert!(said.contains("no data directory of Merit"), "{said}");
    }
    assert!(!cli.home().join("there").exists());
    for shell in ["bash", "zsh", "fish"] {
        let script = cli.done(&["completions", shell]);
        assert!(!script.contains("compile-plugin") && script.contains("customers"), "{shell}");
    }
    harness.stopped().await;
}
