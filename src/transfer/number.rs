//! Numbers as people write them. What is not wholly of the form that a mapping says is refused: a sign that is read for another
//! makes a wrong amount of a right one.

/// White space that programs put between groups of digits: plain, without a break, and narrow without a break.
const SPACES: [char; 3] = [' ', '\u{a0}', '\u{202f}'];

/// Minus signs: of keyboards, and of typesetters.
const MINUS: [char; 2] = ['-', '\u{2212}'];

/// How many digits stand in a group, left of the decimal sign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Grouping {
    /// `1,234,567`.
    #[default]
    Three,
    /// `12,34,567`: three in the last group, two in those before it.
    Indian,
}

/// How people write numbers, where it is not `-1234.50`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NumberForm {
    /// Between the whole and the fraction.
    pub(super) decimal: char,
    /// Between groups of digits.
    pub(super) thousands: Option<char>,
    pub(super) grouping: Grouping,
    /// Texts before and behind the digits that mean nothing: signs and names of currencies.
    pub(super) strip: Vec<String>,
}

// === impl Grouping ===

impl Grouping {
    /// Whether these are the lengths of the groups of a number, of which there are several.
    fn fits(self, lengths: &[usize]) -> bool {
        let Some(([first, middle @ ..], last)) = lengths.split_last().map(|(last, rest)| (rest, *last))
        else {
            return false;
        };
        let between = match self {
            Self::Three => 3,
            Self::Indian => 2,
        };
        last == 3 && (1..=between).contains(first) && middle.iter().all(|length| *length == between)
    }
}

// === impl NumberForm ===

impl Default for NumberForm {
    fn default() -> Self {
        Self { decimal: '.', thousands: None, grouping: Grouping::default(), strip: Vec::new() }
    }
}

impl NumberForm {
    /// The number as Merit writes it.
    ///
    /// # Errors
    /// That the text is none of this form, with a sample of it.
    pub(super) fn read(&self, text: &str) -> Result<String, String> {
        self.parse(text).ok_or_else(|| format!("{text:?} is not a number of the form {}", self.sample()))
    }

    fn parse(&self, text: &str) -> Option<String> {
        let text = self.stripped(text);
        let (sign, text) = match text.chars().next()? {
            minus if MINUS.contains(&minus) => ("-", self.stripped(&text[minus.len_utf8()..])),
            '+' => ("", self.stripped(&text[1..])),
            _ => ("", text),
        };
        let (whole, fraction) = match text.split_once(self.decimal) {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (text, None),
        };
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let groups: Vec<&str> = whole.split(|sign| self.parts_groups(sign)).collect();
        let grouped = groups.len() > 1;
        let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
        let fits = groups.iter().all(|group| digits(group))
            && fraction.is_none_or(digits)
            // A group that begins with nothing is a fraction, in another form: `0,125`.
            && (!grouped || (self.grouping.fits(&lengths) && !whole.starts_with('0')));
        if !fits {
            return None;
        }
        let fraction = fraction.map(|fraction| format!(".{fraction}")).unwrap_or_default();
        Some(format!("{sign}{}{fraction}", groups.concat()))
    }

    /// The text without space and without what means nothing, before and behind it.
    fn stripped<'t>(&self, text: &'t str) -> &'t str {
        let mut text = text.trim();
        loop {
            let before = text;
            for strip in &self.strip {
                text = text.strip_prefix(strip.as_str()).unwrap_or(text).trim_start();
                text = text.strip_suffix(strip.as_str()).unwrap_or(text).trim_end();
            }
            if text == before {
                return text;
            }
        }
    }

    fn parts_groups(&self, sign: char) -> bool {
        self.thousands.is_some_and(|thousands| {
            sign == thousands || (SPACES.contains(&thousands) && SPACES.contains(&sign))
        })
    }

    /// A number of this form.
    fn sample(&self) -> String {
        let groups = match (self.thousands, self.grouping) {
            (None, _) => "1234567".to_owned(),
            (Some(sign), Grouping::Three) => format!("1{sign}234{sign}567"),
            (Some(sign), Grouping::Indian) => format!("12{sign}34{sign}567"),
        };
        format!("{groups}{}50", self.decimal)
    }

    /// What is wrong with the form, where a text could be read in two ways.
    pub(super) fn mistake(&self) -> Option<String> {
        let sign = |what: &str, sign: char| {
            let of_numbers = sign.is_alphanumeric() || sign == '+' || MINUS.contains(&sign);
            of_numbers.then(|| format!("`{what}` cannot be {sign:?}, which is a part of numbers"))
        };
        let space =
            self.decimal.is_whitespace().then(|| "`decimal` cannot be white space: `\",\"`".to_owned());
        let same = (self.thousands == Some(self.decimal)).then(|| {
            format!(
                "`thousands` and `decimal` are both {:?} (decimal is \".\" where nothing is said)",
                self.decimal
            )
        });
        let strip = || {
            let wrong = self.strip.iter().find(|text| {
                let of_numbers = |sign: char| sign.is_ascii_digit() || sign == '+' || MINUS.contains(&sign);
                text.trim().is_empty() || text.chars().any(of_numbers)
            })?;
            Some(format!("`strip` cannot have {wrong:?}: it needs a text without digits and signs"))
        };
        sign("decimal", self.decimal)
            .or_else(|| self.thousands.and_then(|thousands| sign("thousands", thousands)))
            .or(space)
            .or(same)
            .or_else(strip)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Grouping, NumberForm};

    fn form(decimal: char, thousands: Option<char>, strip: &[&str]) -> NumberForm {
        let strip = strip.iter().map(|text| (*text).to_owned()).collect();
        NumberForm { decimal, thousands, strip, ..NumberForm::default() }
    }

    #[test]
    fn numbers_are_read_as_people_write_them() {
        let check = |form: &NumberForm, text: &str, expected: Option<&str>| {
            assert_eq!(form.read(text).ok().as_deref(), expected, "{text:?} by {form:?}");
        };
        let german = form(',', Some('.'), &["€", "EUR"]);
        check(&german, "1.234,50 €", Some("1234.50"));
        check(&german, "€ 1.234.567", Some("1234567"));
        check(&german, "-€12,5", Some("-12.5"));
        check(&german, "EUR -12,5 EUR", Some("-12.5"));
        check(&german, "1234567,50", Some("1234567.50"));
        check(&german, "+0,125", Some("0.125"));
        check(&german, "\u{2212}3", Some("-3"));
        for wrong in [
            "12.34",
            "1.2.3,00",
            "1.23",
            "1.2345",
            "12,34.567",
            "1,234.567",
            "0.125",
            ".123",
            "1.",
            "1..234",
            "1234.567",
            "1 2 3",
            "1 234",
            "12,5,5",
            "12€50",
            "--5",
            "-",
            "€",
            "",
            "(12,00)",
            "1e5",
        ] {
            check(&german, wrong, None);
        }
        let english = form('.', Some(','), &["$"]);
        check(&english, "$1,234.50", Some("1234.50"));
        check(&english, "-$1,234", Some("-1234"));
        check(&english, "12,50", None);
        check(&english, "1,234,56", None);
        let french = form(',', Some(' '), &[]);
        for text in ["1 234 567,5", "1\u{a0}234\u{a0}567,5", "1\u{202f}234\u{202f}567,5"] {
            check(&french, text, Some("1234567.5"));
        }
        check(&french, "1  234", None);
        check(&NumberForm::default(), "-12", Some("-12"));
        check(&NumberForm::default(), "12,5", None);
        let indian = NumberForm { grouping: Grouping::Indian, ..form('.', Some(','), &["₹"]) };
        check(&indian, "₹12,34,567.50", Some("1234567.50"));
        check(&indian, "1,234", Some("1234"));
        check(&indian, "123,456", None);
        check(&indian, "1,234,567", None);
        check(&english, "12,34,567", None);
        let refused = german.read("12.34").unwrap_err();
        assert_eq!(refused, "\"12.34\" is not a number of the form 1.234.567,50");
    }

    #[test]
    fn a_form_leaves_nothing_open() {
        let check = |form: NumberForm, part: Option<&str>| match (form.mistake(), part) {
            (Some(mistake), Some(part)) => assert!(mistake.contains(part), "{mistake}"),
            (mistake, part) => assert_eq!(mistake.as_deref(), part),
        };
        check(form(',', Some('.'), &["€"]), None);
        check(form('.', Some('\''), &[]), None);
        check(form('.', Some(' '), &[]), None);
        check(form('.', Some('.'), &[]), Some("are both '.'"));
        check(form('.', Some('1'), &[]), Some("`thousands` cannot be '1'"));
        check(form('.', Some('-'), &[]), Some("`thousands` cannot be '-'"));
        check(form('e', None, &[]), Some("`decimal` cannot be 'e'"));
        check(form(' ', None, &[]), Some("`decimal` cannot be white space"));
        check(form('.', None, &["-"]), Some("`strip` cannot have \"-\""));
        check(form('.', None, &["k5"]), Some("`strip` cannot have \"k5\""));
        check(form('.', None, &[""]), Some("`strip` cannot have \"\""));
    }

    proptest! {
        /// What is read is what was written, or nothing: no digit moves across a decimal sign.
        #[test]
        fn no_digit_is_lost(text in "[-0-9.,  ]{1,12}") {
            for form in [form(',', Some('.'), &[]), form('.', Some(','), &[]), form(',', Some(' '), &[])] {
                let Ok(number) = form.read(&text) else { continue };
                let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
                prop_assert_eq!(digits(&number), digits(&text));
                let behind = |text: &str, sign: char| text.split_once(sign).map(|(_, behind)| behind.trim().to_owned());
                prop_assert_eq!(behind(&number, '.'), behind(&text, form.decimal));
            }
        }
    }
}
