//! Verifies a directory: the journal's chain from end to end, that it reaches as far as was acknowledged, that it is the
//! history somebody wrote down, and every blob that records rest on. How the chain is walked is the business of `journal`.

use std::path::Path;

use super::{
    Blobs, Mark, Naming, StoreError, Verification, journal,
    place::{self, BLOBS, JOURNAL},
    verification::Inspection,
};

/// Verifies a database's directory, whether or not a service uses it just now, and without keeping one from starting.
/// Nothing is changed. What a crash left of a write that nobody was told of is no damage. The history must have the
/// `expected` record, if one is given.
///
/// # Errors
/// Something cannot be read, or there is no database. Damage is no error here, but what was asked for.
pub fn verify_directory(
    directory: &Path,
    naming: Naming<'_>,
    expected: Option<Mark>,
) -> Result<Verification, StoreError> {
    let mut inspection = Inspection::new(naming, expected);
    let found = match place::check_journal(directory) {
        Err(damage @ StoreError::Damaged { .. }) => Verification::new(Mark::default(), Some(damage)),
        checked => {
            checked?;
            journal::verify(&directory.join(JOURNAL), &mut inspection)?
        }
    };
    inspection.check(&Blobs::unopened(&directory.join(BLOBS)), found)
}
