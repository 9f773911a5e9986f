//! Texts of records as a terminal may have them: what it would obey, or what would turn its lines around, is shown and
//! not done.

use std::borrow::Cow;

use crate::model::text::is_harmful;

/// The text with every harmful character written as `\u{202e}`; ends of lines stay.
pub(super) fn visible(text: &str) -> Cow<'_, str> {
    let obeyed = |character: char| character != '\n' && is_harmful(character);
    if !text.contains(obeyed) {
        return Cow::Borrowed(text);
    }
    let shown = text.chars().map(|character| {
        if obeyed(character) { character.escape_unicode().to_string() } else { character.to_string() }
    });
    Cow::Owned(shown.collect())
}

#[cfg(test)]
mod tests {
    use super::visible;

    #[test]
    fn nothing_is_obeyed() {
        let check = |text: &str, expected: &str| assert_eq!(visible(text), expected);
        check("客户 Ünïcode\nsecond", "客户 Ünïcode\nsecond");
        check("\u{1b}[2J\u{202e}evil", "\\u{1b}[2J\\u{202e}evil");
        check("a\u{9b}b\rc\u{2028}d", "a\\u{9b}b\\u{d}c\\u{2028}d");
    }
}
