//! What is wrong with a mapping: everything at once, each with the place and the nearest name that would be right.

use std::fmt;

/// The mistakes in a mapping, in the order found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mistakes(pub Vec<String>);

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

// === impl Mistakes ===

impl Mistakes {
    /// Adds a mistake at a place: `fields.owner.column`.
    pub fn add(&mut self, place: &str, message: impl fmt::Display) {
        self.0.push(if place.is_empty() { message.to_string() } else { format!("{place}: {message}") });
    }

    /// Adds that a name is not known, with the nearest one that is, or all of them where they are few.
    pub fn unknown(&mut self, place: &str, what: &str, wrong: &str, known: &[&str]) {
        let hint = match nearest(wrong, known.iter().copied()) {
            Some(name) => format!("did you mean {name:?}?"),
            None => format!("known: {}", known.join(", ")),
        };
        self.add(place, format!("{what} {wrong:?}; {hint}"));
    }

    /// The value, if nothing is wrong.
    ///
    /// # Errors
    /// The mistakes, if there are any.
    pub fn or<T>(self, value: T) -> Result<T, Self> {
        if self.0.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for mistake in &self.0 {
            writeln!(formatter, "  {mistake}")?;
        }
        Ok(())
    }
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
