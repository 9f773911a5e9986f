//! Who calls, and when two names are one person's. How it is found out who calls is the business of `grpc`.

use unicode_normalization::UnicodeNormalization;
use unicode_script::{Script, UnicodeScript};
use unicode_security::{MixedScript, confusable_detection::skeleton};

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

/// The one form in which an author is kept: composed (NFC), with single spaces, and without what nobody sees. Nothing for what
/// is no name: nothing to see, characters that a terminal obeys or that mean nothing (private, unassigned), and words whose
/// letters are of several scripts (UTS 39), as one that has a Cyrillic `а` where a Latin one is expected.
#[must_use]
pub fn author_name(text: &str) -> Option<String> {
    if text.chars().any(is_harmful) || !is_visible(text) {
        return None;
    }
    if text.chars().any(|character| character.script() == Script::Unknown) {
        return None;
    }
    if !text.split(|character: char| !character.is_alphabetic()).all(MixedScript::is_single_script) {
        return None;
    }
    let composed: String = text.chars().filter(|&character| !is_invisible(character)).nfc().collect();
    let name = composed.split_whitespace().collect::<Vec<_>>().join(" ");
    // Whoever calls themselves that has not said who they are.
    Some(if is_same_author(&name, ANONYMOUS) { ANONYMOUS.to_owned() } else { name })
}

/// Whether two authors are to be taken for the same: names that differ in nothing but case, spaces, width, composition,
/// characters that nobody sees, or letters that look alike (UTS 39).
#[must_use]
pub fn is_same_author(one: &str, other: &str) -> bool {
    skeleton(&folded(one)).eq(skeleton(&folded(other)))
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
        check("\u{430}nn", "ann", true);
        // All of it is Cyrillic, and looks like a Latin name.
        check("\u{430}\u{441}\u{435}", "ace", true);
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
        check("anna\u{200b}", Some("anna"));
        check("an\u{ad}na", Some("anna"));
        check("anna.li+1@example.com", Some("anna.li+1@example.com"));
        check("\u{430}nn", None);
        check("\u{430}nn@example.com", None);
        check("\u{418}\u{432}\u{430}\u{43d} Petrov", Some("\u{418}\u{432}\u{430}\u{43d} Petrov"));
        check("\u{5f20}\u{4f1f} (Zhang Wei)", Some("\u{5f20}\u{4f1f} (Zhang Wei)"));
        check("\u{7530}\u{4e2d}\u{3055}\u{3093}", Some("\u{7530}\u{4e2d}\u{3055}\u{3093}"));
        check("\u{645}\u{6cc}\u{200c}\u{62e}", Some("\u{645}\u{6cc}\u{62e}"));
        check("anna\u{e000}", None);
        check("anna\u{378}", None);
    }
}
