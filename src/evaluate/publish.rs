//! Publishes revisions of plugins: checks what is published, keeps the component, and numbers it in one write.

use std::sync::Arc;

use prost::Message;

use super::{
    described::manifest_message,
    evaluator::Evaluator,
    plugin_limits::team_limits,
    plugins::{LoadedPlugin, misplaced, sheet_parameters},
    standard::{FORMULA, STANDARD_PLUGINS},
};
use crate::{
    model::{
        caller::Caller,
        name::{Id, Name},
        plugin::{change_state, check_intent, check_signature},
        rejection::{PluginReason, Reason, Rejection, ResourceReason, ServiceReason},
    },
    proto::v1::{self, publish_plugin_revision_request::Source},
    resource::{Changes, OwnRequest},
    sandbox::{Patience, Purpose},
    store::WriteError,
};

/// What is published, checked.
struct Checked {
    plugin: Name,
    component: Vec<u8>,
    standard: String,
    parameters: String,
    /// What it needs and gives, and the hash of the component; absent for a revision that brings no parameters and refuses
    /// none.
    loaded: Option<LoadedPlugin>,
    hash: String,
    signature: Option<v1::PluginSignature>,
    /// Whether it is to be active at once.
    activate: bool,
    /// Whether nothing is kept: then the plugin may be one that is yet to be created.
    validate_only: bool,
}

// === impl Evaluator ===

impl Evaluator {
    /// See `PluginService.PublishPluginRevision`.
    ///
    /// # Errors
    /// `INVALID_COMPONENT`, `IMPORT_REFUSED`, `INVALID_FORMULA`, `BAD_PARAMETERS`, `PARAMETERS_MISPLACED`, `QUARANTINED`,
    /// `SIGNATURE_REQUIRED`, `BAD_SIGNATURE`, `SELF_APPROVAL` for one that is to be active at once, and what the
    /// standard methods say; when the store fails.
    pub async fn publish(
        &self,
        caller: &Caller,
        request: v1::PublishPluginRevisionRequest,
    ) -> Result<v1::PluginRevision, WriteError> {
        let plugin = plugin_name(&request)?;
        self.foresee(caller, &request).await?;
        let own = OwnRequest {
            team: plugin.team().to_string(),
            request_id: request.request_id.clone(),
            content: request.encode_to_vec().into(),
            validate_only: request.validate_only,
        };
        // Compiling takes as long as it takes: it is not a part of what somebody waits for.
        match &request.source {
            Some(Source::Component(component)) => {
                self.prepare_upload(plugin.team(), component, Purpose::Revision).await?;
            }
            Some(Source::Standard(id)) => self.prepare_standard(id).await?,
            Some(Source::Formula(_)) => self.prepare_standard(FORMULA).await?,
            None => {}
        }
        // What it says of itself it says while somebody waits.
        let (patience, _waiting) = Patience::of_a_waiter();
        let evaluator = self.waiting(&patience.at_most(self.options().try_out));
        let author = caller.author.clone();
        let check = move || evaluator.check_publication(plugin, request, &author);
        let checked =
            tokio::task::spawn_blocking(check).await.map_err(|error| internal(&error.to_string()))??;
        let checked = Arc::new(checked);
        let command = |checked: Arc<Checked>, author: String| {
            move |changes: &mut Changes<'_, '_>| {
                Ok(revise(changes, &checked, &author)?.encode_to_vec().into())
            }
        };
        let revision = |answer: bytes::Bytes| {
            v1::PluginRevision::decode(answer).map_err(|error| internal(&error.to_string()).into())
        };
        if !own.validate_only {
            // What would be refused leaves no component behind.
            let rehearsal = command(Arc::clone(&checked), caller.author.clone());
            if let Some(first) = self.resources().foretell(caller, &own, rehearsal).await? {
                return revision(first);
            }
            // Kept before it is named: a revision never names a component that is not there.
            let (blobs, kept) = (self.database().blobs().clone(), Arc::clone(&checked));
            let kept = tokio::task::spawn_blocking(move || blobs.put(&kept.component)).await;
            kept.map_err(|error| internal(&error.to_string()))??;
        }
        let command = command(checked, caller.author.clone());
        revision(self.resources().change(caller, own, command).await?)
    }

    /// What can be said against a publication before its component is there, or anything is compiled: whether there is such a
    /// plugin, and whether the team takes revisions of this author and signed like this. Nothing where the request id was
    /// answered before: then the first answer counts.
    ///
    /// # Errors
    /// `NOT_FOUND`, `INVALID_FIELD`, `SIGNATURE_REQUIRED`, `SELF_APPROVAL`; when the store fails.
    pub async fn foresee(
        &self,
        caller: &Caller,
        request: &v1::PublishPluginRevisionRequest,
    ) -> Result<(), WriteError> {
        let plugin = plugin_name(request)?;
        let (team, id) = (plugin.team(), &request.request_id);
        if !id.is_empty() && self.resources().is_answered(caller, team, id).await? {
            return Ok(());
        }
        let team: v1::Team = self.resources().get(&Name::of_team(team.clone()))?;
        // What is only checked may be of a plugin that is yet to be created.
        if !request.validate_only {
            let _: v1::Plugin = self.resources().get(&plugin)?;
        }
        let revision = v1::PluginRevision {
            plugin: plugin.to_string(),
            author: caller.author.clone(),
            signature: request.signature.clone(),
            ..v1::PluginRevision::default()
        };
        Ok(check_intent(&revision, request.activate, &team)?)
    }

    fn check_publication(
        &self,
        plugin: Name,
        request: v1::PublishPluginRevisionRequest,
        author: &str,
    ) -> Result<Checked, WriteError> {
        let team: v1::Team = self.resources().get(&Name::of_team(plugin.team().clone()))?;
        let plugins = self.plugins().within(team_limits(&team, self.options()));
        let (component, standard, parameters) = match request.source {
            Some(Source::Component(component)) => (component.to_vec(), String::new(), request.parameters),
            Some(Source::Standard(id)) => {
                plugins.standard(&id)?;
                (standard_component(&id), id, request.parameters)
            }
            Some(Source::Formula(_)) if !request.parameters.is_empty() => {
                return Err(misplaced("a formula's sheet is its parameters: give no others").into());
            }
            Some(Source::Formula(sheet)) => {
                (standard_component(FORMULA), FORMULA.to_owned(), sheet_parameters(&sheet))
            }
            None => {
                let accepted = "is missing: give a component, a standard plugin or a formula";
                return Err(Rejection::field("source", accepted).into());
            }
        };
        let loaded =
            if standard.is_empty() { plugins.component(&component)? } else { plugins.standard(&standard)? };
        let hash = super::plugins::hash_text(loaded.hash());
        let formula = standard == FORMULA;
        let loaded = match parameters.as_str() {
            "" => match plugins.with_parameters(loaded, "{}", formula) {
                Ok(loaded) => Some(loaded),
                // Each run brings its own: that the plugin refuses none is no fault of the revision.
                Err(refused) if refused.reason == Reason::Plugin(PluginReason::BadParameters) => None,
                // A trap or a loop is: no parameters mend it.
                Err(broken) => return Err(broken.into()),
            },
            given => Some(plugins.with_parameters(loaded, given, formula)?),
        };
        let (signature, activate) = (request.signature, request.activate);
        let validate_only = request.validate_only;
        let checked = Checked {
            plugin,
            component,
            standard,
            parameters,
            loaded,
            hash,
            signature,
            activate,
            validate_only,
        };
        self.check_trusted(checked.plugin.team(), &checked.hash, &checked.parameters)?;
        // Said before anything is kept, and once more when it is.
        check_signature(&checked.revision(author), &team)?;
        Ok(checked)
    }

    /// See `PluginService.ListStandardPlugins`.
    #[must_use]
    pub fn standard_plugins(&self) -> v1::ListStandardPluginsResponse {
        let message = |plugin: &super::standard::StandardPlugin| v1::StandardPlugin {
            id: plugin.id.to_owned(),
            summary: plugin.summary.to_owned(),
            component: blake3::hash(plugin.component).to_hex().to_string(),
            component_bytes: plugin.component.len() as i64,
        };
        let standard_plugins = STANDARD_PLUGINS.iter().map(message).collect();
        v1::ListStandardPluginsResponse { standard_plugins }
    }
}

fn plugin_name(request: &v1::PublishPluginRevisionRequest) -> Result<Name, Rejection> {
    let plugin = Name::parse(&request.plugin)?;
    if plugin.collection() == "plugins" {
        return Ok(plugin);
    }
    Err(Rejection::field("plugin", "is not a plugin: teams/{team}/plugins/{plugin}"))
}

fn internal(cause: &str) -> Rejection {
    tracing::error!(cause, "a plugin cannot be published");
    let reason = Reason::Service(ServiceReason::Internal);
    Rejection::new(reason, "something is broken on the server; the log has the cause")
}

fn standard_component(id: &str) -> Vec<u8> {
    super::standard::find(id).map(|plugin| plugin.component.to_vec()).unwrap_or_default()
}

// === impl Checked ===

impl Checked {
    /// The revision, without its name and number.
    fn revision(&self, author: &str) -> v1::PluginRevision {
        v1::PluginRevision {
            plugin: self.plugin.to_string(),
            component: self.hash.clone(),
            component_bytes: self.component.len() as i64,
            standard: self.standard.clone(),
            parameters: self.parameters.clone(),
            manifest: self.loaded.as_ref().map(|loaded| manifest_message(&loaded.manifest)),
            author: author.to_owned(),
            signature: self.signature.clone(),
            ..v1::PluginRevision::default()
        }
    }
}

/// Numbers the revision, keeps it, and makes it the plugin's latest.
fn revise(
    changes: &mut Changes<'_, '_>,
    checked: &Checked,
    author: &str,
) -> Result<v1::PluginRevision, Rejection> {
    let missing = || {
        let message = format!("{} does not exist", checked.plugin);
        Rejection::resource(ResourceReason::NotFound, message).with("resource", checked.plugin.to_string())
    };
    let mut plugin: v1::Plugin = match changes.get(&checked.plugin)? {
        Some(plugin) => plugin,
        None if checked.validate_only => {
            // As if it were there: nothing of all this is kept.
            let created = v1::Plugin { name: checked.plugin.to_string(), ..v1::Plugin::default() };
            changes.put(&checked.plugin, &created)?;
            created
        }
        None => return Err(missing()),
    };
    let number = match plugin.latest_revision.as_str() {
        "" => 1,
        latest => {
            let latest: Option<v1::PluginRevision> = changes.get(&Name::parse(latest)?)?;
            latest.map_or(1, |latest| latest.number + 1)
        }
    };
    let id = format!("{}-{number}", checked.plugin.id());
    let id = Id::parse(&id).map_err(|_| {
        let message = format!(
            "{}: the id is too long for revisions, whose ids are {id}: create a plugin with a shorter one",
            checked.plugin
        );
        Rejection::resource(ResourceReason::InvalidName, message)
    })?;
    let name = Name::new(checked.plugin.team().clone(), "pluginRevisions", id);
    let mut revision = v1::PluginRevision { name: name.to_string(), number, ..checked.revision(author) };
    let team = changes.get(&Name::of_team(name.team().clone()))?.unwrap_or_default();
    check_intent(&revision, checked.activate, &team)?;
    check_signature(&revision, &team)?;
    plugin.latest_revision = name.to_string();
    changes.put(&name, &revision)?;
    changes.put(&checked.plugin, &plugin)?;
    if checked.activate {
        // Both steps with what each asks for, as if they were made one after the other.
        for state in [v1::PluginRevisionState::Approved, v1::PluginRevisionState::Active] {
            revision.set_state(state);
            let changed = change_state(&mut revision, author, &*changes)?;
            if let Some(former) = changed.former {
                changes.put(&Name::parse(&former.name)?, &former)?;
            }
            if let Some(plugin) = changed.plugin {
                changes.put(&checked.plugin, &plugin)?;
            }
        }
        changes.put(&name, &revision)?;
    }
    let missing = || internal("the revision that was just kept is not there");
    changes.get(&name)?.ok_or_else(missing)
}
