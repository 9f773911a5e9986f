//! Texts with columns in braces: `{region}-{number}`.

use super::mistakes::Mistakes;

/// A text with columns in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    /// The place of a column.
    Column(usize),
}

// === impl Template ===

impl Template {
    /// Parses a template; braces are doubled to be themselves.
    pub(super) fn parse(
        text: &str,
        place: &str,
        mistakes: &mut Mistakes,
        column: &mut impl FnMut(&str, &mut Mistakes) -> Option<usize>,
    ) -> Self {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            literal.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                literal.push_str(brace);
                rest = after;
                continue;
            }
            let end = rest.find('}').filter(|_| brace == "{");
            let Some(end) = end else {
                mistakes.add(
                    place,
                    format!("{text:?} has a {brace} without its other half; double it to mean itself"),
                );
                break;
            };
            if !literal.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut literal)));
            }
            if let Some(column) = column(&rest[..end], mistakes) {
                parts.push(Part::Column(column));
            }
            rest = &rest[end + 1..];
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Text(literal));
        }
        Self(parts)
    }

    /// A template of one column.
    pub(super) fn of_column(column: usize) -> Self {
        Self(vec![Part::Column(column)])
    }

    /// A template without columns.
    pub(super) fn of_text(text: &str) -> Self {
        Self(vec![Part::Text(text.to_owned())])
    }

    /// The text for a row; empty where one of the columns is: half a name is none.
    pub(super) fn fill<'r>(&self, value: impl Fn(usize) -> &'r str) -> String {
        if let [Part::Column(column)] = self.0[..] {
            return value(column).to_owned();
        }
        let mut filled = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => filled.push_str(text),
                Part::Column(column) => match value(*column) {
                    "" => return String::new(),
                    text => filled.push_str(text),
                },
            }
        }
        filled
    }
}

#[cfg(test)]
mod tests {
    use super::{Mistakes, Template};

    #[test]
    fn templates_fill() {
        let check = |template: &str, expected: Result<&str, &str>| {
            let mut mistakes = Mistakes::default();
            let columns = ["a", "b", "empty"];
            let mut find = |name: &str, mistakes: &mut Mistakes| {
                let found = columns.iter().position(|column| *column == name);
                if found.is_none() {
                    mistakes.unknown("id", "no column", name, &columns);
                }
                found
            };
            let parsed = Template::parse(template, "id", &mut mistakes, &mut find);
            let result = mistakes.or(parsed.fill(|column| ["1", "2", ""][column]));
            assert_eq!(
                result.map_err(|mistakes| mistakes.0.join(";")),
                expected.map(str::to_owned).map_err(str::to_owned)
            );
        };
        check("{a}", Ok("1"));
        check("x-{a}-{b}!", Ok("x-1-2!"));
        check("{{{a}}}", Ok("{1}"));
        check("x-{empty}", Ok(""));
        check("{c}", Err("id: no column \"c\"; known: a, b, empty"));
        check("{a", Err("id: \"{a\" has a { without its other half; double it to mean itself"));
    }
}
