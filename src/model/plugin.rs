//! Rules of plugins: who approves a revision, what it takes to be active, and which runs take it. Signatures themselves are
//! in `signature`.

use std::collections::BTreeSet;

use super::{
    caller::{ANONYMOUS, is_same_author},
    finding::Findings,
    format::quoted,
    records::{Records, find},
    rejection::{PluginReason, Reason, Rejection, ResourceReason},
    signature,
};
use crate::proto::v1::{
    Plugin, PluginApproval, PluginRevision, PluginRevisionState as State, RunMode, Team, TrustedKey,
};

/// What changes besides when a revision changes its state.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Consequences {
    /// The plugin, where its active revision is another one.
    pub plugin: Option<Plugin>,
    /// The revision that was active before.
    pub former: Option<PluginRevision>,
}

/// Checks what a team says of its plugins: each key has an id of its own.
pub fn team(team: &Team, findings: &mut Findings) {
    let mut seen = BTreeSet::new();
    for (index, key) in team.trusted_keys.iter().enumerate() {
        if !seen.insert(&key.key_id) {
            let what = format!("{} names a key before it", quoted(&key.key_id));
            findings.field(format!("trusted_keys[{index}].key_id"), what);
        }
    }
}

/// Checks whether the caller may bring a revision, as it is to be, into its new state, notes who approved it, and says
/// what else changes.
///
/// # Errors
/// `QUARANTINED`, `SELF_APPROVAL`, `SIGNATURE_REQUIRED`, `BAD_SIGNATURE`; `INTERNAL` where the store failed.
pub fn change_state(
    revision: &mut PluginRevision,
    caller: &str,
    records: &dyn Records,
) -> Result<Consequences, Rejection> {
    let team = revision.name.split("/pluginRevisions/").next().unwrap_or_default();
    let team: Team = find(records, team)?.unwrap_or_default();
    match revision.state() {
        State::Approved => {
            check_quarantine(revision)?;
            check_eyes(revision, caller, &team)?;
            caller.clone_into(&mut revision.approver);
            Ok(Consequences::default())
        }
        State::Active => {
            check_quarantine(revision)?;
            let approver = revision.approver.clone();
            check_eyes(revision, &approver, &team)?;
            check_signature(revision, &team)?;
            activate(revision, records)
        }
        State::Retired => retire(revision, records),
        State::Draft | State::Unspecified => Ok(Consequences::default()),
    }
}

fn activate(revision: &PluginRevision, records: &dyn Records) -> Result<Consequences, Rejection> {
    let Some(mut plugin) = find::<Plugin>(records, &revision.plugin)? else {
        return Ok(Consequences::default());
    };
    let former = match plugin.active_revision.as_str() {
        "" => None,
        name if name == revision.name => None,
        name => find::<PluginRevision>(records, name)?,
    };
    let former = former.map(|mut former| {
        former.set_state(State::Retired);
        former
    });
    plugin.active_revision.clone_from(&revision.name);
    Ok(Consequences { plugin: Some(plugin), former })
}

fn retire(revision: &PluginRevision, records: &dyn Records) -> Result<Consequences, Rejection> {
    let plugin = find::<Plugin>(records, &revision.plugin)?;
    let plugin = plugin.filter(|plugin| plugin.active_revision == revision.name).map(|mut plugin| {
        plugin.active_revision.clear();
        plugin
    });
    Ok(Consequences { plugin, former: None })
}

/// Checks what a team asks of whoever publishes a revision, as far as that can be told without what is published: that they
/// say who they are where the team asks for four eyes, do not approve their own, and have signed where it asks for that.
///
/// # Errors
/// `SELF_APPROVAL`, `SIGNATURE_REQUIRED`.
pub fn check_intent(revision: &PluginRevision, activate: bool, team: &Team) -> Result<(), Rejection> {
    if activate {
        check_eyes(revision, &revision.author, team)?;
    } else if team.plugin_approval() == PluginApproval::FourEyes {
        check_named(revision, team)?;
    }
    check_signed(revision, team)
}

/// Refuses a revision that nobody says to have written: whoever approves it might have.
fn check_named(revision: &PluginRevision, team: &Team) -> Result<(), Rejection> {
    if revision.author != ANONYMOUS {
        return Ok(());
    }
    let message = format!(
        "{}: {} asks for four eyes (plugin_approval), and its author does not say who they are: publish it with a name \
         (merit-author)",
        subject(revision),
        team.name
    );
    Err(refused(PluginReason::SelfApproval, message, revision))
}

/// Refuses an approval that the team's rule does not accept.
fn check_eyes(revision: &PluginRevision, approver: &str, team: &Team) -> Result<(), Rejection> {
    if team.plugin_approval() != PluginApproval::FourEyes {
        return Ok(());
    }
    check_named(revision, team)?;
    let refuse = |what: &str| {
        let message = format!(
            "{}: {} asks for four eyes (plugin_approval), and {what}: someone else than {:?} has to approve it",
            subject(revision),
            team.name,
            revision.author
        );
        Err(refused(PluginReason::SelfApproval, message, revision))
    };
    match approver {
        "" => refuse("nobody has approved it"),
        ANONYMOUS => refuse("whoever approves has to say who they are (merit-author)"),
        approver if is_same_author(approver, &revision.author) => refuse("its author approves it"),
        _ => Ok(()),
    }
}

/// Refuses a revision without a signature where the team takes signed ones only.
fn check_signed(revision: &PluginRevision, team: &Team) -> Result<(), Rejection> {
    if revision.signature.is_some() || !team.require_plugin_signature {
        return Ok(());
    }
    let message = format!(
        "{}: {} takes signed revisions only: publish it with a signature of one of {}",
        revision.plugin,
        team.name,
        key_ids(team)
    );
    Err(refused(PluginReason::SignatureRequired, message, revision))
}

/// Checks the signature that a revision has against the keys that the team trusts now.
///
/// # Errors
/// `SIGNATURE_REQUIRED`, `BAD_SIGNATURE`.
pub fn check_signature(revision: &PluginRevision, team: &Team) -> Result<(), Rejection> {
    check_signed(revision, team)?;
    let Some(given) = &revision.signature else { return Ok(()) };
    let bad = |what: String| {
        let message = format!("{}: the signature of key {}: {what}", revision.plugin, quoted(&given.key_id));
        refused(PluginReason::BadSignature, message, revision).violation("signature", what)
    };
    let trusted = |key: &&TrustedKey| key.key_id == given.key_id;
    let Some(key) = team.trusted_keys.iter().find(trusted) else {
        return Err(bad(format!("{} does not trust that key; it trusts {}", team.name, key_ids(team))));
    };
    signature::verify(&key.public_key, &given.signature, &signature::signed_text(revision)).map_err(bad)
}

fn key_ids(team: &Team) -> String {
    match team.trusted_keys.iter().map(|key| key.key_id.as_str()).collect::<Vec<_>>() {
        ids if ids.is_empty() => "no key (trusted_keys)".to_owned(),
        ids => ids.join(", "),
    }
}

/// Refuses a revision that is in quarantine.
///
/// # Errors
/// `QUARANTINED`.
pub fn check_quarantine(revision: &PluginRevision) -> Result<(), Rejection> {
    if revision.quarantine_reason.is_empty() {
        return Ok(());
    }
    let message = format!(
        "{} is in quarantine, no run executes it: {}. Mend the plugin and publish another revision",
        revision.name, revision.quarantine_reason
    );
    Err(refused(PluginReason::Quarantined, message, revision))
}

/// Refuses a revision that a run of this mode does not take: a final run takes active ones only.
///
/// # Errors
/// `STATE_FORBIDS`, that says how to go on.
pub fn check_mode(revision: &PluginRevision, mode: RunMode) -> Result<(), Rejection> {
    if mode != RunMode::Final || revision.state() == State::Active {
        return Ok(());
    }
    let next = match revision.state() {
        State::Approved => "activate it (ActivatePluginRevision)",
        State::Retired => "name the plugin's active revision, or publish this one again",
        _ => "have it approved and activate it (ApprovePluginRevision, ActivatePluginRevision)",
    };
    let state = revision.state().as_str_name().trim_start_matches("PLUGIN_REVISION_STATE_");
    let message = format!(
        "{} is {state}: a final run takes active revisions only; {next}, or make a trial run",
        revision.name
    );
    let rejection = Rejection::resource(ResourceReason::StateForbids, message);
    Err(rejection.with("resource", revision.name.clone()).with("state", state))
}

fn refused(reason: PluginReason, message: String, revision: &PluginRevision) -> Rejection {
    Rejection::new(Reason::Plugin(reason), message).with("resource", subject(revision))
}

/// The revision, or what it is to be one of.
fn subject(revision: &PluginRevision) -> &str {
    if revision.name.is_empty() { &revision.plugin } else { &revision.name }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::v1::PluginSignature;

    /// What is said of a revision that is published by `author`, and then approved by `approver`.
    fn check(approval: PluginApproval, author: &str, activate: bool, approver: &str, expected: [&str; 2]) {
        let team = Team { plugin_approval: approval.into(), ..Team::default() };
        let revision = PluginRevision { author: author.into(), ..PluginRevision::default() };
        let said = [check_intent(&revision, activate, &team), check_eyes(&revision, approver, &team)];
        let said = said.map(|said| said.err().map_or("", |rejection| rejection.reason.code()));
        assert_eq!(said, expected, "{approval:?}: {author} {activate}, then {approver}");
    }

    #[test]
    fn four_eyes_are_of_two_who_say_who_they_are() {
        use PluginApproval::{Anyone, FourEyes};
        let no = "SELF_APPROVAL";
        check(Anyone, ANONYMOUS, true, ANONYMOUS, ["", ""]);
        check(FourEyes, "ann", false, "ben", ["", ""]);
        check(FourEyes, "ann", true, "ben", [no, ""]);
        check(FourEyes, "ann", false, "ANN ", ["", no]);
        check(FourEyes, "ann", false, ANONYMOUS, ["", no]);
        check(FourEyes, "ann", false, "", ["", no]);
        // Whoever it was may be whoever approves.
        check(FourEyes, ANONYMOUS, false, "ann", [no, no]);
        check(FourEyes, ANONYMOUS, true, "ann", [no, no]);
    }

    #[test]
    fn a_signature_that_is_asked_for_is_missed_at_once() {
        let check = |required: bool, signed: bool, expected: bool| {
            let team = Team { require_plugin_signature: required, ..Team::default() };
            let signature = signed.then(PluginSignature::default);
            let revision = PluginRevision { signature, ..PluginRevision::default() };
            assert_eq!(check_intent(&revision, false, &team).is_ok(), expected, "{required} {signed}");
        };
        check(false, false, true);
        check(false, true, true);
        check(true, false, false);
        check(true, true, true);
    }
}
