//! Operators and functions over one row.

use crate::table::check;

#[test]
fn operators() {
    check("1 + 2 * 3", "7");
    check("(1 + 2) * 3", "9");
    check("10 - 3 - 4", "3");
    check("2 * 3 / 4", "1.5");
    check("-2^2", "4");
    check("0 - 2^2", "-4");
    check("2^3^2", "64");
    check("2^-2", "0.25");
    check("--3", "3");
    check("+3 - -3", "6");
    check("5%", "0.05");
    check("50%%", "0.005");
    check("200 * 5%", "10");
    check("2^50%%", "fault: a whole number was expected at column 1");
    check("1/3", "0.333333333333");
    check("2/3", "0.666666666667");
    check("-2/3", "-0.666666666667");
    check("revenue / quota", "1.200005");
    check("1 = 1.00", "TRUE");
    check("1 <> 1.01", "TRUE");
    check("1 != 1", "FALSE");
    check("1 + 1 = 2 AND 3 > 2", "TRUE");
    check("NOT 1 = 2", "TRUE");
    check("NOT (1 = 1) OR TRUE", "TRUE");
    check("TRUE OR FALSE AND FALSE", "TRUE");
    check("\"a\" & 1 + 1 & \"b\"", "\"a2b\"");
    check("\"a\" & 1 = \"A1\"", "TRUE");
    check("1 & TRUE & close_date", "\"1TRUE2026-03-31\"");
    check("\"say \"\"no\"\"\"", "\"say \"no\"\"");
    check("stage IN (\"LOST\", \"WON\")", "TRUE");
    check("NOT stage IN (\"LOST\", \"OPEN\")", "TRUE");
    check("quota IN (1, 100000.0, zero)", "TRUE");
    check("labels.region = \"north\"", "TRUE");
    check("true and not FALSE", "TRUE");
    check("active = TRUE", "TRUE");
    check("active = lost", "FALSE");
    check(".5 + 0.50", "1");
}

#[test]
fn dates() {
    check("close_date >= \"2026-03-31\"", "TRUE");
    check("\"2026-03-31\" < close_date", "FALSE");
    check("close_date IN (\"2026-03-30\", \"2026-03-31\")", "TRUE");
    check("DATE(2026, 3, 31) = close_date", "TRUE");
    check("DATE(2026, 14, 1)", "2027-02-01");
    check("DATE(2026, 3, 0)", "2026-02-28");
    check("DATE(2024, 2, 29)", "2024-02-29");
    check("DATE(20000, 1, 1)", "fault: not a date between the years 1 and 9999 at column 1");
    check("YEAR(close_date) * 10000 + MONTH(close_date) * 100 + DAY(close_date)", "20260331");
    check("DAYS(close_date, open_date)", "75");
    check("DAYS(\"2026-03-01\", \"2026-02-01\")", "28");
    check("close_date - open_date", "75");
    check("open_date + 75", "2026-03-31");
    check("close_date - 31", "2026-02-28");
    check("EDATE(close_date, -1)", "2026-02-28");
    check("EDATE(close_date, 11)", "2027-02-28");
    check("EDATE(\"2024-01-31\", 1)", "2024-02-29");
    check("EDATE(close_date, 0.5)", "fault: a whole number was expected at column 1");
    check("IF(active, close_date, \"2026-01-01\")", "2026-03-31");
}

#[test]
fn missing_and_faults() {
    check("no_number + 1", "missing");
    check("no_number = 1", "missing");
    check("no_text = \"\"", "missing");
    check("no_date > \"2026-01-01\"", "missing");
    check("ISMISSING(no_text)", "TRUE");
    check("ISMISSING(stage)", "FALSE");
    check("ISMISSING(1 / zero)", "fault: division by zero at column 11");
    check("IFMISSING(no_number, 7)", "7");
    check("IFMISSING(quota, 7)", "100000");
    check("IFERROR(1 / zero, 0)", "0");
    check("IFERROR(no_number, 0)", "missing");
    check("no_flag AND FALSE", "FALSE");
    check("no_flag AND TRUE", "missing");
    check("no_flag OR TRUE", "TRUE");
    check("no_flag OR FALSE", "missing");
    check("NOT no_flag", "missing");
    check("zero <> 0 AND 1 / zero > 1", "FALSE");
    check("1 / zero > 1 AND zero <> 0", "FALSE");
    check("1 / zero > 1 AND active", "fault: division by zero at column 1");
    check("no_flag AND 1 / zero > 1", "fault: division by zero at column 13");
    check("no_text IN (\"a\", \"b\")", "missing");
    check("stage IN (no_text, \"WON\")", "TRUE");
    check("stage IN (no_text, \"LOST\")", "missing");
    check("IF(no_flag, 1, 2)", "missing");
    check("IF(zero = 0, 0, 1 / zero)", "0");
    check("IF(zero <> 0, 0, 1 / zero)", "fault: division by zero at column 18");
    check("IF(TRUE, no_number, 1)", "missing");
    check("huge + 1", "100000000000000000000000000000000000000");
    check("huge * huge", "fault: the number is too large at column 1");
    check("huge * 10", "fault: the number is too large at column 1");
    check("huge > 1.5", "TRUE");
    check("0 - huge < 1.5", "TRUE");
    check("huge - huge", "0");
    check("\"x\" & no_text", "missing");
}

#[test]
fn choice() {
    check("IF(revenue > quota, \"A\", \"B\")", "\"A\"");
    check("if(revenue < quota, 1, 2.5)", "2.5");
    check("IFS(revenue < 1, 1, revenue < 2, 2, TRUE, 3)", "3");
    check("IFS(revenue < 1, 1, revenue < 2, 2)", "fault: no case applies at column 1");
    check("IFS(zero = 0, 1, 1 / zero = 1, 2)", "1");
    check("SWITCH(stage, \"LOST\", 0, \"WON\", 1)", "1");
    check("SWITCH(stage, \"LOST\", 0, 5)", "5");
    check("SWITCH(quota, 1, \"one\", 2, \"two\")", "fault: no case applies at column 1");
}
