//! The ids of the rows before, so that two rows of one record are told apart from two records of one id. How an id is made is in
//! `slug`.

use std::collections::HashMap;

use super::slug::fnv;

/// Ids that are remembered; what comes after is not told apart.
const SEEN_MAX: usize = 4_000_000;

/// The ids that came before.
#[derive(Debug, Default)]
pub(super) struct SeenIds {
    /// By the hash of an id, the line of its row and the hash of what it says.
    by_hash: HashMap<u64, (u64, u64)>,
}

// === impl SeenIds ===

impl SeenIds {
    /// Refuses a second row of the same id that says something else, since it would write over the first one's record.
    /// `made_of` is the text that the id is made of, empty where it is the id itself.
    ///
    /// # Errors
    /// In words, with the line of the first.
    pub(super) fn check(&mut self, id: &str, made_of: &str, encoded: &[u8], line: u64) -> Result<(), String> {
        let said = fnv(made_of.as_bytes()) ^ fnv(encoded).rotate_left(1);
        match self.by_hash.get(&fnv(id.as_bytes())) {
            Some((first, known)) if *known != said => {
                let made_of =
                    if made_of.is_empty() { String::new() } else { format!(", made of {made_of:?},") };
                Err(format!(
                    "the id {id:?}{made_of} is that of line {first} too, which says otherwise: leave one of them out, \
                     or make the id of more columns"
                ))
            }
            None if self.by_hash.len() < SEEN_MAX => {
                self.by_hash.insert(fnv(id.as_bytes()), (line, said));
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
