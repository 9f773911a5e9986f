//! Which characters a text may have, which of them anybody sees, and how the others are shown: by their Unicode
//! properties. The forms of fields are in `format`.

use std::borrow::Cow;

/// Characters that turn what stands beside them around, end lines where none are expected, or mean nothing to anybody
/// but an attacker: controls (Cc), bidirectional embeddings, overrides and isolates (UAX #9), separators of lines and
/// paragraphs (Zl, Zp), deprecated format characters, annotations, tags, a byte order mark within the text, and what
/// Unicode says is no character.
///
/// Marks that Arabic, Hebrew, Persian, Thai and emoji need (U+200B to U+200F, U+061C) are not among them.
#[must_use]
pub fn is_harmful(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{2028}'..='\u{202e}'
            | '\u{2061}'..='\u{206f}'
            | '\u{fdd0}'..='\u{fdef}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffc}'
            | '\u{e0000}'..='\u{e007f}')
        || u32::from(character) & 0xfffe == 0xfffe
}

/// Whether a text has anything to see: not only white space, fillers (as U+3164), joiners, selectors of variants and
/// other characters without a glyph (Default_Ignorable_Code_Point, and the empty Braille pattern).
#[must_use]
pub fn is_visible(text: &str) -> bool {
    !text.chars().all(|character| character.is_whitespace() || is_invisible(character))
}

/// Whether a character that is no white space has nothing to see.
#[must_use]
pub fn is_invisible(character: char) -> bool {
    is_harmful(character)
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2060}' | '\u{2800}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{ffa0}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0080}'..='\u{e0fff}')
}

/// So many of a noun: `1 value`, `2 values`.
#[must_use]
pub fn counted(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// The noun with its article: `a goal`, `an account manager`.
#[must_use]
pub fn with_article(noun: &str) -> String {
    let article = if noun.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {noun}")
}

/// The text with every harmful character written as `\u{202e}`, so that a terminal or a log shows it instead of obeying
/// it; ends of lines and tabs stay.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    let obeyed = |character: char| !matches!(character, '\n' | '\t') && is_harmful(character);
    if !text.contains(obeyed) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match obeyed(character) {
            true => shown.extend(character.escape_unicode()),
            false => shown.push(character),
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_text_may_have() {
        let check = |text: &str, expected: Option<u32>| {
            let found = text.chars().find(|&character| is_harmful(character)).map(u32::from);
            assert_eq!(found, expected, "{text:?}");
        };
        check("Ünïcode 客户 👩‍💻 ❤️", None);
        check("می‌خواهم", None);
        check("\u{200f}שלום\u{200e}", None);
        check("a\u{202e}b", Some(0x202e));
        check("a\u{2066}b", Some(0x2066));
        check("a\u{2028}b", Some(0x2028));
        check("a\u{e0041}b", Some(0xe0041));
        check("a\u{feff}b", Some(0xfeff));
        check("a\u{1b}[2Jb", Some(0x1b));
        check("a\u{9b}b", Some(0x9b));
        check("a\u{1ffff}b", Some(0x1ffff));
    }

    #[test]
    fn what_anybody_sees() {
        let check = |text: &str, expected: bool| assert_eq!(is_visible(text), expected, "{text:?}");
        check("Anna", true);
        check("\u{200b}客", true);
        check(".", true);
        for nothing in
            [" ", "\u{200b}", "\u{ad}", "\u{3164}", "\u{2003}\u{a0}", "\u{2800}", "\u{fe0f}\u{200d}"]
        {
            check(nothing, false);
        }
    }

    #[test]
    fn nouns() {
        let check = |count: u64, noun: &str, expected: &str| {
            assert_eq!(format!("{} of {}", counted(count, "value"), with_article(noun)), expected);
        };
        check(0, "goal", "0 values of a goal");
        check(1, "account manager", "1 value of an account manager");
        check(2, "opportunity", "2 values of an opportunity");
    }

    #[test]
    fn nothing_is_obeyed() {
        let check = |text: &str, expected: &str| assert_eq!(visible(text), expected);
        check("客户 Ünïcode\n\tsecond", "客户 Ünïcode\n\tsecond");
        check("\u{1b}[2J\u{202e}evil", "\\u{1b}[2J\\u{202e}evil");
        check("a\u{9b}b\rc\u{2028}d", "a\\u{9b}b\\u{d}c\\u{2028}d");
    }
}
