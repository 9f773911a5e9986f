//! What is told about texts that are not right.

use crate::table::{check, problems};

#[track_caller]
fn told(text: &str, expected: &[&str]) {
    assert_eq!(problems(text), expected, "{text}");
}

#[test]
fn names() {
    told("revenu / quota", &["1:1+6 `revenu` is not known; did you mean `revenue`?"]);
    told("Stage = \"WON\"", &["1:1+5 `Stage` is not known; did you mean `stage`?"]);
    told("labels.regoin = \"x\"", &["1:1+13 `labels.regoin` is not known; did you mean `labels.region`?"]);
    told("something = 1", &["1:1+9 `something` is not known"]);
    told("RUOND(1, 2)", &["1:1+5 there is no function `RUOND`; did you mean `ROUND`?"]);
    told("SUM", &["1:1+3 `SUM` is not known; the function is called as SUM(a, b, …)"]);
    told(
        "VLOOKUP(a)",
        &[
            "1:1+7 there is no function `VLOOKUP`: write BANDED(x, from1, value1, …) or SWITCH(x, case1, value1, …)",
            "1:9+1 `a` is not known",
        ],
    );
}

#[test]
fn all_problems_at_once() {
    told(
        "revenu > 1 AND\n stge = \"WON\" AND MAX(quota,, 2) = 1",
        &[
            "1:1+6 `revenu` is not known; did you mean `revenue`?",
            "2:2+4 `stge` is not known; did you mean `stage`?",
            "2:29+1 a value was expected, not `,`",
        ],
    );
    told(
        "IF(quot > 1, revenue +, 'x') + ABS(\"a\")",
        &[
            "1:4+4 `quot` is not known; did you mean `quota`?",
            "1:23+1 a value was expected, not `,`",
            "1:25+3 `'x'` is not known here: text is written in double quotes",
            "1:36+3 argument 1 of ABS must be a number; this is a text",
        ],
    );
}

#[test]
fn kinds() {
    told("stage + 1", &["1:1+5 the left side of `+` must be a number; this is a text"]);
    told("1 + active", &["1:5+6 the right side of `+` must be a number; this is true or false"]);
    told("revenue AND active", &["1:1+7 each side of AND must be true or false; this is a number"]);
    told("NOT revenue", &["1:5+7 what follows NOT must be true or false; this is a number"]);
    told(
        "revenue = stage",
        &["1:11+5 what `=` compares with the other side must be a number; this is a text"],
    );
    told("active < TRUE", &["1:1+13 `<` does not compare true and false; use `=`, AND, OR"]);
    told("1 < 2 < 3", &["1:1+9 comparisons do not chain: write `1 < 2 AND 2 < 3`"]);
    told(
        "close_date > \"31.03.2026\"",
        &["1:14+12 a date as \"2026-03-31\" was expected, not \"31.03.2026\""],
    );
    told(
        "close_date > \"2026-02-30\"",
        &["1:14+12 a date as \"2026-03-31\" was expected, not \"2026-02-30\""],
    );
    told(
        "close_date > stage",
        &["1:14+5 what `>` compares with the other side must be a date; this is a text"],
    );
    told("stage IN (\"a\", 1)", &["1:16+1 each value of IN must be a text; this is a number"]);
    told("IF(active, 1, \"a\")", &["1:15+3 argument 3 of IF must be a number; this is a text"]);
    told("IF(1, 1, 2)", &["1:4+1 argument 1 of IF must be true or false; this is a number"]);
    told("-stage", &["1:2+5 what follows `-` must be a number; this is a text"]);
    told("stage%", &["1:1+5 what stands before `%` must be a number; this is a text"]);
    told("LINES_SUM(revenue)", &["1:1+9 LINES_SUM needs detail lines: a sheet with an `input lines` line"]);
}

#[test]
fn comparisons_do_not_chain() {
    told(
        "0 < revenue <= quota + 1",
        &["1:1+24 comparisons do not chain: write `0 < revenue AND revenue <= quota + 1`"],
    );
    told("(1 < 2) = 3", &["1:1+11 comparisons do not chain: write `1 < 2 AND 2 = 3`"]);
    told(
        "0 < revenu < quota",
        &[
            "1:1+18 comparisons do not chain: write `0 < revenu AND revenu < quota`",
            "1:5+6 `revenu` is not known; did you mean `revenue`?",
        ],
    );
    check("1 < 2 = active", "TRUE");
}

#[test]
fn constants_that_no_row_can_be_computed_with() {
    told("revenue ^ 0.5 > 10", &["1:11+3 the exponent must be a whole number; a square root is SQRT(x)"]);
    told("ROUND(revenue, 1 / 2)", &["1:16+5 argument 2 of ROUND must be a whole number"]);
    told("IF(active, TRUNC(revenue, 0.5), 1)", &["1:27+3 argument 2 of TRUNC must be a whole number"]);
    told("close_date + 0.5", &["1:14+3 the number of days must be a whole number"]);
    told("EOMONTH(close_date, 50%)", &["1:21+3 argument 2 of EOMONTH must be a whole number"]);
    told("DATE(2026, 1.5, quota)", &["1:12+3 argument 2 of DATE must be a whole number"]);
    told(
        "MID(stage, 0, -1)",
        &["1:12+1 argument 2 of MID must be at least 1", "1:15+2 argument 3 of MID must be at least 0"],
    );
    told("LEFT(stage, -1)", &["1:13+2 argument 2 of LEFT must be at least 0"]);
    told("FIND(\"a\", stage, 0)", &["1:18+1 argument 3 of FIND must be at least 1"]);
    told("CLAMP(revenue, 10, 5)", &["1:16+5 the low bound of CLAMP lies above the high one"]);
    told("IF(active, revenue / (1 - 1), 0)", &["1:22+7 the divisor is 0 in every row"]);
    told(
        "MOD(revenue, 0) + QUOTIENT(revenue, 0%)",
        &["1:14+1 the divisor is 0 in every row", "1:37+2 the divisor is 0 in every row"],
    );
    check("IFERROR(revenue / 0, 7)", "7");
    told(
        "IFERROR(revenue ^ 0.5, 7)",
        &["1:19+3 the exponent must be a whole number; a square root is SQRT(x)"],
    );
    check(
        "CLAMP(revenue, zero + 10, 5)",
        "fault: the low bound of CLAMP lies above the high one at column 1",
    );
}

#[test]
fn quotes_that_are_missing() {
    let quoted = |place: &str, text: &str| {
        format!("{place} `{text}` is not known; a text is written in double quotes: \"{text}\"")
    };
    told("labels.region = North", &[&quoted("1:17+5", "North")]);
    told("north <> labels.region", &[&quoted("1:1+5", "north")]);
    told("stage IN (won, \"LOST\")", &[&quoted("1:11+3", "won")]);
    told("SWITCH(stage, won, 1, \"LOST\", 2)", &[&quoted("1:15+3", "won")]);
    told("LEFT(Berlin, 2) = \"Be\"", &[&quoted("1:6+6", "Berlin")]);
    told("labels.region = stag", &["1:17+4 `stag` is not known; did you mean `stage`?"]);
    told("revenue > much", &["1:11+4 `much` is not known"]);
    let date = "this is a number; a date is written in double quotes: \"2026-01-08\"";
    told("DAYS(2026-01-08, close_date)", &[&format!("1:6+10 argument 1 of DAYS must be a date; {date}")]);
    told(
        "close_date > 2026-01-08",
        &[&format!("1:14+10 what `>` compares with the other side must be a date; {date}")],
    );
    told("DAYS(1, close_date)", &["1:6+1 argument 1 of DAYS must be a date; this is a number"]);
}

#[test]
fn what_is_not_understood_hides_nothing() {
    let semicolon = "`;` is not known here: arguments are separated by `,`";
    told("IF(revenue > quota; 5%; 0)", &[&format!("1:19+1 {semicolon}")]);
    told(
        "IF(revenu > 1; quotaa; RUOND(x, 1))",
        &[
            "1:4+6 `revenu` is not known; did you mean `revenue`?",
            &format!("1:14+1 {semicolon}"),
            "1:16+6 `quotaa` is not known; did you mean `quota`?",
            "1:24+5 there is no function `RUOND`; did you mean `ROUND`?",
            "1:30+1 `x` is not known",
        ],
    );
    told(
        "MIN(0,05; 1)",
        &[
            "1:5+4 `0,05` is no number; decimals are written with a point, as 1250.5",
            &format!("1:9+1 {semicolon}"),
        ],
    );
}

#[test]
fn what_is_left_over_hides_nothing() {
    told(
        "revenue * 5 percent + quotaa",
        &[
            "1:13+7 an operator or the end was expected, not `percent`",
            "1:23+6 `quotaa` is not known; did you mean `quota`?",
        ],
    );
    told(
        "(revenu + 1] * (quotaa + 2)",
        &[
            "1:2+6 `revenu` is not known; did you mean `revenue`?",
            "1:12+1 `]` is not known here: lists are written in parentheses: x IN (\"a\", \"b\")",
            "1:17+6 `quotaa` is not known; did you mean `quota`?",
        ],
    );
    told(
        "stge IN [\"a\"] && quot == 1",
        &[
            "1:1+4 `stge` is not known; did you mean `stage`?",
            "1:9+1 `[` is not known here: lists are written in parentheses: x IN (\"a\", \"b\")",
            "1:13+1 `]` is not known here: lists are written in parentheses: x IN (\"a\", \"b\")",
            "1:15+2 `&&` is not known here: write `AND`",
            "1:18+4 `quot` is not known; did you mean `quota`?",
            "1:23+2 `==` is not known here: equality is written `=`",
        ],
    );
    told(
        "MAX((revenu 1), (quota, revnue), 1 2) + quotaa",
        &[
            "1:6+6 `revenu` is not known; did you mean `revenue`?",
            "1:13+1 `)` was expected, not a number",
            "1:23+1 `)` was expected, not `,`",
            "1:25+6 `revnue` is not known; did you mean `revenue`?",
            "1:36+1 `,` or `)` was expected, not a number",
            "1:41+6 `quotaa` is not known; did you mean `quota`?",
        ],
    );
    told("IF(active 1, 2)", &["1:11+1 `,` or `)` was expected, not a number"]);
    told(
        "stge IN 5",
        &[
            "1:1+4 `stge` is not known; did you mean `stage`?",
            "1:9+1 `(` was expected after IN, not a number: x IN (\"a\", \"b\")",
        ],
    );
    told(
        "MAX(1,000,000.5, quotaa)",
        &[
            "1:5+11 `1,000,000.5` is no number; digits are not grouped, write 1000000.5",
            "1:18+6 `quotaa` is not known; did you mean `quota`?",
        ],
    );
    told(
        "revenue ÷ quotaa",
        &[
            "1:9+1 `÷` is not known here: division is written `/`",
            "1:11+6 `quotaa` is not known; did you mean `quota`?",
        ],
    );
}

#[test]
fn calls() {
    told("IF(active, 1)", &["1:1+2 IF is called as IF(condition, then, otherwise), not with 2 arguments"]);
    told("ABS()", &["1:1+3 ABS is called as ABS(x), not with no argument"]);
    told(
        "IFS(active, 1, lost)",
        &["1:1+3 IFS is called as IFS(condition1, value1, condition2, value2, …), not with 3 arguments"],
    );
    told(
        "TIERED(revenue, 0, 5%, 100)",
        &["1:1+6 TIERED is called as TIERED(x, from1, rate1, from2, rate2, …), not with 4 arguments"],
    );
    told(
        "TIERED(revenue, 0, 5%, quota, 6%, 0, 7%)",
        &["1:35+1 the bounds of TIERED must ascend: this one is not above the one before"],
    );
    told(
        "BANDED(revenue, 10%, 1, 0.1, 2)",
        &["1:25+3 the bounds of BANDED must ascend: this one is not above the one before"],
    );
    told("stage IN ()", &["1:11+1 IN needs at least one value in its parentheses"]);
    told("stage IN \"a\"", &["1:10+3 `(` was expected after IN, not a text: x IN (\"a\", \"b\")"]);
}

#[test]
fn values_that_a_name_never_has() {
    let known = "it is one of TOP, FAIR, POOR";
    told("grade = \"FAIRR\"", &[&format!("1:9+7 `grade` is never \"FAIRR\"; did you mean `FAIR`?; {known}")]);
    told("\"x\" <> grade", &[&format!("1:1+3 `grade` is never \"x\"; {known}")]);
    told(
        "NOT (revenue > 1 AND\n grade IN (\"top\", \"POR\"))",
        &[&format!("2:19+5 `grade` is never \"POR\"; did you mean `POOR`?; {known}")],
    );
    told(
        "SWITCH(grade, \"Top\", \"any\", \"Tip\", \"a\", \"else\")",
        &[&format!("1:29+5 `grade` is never \"Tip\"; did you mean `TOP`?; {known}")],
    );
    let form = "it is a name such as people/{id}";
    told("owner IN (\"people/a\", \"a\")", &[&format!("1:23+3 `owner` is never \"a\"; {form}")]);
    told("\"\" = owner", &[&format!("1:1+2 `owner` is never \"\"; {form}")]);
    check("grade = \"top\"", "TRUE");
    check("grade < \"x\"", "TRUE");
    check("SWITCH(grade, \"poor\", 1, \"top\", 3)", "3");
}

#[test]
fn syntax() {
    told("", &["1:1+1 a value was expected, not the end"]);
    told("   ", &["1:4+1 a value was expected, not the end"]);
    told("1 +", &["1:4+1 a value was expected, not the end"]);
    told("(1 + 2", &["1:7+1 `)` was expected, not the end"]);
    told("1 + 2)", &["1:6+1 this `)` closes nothing"]);
    told("1 2", &["1:3+1 an operator or the end was expected, not a number"]);
    told("quota revenue", &["1:7+7 an operator or the end was expected, not `revenue`"]);
    told("MAX(1 2, 3) + 1", &["1:7+1 `,` or `)` was expected, not a number"]);
    told("AND active", &["1:1+3 a value was expected before `AND`"]);
    told("\"abc", &["1:1+4 the text is not closed: a `\"` was expected"]);
    told("1 == 1", &["1:3+2 `==` is not known here: equality is written `=`"]);
    told("active && lost", &["1:8+2 `&&` is not known here: write `AND`"]);
    told("!active", &["1:1+1 `!` is not known here: write `NOT`, or `<>` for unequal"]);
    told("MAX(1; 2)", &["1:6+1 `;` is not known here: arguments are separated by `,`"]);
    told("1e6", &["1:1+3 `1e6` is no number; write it in plain digits, as 1250.5"]);
    told("1.2.3", &["1:1+5 `1.2.3` is no number; write it in plain digits, as 1250.5"]);
    told("revenue ≥ 1", &["1:9+1 `≥` is not known here: write `>=`"]);
    told("stage = “WON”", &["1:9+5 `“WON”` is not known here: text is written in straight double quotes"]);
    told("1 ~ 2", &["1:3+1 `~` is not known here"]);
    told(
        "0.12345678901234567890123456789",
        &["1:1+31 a number has at most 38 digits, and 28 after the point"],
    );
}

#[test]
fn habits_from_elsewhere() {
    told("$revenue", &["1:1+1 `$` is not known here: names and amounts have no sign of a currency"]);
    told(
        "revenue > 1 ? 5 : 0",
        &[
            "1:13+1 `?` is not known here: a choice is written IF(condition, then, otherwise)",
            "1:17+1 `:` is not known here: there are no ranges of cells here",
        ],
    );
    told("1 // one", &["1:3+6 `//` is not known here: a comment begins with `#`"]);
    told("2 ** 3", &["1:3+2 `**` is not known here: a power is written `^`"]);
    told("revenue => 1", &["1:9+2 `=>` is not known here: write `>=`"]);
    told("revenue;", &["1:8+1 `;` is not known here: nothing is needed at the end"]);
    told("reve\u{200b}nue", &["1:5+1 a character that cannot be seen (U+200B) stands here: delete it"]);
    told(
        "revenue % 7",
        &[
            "1:11+1 an operator or the end was expected, not a number; `%` is percent, and the remainder is MOD(x, divisor)",
        ],
    );
    told(
        "revenue * 0,05",
        &["1:12+1 an operator or the end was expected, not `,`; decimals are written with a point"],
    );
    told("MIN(revenue, 1,000)", &["1:14+5 `1,000` is no number; digits are not grouped, write 1000"]);
    check("MIN(1,100)", "1");
    told("IF(stage = \"WON, 5, 0)", &["1:12+11 the text is not closed: a `\"` was expected"]);
    told(
        "ISBLANK(revenue) OR revenue = NULL OR revenue > B2",
        &[
            "1:1+7 there is no function `ISBLANK`: write ISMISSING(x)",
            "1:31+4 `NULL` is not known: whether a value is there is asked by ISMISSING(x)",
            "1:49+2 `B2` is not known: there are no cells here; a value from outside is an `input` with a name",
        ],
    );
    told(
        "revenue = \"\"",
        &[
            "1:11+2 what `=` compares with the other side must be a number; this is a text; whether a value is there is \
         asked by ISMISSING(x)",
        ],
    );
    told(
        "revenue > \"5\"",
        &[
            "1:11+3 what `>` compares with the other side must be a number; this is a text; numbers are written without \
         quotes",
        ],
    );
}

#[test]
fn hostile_texts_are_refused_and_harmless() {
    let deep =
        |open: &str, close: &str, count: usize| format!("{}1{}", open.repeat(count), close.repeat(count));
    told(&deep("(", ")", 20_000), &["1:66+1 more than 64 parentheses or signs within each other"]);
    for text in
        [deep("-", "", 30_000), deep("NOT ", "", 10_000), deep("ABS(", ")", 10_000), deep("(", "", 60_000)]
    {
        assert!(!problems(&text).is_empty());
    }
    for text in [
        format!("1{}", " + 1".repeat(10_000)),
        format!("1{}", "%".repeat(10_000)),
        format!("2{}", "^1".repeat(9_999)),
    ] {
        let found = problems(&text);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("more than 200 operations within each other"), "{found:?}");
    }
    assert_eq!(problems(&"@".repeat(60_000)).len(), 100);
    assert_eq!(problems(&format!("quota IN (q{})", ", unknown".repeat(7_000))).len(), 100);
    told(&" ".repeat(70_000), &["1:1+1 the text has 70000 bytes; at most 65536 are accepted"]);
    check(&deep("(", ")", 60), "1");
    check(&format!("stage IN (\"WON\"{})", ", \"x\"".repeat(5_000)), "TRUE");
    check(&format!("active{}", " AND TRUE".repeat(5_000)), "TRUE");
    check(&format!("\"\"{}", " & \"x\"".repeat(3)), "\"xxx\"");
    check(&format!("SUM(1{})", ", 1".repeat(9_999)), "10000");
}
