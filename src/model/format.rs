//! The forms of text fields, by the `format` of their rule: what is accepted, and the one form that is kept.
//! Which field has which form is said in the contract.

use std::borrow::Cow;

use super::{
    currency, decimal,
    period::parse_date,
    signature,
    text::{is_harmful, is_visible},
    zone,
};
use crate::proto::v1::Format;

/// The longest mail address, of RFC 5321.
const EMAIL_MAX_BYTES: usize = 254;

/// The text in the one form that is kept.
///
/// # Errors
/// What would be accepted. JSON and expressions are checked for their characters only: what else they have to be is
/// checked where the means are.
pub fn normal(format: Format, text: &str, scale: usize) -> Result<Cow<'_, str>, String> {
    match format {
        Format::Unspecified => visible(plain(text, |_| false)?),
        Format::Multiline => visible(plain(text, |character| matches!(character, '\n' | '\r' | '\t'))?),
        Format::Expression | Format::Json => plain(text, |character| matches!(character, '\n' | '\r' | '\t')),
        Format::Decimal | Format::Money => number(text, scale),
        Format::Date => match parse_date("", text) {
            Ok(_) => Ok(Cow::Borrowed(text)),
            Err(rejection) => Err(rejection.violations.into_iter().map(|found| found.description).collect()),
        },
        Format::Currency => match currency::decimals(text) {
            Some(_) => Ok(Cow::Borrowed(text)),
            None => Err(format!("{} is not a currency of ISO 4217 like EUR", quoted(text))),
        },
        Format::TimeZone => time_zone(text),
        Format::Email if is_email(text) => Ok(Cow::Borrowed(text)),
        Format::Email => Err(format!("{} is not a mail address like anna@example.com", quoted(text))),
        Format::PublicKey => signature::normal_public_key(text)
            .map(Cow::Owned)
            .map_err(|what| format!("{}: {what}", quoted(text))),
        Format::Locale if is_locale(text) => Ok(Cow::Borrowed(text)),
        Format::Locale => Err(format!("{} is not a language tag like de-AT", quoted(text))),
    }
}

/// The text in quotes, cut where it is long: a message is no place for a page of text.
#[must_use]
pub fn quoted(text: &str) -> String {
    const SHOWN: usize = 60;
    if text.chars().count() <= SHOWN {
        return format!("{text:?}");
    }
    format!("{:?}…", text.chars().take(SHOWN).collect::<String>())
}

fn plain(text: &str, allowed: impl Fn(char) -> bool) -> Result<Cow<'_, str>, String> {
    match text.chars().find(|&character| is_harmful(character) && !allowed(character)) {
        None => Ok(Cow::Borrowed(text)),
        Some(character) => Err(format!(
            "{} has the control character U+{:04X}: leave it out",
            quoted(text),
            u32::from(character)
        )),
    }
}

fn visible(text: Cow<'_, str>) -> Result<Cow<'_, str>, String> {
    if is_visible(&text) {
        return Ok(text);
    }
    Err(format!("{} has nothing to see: write a text with letters, digits or signs", quoted(&text)))
}

fn number(text: &str, scale: usize) -> Result<Cow<'_, str>, String> {
    let Some(normal) = decimal::normal(text) else {
        return Err(format!(
            "{} is not a decimal number like -12.50 of at most {} digits, without exponent or separators",
            quoted(text),
            decimal::DIGITS_MAX
        ));
    };
    let decimals = decimal::decimals(&normal);
    if decimals > scale {
        return Err(format!("{normal} has {decimals} decimals: at most {scale} are kept"));
    }
    Ok(normal)
}

fn time_zone(text: &str) -> Result<Cow<'_, str>, String> {
    let zone = zone::named(text).ok_or_else(|| {
        format!("{} is not a time zone of the IANA database like Europe/Berlin", quoted(text))
    })?;
    Ok(Cow::Owned(zone.iana_name().unwrap_or(text).to_owned()))
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let clean = |part: &str| {
        !part.is_empty() && !part.chars().any(|character| character.is_control() || character.is_whitespace())
    };
    text.len() <= EMAIL_MAX_BYTES
        && local.len() <= 64
        && clean(local)
        && !local.contains(['@', '<', '>', '(', ')', ',', ';', ':'])
        && clean(domain)
        && domain.split('.').all(|label| {
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|character| character.is_alphanumeric() || character == '-')
        })
}

fn is_locale(text: &str) -> bool {
    let mut subtags = text.split('-');
    let language = subtags.next().unwrap_or_default();
    (2..=8).contains(&language.len())
        && language.bytes().all(|byte| byte.is_ascii_alphabetic())
        && subtags
            .all(|tag| (1..=8).contains(&tag.len()) && tag.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(format: Format, text: &str, expected: Option<&str>) {
        assert_eq!(normal(format, text, 4).ok().as_deref(), expected, "{format:?} {text:?}");
    }

    #[test]
    fn forms() {
        check(Format::Unspecified, "Ünïcode 客户", Some("Ünïcode 客户"));
        check(Format::Unspecified, "a\nb", None);
        check(Format::Unspecified, "a\u{85}b", None);
        check(Format::Unspecified, "a\u{202e}b", None);
        check(Format::Unspecified, " \u{200b}", None);
        check(Format::Multiline, "\n\t", None);
        check(Format::Multiline, "a\u{2066}b", None);
        check(Format::Expression, "a \u{202e}b", None);
        check(Format::Multiline, "a\nb\tc", Some("a\nb\tc"));
        check(Format::Multiline, "a\0b", None);
        check(Format::Decimal, "+1.5", Some("1.5"));
        check(Format::Decimal, "1.00001", None);
        check(Format::Money, "12.50", Some("12.50"));
        check(Format::Date, "2024-02-29", Some("2024-02-29"));
        check(Format::Date, "2023-02-29", None);
        check(Format::Date, "0000-01-01", None);
        check(Format::Date, "1899-12-31", None);
        check(Format::Date, "1900-01-01", Some("1900-01-01"));
        check(Format::Date, "9999-12-31", Some("9999-12-31"));
        check(Format::Date, "20240229", None);
        check(Format::Date, "2024-2-29", None);
        check(Format::Currency, "EUR", Some("EUR"));
        check(Format::Currency, "EURO", None);
        check(Format::TimeZone, "europe/berlin", Some("Europe/Berlin"));
        check(Format::TimeZone, "Mars/Olympus", None);
        check(Format::Email, "anna@example.com", Some("anna@example.com"));
        check(Format::Email, "anna.li@例子.cn", Some("anna.li@例子.cn"));
        check(Format::Email, "anna", None);
        check(Format::Email, "anna@@example.com", None);
        check(Format::Email, "an na@example.com", None);
        check(Format::Email, "anna@example..com", None);
        check(Format::Locale, "zh-Hans-CN", Some("zh-Hans-CN"));
        check(Format::Locale, "d", None);
        check(Format::Locale, "de_AT", None);
    }
}
