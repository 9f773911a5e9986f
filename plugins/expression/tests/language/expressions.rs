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
    check("2^(zero + 50%%)", "fault: a whole number was expected at column 1");
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
    check("EDATE(\"9999-11-30\", 1)", "9999-12-30");
    check("EDATE(\"9999-12-31\", 1)", "fault: not a date between the years 1 and 9999 at column 1");
    check("EOMONTH(close_date, 0)", "2026-03-31");
    check("EOMONTH(\"2024-01-15\", 1)", "2024-02-29");
    check("EOMONTH(\"2026-01-31\", -2)", "2025-11-30");
    check("EOMONTH(\"9999-12-01\", zero)", "9999-12-31");
    check("EOMONTH(close_date, 999999999)", "fault: not a date between the years 1 and 9999 at column 1");
    check("EDATE(close_date, zero + 0.5)", "fault: a whole number was expected at column 1");
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

#[test]
fn extremes_and_means() {
    check("MIN(3, 1.5, 2)", "1.5");
    check("MAX(revenue, quota)", "120000.5");
    check("MAX(-1)", "-1");
    check("SUM(1, 2.5, -3)", "0.5");
    check("SUM(revenue, quota, 0.25)", "220000.75");
    check("AVERAGE(1, 2, 2)", "1.666666666667");
    check("MEDIAN(3, 1, 2)", "2");
    check("MEDIAN(4, 1, 2, 3)", "2.5");
    check("MIN(1, no_number)", "missing");
    check("ABS(-2.5)", "2.5");
    check("ABS(0 - revenue)", "120000.5");
    check("SIGN(-0.1) & SIGN(0) & SIGN(7)", "\"-101\"");
    check("CLAMP(7, 1, 5)", "5");
    check("CLAMP(-7, 1, 5)", "1");
    check("CLAMP(2.5, 1, 5)", "2.5");
    check("CLAMP(1, zero + 5, 2)", "fault: the low bound of CLAMP lies above the high one at column 1");
}

#[test]
fn rounding() {
    check("ROUND(2.345, 2)", "2.35");
    check("ROUND(-2.345, 2)", "-2.35");
    check("ROUND(2.344999, 2)", "2.34");
    check("ROUND(1250, -2)", "1300");
    check("ROUND(49, -2)", "0");
    check("ROUND(revenue, -3)", "120000");
    check("ROUND(2.5, 0)", "3");
    check("ROUND(2.5, 28)", "2.5");
    check("ROUND(2.5, -50)", "0");
    check("ROUND(2.5, zero + 0.5)", "fault: a whole number was expected at column 1");
    check("ROUND(revenue, zero)", "120001");
    check("ROUNDUP(2.001, 2)", "2.01");
    check("ROUNDUP(-2.001, 2)", "-2.01");
    check("ROUNDUP(1, -2)", "100");
    check("ROUNDUP(1, -40)", "fault: the number is too large at column 1");
    check("ROUNDDOWN(2.999, 2)", "2.99");
    check("ROUNDDOWN(-2.999, 0)", "-2");
    check("INT(-2.5)", "-3");
    check("INT(2.5)", "2");
    check("TRUNC(-2.5)", "-2");
    check("TRUNC(2.567, 1)", "2.5");
    check("MROUND(10, 3)", "9");
    check("MROUND(7.5, 5)", "10");
    check("MROUND(-10, -3)", "-9");
    check("MROUND(10, -3)", "9");
    check("MROUND(-10, 3)", "-9");
    check("MROUND(10, 0)", "0");
    check("CEILING(2.1)", "3");
    check("CEILING(2.5, 2)", "4");
    check("CEILING(-2.5, 2)", "-2");
    check("CEILING(-2.5, -2)", "-4");
    check("CEILING(2.5, -2)", "fault: the number and its multiple have different signs at column 1");
    check("FLOOR(2.5, 2)", "2");
    check("FLOOR(-2.5, 2)", "-4");
    check("FLOOR(-2.5, -2)", "-2");
    check("FLOOR(2.5, 0)", "fault: division by zero at column 1");
    check("FLOOR(-2.5)", "-3");
    check("CEILING(0.37, 0.05)", "0.4");
    check("MOD(7, 3)", "1");
    check("MOD(-7, 3)", "2");
    check("MOD(7, -3)", "-2");
    check("MOD(5.5, 2)", "1.5");
    check("MOD(1, zero)", "fault: division by zero at column 1");
    check("QUOTIENT(-7, 2)", "-3");
    check("QUOTIENT(7.5, 2.5)", "3");
    check("QUOTIENT(1, zero)", "fault: division by zero at column 1");
}

#[test]
fn powers_and_roots() {
    check("POWER(2, 10)", "1024");
    check("1.05^2", "1.1025");
    check("1.05^20", "2.653297705144");
    check("1.05^-20", "0.376889482873");
    check("(-2)^3", "-8");
    check("(-2)^-1", "-0.5");
    check("10^30", "1000000000000000000000000000000");
    check("10^-12", "0.000000000001");
    check("10^-13", "0");
    check("10^39", "fault: the number is too large at column 1");
    check("2^127", "fault: the number is too large at column 1");
    check("0.1^1000000000", "0");
    check("1^1000000000", "1");
    check("(0-1)^1000000001", "-1");
    check("1000 * 1.01^60", "1816.696698564");
    check(
        "1.01^365 & \" \" & 1.005^-120 & \" \" & 1.0075^120",
        "\"37.783434332887 0.549632733364 2.451357078125\"",
    );
    check("POWER(1.02, 360)", "1247.561127748868");
    check("4185.255908^7", "22493349271364250070290708.326900918615");
    check("10^2147483648", "fault: the number is too large at column 1");
    check("POWER(1000, 99999999999)", "fault: the number is too large at column 1");
    check("10^9223372036854775807", "fault: the number is too large at column 1");
    check("10^99999999999999999999", "fault: the number is too large at column 1");
    check("quota > 10^3000000000", "fault: the number is too large at column 9");
    check("0.1^3000000000 & 10^-3000000000 & 2^-99999999999999999999", "\"000\"");
    check("1.0000000000000000000000000001^50000000000000000000000000000", "148.4131591025766034211155800034");
    check("0.5^13 & \" \" & 1.5^13 & \" \" & 2^-13", "\"0.000122070312 194.619506835938 0.000122070312\"");
    check("0^0", "fault: 0 to the power of 0 at column 1");
    check("0^-1", "fault: division by zero at column 1");
    check("2^(zero + 0.5)", "fault: a whole number was expected at column 1");
    check("1.000000000001^2", "1.000000000002");
    check("SQRT(2)", "1.414213562373");
    check("SQRT(3)", "1.732050807569");
    check("SQRT(144)", "12");
    check("SQRT(0)", "0");
    check("SQRT(10000000000000000000000000000)", "100000000000000");
    check("SQRT(-1)", "fault: the square root of a negative number at column 1");
}

#[test]
fn rate_tables() {
    check("TIERED(150, 0, 5%, 100, 8%)", "9");
    check("TIERED(100, 0, 5%, 100, 8%)", "5");
    check("TIERED(-5, 0, 5%, 100, 8%)", "0");
    check("TIERED(50, 100, 8%)", "0");
    check("TIERED(revenue, 0, 5%, quota, 8%, 1.2 * quota, 12%)", "6600.06");
    check("TIERED(revenue, quota, 8%)", "1600.04");
    check("TIERED(1, zero, 1, zero, 2)", "fault: the bounds do not ascend at column 1");
    check("TIERED(1, 0, 1/3, 0.5, 2/3)", "0.5");
    check("TIERED(no_number, 0, 1)", "missing");
    check("TIERED(1, 0, no_number)", "missing");
    check("BANDED(50, 0, 1, 50, 2, 100, 3)", "2");
    check("BANDED(49.99, 0, 1, 50, 2, 100, 3)", "1");
    check("BANDED(1000, 0, 1, 50, 2, 100, 3)", "3");
    check("BANDED(-1, 0, 1, 50, 2)", "fault: the number lies below the first bound at column 1");
    check("BANDED(80, 0, \"C\", 75, \"B\", 90, \"A\")", "\"B\"");
    check("BANDED(80, 0, 1 / zero, 75, 4)", "4");
    check("BANDED(10, 0, 1 / zero, 75, 4)", "fault: division by zero at column 15");
    check("BANDED_UP(50, 0, 1, 50, 2, 100, 3)", "1");
    check("BANDED_UP(50.01, 0, 1, 50, 2, 100, 3)", "2");
    check("BANDED_UP(0, 0, 1, 50, 2)", "1");
    check("BANDED_UP(-1, 0, 1, 50, 2)", "fault: the number lies below the first bound at column 1");
    check("INTERPOLATE(75, 50, 0, 100, 1)", "0.5");
    check("INTERPOLATE(10, 50, 0, 100, 1)", "0");
    check("INTERPOLATE(200, 50, 0, 100, 1)", "1");
    check("INTERPOLATE(100, 50, 0, 100, 1, 150, 3)", "1");
    check("INTERPOLATE(125, 50, 0, 100, 1, 150, 3)", "2");
    check("INTERPOLATE(1, 0, 0, 3, 1)", "0.333333333333");
    check("INTERPOLATE(5, 1, 7)", "7");
    check("INTERPOLATE(revenue, 0, 0, quota, 1, 2 * quota, 3)", "1.40001");
}

#[test]
fn texts() {
    check("CONCAT(\"a\", 1.50, \"b\")", "\"a1.5b\"");
    check("LEFT(\"Zürich\", 2)", "\"Zü\"");
    check("LEFT(\"Zürich\")", "\"Z\"");
    check("LEFT(\"ab\", 5)", "\"ab\"");
    check("LEFT(\"ab\", 0)", "\"\"");
    check("LEFT(\"ab\", zero - 1)", "fault: a position or count in a text cannot be that small at column 1");
    check("RIGHT(\"Zürich\", 4)", "\"rich\"");
    check("RIGHT(labels.region)", "\"h\"");
    check("MID(\"Zürich\", 2, 3)", "\"üri\"");
    check("MID(\"ab\", 5, 3)", "\"\"");
    check("MID(\"ab\", zero, 3)", "fault: a position or count in a text cannot be that small at column 1");
    check("LEN(\"Zürich\")", "6");
    check("UPPER(\"straße\")", "\"STRASSE\"");
    check("LOWER(stage)", "\"won\"");
    check("TRIM(\"  a   b \")", "\"a b\"");
    check("FIND(\"r\", labels.region)", "3");
    check("FIND(\"h\", labels.region, 3)", "5");
    check("FIND(\"x\", labels.region)", "fault: FIND does not find the text at column 1");
    check("FIND(\"n\", labels.region)", "fault: FIND does not find the text at column 1");
    check("EXACT(stage, \"won\")", "FALSE");
    check("EXACT(stage, \"WON\")", "TRUE");
    check("stage < \"x\"", "TRUE");
    check("\"ÄRGER\" = \"ärger\"", "TRUE");
    check("SWITCH(LEFT(stage, 1), \"w\", \"yes\", \"no\")", "\"yes\"");
}
