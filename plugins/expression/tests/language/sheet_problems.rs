//! What is told about sheets that are not right.

use merit_expression::Sheet;

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let problems = match Sheet::compile(text) {
        Ok(_) => Vec::new(),
        Err(problems) => problems,
    };
    let told = problems
        .iter()
        .map(|found| format!("{}:{}+{} {}", found.line, found.column, found.length, found.message));
    assert_eq!(told.collect::<Vec<_>>(), expected, "{text}");
}

#[test]
fn problems_of_sheets() {
    check("score s = 1", &[]);
    check("", &["1:1+1 a sheet needs a score, a payout or a grade: payout NAME = …"]);
    check(
        "input revenue\nx = 1 # only a detail",
        &["1:1+1 a sheet needs a score, a payout or a grade: payout NAME = …"],
    );
    check(
        "input revenue\npayout p = revenu * 5%\nscore s = q + 1\nq = 3",
        &[
            "2:12+6 `revenu` is not known; did you mean `revenue`?",
            "3:11+1 `q` stands below, in line 4: a line may use only names above it",
        ],
    );
    check("payot p = 1", &["1:1+5 `payot` does not begin a line; did you mean `payout`?"]);
    check("score s = \"high\"", &["1:11+6 a score must be a number; this is a text"]);
    check("grade g = 1 + 1", &["1:11+5 a grade must be a text; this is a number"]);
    check("payout p = TRUE", &["1:12+4 a payout must be a number; this is true or false"]);
    check("score = 1", &["1:1+5 a name was expected after `score`: score NAME = …"]);
    check("score and = 1", &["1:7+3 `and` cannot be a name: it is a word of the language"]);
    check(
        "score Total = 1",
        &["1:7+5 `Total` cannot be a name: names are written in lower_snake_case, as `total`"],
    );
    check(
        "netSales = 1\nscore Größe = 1",
        &[
            "1:1+8 `netSales` cannot be a name: names are written in lower_snake_case, as `net_sales`",
            "2:7+5 `Größe` cannot be a name: names are written in lower_snake_case",
        ],
    );
    check("input a\ninput a\nscore s = a", &["2:7+1 `a` is already the name of line 1"]);
    check("score s 1", &["1:9+1 `=` was expected after `s`: s = …"]);
    check("input\nscore s = 1", &["1:6+1 a name was expected: input NAME"]);
    check(
        "input a defalt 3\nscore s = a",
        &["1:9+6 `default VALUE`, `text`, `optional` or the end of the line was expected"],
    );
    check(
        "input a default\nscore s = a",
        &["1:16+1 a number was expected after `default`, or a text in double quotes"],
    );
    check(
        "input a text default 3\nscore s = 1",
        &["1:22+1 the default of a text must be a text in double quotes"],
    );
    check(
        "input lines amount\nscore s = amount + LINES_SUM(LINES_SUM(amount))",
        &[
            "2:11+6 `amount` has one value per detail line; use it in LINES_SUM(…) or another LINES_ function",
            "2:30+9 LINES_SUM cannot stand within another LINES_ function",
        ],
    );
    check(
        "score s = LINES_COUNT()",
        &["1:11+11 LINES_COUNT needs detail lines: a sheet with an `input lines` line"],
    );
}

#[test]
fn constants_line_ends_and_long_names() {
    const NINES: &str = "99999999999999999999";
    check(
        &format!("payout p = {NINES}"),
        &[
            "1:12+20 99999999999999999999 is too large: a payout is at most 9223372036854775807, and with the cents of most \
           currencies at most 92233720368547758.07",
        ],
    );
    check(
        "x = 10 ^ 13 # a detail may be that large\nscore s = x / 10\nscore t = -(10 ^ 13)",
        &["3:11+10 -10000000000000 is too large: a score is at most 9223372036854.775807"],
    );
    check("payout p = 9223372036854775807", &[]);
    check("input lines a\nscore s = 1 / LINES_COUNT()", &[]);
    check("x = IFERROR(1 / 0, 5)\nscore s = x", &[]);
    check("input a\nx = 1 / 0\nscore s = a * x", &["2:5+5 this fails in every row: division by zero"]);
    check("zero = 0\npayout d = 1 / zero", &["2:12+8 this fails in every row: division by zero"]);
    check(
        "input a\nnone = 10 - 10\nx = a / none\ndigits = none + 0.5\nscore s = ROUND(a, digits)",
        &["3:9+4 the divisor is 0 in every row", "5:20+6 argument 2 of ROUND must be a whole number"],
    );
    check(
        "rate = 10 ^ 13\nscore s = rate",
        &["2:11+4 10000000000000 is too large: a score is at most 9223372036854.775807"],
    );
    check("growth = 1.01\ninput a\npayout p = a * growth^60\nscore s = IF(growth > 1, 1, 1 / 0)", &[]);
    check("s = s + 1", &["1:5+1 `s` is what this line defines: a line may use only names above it"]);
    check("\u{feff}input a\r\nscore s = a\r\n", &[]);
    check(
        "input a\rscore s = a\r",
        &[
            "1:8+1 a line ends here with a carriage return alone: save the sheet with line feeds (LF, or CRLF)",
        ],
    );
    check("=IF(A1>100,5,0)", &["1:1+15 what is computed needs a name: payout NAME = …"]);
    check(
        "input a\nscore s = MAX(a,\n  5)",
        &[
            "2:17+1 a value was expected, not the end",
            "3:3+2 a line is `input NAME`, `NAME = …`, `score NAME = …`, `payout NAME = …` or `grade NAME = …`; what \
             a line computes ends with the line",
        ],
    );
    check(&format!("input {}\nscore s = 1", "a".repeat(63)), &[]);
    check(
        &format!("input {}\nscore s = 1", "a".repeat(64)),
        &["1:7+64 a name has at most 63 letters; this one has 64"],
    );
    check("broken = 1 +\nscore s = broken * 2", &["1:13+1 a value was expected, not the end"]);
    check(
        "input revenue\na = revenu * 2\nb = a + 1\npayout c = b + 1\ngrade g = a & b & c\nscore s = MAX(a, b)",
        &["2:5+6 `revenu` is not known; did you mean `revenue`?"],
    );
    check(
        "input x defalt 3\npayot p = x\nd = p + x\nscore s = d",
        &[
            "1:9+6 `default VALUE`, `text`, `optional` or the end of the line was expected",
            "2:1+5 `payot` does not begin a line; did you mean `payout`?",
        ],
    );
}

#[test]
fn words_of_inputs_are_no_names() {
    let before = |place: &str, word: &str, form: &str| {
        format!(
            "{place} a name was expected before `{word}`: {form}, and what is asked of it behind the name"
        )
    };
    check(
        "input lines optional x\nscore s = LINES_SUM(x)",
        &[&before("1:13+8", "optional", "input lines NAME")],
    );
    check("input optional x\nscore s = x", &[&before("1:7+8", "optional", "input NAME")]);
    check("input text region\ngrade g = region", &[&before("1:7+4", "text", "input NAME")]);
    check("input default 0 x\nscore s = x", &[&before("1:7+7", "default", "input NAME")]);
    check("input lines\nscore s = 1", &["1:12+1 a name was expected: input lines NAME"]);
}
