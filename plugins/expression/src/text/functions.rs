//! The table of functions: their names, how many arguments they take, of which kinds, and what they give.

use crate::Kind;
use alloc::vec::Vec;

/// Every operation of the language, operators included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    Add,
    Subtract,
    Multiply,
    Divide,
    Negate,
    Power,
    Concat,
    Compare(Comparison),
    And,
    Or,
    Not,
    In,
    If,
    Ifs,
    Switch,
    IfError,
    IfMissing,
    IsMissing,
    Min,
    Max,
    Sum,
    Average,
    Median,
    Abs,
    Sign,
    Round,
    RoundUp,
    RoundDown,
    MRound,
    Ceiling,
    Floor,
    Int,
    Trunc,
    Mod,
    Quotient,
    Sqrt,
    Clamp,
    Tiered,
    Banded,
    BandedUp,
    Interpolate,
    Lines(Aggregate),
    Date,
    Year,
    Month,
    Day,
    Days,
    Edate,
    Eomonth,
    AddDays,
    Left,
    Right,
    Mid,
    Len,
    Upper,
    Lower,
    Trim,
    Find,
    Exact,
}

/// One of the six comparisons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    Unequal,
    Less,
    AtMost,
    More,
    AtLeast,
}

/// What is made of the detail lines of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aggregate {
    Sum,
    Count,
    Average,
    Min,
    Max,
}

/// What an argument must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Exactly(Kind),
    /// Anything.
    Any,
    /// Of one kind with the others that are wanted so, which is the kind of the result.
    Result,
    /// Of one kind with the others that are wanted so.
    Same,
}

/// What a function gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gives {
    Exactly(Kind),
    /// The kind of the arguments wanted as `Result`.
    Result,
}

/// A function as people call it.
pub(crate) struct Signature {
    pub(crate) name: &'static str,
    pub(crate) function: Function,
    pub(crate) least: usize,
    pub(crate) most: usize,
    /// One letter per argument, see `wanted`; what follows a `|` repeats.
    letters: &'static str,
    pub(crate) gives: Gives,
    /// How a call looks, for messages.
    pub(crate) usage: &'static str,
}

impl Signature {
    /// What the arguments of a call must be.
    pub(crate) fn wanted(&self, count: usize) -> Vec<Wanted> {
        let (fixed, repeated) = self.letters.split_once('|').unwrap_or((self.letters, ""));
        let mut letters: Vec<u8> = fixed.bytes().chain(repeated.bytes().cycle()).take(count).collect();
        if self.function == Function::Switch && count.is_multiple_of(2) {
            letters[count - 1] = b'r';
        }
        letters.into_iter().map(letter).collect()
    }

    /// Whether that many arguments make sense.
    pub(crate) fn accepts(&self, count: usize) -> bool {
        let pairs = match self.function {
            Function::Ifs => count.is_multiple_of(2),
            Function::Tiered | Function::Banded | Function::BandedUp | Function::Interpolate => {
                !count.is_multiple_of(2)
            }
            _ => true,
        };
        (self.least..=self.most).contains(&count) && pairs
    }
}

fn letter(letter: u8) -> Wanted {
    match letter {
        b'n' => Wanted::Exactly(Kind::Number),
        b't' => Wanted::Exactly(Kind::Text),
        b'b' => Wanted::Exactly(Kind::Boolean),
        b'd' => Wanted::Exactly(Kind::Date),
        b'r' => Wanted::Result,
        b's' => Wanted::Same,
        _ => Wanted::Any,
    }
}

const NUMBER: Gives = Gives::Exactly(Kind::Number);
const TEXT: Gives = Gives::Exactly(Kind::Text);
const BOOLEAN: Gives = Gives::Exactly(Kind::Boolean);
const DATE: Gives = Gives::Exactly(Kind::Date);
const MANY: usize = usize::MAX;

const fn row(
    name: &'static str,
    function: Function,
    counts: (usize, usize),
    letters: &'static str,
    gives: Gives,
    usage: &'static str,
) -> Signature {
    Signature { name, function, least: counts.0, most: counts.1, letters, gives, usage }
}

/// The function of that name, in any case.
pub(crate) fn find(name: &str) -> Option<&'static Signature> {
    FUNCTIONS.iter().find(|known| known.name.eq_ignore_ascii_case(name))
}

use Function as F;

/// All functions, by chapter.
pub(crate) static FUNCTIONS: [Signature; 55] = [
    row("IF", F::If, (3, 3), "brr", Gives::Result, "IF(condition, then, otherwise)"),
    row("IFS", F::Ifs, (2, MANY), "|br", Gives::Result, "IFS(condition1, value1, condition2, value2, …)"),
    row("SWITCH", F::Switch, (3, MANY), "s|sr", Gives::Result, "SWITCH(x, case1, value1, …, otherwise)"),
    row("AND", F::And, (1, MANY), "|b", BOOLEAN, "AND(condition1, condition2, …)"),
    row("OR", F::Or, (1, MANY), "|b", BOOLEAN, "OR(condition1, condition2, …)"),
    row("NOT", F::Not, (1, 1), "b", BOOLEAN, "NOT(condition)"),
    row("IFERROR", F::IfError, (2, 2), "rr", Gives::Result, "IFERROR(x, instead)"),
    row("IFMISSING", F::IfMissing, (2, 2), "rr", Gives::Result, "IFMISSING(x, instead)"),
    row("ISMISSING", F::IsMissing, (1, 1), "*", BOOLEAN, "ISMISSING(x)"),
    row("MIN", F::Min, (1, MANY), "|n", NUMBER, "MIN(a, b, …)"),
    row("MAX", F::Max, (1, MANY), "|n", NUMBER, "MAX(a, b, …)"),
    row("SUM", F::Sum, (1, MANY), "|n", NUMBER, "SUM(a, b, …)"),
    row("AVERAGE", F::Average, (1, MANY), "|n", NUMBER, "AVERAGE(a, b, …)"),
    row("MEDIAN", F::Median, (1, MANY), "|n", NUMBER, "MEDIAN(a, b, …)"),
    row("ABS", F::Abs, (1, 1), "n", NUMBER, "ABS(x)"),
    row("SIGN", F::Sign, (1, 1), "n", NUMBER, "SIGN(x)"),
    row("ROUND", F::Round, (2, 2), "nn", NUMBER, "ROUND(x, digits)"),
    row("ROUNDUP", F::RoundUp, (2, 2), "nn", NUMBER, "ROUNDUP(x, digits)"),
    row("ROUNDDOWN", F::RoundDown, (2, 2), "nn", NUMBER, "ROUNDDOWN(x, digits)"),
    row("MROUND", F::MRound, (2, 2), "nn", NUMBER, "MROUND(x, multiple)"),
    row("CEILING", F::Ceiling, (1, 2), "nn", NUMBER, "CEILING(x, multiple)"),
    row("FLOOR", F::Floor, (1, 2), "nn", NUMBER, "FLOOR(x, multiple)"),
    row("INT", F::Int, (1, 1), "n", NUMBER, "INT(x)"),
    row("TRUNC", F::Trunc, (1, 2), "nn", NUMBER, "TRUNC(x, digits)"),
    row("MOD", F::Mod, (2, 2), "nn", NUMBER, "MOD(x, divisor)"),
    row("QUOTIENT", F::Quotient, (2, 2), "nn", NUMBER, "QUOTIENT(x, divisor)"),
    row("POWER", F::Power, (2, 2), "nn", NUMBER, "POWER(x, exponent)"),
    row("SQRT", F::Sqrt, (1, 1), "n", NUMBER, "SQRT(x)"),
    row("CLAMP", F::Clamp, (3, 3), "nnn", NUMBER, "CLAMP(x, low, high)"),
    row("TIERED", F::Tiered, (3, MANY), "n|nn", NUMBER, "TIERED(x, from1, rate1, from2, rate2, …)"),
    row("BANDED", F::Banded, (3, MANY), "n|nr", Gives::Result, "BANDED(x, from1, value1, from2, value2, …)"),
    row(
        "BANDED_UP",
        F::BandedUp,
        (3, MANY),
        "n|nr",
        Gives::Result,
        "BANDED_UP(x, from1, value1, from2, value2, …)",
    ),
    row("INTERPOLATE", F::Interpolate, (3, MANY), "n|nn", NUMBER, "INTERPOLATE(x, x1, y1, x2, y2, …)"),
    row("LINES_SUM", F::Lines(Aggregate::Sum), (1, 2), "nb", NUMBER, "LINES_SUM(x, condition)"),
    row("LINES_COUNT", F::Lines(Aggregate::Count), (0, 1), "b", NUMBER, "LINES_COUNT(condition)"),
    row("LINES_AVERAGE", F::Lines(Aggregate::Average), (1, 2), "nb", NUMBER, "LINES_AVERAGE(x, condition)"),
    row("LINES_MIN", F::Lines(Aggregate::Min), (1, 2), "nb", NUMBER, "LINES_MIN(x, condition)"),
    row("LINES_MAX", F::Lines(Aggregate::Max), (1, 2), "nb", NUMBER, "LINES_MAX(x, condition)"),
    row("DATE", F::Date, (3, 3), "nnn", DATE, "DATE(year, month, day)"),
    row("YEAR", F::Year, (1, 1), "d", NUMBER, "YEAR(date)"),
    row("MONTH", F::Month, (1, 1), "d", NUMBER, "MONTH(date)"),
    row("DAY", F::Day, (1, 1), "d", NUMBER, "DAY(date)"),
    row("DAYS", F::Days, (2, 2), "dd", NUMBER, "DAYS(end, start)"),
    row("EDATE", F::Edate, (2, 2), "dn", DATE, "EDATE(date, months)"),
    row("EOMONTH", F::Eomonth, (2, 2), "dn", DATE, "EOMONTH(date, months)"),
    row("CONCAT", F::Concat, (1, MANY), "|*", TEXT, "CONCAT(a, b, …)"),
    row("LEFT", F::Left, (1, 2), "tn", TEXT, "LEFT(text, count)"),
    row("RIGHT", F::Right, (1, 2), "tn", TEXT, "RIGHT(text, count)"),
    row("MID", F::Mid, (3, 3), "tnn", TEXT, "MID(text, start, count)"),
    row("LEN", F::Len, (1, 1), "t", NUMBER, "LEN(text)"),
    row("UPPER", F::Upper, (1, 1), "t", TEXT, "UPPER(text)"),
    row("LOWER", F::Lower, (1, 1), "t", TEXT, "LOWER(text)"),
    row("TRIM", F::Trim, (1, 1), "t", TEXT, "TRIM(text)"),
    row("FIND", F::Find, (2, 3), "ttn", NUMBER, "FIND(wanted, text, start)"),
    row("EXACT", F::Exact, (2, 2), "tt", BOOLEAN, "EXACT(a, b)"),
];
