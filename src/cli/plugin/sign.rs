//! Keys and signatures of revisions: made here, without a server; checked by the server when a revision is published.

use std::{
    fs,
    io::{self, Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
};

use clap::Args;

use super::{arguments::Common, contents::Contents};
use crate::{
    cli::{
        argument::read_text,
        connection::{Connection, ConnectionArguments, client},
        failure::Failure,
        output::{print_line, print_note},
    },
    evaluate::{sheet_parameters, standard_component},
    model::signature::{public_key, sign, signed_text, to_hex},
    proto::v1::{self, publish_plugin_revision_request as publish},
};

/// What `merit plugin keygen` takes.
#[derive(Debug, Args)]
pub(super) struct KeygenArguments {
    /// The file for the secret key; made anew, readable for its owner only.
    file: String,
}

/// What `merit plugin trust` takes.
#[derive(Debug, Args)]
pub(super) struct TrustArguments {
    /// What the team is to call the key.
    key_id: String,
    /// The public key, as `merit plugin keygen` prints it.
    #[arg(required_unless_present = "remove")]
    public_key: Option<String>,
    /// Trusts the key of that id no more.
    #[arg(long, conflicts_with = "public_key")]
    remove: bool,
    /// Puts the key in the place of another that the team trusts by that id.
    #[arg(long, requires = "public_key", conflicts_with = "remove")]
    replace: bool,
}

/// With which key a revision is signed.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct KeyArguments {
    /// Signs with the secret key in this file, which `merit plugin keygen` made.
    #[arg(long, value_name = "FILE", requires = "key_id")]
    pub(super) key: Option<String>,
    /// What the team calls the key.
    #[arg(long, value_name = "ID")]
    pub(super) key_id: Option<String>,
}

/// What `merit plugin sign` takes.
#[derive(Debug, Args)]
pub(super) struct SignArguments {
    /// The plugin, by id or name.
    plugin: String,
    #[command(flatten)]
    contents: Contents,
    /// The file of the secret key.
    #[arg(long, value_name = "FILE")]
    key: String,
    #[command(flatten)]
    connection: ConnectionArguments,
}

/// Makes a key.
pub(super) fn keygen(arguments: &KeygenArguments) -> Result<(), Failure> {
    let mut secret = [0; 32];
    let random = "/dev/urandom";
    fs::File::open(random)
        .and_then(|mut source| source.read_exact(&mut secret))
        .map_err(|error| Failure::file(format!("reading {random}"), error))?;
    let secret = to_hex(&secret);
    let public = public_key(&secret).map_err(Failure::Usage)?;
    let path = &arguments.file;
    fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| writeln!(file, "{secret}"))
        .map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => Failure::Usage(format!(
                "{path} is there already, and a key is never overwritten: whatever it signed could not be signed again; \
                 give another name, such as {path}.2"
            )),
            _ => Failure::file(format!("writing {path}"), error),
        })?;
    print_line(&public)?;
    print_note(&format!("the secret key is in {path}; the public key above goes to the team's trusted_keys"));
    Ok(())
}

/// Adds a key to those that the team trusts, or takes one away.
pub(super) async fn trust(common: &Common<TrustArguments>) -> Result<(), Failure> {
    let connection = Connection::open(&common.connection).await?;
    let mut client = client!(connection, organisation_service_client::OrganisationServiceClient);
    let request = v1::GetTeamRequest { name: connection.team()?.to_owned() };
    let team = client.get_team(connection.request(request)).await;
    let mut team = team.map_err(|status| connection.failure(status))?.into_inner();
    let TrustArguments { key_id, public_key, remove: _, replace } = &common.arguments;
    let before = team.trusted_keys.iter().position(|key| key.key_id == *key_id);
    let before = before.map(|place| team.trusted_keys.remove(place));
    match (public_key, before) {
        (Some(public_key), Some(before)) if before.public_key != *public_key && !replace => {
            return Err(Failure::Usage(format!(
                "{} trusts another key by the id {key_id}, {}, and what that has signed since: give this one an id of its \
                 own, or say --replace",
                team.name, before.public_key
            )));
        }
        (Some(public_key), _) => {
            team.trusted_keys.push(v1::TrustedKey { key_id: key_id.clone(), public_key: public_key.clone() })
        }
        (None, None) => return Err(Failure::Usage(format!("{} trusts no key {key_id}", team.name))),
        (None, Some(_)) => {}
    }
    let update_mask = Some(prost_types::FieldMask { paths: vec!["trusted_keys".to_owned()] });
    let request = v1::UpdateTeamRequest { team: Some(team), update_mask, ..v1::UpdateTeamRequest::default() };
    let team = client.update_team(connection.request(request)).await;
    let team = team.map_err(|status| connection.failure(status))?.into_inner();
    let ids: Vec<&str> = team.trusted_keys.iter().map(|key| key.key_id.as_str()).collect();
    print_line(&format!(
        "{} trusts {}",
        team.name,
        if ids.is_empty() { "no key".to_owned() } else { ids.join(", ") }
    ))
}

/// Prints the signature of what would be published.
pub(super) fn print(arguments: &SignArguments) -> Result<(), Failure> {
    let plugin = Connection::offline_name(&arguments.connection, "plugins", &arguments.plugin)?;
    let (source, parameters) = arguments.contents.read()?;
    print_line(&signature(&plugin, &source, &parameters, &arguments.key)?)
}

/// The signature that a publication takes along, if a key is given.
pub(super) fn signed(
    plugin: &str,
    source: &publish::Source,
    parameters: &str,
    key: &KeyArguments,
) -> Result<Option<v1::PluginSignature>, Failure> {
    let (Some(file), Some(key_id)) = (&key.key, &key.key_id) else { return Ok(None) };
    let signature = signature(plugin, source, parameters, file)?;
    Ok(Some(v1::PluginSignature { key_id: key_id.clone(), signature }))
}

fn signature(plugin: &str, source: &publish::Source, parameters: &str, key: &str) -> Result<String, Failure> {
    let shipped = |id: &str| {
        standard_component(id).ok_or_else(|| Failure::Usage(format!("there is no standard plugin {id:?}")))
    };
    let hash = |bytes: &[u8]| blake3::hash(bytes).to_hex().to_string();
    let (component, standard, parameters) = match source {
        publish::Source::Component(bytes) => (hash(bytes), String::new(), parameters.to_owned()),
        publish::Source::Standard(id) => (hash(shipped(id)?), id.clone(), parameters.to_owned()),
        publish::Source::Formula(sheet) => {
            (hash(shipped("formula")?), "formula".to_owned(), sheet_parameters(sheet))
        }
    };
    let revision = v1::PluginRevision {
        plugin: plugin.to_owned(),
        component,
        standard,
        parameters,
        ..v1::PluginRevision::default()
    };
    sign(read_text(key)?.trim(), &signed_text(&revision))
        .map_err(|what| Failure::Usage(format!("{key}: {what}")))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[test]
    fn a_key_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key").display().to_string();
        keygen(&KeygenArguments { file: file.clone() }).unwrap();
        let before = fs::read_to_string(&file).unwrap();
        let refused = keygen(&KeygenArguments { file: file.clone() }).unwrap_err();
        assert!(
            format!("{refused:?}").contains("is there already, and a key is never overwritten"),
            "{refused:?}"
        );
        assert_eq!(fs::read_to_string(&file).unwrap(), before);
    }

    #[test]
    fn trust_ends_only_where_that_is_said() {
        #[derive(Debug, Parser)]
        struct Trust {
            #[command(flatten)]
            arguments: TrustArguments,
        }
        let check = |words: &[&str], fine: bool| {
            let parsed = Trust::try_parse_from(["trust"].iter().chain(words));
            assert_eq!(parsed.is_ok(), fine, "{words:?}: {parsed:?}");
        };
        check(&["ci", "00ff"], true);
        check(&["ci"], false);
        check(&["ci", "--remove"], true);
        check(&["ci", "00ff", "--remove"], false);
        check(&["ci", "00ff", "--replace"], true);
        check(&["ci", "--remove", "--replace"], false);
    }
}
