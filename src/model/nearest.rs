//! The name that was probably meant.

/// The known name that is most like the wrong one, if one is like it.
#[must_use]
pub fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wrong = wrong.to_lowercase();
    // Three slips in nine letters are a slip; more is another word, as is one in which no letter is right.
    let letters = wrong.chars().count();
    let limit = (letters / 3).max(2).min(letters.saturating_sub(1));
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&wrong, &name.to_lowercase()), name))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn the_nearest_name_is_near() {
        let check = |wrong: &str, expected: Option<&str>| {
            assert_eq!(nearest(wrong, ["owner", "amount", "close_date"]), expected, "{wrong}");
        };
        check("ownr", Some("owner"));
        check("Owner", Some("owner"));
        check("closedate", Some("close_date"));
        check("mount", Some("amount"));
        check("sector", None);
    }
}
