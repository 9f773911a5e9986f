//! How commands reach the server: address, team, author and patience, from flags, the environment or the configuration
//! file, and the calls themselves.

use std::{env, fs, io, path::PathBuf, time::Duration};

use clap::Args;
use prost_reflect::{DynamicMessage, MethodDescriptor, prost::Message as _};
use serde::Deserialize;
use tonic::{
    Request, Status,
    client::Grpc,
    codegen::http::uri::PathAndQuery,
    metadata::{AsciiMetadataValue, BinaryMetadataValue},
    transport::Channel,
};

use super::{
    address::{Address, DEFAULT_SERVER},
    collection,
    failure::{Failure, innermost},
};
use crate::{
    grpc::codec::Raw,
    model::name::{Id, Name},
    transfer::slug,
};

/// How long a call may take where nobody says.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// The most seconds that a call may be given: a year.
const TIMEOUT_MAX_SECONDS: u64 = 31_536_000;

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The largest answer, in bytes: a page of a thousand large records.
const ANSWER_MAX_BYTES: usize = 64 << 20;

/// The metadata that carries who calls, in ASCII, and in any script.
const AUTHOR_KEY: &str = "merit-author";
const AUTHOR_BIN_KEY: &str = "merit-author-bin";

/// What every client command takes.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Server")]
pub(super) struct ConnectionArguments {
    /// The server's address, https:// for TLS [default: http://127.0.0.1:7171, or `server` of the configuration file].
    #[arg(long, env = "MERIT_SERVER", value_name = "URL")]
    pub(super) server: Option<String>,
    /// The certificates (PEM) of the authority that an https:// server has its own from [default: `ca` of the configuration
    /// file, or what the system trusts].
    #[arg(long, env = "MERIT_CA", value_name = "FILE")]
    pub(super) ca: Option<PathBuf>,
    /// The team, by id or name [default: `team` of the configuration file, $XDG_CONFIG_HOME/merit/config.toml].
    #[arg(long, env = "MERIT_TEAM", value_name = "TEAM")]
    pub(super) team: Option<String>,
    /// Who does this, for the audit trail [default: `author` of the configuration file, or $USER].
    #[arg(long, env = "MERIT_AUTHOR", value_name = "NAME")]
    pub(super) author: Option<String>,
    /// Seconds that a call may take, 1 to 31536000 [default: 30; following a run and moving files may take as long as
    /// they take].
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=TIMEOUT_MAX_SECONDS))]
    pub(super) timeout: Option<u64>,
}

/// The configuration file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Configuration {
    server: Option<String>,
    ca: Option<PathBuf>,
    team: Option<String>,
    author: Option<String>,
    timeout: Option<u64>,
}

/// A connection to a server. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    channel: Channel,
    server: String,
    team: Option<String>,
    author: Option<String>,
    timeout: Option<Duration>,
}

// === impl Configuration ===

impl Configuration {
    /// Reads the file, where there is one.
    fn read() -> Result<Self, Failure> {
        let Some(path) = Self::path() else { return Ok(Self::default()) };
        match fs::read_to_string(&path) {
            Ok(text) => toml::from_str(&text).map_err(|error| {
                Failure::Usage(format!("{}: {}", path.display(), error.to_string().trim_end()))
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(Failure::file(format!("reading {}", path.display()), error)),
        }
    }

    fn path() -> Option<PathBuf> {
        let set = |key: &str| env::var_os(key).filter(|value| !value.is_empty()).map(PathBuf::from);
        let directory = set("XDG_CONFIG_HOME").or_else(|| set("HOME").map(|home| home.join(".config")))?;
        Some(directory.join("merit").join("config.toml"))
    }
}

// === impl Connection ===

impl Connection {
    /// Connects as the arguments, the environment and the configuration file say.
    pub(super) async fn open(arguments: &ConnectionArguments) -> Result<Self, Failure> {
        let file = Configuration::read()?;
        let given = |flag: &Option<String>, file: Option<String>| {
            flag.clone().filter(|text| !text.is_empty()).or(file)
        };
        let server = given(&arguments.server, file.server);
        let server = Address::parse(server.as_deref().unwrap_or(DEFAULT_SERVER))?;
        if let Some(ca) = arguments.ca.as_ref().filter(|_| !server.is_secure()) {
            let (ca, server) = (ca.display(), &server.text);
            let message = format!(
                "--ca {ca}: {server} is in the clear, where no certificate is asked for: say https://"
            );
            return Err(Failure::Usage(message));
        }
        let author = given(&arguments.author, file.author).or_else(|| env::var("USER").ok());
        let team = given(&arguments.team, file.team).map(|team| team_name(&team)).transpose()?;
        if let Some(seconds) = file.timeout.filter(|seconds| !(1..=TIMEOUT_MAX_SECONDS).contains(seconds)) {
            let message = format!(
                "`timeout = {seconds}` in the configuration file: give 1 to {TIMEOUT_MAX_SECONDS} seconds"
            );
            return Err(Failure::Usage(message));
        }
        let timeout = arguments.timeout.or(file.timeout).map(Duration::from_secs);
        let author = author.map(|author| author.trim().to_owned()).filter(|author| !author.is_empty());
        let endpoint = server
            .endpoint(arguments.ca.as_ref().or(file.ca.as_ref()))?
            .connect_timeout(CONNECT_TIMEOUT)
            .initial_stream_window_size(4 << 20)
            .initial_connection_window_size(8 << 20)
            .tcp_nodelay(true);
        let server = server.text;
        let channel = endpoint
            .connect()
            .await
            .map_err(|error| Failure::Unreachable { server: server.clone(), cause: innermost(&error) })?;
        Ok(Self { channel, server, team, author, timeout })
    }

    /// The name of a record of the team that the arguments or the configuration file name, without asking a server.
    pub(super) fn offline_name(
        arguments: &ConnectionArguments,
        collection: &str,
        given: &str,
    ) -> Result<String, Failure> {
        record_name(collection, given, || {
            let team = arguments.team.clone().filter(|team| !team.is_empty()).or(Configuration::read()?.team);
            let team =
                team.ok_or_else(|| Failure::Usage("no team: name one with --team or MERIT_TEAM".to_owned()))?;
            team_name(&team)
        })
    }

    /// The team, `teams/{team}`.
    pub(super) fn team(&self) -> Result<&str, Failure> {
        self.team.as_deref().ok_or_else(|| {
            Failure::Usage(
                "no team: name one with --team or MERIT_TEAM, or `team = \"…\"` in the configuration file; `merit list \
                 teams` shows them"
                    .to_owned(),
            )
        })
    }

    /// The name of a record: as given, or of the team's collection where only an id is given.
    pub(super) fn name(&self, collection: &str, given: &str) -> Result<String, Failure> {
        record_name(collection, given, || self.team().map(str::to_owned))
    }

    /// The channel, for generated clients.
    pub(super) fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// A request with the author on it, and the time that a single call may take.
    pub(super) fn request<T>(&self, message: T) -> Request<T> {
        self.with_metadata(message, Some(self.timeout.unwrap_or(DEFAULT_TIMEOUT)))
    }

    /// The same for what takes as long as it takes, unless a timeout is given.
    pub(super) fn long_request<T>(&self, message: T) -> Request<T> {
        self.with_metadata(message, self.timeout)
    }

    fn with_metadata<T>(&self, message: T, timeout: Option<Duration>) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(author) = &self.author {
            let metadata = request.metadata_mut();
            match AsciiMetadataValue::try_from(author.as_str()) {
                Ok(value) if author.is_ascii() => metadata.insert(AUTHOR_KEY, value).map(drop),
                _ => metadata
                    .insert_bin(AUTHOR_BIN_KEY, BinaryMetadataValue::from_bytes(author.as_bytes()))
                    .map(drop),
            };
        }
        if let Some(timeout) = timeout {
            request.set_timeout(timeout);
        }
        request
    }

    /// What a failed call means.
    pub(super) fn failure(&self, status: Status) -> Failure {
        Failure::of_call(&self.server, status)
    }

    /// Calls any unary method of the descriptors.
    pub(super) async fn call(
        &self,
        method: &MethodDescriptor,
        request: &DynamicMessage,
    ) -> Result<DynamicMessage, Failure> {
        let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
        let path = PathAndQuery::try_from(path).map_err(|error| Failure::Usage(error.to_string()))?;
        let mut grpc = Grpc::new(self.channel()).max_decoding_message_size(ANSWER_MAX_BYTES);
        grpc.ready().await.map_err(|error| Failure::Unreachable {
            server: self.server.clone(),
            cause: innermost(&error),
        })?;
        let request = self.request(bytes::Bytes::from(request.encode_to_vec()));
        let answer = grpc.unary(request, path, Raw).await.map_err(|status| self.failure(status))?;
        DynamicMessage::decode(method.output(), answer.into_inner())
            .map_err(|error| Failure::Service(format!("the answer cannot be decoded: {error}")))
    }
}

/// A client of a service, that takes answers as large as pages get.
macro_rules! client {
    ($connection:expr, $module:ident :: $client:ident) => {
        crate::proto::v1::$module::$client::new($connection.channel())
            .max_decoding_message_size($crate::cli::connection::answer_max_bytes())
    };
}
pub(super) use client;

/// See `client`.
pub(super) fn answer_max_bytes() -> usize {
    ANSWER_MAX_BYTES
}

/// The name that a text means, an id, `collection/id` or a whole name: of this collection and no other.
fn record_name(
    collection: &str,
    given: &str,
    team: impl FnOnce() -> Result<String, Failure>,
) -> Result<String, Failure> {
    let is_meant = |of: &str| collection::find(of).is_ok_and(|schema| schema.collection == collection);
    let parts: Vec<&str> = given.split('/').collect();
    match (collection, &parts[..]) {
        (Name::TEAMS, [id]) => team_name(id),
        (Name::TEAMS, [of, id]) if is_meant(of) => team_name(id),
        // What a run found is named below it.
        ("evaluations", ["teams", _, "runs", _, of, id]) if is_meant(of) => {
            checked(id).map(|_| given.to_owned())
        }
        ("evaluations", ["runs", run, of, id]) if is_meant(of) => {
            Ok(format!("{}/runs/{}/evaluations/{}", team()?, checked(run)?, checked(id)?))
        }
        (Name::TEAMS | "evaluations", _) => Err(no_name(collection, given)),
        (_, [id]) => Ok(format!("{}/{collection}/{}", team()?, checked(id)?)),
        (_, [of, id]) if is_meant(of) => Ok(format!("{}/{collection}/{}", team()?, checked(id)?)),
        (_, ["teams", _, of, id]) if *of == collection => checked(id).map(|_| given.to_owned()),
        _ => Err(no_name(collection, given)),
    }
}

fn no_name(collection: &str, given: &str) -> Failure {
    let form = match collection {
        Name::TEAMS => "teams/{team}".to_owned(),
        "evaluations" => "teams/{team}/runs/{run}/evaluations/{account_manager}".to_owned(),
        _ => format!("an id or teams/{{team}}/{collection}/{{id}}"),
    };
    Failure::Usage(format!("{given:?} is no name in {collection}: {form} is"))
}

/// An id, if it has the form of one: what has not is the name of nothing.
fn checked(id: &str) -> Result<&str, Failure> {
    Id::parse(id).map(|_| id).map_err(|rejection| {
        let near = slug(id);
        let hint = if near.is_empty() { String::new() } else { format!("; did you mean {near}?") };
        Failure::Usage(format!("{}{hint}", rejection.message))
    })
}

fn team_name(team: &str) -> Result<String, Failure> {
    let id = team.strip_prefix("teams/").unwrap_or(team);
    let id = checked(id).map_err(|failure| Failure::Usage(format!("team: {}", failure.message())))?;
    Ok(format!("teams/{id}"))
}

#[cfg(test)]
mod tests {
    use super::{record_name, team_name};

    #[test]
    fn teams_are_named_by_id_or_name() {
        assert_eq!(team_name("acme").ok().as_deref(), Some("teams/acme"));
        assert_eq!(team_name("teams/acme").ok().as_deref(), Some("teams/acme"));
        assert!(team_name("Acme Inc").is_err());
    }

    #[test]
    fn a_name_is_of_the_collection_that_is_meant() {
        let check = |collection: &str, given: &str, expected: Result<&str, &str>| {
            let found = record_name(collection, given, || Ok("teams/t".to_owned()));
            match (found, expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected),
                (Err(found), Err(part)) => assert!(found.message().contains(part), "{}", found.message()),
                (found, _) => panic!("{collection} {given}: {found:?}"),
            }
        };
        check("customers", "acme", Ok("teams/t/customers/acme"));
        check("customers", "customers/acme", Ok("teams/t/customers/acme"));
        check("accountManagers", "account-managers/anna", Ok("teams/t/accountManagers/anna"));
        check("customers", "teams/u/customers/acme", Ok("teams/u/customers/acme"));
        check("customers", "products/p1", Err("\"products/p1\" is no name in customers: an id or teams/"));
        check("customers", "teams/t/products/p1", Err("is no name in customers"));
        check("customers", "a/b/c", Err("is no name in customers"));
        check("customers", "ACME Ltd", Err("neither beginning nor ending with -; did you mean acme-ltd?"));
        check("customers", "", Err("\"\" is not an id"));
        check("plugins", "plugins/commission", Ok("teams/t/plugins/commission"));
        check("teams", "teams/acme", Ok("teams/acme"));
        check("teams", "teams/acme/customers/x", Err("is no name in teams: teams/{team} is"));
        check("evaluations", "runs/q1/evaluations/anna", Ok("teams/t/runs/q1/evaluations/anna"));
        check("evaluations", "anna", Err("teams/{team}/runs/{run}/evaluations/{account_manager} is"));
    }
}
