//! What is wrong with parameters is told with its path.

use alloc::{borrow::ToOwned, format};

use super::*;

fn check<T: core::fmt::Debug>(
    json: &str,
    read: impl FnOnce(&Parameters<'_>) -> Result<T, ParameterError>,
    expected: &str,
) {
    let answer =
        ParametersDocument::parse(json).and_then(|document| read(&document.parameters()).map(|_| ()));
    assert_eq!(answer.map_or_else(|error| error.message(), |()| "ok".to_owned()), expected, "{json}");
}

const NUMBER: &str = "give a number with a point and without separators, like 1234.5 or \"5%\"";

#[test]
fn what_is_wrong_with_a_number_is_said() {
    let check = |value: &str, expected: &str| {
        let json = format!("{{\"rate\": {value}}}");
        let expected = if expected == "ok" { "ok".to_owned() } else { format!("rate: {expected}") };
        super::tests::check(&json, |p| p.decimal("rate"), &expected.replace("NUMBER", NUMBER));
    };
    check("0.05", "ok");
    check("\"5%\"", "ok");
    check("1e-2", "ok");
    check("-0", "ok");
    check("1e30", "is 1e30; is out of range; give a number between -10^18 and 10^18");
    check("0.30000000000000004", "is 0.30000000000000004; has 17 decimals; give at most 12");
    check("\"five\"", "is \"five\"; NUMBER");
    check("\"1,000\"", "is \"1,000\"; NUMBER");
    check("\"\"", "is an empty text; NUMBER");
    check("null", "is null; NUMBER, or leave it out");
    check("true", "is true; NUMBER");
    check("[5]", "is a list; NUMBER");
    check("{}", "is an object; NUMBER");
    let long = "7".repeat(5_000);
    let shown = format!("is {}…; is out of range; give a number between -10^18 and 10^18", "7".repeat(40));
    check(&long, &shown);
}

#[test]
fn a_share_is_one_that_can_be_meant() {
    let check = |value: &str, expected: &str| {
        let json = format!("{{\"gate\": {value}}}");
        super::tests::check(&json, |p| p.share("gate"), expected);
    };
    check("0", "ok");
    check("\"50%\"", "ok");
    check("10", "ok");
    check("\"1000%\"", "ok");
    check("10.01", "gate: is 10.01; give a share from 0 to 10 (1000%): 10.01% is 0.1001");
    check("50", "gate: is 50; give a share from 0 to 10 (1000%): 50% is 0.5");
    check("-0.1", "gate: is -0.1; give a share from 0 to 10 (1000%)");
    check("null", &format!("gate: is null; {NUMBER}, or leave it out"));
}

#[test]
fn what_is_wrong_is_named_with_its_path() {
    check("{}", |p| p.decimal("rate"), "rate: is missing");
    check("[]", |p| p.decimal("rate"), "the parameters are a list; give an object, like {}");
    check(
        "{\"rate\": 5%}",
        |p| p.decimal("rate"),
        "the parameters are not JSON: line 1, column 11: '%' where a comma or } is expected",
    );
    check(r#"{"tiers": []}"#, |p| p.list("tiers").map(|_| ()), "tiers: give at least one");
    check(r#"{"tiers": {}}"#, |p| p.list("tiers").map(|_| ()), "tiers: is an object; give a list of objects");
    check(
        r#"{"tiers": [1, {}, null]}"#,
        |p| p.list("tiers").map(|_| ()),
        "tiers[0]: is 1; give an object\ntiers[2]: is null; give an object, or leave it out",
    );
    check(
        r#"{"tiers": [{"from": 0}]}"#,
        |p| p.list("tiers")?[0].decimal("rate"),
        "tiers[0].rate: is missing",
    );
    check(
        r#"{"rates": 1}"#,
        |p| p.only(&["rate"]),
        "rates: there is no such parameter; did you mean rate? there are rate",
    );
    check(r#"{"rates": 1}"#, |p| p.only(&[]), "rates: there is no such parameter; there are none");
    check(
        r#"{"name": "Won"}"#,
        |p| p.name("name").map(|_| ()),
        "name: is \"Won\"; give a name of a-z, 0-9 and _, beginning with a letter, at most 63 long",
    );
    check(
        r#"{"mode": "volum"}"#,
        |p| p.choice("mode", &["graduated", "volume"]).map(|_| ()),
        "mode: is \"volum\"; did you mean volume? give one of graduated, volume",
    );
    check(r#"{"mode": 1}"#, |p| p.choice("mode", &["a", "b"]).map(|_| ()), "mode: is 1; give a text");
    check(r#"{"before": "yes"}"#, |p| p.flag("before"), "before: is \"yes\"; give true or false");
    check(
        r#"{"values": [[1, 2], [], 3, [4, "x"]]}"#,
        |p| p.table("values"),
        &format!(
            "values[1]: give at least one\nvalues[2]: is 3; give a list of numbers\nvalues[3][1]: is \"x\"; {NUMBER}"
        ),
    );
    check(
        r#"{"rates": {"North": "5%", "South": null, "West": []}}"#,
        |p| p.decimals_by_text("rates").map(|_| ()),
        &format!("rates.South: is null; {NUMBER}, or leave it out\nrates.West: is a list; {NUMBER}"),
    );
    check(
        r#"{"names": ["a", "", 3]}"#,
        |p| p.texts("names").map(|_| ()),
        "names[1]: is an empty text; give a text\nnames[2]: is 3; give a text",
    );
}

#[test]
fn a_key_given_twice_is_refused_with_its_path() {
    let check = |json: &str, expected: &str| {
        let document = ParametersDocument::parse(json).expect("is JSON");
        let found = document.unambiguous().map_or_else(|error| error.message(), |()| "ok".to_owned());
        assert_eq!(found, expected, "{json}");
    };
    check(r#"{"a": {"b": 1}, "b": [{"b": 1}, {"b": 2}]}"#, "ok");
    check(r#"{"rate": 1, "rate": 1}"#, "rate: is given twice; leave one of them out");
    check(
        r#"{"tiers": [{"from": 0}, {"from": 1}, {"rate": "5%", "from": 2, "rate": "8%"}], "pool": {"of": 1, "of": 2}}"#,
        "pool.of: is given twice; leave one of them out\ntiers[2].rate: is given twice; leave one of them out",
    );
    check(r#"{"rates": [[{"a": 1, "a": 2}]]}"#, "rates[0][0].a: is given twice; leave one of them out");
}
