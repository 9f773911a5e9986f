//! Verifies a directory: the journal's chain from end to end, that it reaches as far as was acknowledged, and every blob
//! that records rest on. How the chain is walked is the business of `journal`.

use std::path::Path;

use super::{
    Blobs, Naming, StoreError, Verification, journal,
    opening::{self, BLOBS},
    verification::Named,
};

/// Verifies a database's directory, whether or not a service uses it just now. Nothing of the journal and the blobs is
/// changed; where no service has it open, the index is opened to learn how far it was, as a service would. What a crash
/// left of a write that nobody was told of is no damage.
///
/// # Errors
/// `NotOurs` where there is no journal; something cannot be read. Damage is no error here, but what was asked for.
pub fn verify_directory(directory: &Path, naming: Naming<'_>) -> Result<Verification, StoreError> {
    let mut named = Named::new(naming);
    let path = opening::journal_of(directory)?;
    let mut found = journal::verify(&path, 0, &mut named)?;
    if found.damage.is_none()
        && let Some(applied) = opening::applied(directory)
        && applied > found.sequence
    {
        // A service may have written and gone since the walk: the next one sees what it wrote.
        found = journal::verify(&path, applied, &mut named)?;
    }
    named.check(&Blobs::unopened(&directory.join(BLOBS)), found)
}
