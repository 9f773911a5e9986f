//! How large an answer gets: held to what clients accept before it is made, since a plugin decides how much there is to say.

use crate::model::rejection::{PluginReason, Reason, Rejection};

/// Bytes of an answer: clients accept 4 MiB where they are told nothing else.
pub const ANSWER_BYTES: usize = 4_000_000;

/// Room for what is still to be said.
#[derive(Debug)]
pub struct AnswerRoom {
    left: usize,
}

// === impl AnswerRoom ===

impl AnswerRoom {
    /// All of it.
    #[must_use]
    pub fn new() -> Self {
        Self { left: ANSWER_BYTES }
    }

    /// Takes room for so many bytes.
    ///
    /// # Errors
    /// `OUTPUT_TOO_LARGE` when there is not as much.
    pub fn take(&mut self, bytes: usize) -> Result<(), Rejection> {
        let left = self.left.checked_sub(bytes).ok_or_else(|| {
            let message = format!("the answer takes more than {ANSWER_BYTES} bytes: ask for fewer rows, or have the plugin say less");
            Rejection::new(Reason::Plugin(PluginReason::OutputTooLarge), message)
        })?;
        self.left = left;
        Ok(())
    }
}
