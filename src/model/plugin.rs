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

/// Refuses an approval that the team's rule does not accept.
fn check_eyes(revision: &PluginRevision, approver: &str, team: &Team) -> Result<(), Rejection> {
    if team.plugin_approval() != PluginApproval::FourEyes {
        return Ok(());
    }
    let refuse = |what: &str| {
        let message = format!(
            "{}: {} asks for four eyes (plugin_approval), and {what}: someone else than {:?} has to approve it",
            revision.name, team.name, revision.author
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

/// Checks the signature that a revision has against the keys that the team trusts now.
///
/// # Errors
/// `SIGNATURE_REQUIRED`, `BAD_SIGNATURE`.
pub fn check_signature(revision: &PluginRevision, team: &Team) -> Result<(), Rejection> {
    let Some(given) = &revision.signature else {
        if !team.require_plugin_signature {
            return Ok(());
        }
        let message = format!(
            "{}: {} takes signed revisions only: publish it with a signature of one of {}",
            revision.plugin,
            team.name,
            key_ids(team)
        );
        return Err(refused(PluginReason::SignatureRequired, message, revision));
    };
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
    let subject = if revision.name.is_empty() { &revision.plugin } else { &revision.name };
    Rejection::new(Reason::Plugin(reason), message).with("resource", subject.clone())
}
