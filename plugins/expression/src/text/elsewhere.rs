//! What people know from elsewhere, and what is written for it here.

/// Functions of spreadsheets that are not here, and what does their work.
const FUNCTIONS: [(&str, &str); 32] = [
    ("AVERAGEIF", "write LINES_AVERAGE(x, condition), over detail lines"),
    ("CEIL", "write CEILING(x, multiple)"),
    ("CHOOSE", "write SWITCH(x, 1, value1, 2, value2, otherwise)"),
    ("CONCATENATE", "write CONCAT(a, b, …) or a & b"),
    ("COUNT", "write LINES_COUNT(condition), over detail lines"),
    ("COUNTIF", "write LINES_COUNT(condition), over detail lines"),
    ("COUNTIFS", "write LINES_COUNT(condition AND condition), over detail lines"),
    ("HLOOKUP", "write BANDED(x, from1, value1, …) or SWITCH(x, case1, value1, …)"),
    ("IFNA", "write IFMISSING(x, otherwise) or IFERROR(x, otherwise)"),
    ("INDEX", "write SWITCH(x, case1, value1, …)"),
    ("ISBLANK", "write ISMISSING(x)"),
    ("ISERROR", "write IFERROR(x, otherwise)"),
    ("ISNA", "write ISMISSING(x)"),
    ("ISNUMBER", "what an input is, its line says; write ISMISSING(x) for one that is not there"),
    ("LET", "give what you compute a line of its own: NAME = …"),
    ("LOOKUP", "write BANDED(x, from1, value1, …) or SWITCH(x, case1, value1, …)"),
    ("MATCH", "write SWITCH(x, case1, value1, …)"),
    ("MAXIFS", "write LINES_MAX(x, condition), over detail lines"),
    ("MAXIMUM", "write MAX(a, b, …)"),
    ("MINIFS", "write LINES_MIN(x, condition), over detail lines"),
    ("MINIMUM", "write MIN(a, b, …)"),
    ("NOW", "a formula has no clock; take the date as an input"),
    ("POW", "write POWER(x, exponent) or x ^ exponent"),
    ("RAND", "nothing is left to chance here"),
    ("RANDBETWEEN", "nothing is left to chance here"),
    ("RANK", "a formula sees one person; the standard plugin `ranking` compares them"),
    ("SUMIF", "write LINES_SUM(x, condition), over detail lines"),
    ("SUMIFS", "write LINES_SUM(x, condition AND condition), over detail lines"),
    ("SUMPRODUCT", "write LINES_SUM(a * b), over detail lines"),
    ("TODAY", "a formula has no clock; take the date as an input"),
    ("VLOOKUP", "write BANDED(x, from1, value1, …) or SWITCH(x, case1, value1, …)"),
    ("XLOOKUP", "write SWITCH(x, case1, value1, …)"),
];

/// What is written for a function that is not here.
pub(crate) fn function(name: &str) -> Option<&'static str> {
    FUNCTIONS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, instead)| *instead)
}

/// What is written for a name that means something elsewhere.
pub(crate) fn name(name: &str) -> Option<&'static str> {
    if ["null", "none", "nil", "blank", "na"].iter().any(|known| known.eq_ignore_ascii_case(name)) {
        return Some("whether a value is there is asked by ISMISSING(x)");
    }
    let letters = name.bytes().take_while(u8::is_ascii_uppercase).count();
    let digits = name.bytes().skip(letters).filter(u8::is_ascii_digit).count();
    let is_cell = (1..=3).contains(&letters) && (1..=7).contains(&digits) && letters + digits == name.len();
    is_cell.then_some("there are no cells here; a value from outside is an `input` with a name")
}

/// What may have been meant by a text where a number is wanted.
pub(crate) fn text_for_number(text: &str) -> &'static str {
    if text.is_empty() {
        "; whether a value is there is asked by ISMISSING(x)"
    } else if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        "; numbers are written without quotes"
    } else {
        ""
    }
}
