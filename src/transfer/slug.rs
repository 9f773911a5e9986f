//! Ids made of texts: the same text gives the same id on every machine, for ever, which is what makes a repeated
//! import safe.

use crate::model::name::ID_MAX_BYTES;

/// Hexadecimal digits of the mark that tells apart texts of which the slug cannot keep everything.
const MARK_DIGITS: usize = 12;

/// The id of a text: lower case, what is no letter or digit of ASCII becomes `-`. Where letters are lost (`Müller`,
/// `客户`) or the text is too long, a mark made of the whole text follows, so that different texts keep different ids.
/// Empty for a text without a letter or digit.
///
/// ```
/// assert_eq!(merit::transfer::slug("Acme Corporation, Inc."), "acme-corporation-inc");
/// ```
#[must_use]
pub fn slug(text: &str) -> String {
    if !text.chars().any(char::is_alphanumeric) {
        return String::new();
    }
    let mut id = String::with_capacity(text.len());
    let mut lost = false;
    for character in text.chars() {
        if character.is_ascii_alphanumeric() {
            id.push(character.to_ascii_lowercase());
        } else {
            lost |= character.is_alphanumeric();
            if !id.is_empty() && !id.ends_with('-') {
                id.push('-');
            }
        }
    }
    id.truncate(id.trim_end_matches('-').len());
    if lost || id.len() > ID_MAX_BYTES {
        id.truncate(ID_MAX_BYTES - MARK_DIGITS - 1);
        id.truncate(id.trim_end_matches('-').len());
        if !id.is_empty() {
            id.push('-');
        }
        let mark = format!("{:016x}", fnv(text.as_bytes()));
        id.push_str(&mark[16 - MARK_DIGITS..]);
    }
    id
}

/// FNV-1a, 64 bits: short, and the same everywhere.
pub(super) fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::slug;
    use crate::model::name::Id;

    #[test]
    fn slugs_are_ids() {
        let check = |text: &str, expected: &str| assert_eq!(slug(text), expected, "{text}");
        check("Acme Corporation", "acme-corporation");
        check("  Mei-Mei Johns ", "mei-mei-johns");
        check("GTX  Pro!", "gtx-pro");
        check("1C1I7A6R", "1c1i7a6r");
        check("--", "");
        check("Müller", "m-ller-6783f7b17fdc");
        check("客户", "96be1c8083d3");
        check(
            "a name that is longer than the sixty-three letters that an id may have at most",
            "a-name-that-is-longer-than-the-sixty-three-letters-d055ae96f42e",
        );
    }

    proptest! {
        #[test]
        fn every_text_with_a_letter_has_an_id(text in ".*[a-zA-Z0-9é客].*") {
            prop_assert!(Id::parse(&slug(&text)).is_ok(), "{}", slug(&text));
        }
    }
}
