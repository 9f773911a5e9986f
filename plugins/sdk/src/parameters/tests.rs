//! What is wrong with parameters is told with its path.

use super::*;
use alloc::borrow::ToOwned;

fn check<T: core::fmt::Debug>(
    json: &str,
    read: impl FnOnce(&Parameters<'_>) -> Result<T, ParameterError>,
    expected: &str,
) {
    let answer =
        ParametersDocument::parse(json).and_then(|document| read(&document.parameters()).map(|_| ()));
    assert_eq!(answer.map_or_else(|error| error.message(), |()| "ok".to_owned()), expected, "{json}");
}

#[test]
fn what_is_wrong_is_named_with_its_path() {
    check(r#"{"rate": 0.05}"#, |p| p.decimal("rate"), "ok");
    check(r#"{"rate": "5%"}"#, |p| p.decimal("rate"), "ok");
    check(
        r#"{"rate": "five"}"#,
        |p| p.decimal("rate"),
        "rate: give a number of at most 12 decimals, like 12.5 or \"5%\"",
    );
    check("{}", |p| p.decimal("rate"), "rate: is missing");
    check("[]", |p| p.decimal("rate"), "the parameters have to be a JSON object");
    check(r#"{"tiers": []}"#, |p| p.list("tiers").map(|_| ()), "tiers: give at least one");
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
    check(
        r#"{"name": "Won"}"#,
        |p| p.name("name").map(|_| ()),
        "name: give a name of a-z, 0-9 and _, beginning with a letter, at most 63 long",
    );
    check(
        r#"{"mode": "b"}"#,
        |p| p.choice("mode", &["graduated", "volume"]).map(|_| ()),
        "mode: give one of graduated, volume",
    );
}
