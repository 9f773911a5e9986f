//! The way from a request down to a value, for people: what findings name.

use std::fmt;

/// The way from the request down to a value, for people: `goal.period_end`.
#[derive(Clone, Copy)]
pub(crate) struct Path<'a> {
    above: Option<&'a Path<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Start(&'a str),
    Field(&'a str),
    Item(usize),
}

// === impl Path ===

impl<'a> Path<'a> {
    /// A way that begins here; the empty text says at the record itself.
    pub(crate) fn new(start: &'a str) -> Self {
        Self { above: None, step: Step::Start(start) }
    }

    /// To a field of it.
    pub(crate) fn field(&'a self, name: &'a str) -> Self {
        Self { above: Some(self), step: Step::Field(name) }
    }

    /// To an item of the list.
    pub(crate) fn item(&'a self, index: usize) -> Self {
        Self { above: Some(self), step: Step::Item(index) }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(above) = self.above {
            above.fmt(formatter)?;
        }
        match self.step {
            Step::Start(start) => formatter.write_str(start),
            Step::Field(name) => match self.above {
                Some(Path { step: Step::Start(""), .. }) | None => formatter.write_str(name),
                Some(_) => write!(formatter, ".{name}"),
            },
            Step::Item(index) => write!(formatter, "[{index}]"),
        }
    }
}
