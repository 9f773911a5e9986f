//! Who calls, and when two names are one person's. How it is found out who calls is the business of `grpc`.

use unicode_normalization::UnicodeNormalization;

use super::text::{is_harmful, is_invisible, is_visible};

/// Who calls where nobody is named.
pub const ANONYMOUS: &str = "anonymous";

/// Who calls: what the audit trail keeps of every change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The author that the audit trail names: `anna@example.com`, or `anonymous`.
    pub author: String,
    /// The method called, `merit.v1.GoalService/CreateGoal`.
    pub method: String,
}

/// The one form in which an author is kept: composed (NFC), with single spaces. Nothing for what is no name: nothing to see,
/// or characters that a terminal obeys.
#[must_use]
pub fn author_name(text: &str) -> Option<String> {
    if text.chars().any(is_harmful) || !is_visible(text) {
        return None;
    }
    let composed: String = text.nfc().collect();
    let name = composed.split_whitespace().collect::<Vec<_>>().join(" ");
    // Whoever calls themselves that has not said who they are.
    Some(if is_same_author(&name, ANONYMOUS) { ANONYMOUS.to_owned() } else { name })
}

/// Whether two authors are to be taken for the same: names that differ in nothing but case, spaces, width, composition or
/// characters that nobody sees.
#[must_use]
pub fn is_same_author(one: &str, other: &str) -> bool {
    folded(one) == folded(other)
}

fn folded(author: &str) -> String {
    let visible: String = author.nfkc().filter(|&character| !is_invisible(character)).collect();
    // By capitals, since some letters have several small ones: ß, ς.
    let cased: String = visible.to_uppercase().to_lowercase().nfkc().collect();
    cased.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_one_person() {
        let check = |one: &str, other: &str, same: bool| {
            assert_eq!(is_same_author(one, other), same, "{one:?}, {other:?}");
        };
        check("ann", "ANN", true);
        check("Ann  Lee", "ann lee", true);
        check("ann\u{a0}lee", "Ann Lee", true);
        check("Zo\u{eb}", "ZOE\u{308}", true);
        check("\u{ff41}nn", "ann", true);
        check("a\u{200b}nn", "ann", true);
        check("Strau\u{df}", "STRAUSS", true);
        check("ann", "anna", false);
        check("ann lee", "annlee", false);
        check("\u{5f20}\u{4f1f}", "\u{5f20}\u{4f2f}", false);
    }

    #[test]
    fn one_form_is_kept() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(author_name(text).as_deref(), expected, "{text:?}");
        };
        check(" Anna  Lee ", Some("Anna Lee"));
        check("Zoe\u{308}", Some("Zo\u{eb}"));
        check("ANN", Some("ANN"));
        check("Anonymous ", Some(ANONYMOUS));
        check("", None);
        check("\u{200b}", None);
        check("a\u{202e}b", None);
        check("a\nb", None);
    }
}
