//! `merit run`: starts a run, follows it, and shows who came out best.

use clap::Args;

use super::{
    argument::{read_text, text_of},
    connection::{Connection, client},
    evaluation,
    failure::Failure,
    output::{Format, OutputArguments, dynamic, print_line, print_note, print_record, short_name},
    period,
    progress::Progress,
    run_file,
};
use crate::proto::v1::{self, RunMode, RunState};

/// What `merit run` takes.
#[derive(Debug, Args)]
#[command(after_long_help = run_file::RUN_FILE_HELP)]
pub(super) struct Arguments {
    /// A file (TOML) that says what is to be run; --help has the form. Flags count before it.
    file: Option<String>,
    /// The period: 2017-Q1, 2017-03, 2017 (of the calendar), FY2017, FY2017-Q1 (the team's fiscal year that ends in 2017),
    /// 2017-01-01..2017-04-01.
    #[arg(short, long, value_name = "PERIOD")]
    period: Option<String>,
    /// A plugin revision to execute, in this order: `commission-1`, `pay=commission-1`; `plugins/commission` is its active
    /// one.
    #[arg(short, long, value_name = "[STEP=]REVISION")]
    step: Vec<String>,
    /// Where an input comes from: `commission.revenue=measure:won-revenue`; measure, target, attribute, output, constant.
    #[arg(short, long, value_name = "STEP.INPUT=KIND:SOURCE")]
    input: Vec<String>,
    /// A candidate to execute beside a step; no part of the results, `merit plugin compare RUN` shows what it would change.
    #[arg(long, value_name = "STEP=REVISION")]
    shadow: Vec<String>,
    /// The parameters of a step, JSON or @FILE.
    #[arg(long, value_name = "STEP=JSON")]
    parameters: Vec<String>,
    /// Who is scored, over the fields of account managers.
    #[arg(long, value_name = "EXPRESSION")]
    population: Option<String>,
    /// A run to look at, not to pay by [default].
    #[arg(long, conflicts_with = "final_")]
    trial: bool,
    /// A run to pay by.
    #[arg(long = "final", id = "final_")]
    final_: bool,
    /// The last part of the run's name [default: the service makes one].
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// What people call the run.
    #[arg(long, value_name = "TEXT")]
    display_name: Option<String>,
    /// Makes a repeat safe: the same id with the same content gives the run that was started first.
    #[arg(long, value_name = "ID")]
    request_id: Option<String>,
    /// Checks everything and starts nothing.
    #[arg(long)]
    validate_only: bool,
    /// Does not wait until the run is finished.
    #[arg(long)]
    no_wait: bool,
    /// How many of the best to show.
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
    top: u64,
    #[command(flatten)]
    output: OutputArguments,
}

/// What `merit cancel` takes.
#[derive(Debug, Args)]
pub(super) struct CancelArguments {
    /// The run, by id or name.
    run: String,
    #[command(flatten)]
    output: OutputArguments,
}

/// Cancels a run.
pub(super) async fn cancel(connection: &Connection, arguments: &CancelArguments) -> Result<(), Failure> {
    let mut client = client!(connection, evaluation_service_client::EvaluationServiceClient);
    let name = connection.name("runs", &arguments.run)?;
    let request = v1::CancelRunRequest { name, ..v1::CancelRunRequest::default() };
    let answer = client.cancel_run(connection.request(request)).await;
    let run = answer.map_err(|status| connection.failure(status))?.into_inner();
    match arguments.output.output {
        Format::Table => print_line(&format!("{} is cancelled", run.name)),
        format => print_record(format, &dynamic(&run)),
    }
}

/// Starts a run and follows it.
pub(super) async fn run(connection: &Connection, arguments: &Arguments) -> Result<(), Failure> {
    let request = v1::CreateRunRequest {
        parent: connection.team()?.to_owned(),
        run: Some(described(connection, arguments).await?),
        run_id: arguments.id.clone().unwrap_or_default(),
        request_id: arguments.request_id.clone().unwrap_or_default(),
        validate_only: arguments.validate_only,
    };
    let format = arguments.output.output;
    let mut client = client!(connection, evaluation_service_client::EvaluationServiceClient);
    let created = client.create_run(connection.request(request)).await;
    let created = created.map_err(|status| connection.failure(status))?.into_inner();
    if arguments.no_wait || arguments.validate_only {
        return print_record(format, &dynamic(&created));
    }
    if format == Format::Table {
        print_note(&created.name);
    }
    let finished = follow(connection, &created.name).await?;
    if finished.state() != RunState::Succeeded {
        return Err(Failure::Differs(ended(&finished)));
    }
    match format {
        Format::Table => {
            print_line(&evaluation::leaderboard(connection, &finished.name, arguments.top).await?.table())?;
            let run = short_name(&finished.name);
            print_note(&format!(
                "{} account managers; `merit results {run}`, `merit explain {run} WHO`, `merit replay {run}`",
                finished.rows_total
            ));
        }
        format => print_record(format, &dynamic(&finished))?,
    }
    if finished.rows_total == 0 {
        let who = match finished.population.as_str() {
            "" => "nobody is employed in the period".to_owned(),
            population => format!("{population} is true of nobody who is employed in the period"),
        };
        return Err(Failure::Differs(format!("nobody was scored: {who}")));
    }
    if finished.rows_faulted == 0 {
        return Ok(());
    }
    Err(Failure::Differs(format!(
        "{} of {} account managers could not be scored by every step: `merit results {} --filter faulted` says why",
        finished.rows_faulted,
        finished.rows_total,
        short_name(&finished.name)
    )))
}

/// Follows a run until it ends, with a bar for people.
pub(super) async fn follow(connection: &Connection, name: &str) -> Result<v1::Run, Failure> {
    let mut client = client!(connection, evaluation_service_client::EvaluationServiceClient);
    let request = connection.long_request(v1::WatchRunRequest { name: name.to_owned() });
    let answer = client.watch_run(request).await.map_err(|status| connection.failure(status))?;
    let mut stream = answer.into_inner();
    let progress = Progress::of(0, "account managers");
    let mut last = None;
    while let Some(message) = stream.message().await.map_err(|status| connection.failure(status))? {
        let Some(run) = message.run else { continue };
        progress.at_of(run.rows_done, run.rows_total);
        last = Some(run);
    }
    let last = last.filter(|run| !matches!(run.state(), RunState::Pending | RunState::Running));
    last.ok_or_else(|| Failure::Service(format!("the server ended its account of {name} before the run was finished: ask again with `merit get {name}`")))
}

/// What became of a run without results, in words.
pub(super) fn ended(run: &v1::Run) -> String {
    match run.state() {
        RunState::Cancelled => format!("{} was cancelled", run.name),
        _ => format!("{} failed: {}", run.name, run.failure),
    }
}

/// The run that the file and the flags describe.
async fn described(connection: &Connection, arguments: &Arguments) -> Result<v1::Run, Failure> {
    let mut run = match &arguments.file {
        Some(path) => run_file::read(connection, path, &read_text(path)?).await?,
        None => v1::Run::default(),
    };
    if let Some(text) = &arguments.period {
        let first_month = period::first_month(connection, text).await?;
        (run.period_start, run.period_end) = period::parse_of(text, first_month)
            .map_err(|message| Failure::Usage(format!("--period: {message}")))?;
    }
    if run.period_start.is_empty() {
        return Err(Failure::Usage(format!("which period? --period takes {}", period::ACCEPTED)));
    }
    if !arguments.step.is_empty() {
        run.steps = arguments
            .step
            .iter()
            .map(|flag| run_file::step_of_flag(connection, flag))
            .collect::<Result<_, _>>()?;
    }
    if run.steps.is_empty() {
        return Err(Failure::Usage(
            "what is to be run? --step names a plugin revision; `merit plugin list` shows them".to_owned(),
        ));
    }
    for flag in &arguments.input {
        run_file::bind(connection, &mut run.steps, flag)?;
    }
    for flag in &arguments.shadow {
        let wrong = |why: &str| Failure::Usage(format!("--shadow {flag}: {why}; write it STEP=REVISION"));
        let (step, shadow) = flag.split_once('=').ok_or_else(|| wrong("there is no ="))?;
        let step = run_file::step_of(&mut run.steps, step).map_err(|why| wrong(&why))?;
        step.shadow = connection.name("pluginRevisions", shadow)?;
    }
    for flag in &arguments.parameters {
        let wrong = |why: &str| Failure::Usage(format!("--parameters {flag}: {why}; write it STEP=JSON"));
        let (step, json) = flag.split_once('=').ok_or_else(|| wrong("there is no ="))?;
        let step = run_file::step_of(&mut run.steps, step).map_err(|why| wrong(&why))?;
        step.parameters = text_of("--parameters", json)?;
    }
    if let Some(population) = &arguments.population {
        run.population.clone_from(population);
    }
    if let Some(display_name) = &arguments.display_name {
        run.display_name.clone_from(display_name);
    }
    if arguments.final_ {
        run.set_mode(RunMode::Final);
    } else if arguments.trial || run.mode() == RunMode::Unspecified {
        run.set_mode(RunMode::Trial);
    }
    Ok(run)
}
