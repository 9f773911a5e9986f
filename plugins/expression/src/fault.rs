//! Why rows have no value: the reasons, and the log that gives each place and reason a number.

use alloc::{format, string::String, vec::Vec};
use core::cell::RefCell;

/// A reason, as people read it.
pub(crate) type Reason = &'static str;

pub(crate) const DIVISION_BY_ZERO: Reason = "division by zero";
pub(crate) const OVERFLOW: Reason = "the number is too large";
pub(crate) const ZERO_TO_ZERO: Reason = "0 to the power of 0";
pub(crate) const NEGATIVE_ROOT: Reason = "the square root of a negative number";
pub(crate) const NOT_WHOLE: Reason = "a whole number was expected";
pub(crate) const NOT_ASCENDING: Reason = "the bounds do not ascend";
pub(crate) const BELOW_BOUNDS: Reason = "the number lies below the first bound";
pub(crate) const NO_CASE: Reason = "no case applies";
pub(crate) const SIGNS: Reason = "the number and its multiple have different signs";
pub(crate) const LOW_ABOVE_HIGH: Reason = "the low bound of CLAMP lies above the high one";
pub(crate) const NO_DATE: Reason = "not a date between the years 1 and 9999";
pub(crate) const NOT_FOUND: Reason = "FIND does not find the text";
pub(crate) const BAD_POSITION: Reason = "a position or count in a text cannot be that small";
pub(crate) const NO_LINES: Reason = "the detail lines are not supplied";
pub(crate) const TEXT_TOO_LONG: Reason = "the text is longer than 32767 characters";

/// What a row's status says: a value, none, or the number of a fault.
pub(crate) type Status = u16;
pub(crate) const FINE: Status = 0;
pub(crate) const MISSING: Status = 1;
const FIRST_FAULT: Status = 2;

/// The status of a row that needs both: a fault before a missing value, the left before the right.
pub(crate) fn both(a: Status, b: Status) -> Status {
    if a >= FIRST_FAULT {
        a
    } else if b >= FIRST_FAULT {
        b
    } else {
        a | b
    }
}

/// Whether the status is that of a fault.
pub(crate) fn is_fault(status: Status) -> bool {
    status >= FIRST_FAULT
}

/// Where an evaluation is, for its messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In an expression of its own: faults name the column, from 1.
    Expression,
    /// In a line of a sheet.
    Line { line: usize, name: String },
}

/// The faults of one evaluation: a status per place and reason, so that rows carry two bytes.
pub(crate) struct Faults {
    messages: RefCell<Vec<String>>,
    place: RefCell<Place>,
}

impl Faults {
    pub(crate) fn new() -> Self {
        Self { messages: RefCell::new(Vec::new()), place: RefCell::new(Place::Expression) }
    }

    /// Says where the evaluation goes on.
    pub(crate) fn enter(&self, place: Place) {
        *self.place.borrow_mut() = place;
    }

    /// The status of a fault; `column` is where in the text, from 1.
    pub(crate) fn status(&self, reason: &str, column: u32) -> Status {
        let message = match &*self.place.borrow() {
            Place::Expression => format!("{reason} at column {column}"),
            Place::Line { line, name } => format!("{reason} in line {line} ({name})"),
        };
        self.exact(message)
    }

    /// The status of a fault whose message is complete.
    pub(crate) fn exact(&self, message: String) -> Status {
        let mut messages = self.messages.borrow_mut();
        let at = messages.iter().position(|known| *known == message).unwrap_or_else(|| {
            messages.push(message);
            messages.len() - 1
        });
        // A text has fewer places than statuses: its length is bounded.
        Status::try_from(at).unwrap_or(Status::MAX - FIRST_FAULT).saturating_add(FIRST_FAULT)
    }

    /// The message of a fault's status.
    pub(crate) fn message(&self, status: Status) -> String {
        let at = usize::from(status - FIRST_FAULT);
        self.messages.borrow().get(at).cloned().unwrap_or_default()
    }
}
