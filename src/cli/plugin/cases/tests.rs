//! Files of cases, and what they are read as.

use super::CasesFile;
use crate::sandbox::{Input, Kind, Manifest, Output, Role, Scope};

fn manifest() -> Manifest {
    let input = |name: &str| Input { name: name.into(), kind: Kind::Number, scale: 2, required: true };
    Manifest {
        summary: String::new(),
        scope: Scope::Row,
        inputs: vec![input("revenue"), input("quota")],
        line_inputs: vec![input("amount")],
        outputs: vec![Output { name: "pay".into(), role: Role::Payout, scale: 0 }],
    }
}

fn check(extension: &str, text: &str, expected: Result<&[&str], &str>) {
    let cases = CasesFile::parse("f", Some(extension), text).and_then(|file| file.named(&manifest()));
    let told = cases.map(|cases| {
        let told = cases.iter().map(|case| {
            format!(
                "{}: {:?} {} {:?} {:?}",
                case.name,
                case.row.inputs,
                case.row.lines.len(),
                case.outputs,
                case.fault
            )
        });
        told.collect::<Vec<_>>()
    });
    match (told, expected) {
        (Err(told), Err(expected)) => assert!(told.contains(expected), "{told}"),
        (told, expected) => assert_eq!(
            told,
            expected.map(|lines| lines.iter().map(ToString::to_string).collect()).map_err(str::to_owned)
        ),
    }
}

#[test]
fn cases_are_read_in_three_forms() {
    let case = r#"x: {"quota": "10", "revenue": "1.50"} 0 {"pay": "2"} None"#;
    check(
        "toml",
        "[[case]]\nname = 'x'\ninputs = { revenue = '1.50', quota = 10 }\noutputs = { pay = 2 }",
        Ok(&[case]),
    );
    check(
        "json",
        r#"{"case": [{"name": "x", "inputs": {"revenue": "1.50", "quota": 10}, "outputs": {"pay": "2"}}]}"#,
        Ok(&[case]),
    );
    check("csv", "case,revenue,quota,pay\nx,1.50,10,2\n", Ok(&[case]));
    check(
        "csv",
        "revenue,quota,output.pay,fault\n1,,,missing\n",
        Ok(&[r#"1: {"revenue": "1"} 0 {} Some("missing")"#]),
    );
    check(
        "toml",
        "[[case]]\ninputs = {}\nlines = [{ amount = 1 }, {}]\noutputs = { pay = '' }",
        Ok(&[r#"1: {} 2 {"pay": ""} None"#]),
    );
}

#[test]
fn what_is_wrong_with_cases_is_told() {
    check("toml", "", Err("it has no cases"));
    check("toml", "[[case]]\ninput = {}", Err("case 1: a case has no \"input\"; did you mean \"inputs\"?"));
    check("toml", "case = []", Err("it has no cases"));
    check("json", r#"{"case": []}"#, Err("it has no cases"));
    check("csv", "revenue,pay\n", Err("it has no cases"));
    check("toml", "[[case]]\noutputs = { pai = 1 }", Err("no output \"pai\"; did you mean \"pay\"?"));
    check("toml", "[[case]]\noutputs = { quotient = 1 }", Err("no output \"quotient\"; it has pay"));
    check("toml", "[[case]]\ninputs = { revenue = 1 }", Err("it expects nothing"));
    check(
        "toml",
        "[[case]]\nname = 'x'\ninputs = { revenu = 1 }\noutputs = { pay = 1 }",
        Err("f, case \"x\": the plugin has no input \"revenu\"; did you mean \"revenue\"?"),
    );
    check(
        "toml",
        "[[case]]\nlines = [{ amont = 1 }]\noutputs = { pay = 1 }",
        Err("f, case 1: the plugin has no input of lines \"amont\"; did you mean \"amount\"?"),
    );
    check("toml", "[[case]]\noutputs = { pay = 1e3 }", Err("outputs.pay: write 1e+3 without an exponent"));
    check("toml", "[[case]]\nfault = 'x'\noutputs = { pay = 1 }", Err("it expects a fault, and outputs"));
    check("csv", "pay,fault\n1,x\n", Err("it expects a fault, and outputs"));
    let twice = "[[case]]\nname = 'x'\noutputs = { pay = 1 }\n";
    check("toml", &twice.repeat(2), Err("f: cases 1 and 2 are both called \"x\""));
    check("csv", "case,pay\n2,1\n,1\n", Err("f: cases 1 and 2 are both called \"2\""));
    check("csv", "revenu,pay\n1,2\n", Err("did you mean \"revenue\"?"));
    check("csv", "pay,pay\n1,2\n", Err("column 2 is called \"pay\", as one before"));
    check("json", r#"{"case": [{"outputs": {"pay": 1, "pay": 2}}]}"#, Err("\"pay\" is given twice"));
}

#[test]
fn every_digit_counts() {
    check(
        "toml",
        "[[case]]\ninputs = { revenue = 9999999.99999999999 }\noutputs = { pay = 5.0000000000000001 }",
        Ok(&[r#"1: {"revenue": "9999999.99999999999"} 0 {"pay": "5.0000000000000001"} None"#]),
    );
    check(
        "json",
        r#"{"case": [{"outputs": {"pay": 12345678901234567890.5}}]}"#,
        Ok(&[r#"1: {} 0 {"pay": "12345678901234567890.5"} None"#]),
    );
}
