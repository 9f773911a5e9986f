//! `merit demo`: the main job on a fresh machine. A service of its own, a sample organisation, a formula and a
//! component, a run over a quarter, a leaderboard, one statement to the cent, and how to go on.

mod names;
mod random;
mod sample;

use std::{
    collections::HashSet,
    env,
    io::{self, IsTerminal as _},
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Instant,
};

use clap::Args;
use tokio::{sync::oneshot, task::JoinHandle};

use super::{
    argument::quoted,
    connection::{Connection, ConnectionArguments, client},
    evaluation::{self, Query},
    failure::Failure,
    output::{print_line, short_name},
    pages::Pages,
    plugin, results, run, sender,
    signals::stopped,
};
use crate::{
    config::Config,
    model::schema::{Schema, schemas},
    proto::v1::{self, RunMode, RunState, input_binding::Source, publish_plugin_revision_request as publish},
    server::Server,
    store::Failed,
};

/// The team of the sample organisation.
const TEAM: &str = "teams/demo";

/// What the run is called.
const RUN: &str = "fourth-quarter";

/// The quarter that is run.
const PERIOD: (&str, &str) = ("2025-10-01", "2026-01-01");

/// The formula that is published, and the parameters of the component.
const FORMULA: &str = include_str!("commission.formula");
const SCORECARD: &str = include_str!("scorecard.json");

/// A client in Python, to be pasted into a shell at the root of the project.
const PYTHON: &str = include_str!("client.py.txt");

/// What `merit demo` takes.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Where to keep the data [default: a temporary directory that is removed at the end].
    #[arg(long, value_name = "DIRECTORY")]
    data: Option<PathBuf>,
    /// Keeps the temporary directory.
    #[arg(long)]
    keep: bool,
}

/// A service in this process.
struct Service {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<Result<(), Failed>>,
}

/// Runs the demonstration.
pub(super) async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let begun = Instant::now();
    let temporary = match arguments.data {
        Some(_) => None,
        None => Some(
            tempfile::tempdir().map_err(|error| Failure::file("creating a temporary directory", error))?,
        ),
    };
    let directory = match (&arguments.data, &temporary) {
        (Some(data), _) => data.clone(),
        (None, Some(temporary)) => temporary.path().to_owned(),
        (None, None) => return Err(Failure::Usage("no directory for the data".to_owned())),
    };
    // A service that is told to stop ends before its directory does.
    let told_to_stop = stopped()?;
    let service = Service::start(directory.clone()).await?;
    say(&format!("A service on {}, its data in {}", service.address, directory.display()))?;
    let shown = tokio::select! {
        shown = show(&service) => shown,
        signal = told_to_stop => Err(Failure::Interrupted(signal)),
    };
    let ended = service.stop().await;
    let run = shown?;
    ended?;
    let kept = arguments.data.is_some() || arguments.keep;
    if let (Some(temporary), true) = (temporary, arguments.keep) {
        let _ = temporary.keep();
    }
    say(&format!("All of it took {} seconds", seconds(begun)))?;
    print_line(&how_to_go_on(&run, kept.then_some(&directory)))
}

/// Does the job as a client would, and answers the run's name.
async fn show(service: &Service) -> Result<String, Failure> {
    let arguments = ConnectionArguments {
        server: Some(format!("http://{}", service.address)),
        ca: None,
        team: Some(TEAM.to_owned()),
        author: Some("demo".to_owned()),
        // Somebody waits for the end of it, on whatever machine they have.
        timeout: Some(600),
    };
    let connection = Connection::open(&arguments).await?;
    let begun = Instant::now();
    let counts = load(&connection).await?;
    say(&format!("A sample organisation, loaded in {} s: {counts}", seconds(begun)))?;
    let (scorecard, commission) = publish_plugins(&connection).await?;
    say(&format!(
        "Published: {} (a component) and {} (a formula)",
        short_name(&scorecard),
        short_name(&commission)
    ))?;
    print_line(FORMULA.trim_end())?;

    let begun = Instant::now();
    let created = create_run(&connection, scorecard, commission).await?;
    let run = run::follow(&connection, &created).await?;
    if run.state() != RunState::Succeeded {
        return Err(Failure::Differs(run::ended(&run)));
    }
    let (done, faulted) = (run.rows_done, run.rows_faulted);
    say(&format!(
        "The fourth quarter of 2025, in {} s: {done} account managers scored, {faulted} faulted",
        seconds(begun)
    ))?;
    print_line(&evaluation::leaderboard(&connection, &run.name, 10).await?.table())?;

    say("One statement, to the cent")?;
    let best = best(&connection, &run.name).await?;
    print_line(&results::statement(&results::fetch(&connection, best).await?))?;

    let mut client = client!(connection, evaluation_service_client::EvaluationServiceClient);
    let request = v1::ReplayRunRequest { name: run.name.clone(), ..Default::default() };
    let replayed = client.replay_run(connection.long_request(request)).await;
    let replayed = replayed.map_err(|status| connection.failure(status))?.into_inner();
    if !replayed.identical {
        return Err(Failure::Differs("the replay differs from the run".to_owned()));
    }
    say(&format!("Replayed from its dataset: {} account managers, every output identical", replayed.rows))?;
    Ok(run.name)
}

/// Loads the organisation, and says what it has.
async fn load(connection: &Connection) -> Result<String, Failure> {
    let team = v1::Team {
        display_name: "Sample organisation".to_owned(),
        currency: "EUR".to_owned(),
        ..Default::default()
    };
    let request = v1::CreateTeamRequest { team: Some(team), team_id: short_name(TEAM), ..Default::default() };
    let mut client = client!(connection, organisation_service_client::OrganisationServiceClient);
    match client.create_team(connection.request(request)).await {
        // A directory that a demonstration has filled before.
        Err(status) if status.code() != tonic::Code::AlreadyExists => return Err(connection.failure(status)),
        _ => {}
    }
    let mut counts = Vec::new();
    for records in sample::organisation(TEAM) {
        let Some(schema) = schemas().get(records.collection) else { continue };
        let count = records.records.len();
        // What is there from an earlier demonstration stays, with what has become of it since.
        let there = names(connection, schema).await?;
        let is_missing = |(id, _): &(String, Vec<u8>)| !there.contains(id);
        let missing = records.records.into_iter().filter(is_missing).collect();
        sender::send_all(connection, schema, missing).await?;
        counts.push(format!("{count} {}", words(records.collection)));
    }
    Ok(counts.join(", "))
}

/// The ids of the records of a collection.
async fn names(connection: &Connection, schema: &Schema) -> Result<HashSet<String>, Failure> {
    let mut pages = Pages::new(connection, schema, None, None, None)?;
    let mut ids = HashSet::new();
    while let Some(page) = pages.next().await? {
        let names = page.iter().filter_map(|record| record.get_field_by_name("name"));
        ids.extend(names.filter_map(|name| name.as_str().map(short_name)));
    }
    Ok(ids)
}

/// Publishes the component and the formula, and answers their revisions.
async fn publish_plugins(connection: &Connection) -> Result<(String, String), Failure> {
    let mut revisions = Vec::new();
    let sources = [
        ("scorecard", publish::Source::Standard("weighted_scorecard".to_owned()), SCORECARD),
        ("commission", publish::Source::Formula(FORMULA.to_owned()), ""),
    ];
    for (id, source, parameters) in sources {
        let plugin = format!("{TEAM}/plugins/{id}");
        plugin::ensure(connection, &plugin, None, false).await?;
        let request = v1::PublishPluginRevisionRequest {
            activate: true,
            signature: None,
            plugin,
            source: Some(source),
            parameters: parameters.to_owned(),
            request_id: format!("demo-{id}"),
            validate_only: false,
        };
        revisions.push(plugin::publish_revision(connection, request).await?.name);
    }
    let commission = revisions.pop().unwrap_or_default();
    Ok((revisions.pop().unwrap_or_default(), commission))
}

/// Starts the run: the scorecard first, then the commission that it gates.
async fn create_run(
    connection: &Connection,
    scorecard: String,
    commission: String,
) -> Result<String, Failure> {
    let measure = |id: &str| Source::Measure(format!("{TEAM}/measures/{id}"));
    let target = || Source::Target(format!("{TEAM}/measures/won-revenue"));
    let bind =
        |input: &str, source: Source| v1::InputBinding { input: input.to_owned(), source: Some(source) };
    let first = v1::RunStep {
        step: "scorecard".to_owned(),
        revision: scorecard,
        inputs: vec![
            bind("revenue", measure("won-revenue")),
            bind("revenue_target", target()),
            bind("win_rate", measure("win-rate")),
            bind("satisfaction", measure("satisfaction")),
        ],
        ..Default::default()
    };
    let second = v1::RunStep {
        step: "commission".to_owned(),
        revision: commission,
        inputs: vec![
            bind("revenue", measure("won-revenue")),
            bind("quota", target()),
            bind("satisfaction", measure("satisfaction")),
            bind("scorecard", Source::Output("scorecard.performance".to_owned())),
            bind("region", Source::Attribute("region".to_owned())),
        ],
        ..Default::default()
    };
    let run = v1::Run {
        display_name: "Fourth quarter".to_owned(),
        period_start: PERIOD.0.to_owned(),
        period_end: PERIOD.1.to_owned(),
        steps: vec![first, second],
        mode: RunMode::Trial.into(),
        population: "labels.role = \"account manager\"".to_owned(),
        ..Default::default()
    };
    let request = v1::CreateRunRequest {
        parent: TEAM.to_owned(),
        run: Some(run),
        run_id: RUN.to_owned(),
        ..Default::default()
    };
    let mut client = client!(connection, evaluation_service_client::EvaluationServiceClient);
    let mut created = client.create_run(connection.request(request.clone())).await;
    if created.as_ref().is_err_and(|status| status.code() == tonic::Code::AlreadyExists) {
        // A directory that a demonstration has filled before has a run of that name.
        let request = v1::CreateRunRequest { run_id: String::new(), ..request };
        created = client.create_run(connection.request(request)).await;
    }
    Ok(created.map_err(|status| connection.failure(status))?.into_inner().name)
}

/// The evaluation with the highest payout.
async fn best(connection: &Connection, run: &str) -> Result<String, Failure> {
    let query =
        Query { run: run.to_owned(), order_by: "payout desc".to_owned(), limit: Some(1), ..Query::default() };
    let mut best = None;
    evaluation::each_page(connection, &query, |page| {
        best = page.first().map(|evaluation| evaluation.name.clone());
        Ok(())
    })
    .await?;
    best.ok_or_else(|| Failure::Differs("the run found nobody".to_owned()))
}

/// What to type next.
fn how_to_go_on(run: &str, kept: Option<&PathBuf>) -> String {
    let merit = env::args().next().map_or_else(|| "merit".to_owned(), |path| quoted(Path::new(&path)));
    let (keep, directory) = match kept {
        Some(directory) => (String::new(), quoted(directory)),
        None => (format!("  {merit} demo --data merit-demo\n"), "merit-demo".to_owned()),
    };
    let id = short_name(run);
    let python = PYTHON.trim_end().replace("{run}", run);
    format!(
        "\nTo go on, keep a service running on such data:\n{keep}  {merit} serve --data {directory}\n\nAsk it, in another \
         terminal:\n  export MERIT_TEAM=demo\n  {merit} results {id} --order-by 'payout desc'\n  {merit} list opportunities \
         --filter 'stage = \"WON\" AND amount > 90000'\n  grpcurl -plaintext -d '{{\"parent\": \"{run}\", \"page_size\": 3}}' \
         127.0.0.1:7171 merit.v1.EvaluationService/ListEvaluations\n\nOr from Python, at the root of the project:\n\n{python}\n"
    )
}

/// A heading; bold on a terminal that wants colours.
fn say(text: &str) -> Result<(), Failure> {
    if io::stdout().is_terminal() && env::var_os("NO_COLOR").is_none() {
        return print_line(&format!("\n\u{1b}[1m{text}\u{1b}[0m"));
    }
    print_line(&format!("\n{text}"))
}

/// `accountManagers` as people write it.
fn words(collection: &str) -> String {
    let spaced = |letter: char| match letter {
        upper if upper.is_uppercase() => format!(" {}", upper.to_lowercase()),
        lower => lower.to_string(),
    };
    collection.chars().map(spaced).collect()
}

/// Seconds since then, to the tenth.
fn seconds(begun: Instant) -> String {
    let tenths = begun.elapsed().as_millis().div_ceil(100);
    format!("{}.{}", tenths / 10, tenths % 10)
}

// === impl Service ===

impl Service {
    /// Starts a service on a free port of the loopback.
    async fn start(directory: PathBuf) -> Result<Self, Failure> {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let config = Config { listen, data: directory, ..Config::default() }.for_merit_itself();
        let server = Server::build(&config).await?;
        let address = server.address();
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(server.run(async {
            let _ = stopped.await;
        }));
        Ok(Self { address, stop, serving })
    }

    /// Stops it, and waits until its data is closed.
    async fn stop(self) -> Result<(), Failure> {
        // A service that has ended by itself hears nothing, and has a reason to tell.
        let _ = self.stop.send(());
        let ended = self.serving.await.map_err(|error| Failure::Service(error.to_string()))?;
        ended.map_err(|failed| Failure::of_service(&failed))
    }
}
