//! What is JSON and what is not, held against serde_json; and where it says that something is wrong.

use alloc::{borrow::ToOwned, string::String, vec::Vec};

use super::*;

/// The same value, as the reference reads it.
fn same(ours: &Json, theirs: &serde_json::Value) -> bool {
    use serde_json::Value;
    match (ours, theirs) {
        (Json::Null, Value::Null) => true,
        (Json::Boolean(a), Value::Bool(b)) => a == b,
        (Json::Text(a), Value::String(b)) => a == b,
        // The reference may write the exponent another way.
        (Json::Number(a), Value::Number(b)) => a.parse::<f64>().ok() == b.as_f64() || a.contains(['e', 'E']),
        (Json::List(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Json::Object(a), Value::Object(b)) => {
            !a.twice.is_empty()
                || a.members.len() == b.len()
                    && a.members.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => false,
    }
}

fn agrees(text: &str) {
    let theirs = serde_json::from_str::<serde_json::Value>(text);
    match (parse(text), theirs) {
        (Ok(ours), Ok(theirs)) => assert!(same(&ours, &theirs), "{text}: {ours:?}, not {theirs:?}"),
        (Err(_), Err(_)) => {}
        (ours, theirs) => panic!("{text:?}: {ours:?}, not {theirs:?}"),
    }
}

#[test]
fn the_same_is_json_as_elsewhere() {
    // Pieces of JSON put together at random: often right, often nearly so.
    const PIECES: [&str; 30] = [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"a\"",
        "\"b\"",
        "\"\\n\"",
        "\"\\u00e9\"",
        "\"\\ud83d\\ude00\"",
        "\"\\ud83d\"",
        "\"\\x\"",
        "0",
        "-1",
        "12.5",
        "1e3",
        "1E-2",
        "01",
        "1.",
        ".5",
        "-",
        "true",
        "false",
        "null",
        "nul",
        " ",
        "\n",
        "\"",
        "é",
    ];
    let mut state = 11_u64;
    let mut next = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    for _ in 0..40_000 {
        let pieces: Vec<&str> = (0..next(7)).map(|_| PIECES[next(PIECES.len())]).collect();
        agrees(&pieces.concat());
        agrees(&["[", &pieces.concat(), "]"].concat());
        agrees(&["{\"a\":", &pieces.concat(), "}"].concat());
    }
    agrees("{\"a\": [1, {\"b\": \"c\\\"d\\\\e\\/f\\b\\f\\t\"}], \"é\": [], \"o\": {}}");
}

#[test]
fn what_is_no_json_is_shown_where_it_is() {
    let check = |text: &str, expected: &str| {
        assert_eq!(parse(text).expect_err("is no JSON"), expected, "{text}");
    };
    check("{\"a\": 1,}", "line 1, column 9: a comma too many before }");
    check("{\n  \"a\": 1\n  \"b\": 2}", "line 3, column 3: '\"' where a comma or } is expected");
    check("{'a': 1}", "line 1, column 2: texts and names are written in straight double quotes");
    check("{“a”: 1}", "line 1, column 2: texts and names are written in straight double quotes");
    check("{a: 1}", "line 1, column 2: 'a' where a name in double quotes is expected");
    check("{\"a\" 1}", "line 1, column 6: '1' where a colon is expected");
    check(
        "{\"a\": NaN}",
        "line 1, column 7: 'N' where a number, a text in double quotes, true, false, a list or an object is expected",
    );
    check("{\"a\": [1, 2", "line 1, column 12: the text ends; expected a comma or ]");
    check("{\"a\": 007}", "line 1, column 7: a number does not begin with 0, unless a point follows");
    check("{\"é\": 1.x}", "line 1, column 9: 'x' where a digit is expected");
    check("{\"a\": \"x}", "line 1, column 7: a text begins here, and its double quote at the end is missing");
    check("{\"a\": \"x\ny\"}", "line 1, column 9: a line ends within a text; inside texts it is written \\n");
    check("{} {}", "line 1, column 4: '{' where nothing more is expected");
    let deep = "[".repeat(100_000);
    check(&deep, "line 1, column 65: more than 64 lists and objects within each other");
}

#[test]
fn a_key_given_twice_is_told() {
    let Ok(Json::Object(object)) = parse("{\"a\": 1, \"b\": 2, \"a\": 3}") else { panic!("an object") };
    assert_eq!(object.twice, ["a".to_owned()]);
    assert_eq!(object.members["a"], Json::Number(String::from("1")));
}
