//! `merit export`: the records of a collection as CSV or JSON lines, or the dataset of a run as Parquet.

use std::{
    fs::File,
    io::{self, BufWriter, IsTerminal as _, Write},
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};

use super::{
    collection::{self, CollectionName, Verb},
    connection::{Connection, client},
    failure::Failure,
    output::{Format, RecordPrinter, print_note, short_name},
    pages::Pages,
    progress::Progress,
};
use crate::proto::v1;

/// What `merit export` takes.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The collection: `opportunities`; or `run`, for the dataset of a run.
    #[arg(value_parser = CollectionName::or_record(Verb::List))]
    collection: String,
    /// The run, by id or name, after `run`.
    run: Option<String>,
    /// The file to write [default: stdout; for a dataset, RUN.parquet].
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The form [default: what the end of --out tells, else jsonl].
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    output: Option<ExportFormat>,
    /// Which records: `stage = "WON" AND amount > 1000`.
    #[arg(short, long, value_name = "EXPRESSION")]
    filter: Option<String>,
    /// Fields, each with an optional ` desc`, separated by commas.
    #[arg(long, value_name = "FIELDS")]
    order_by: Option<String>,
    /// The fields of CSV [default: all].
    #[arg(long, value_name = "FIELDS", value_delimiter = ',')]
    fields: Vec<String>,
}

/// The form of a file of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ExportFormat {
    /// A JSON object a line.
    Jsonl,
    /// Comma-separated values; lists and maps are JSON in their columns.
    Csv,
}

/// Exports.
pub(super) async fn run(connection: &Connection, arguments: &Arguments) -> Result<(), Failure> {
    let run = match (&arguments.run, arguments.collection.strip_prefix("runs/")) {
        (Some(run), _) if collection::find(&arguments.collection)?.collection == "runs" => Some(run.as_str()),
        (Some(_), _) => {
            return Err(Failure::Usage("only `merit export run RUN` takes a second name".to_owned()));
        }
        (None, Some(run)) => Some(run),
        (None, None) if arguments.collection.contains("/runs/") => Some(arguments.collection.as_str()),
        (None, None) => None,
    };
    match run {
        Some(run) => dataset(connection, &connection.name("runs", run)?, arguments.out.as_deref()).await,
        None => records(connection, arguments).await,
    }
}

async fn records(connection: &Connection, arguments: &Arguments) -> Result<(), Failure> {
    let schema = collection::find(&arguments.collection)?;
    let by_name = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "csv");
    let csv = match arguments.output {
        Some(format) => format == ExportFormat::Csv,
        None => arguments.out.as_ref().is_some_and(by_name),
    };
    let format = if csv { Format::Csv } else { Format::Jsonl };
    let (filter, order) = (arguments.filter.as_deref(), arguments.order_by.as_deref());
    let mut pages = Pages::new(connection, schema, filter, order, None)?;
    // The first page before the file: what is refused leaves no empty file behind.
    let mut page = pages.next().await?;
    let out: Box<dyn Write> = match &arguments.out {
        Some(path) => Box::new(BufWriter::new(create(path)?)),
        None => Box::new(BufWriter::new(io::stdout())),
    };
    let mut printer = RecordPrinter::to(out, format, &schema.message, &arguments.fields)?;
    let progress = Progress::counting(&schema.collection);
    let mut count = 0;
    while let Some(records) = page {
        printer.page(&records)?;
        count += records.len() as u64;
        progress.at(count);
        page = pages.next().await?;
    }
    drop(progress);
    printer.finish()?;
    if let Some(path) = &arguments.out {
        print_note(&format!("{count} {} in {}", schema.collection, path.display()));
    }
    Ok(())
}

async fn dataset(connection: &Connection, run: &str, out: Option<&Path>) -> Result<(), Failure> {
    let mut client = client!(connection, evaluation_service_client::EvaluationServiceClient);
    let request = connection.long_request(v1::DownloadDatasetRequest { name: run.to_owned() });
    let answer = client.download_dataset(request).await.map_err(|status| connection.failure(status))?;
    let mut stream = answer.into_inner();
    let mut piece = stream.message().await.map_err(|status| connection.failure(status))?;
    let path = out.map_or_else(|| PathBuf::from(format!("{}.parquet", short_name(run))), Path::to_owned);
    let to_stdout = path.as_os_str() == "-";
    if to_stdout && io::stdout().is_terminal() {
        return Err(Failure::Usage("Parquet is nothing for a terminal: give --out FILE".to_owned()));
    }
    let mut file: Box<dyn Write> = if to_stdout { Box::new(io::stdout()) } else { Box::new(create(&path)?) };
    let failed = |error| Failure::file(format!("writing {}", path.display()), error);
    let progress = Progress::of_bytes(None);
    let mut bytes = 0;
    while let Some(v1::DownloadDatasetResponse { data }) = piece {
        file.write_all(&data).map_err(failed)?;
        bytes += data.len() as u64;
        progress.at(bytes);
        piece = stream.message().await.map_err(|status| connection.failure(status))?;
    }
    drop(progress);
    file.flush().map_err(failed)?;
    print_note(&format!("{bytes} bytes in {}", path.display()));
    Ok(())
}

fn create(path: &Path) -> Result<File, Failure> {
    File::create(path).map_err(|error| Failure::file(format!("creating {}", path.display()), error))
}
