//! What is wrong with a mapping: everything at once, each with the place and the nearest name that would be right.

use std::fmt;

use crate::model::nearest::nearest;

/// The mistakes in a mapping, in the order found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mistakes(pub Vec<String>);

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
