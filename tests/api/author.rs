//! The tools of plugin authors, which ask no server: what they find wrong, and in which words.

use std::fs;

use super::{command_line::CommandLine, guest::Guest, image::words};

/// The command line, with nobody to ask.
fn alone() -> CommandLine {
    CommandLine::new("127.0.0.1:1", "acme")
}

/// A guest as a file of the command line's home.
fn keep(cli: &CommandLine, name: &str, guest: &Guest) {
    fs::write(cli.home().join(name), guest.component()).unwrap();
}

/// Runs a command, and answers its exit code and all that it said.
fn said(cli: &CommandLine, arguments: &[&str]) -> (Option<i32>, String) {
    let output = cli.merit(arguments);
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

/// The guest that behaves, but for what it makes of the sum.
fn giving(sum: &str) -> Guest {
    Guest::good().with(|guest| {
        let stored = guest.evaluate.find("(i64.add").expect("the sum");
        let end = guest.evaluate[stored..].find("(local.set $i").expect("the next row");
        guest.evaluate.replace_range(stored..stored + end, &format!("{sum})"));
    })
}

/// One whose sums overflow: its steps, a and b, do not.
fn overflowing() -> Guest {
    Guest::good().with(|guest| {
        let name = guest.image.put(b"sum");
        let step = [name, 3, 1, name, 3, 0, 0, 0, 2, 0, 0, 0];
        let list = guest.image.put(&words(&[step, step].concat()));
        let steps = guest.image.put(&words(&[0, list, 2]));
        let amount = |at: u32, input: &str| {
            format!("(i64.store (i32.const {at}) (call $at (local.get {input}) (local.get $i)))")
        };
        guest.explain = format!(
            "(call $inputs (local.get $in)) (local.set $b) (local.set $a)
            (local.set $i (i32.load offset=68 (local.get $in)))
            {} {} (i32.const {steps})",
            amount(list + 24, "$a"),
            amount(list + 48 + 24, "$b")
        );
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_finds_what_is_wrong_and_shows_the_row() {
    let cli = alone();
    fs::write(cli.home().join("rows.csv"), "a,b,sum\n1,2,3\n6.66,1,7.66\n5,5,10\n").unwrap();
    keep(&cli, "good.wasm", &Guest::good());
    keep(&cli, "trap.wasm", &Guest::poisoned("unreachable"));
    // What it gives depends on where a row is.
    keep(&cli, "place.wasm", &giving("(i64.extend_i32_u (local.get $i))"));
    let silent = |guest: &mut Guest| {
        let none = guest.image.put(&words(&[0, 0, 0]));
        guest.explain = format!("(i32.const {none})");
    };
    keep(&cli, "silent.wasm", &Guest::good().with(silent));
    keep(&cli, "lying.wasm", &giving("(i64.const 500)"));
    keep(&cli, "overflowing.wasm", &overflowing());
    let check = |arguments: &[&str], code: i32, parts: &[&str]| {
        let (found, said) = said(&cli, &[&["plugin", "check"], arguments, &["-o", "jsonl"]].concat());
        assert_eq!(found, Some(code), "{arguments:?}: {said}");
        assert!(parts.iter().all(|part| said.contains(part)), "{arguments:?}: {said}");
    };
    let told = |check: &str, result: &str| format!(r#""check":"{check}","result":"{result}""#);
    check(&["good.wasm"], 0, &[&told("order", "ok"), &told("explanation", "ok"), "500 rows within"]);
    check(
        &["trap.wasm", "--cases", "rows.csv"],
        4,
        &[&told("limits", "wrong"), "row 1 (a 6.66, b 1): TRAPPED: "],
    );
    check(
        &["place.wasm", "--cases", "rows.csv"],
        4,
        &[
            &told("chunking", "wrong"),
            "row 1 (a 6.66, b 1) is sum 0.01; in batches of 1 it is sum 0",
            &told("order", "wrong"),
            "row 0 (a 1, b 2) is sum 0; in the opposite order it is sum 0.02",
        ],
    );
    check(
        &["silent.wasm"],
        0,
        &[&told("explanation", "warning"), "there are rows where none says how sum comes about"],
    );
    check(
        &["lying.wasm", "--cases", "rows.csv"],
        4,
        &[&told("explanation", "wrong"), "row 0 (a 1, b 2), which is sum 5: ", "add up to"],
    );
    // Of amounts that people have it is not seen.
    check(&["overflowing.wasm", "--cases", "rows.csv"], 0, &[&told("explanation", "ok")]);
    check(&["overflowing.wasm"], 4, &[&told("explanation", "wrong"), "92233720368547758.07", "add up to"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_scores_nobody_is_no_success() {
    let cli = alone();
    let matrix = r#"{"rows": {"input": "region", "texts": ["Nowhere"]}, "columns": {"input": "size", "at": [0]}, "values": [[1]]}"#;
    fs::write(cli.home().join("nobody.csv"), "region,size,fault\nSouth,1,region\n").unwrap();
    fs::write(cli.home().join("lacking.csv"), "region,size,fault\nNowhere,,size\n").unwrap();
    let check = |arguments: &[&str], code: i32, parts: &[&str]| {
        let arguments = [&["plugin", "check", "matrix", "--parameters", matrix], arguments].concat();
        let (found, said) = said(&cli, &[&arguments[..], &["-o", "csv"]].concat());
        assert_eq!(found, Some(code), "{arguments:?}: {said}");
        assert!(parts.iter().all(|part| said.contains(part)), "{arguments:?}: {said}");
    };
    let all = "faults,wrong,\"500 of 500 rows have one; the first is row 0 (region ";
    check(
        &[],
        4,
        &[all, "give rows that can be scored, with --cases", "explanation,warning,no row was scored"],
    );
    check(&["--cases", "nobody.csv"], 0, &["faults,warning,", "it has to be one of Nowhere"]);
    check(&["--cases", "lacking.csv"], 2, &["every case lacks a required input"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_is_explained_in_the_context_that_is_asked_for() {
    let cli = alone();
    let cases = "parameters = { tiers = [{ from = 0, rate = \"5%\" }] }\n\
                 [[case]]\ninputs = { amount = 130 }\noutputs = { commission = 6.5 }\n";
    fs::write(cli.home().join("cases.toml"), cases).unwrap();
    let of = |flags: &[&str]| {
        let arguments =
            [&["plugin", "explain", "tiered_commission", "--case", "1", "-o", "csv"], flags].concat();
        let (code, said) = said(&cli, &arguments);
        assert_eq!(code, Some(0), "{flags:?}: {said}");
        let line = said.lines().find(|line| line.contains("commission,the output")).expect("the output");
        line.to_owned()
    };
    assert_eq!(of(&[]), ",6.50,commission,the output");
    assert_eq!(of(&["--currency", "JPY"]), ",7,commission,the output");
    assert_eq!(of(&["--currency", "JPY", "--rounding", "half-even"]), ",6,commission,the output");
    // A server has them of the team.
    let refused = cli.refused(&["plugin", "explain", "pay-1", "--input", "a=1", "--currency", "JPY"], 2);
    assert!(refused.contains("--currency and --rounding are the team's"), "{refused}");
    let refused = cli.refused(&["plugin", "evaluate", "tiered_commission", "--case", "1"], 2);
    assert!(refused.contains("`merit plugin test` scores all cases"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn steps_that_do_not_add_up_are_noticed_where_a_case_is_explained() {
    let cli = alone();
    keep(&cli, "lying.wasm", &giving("(i64.const 500)"));
    fs::write(cli.home().join("cases.csv"), "a,b,sum\n1,2,3\n").unwrap();
    let arguments = ["plugin", "explain", "lying.wasm", "--case", "1", "--cases", "cases.csv"];
    let (code, said) = said(&cli, &arguments);
    assert_eq!(code, Some(4), "{said}");
    assert!(said.contains("the output") && said.contains("1: CONTRACT_VIOLATION: "), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_is_checked_whoever_has_packed_it() {
    let cli = alone();
    keep(&cli, "one.wasm", &Guest::good());
    // The same component, as if it were written for another version.
    let mut two = Guest::good().component();
    let places: Vec<usize> = (0..two.len() - 5).filter(|&at| &two[at..at + 6] == b"@1.0.0").collect();
    places.into_iter().for_each(|at| two[at + 1] = b'2');
    fs::write(cli.home().join("two.wasm"), two).unwrap();
    cli.done(&["plugin", "build", "one.wasm", "--output", "good.wasm"]);
    let refused = cli.refused(&["plugin", "build", "two.wasm", "--output", "bad.wasm"], 4);
    assert!(
        refused
            .contains("two.wasm: it exports merit:scoring/plugin@2.0.0; this version of Merit speaks 1.0.0"),
        "{refused}"
    );
    assert!(!cli.home().join("bad.wasm").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_is_wrong_is_told_with_its_case() {
    let cli = alone();
    let parameters = "parameters = { tiers = [{ from = 0, rate = \"5%\" }] }\n";
    let check = |case: &str, expected: &str| {
        fs::write(cli.home().join("cases.toml"), format!("{parameters}[[case]]\n{case}")).unwrap();
        let refused = cli.refused(&["plugin", "test", "tiered_commission"], 2);
        assert!(refused.contains(expected), "{case}: {refused}");
    };
    let outputs = "outputs = { commission = 1 }";
    check(
        &format!("name = 'x'\ninputs = {{ amount = 9999999.99999999999 }}\n{outputs}"),
        "cases.toml, case \"x\": amount: ",
    );
    check(&format!("inputs = {{ amount = 'many' }}\n{outputs}"), "cases.toml, case \"1\": amount: ");
    check(
        &format!("inputs = {{ amuont = 1 }}\n{outputs}"),
        "cases.toml, case 1: the plugin has no input \"amuont\"; did you mean \"amount\"?",
    );
}
