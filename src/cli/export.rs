//! `merit export`: the records of a collection as CSV or JSON lines, or the dataset of a run as Parquet.

use std::{
    io::{self, BufWriter, IsTerminal as _, Write as _},
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};

use super::{
    collection::{self, CollectionName, Verb},
    connection::{Connection, client},
    failure::Failure,
    out_file::OutFile,
    output::{Format, RecordPrinter, print_note, short_name},
    pages::Pages,
    progress::Progress,
};
use crate::{proto::v1, transfer::Columns};

/// What `merit export` takes.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The collection: `opportunities`; or `run`, for the dataset of a run.
    #[arg(value_parser = CollectionName::or_record(Verb::List))]
    collection: String,
    /// The run, by id or name, after `run`.
    run: Option<String>,
    /// The file to write, - for stdout [default: stdout; for a dataset, RUN.parquet].
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
    let end = arguments.out.as_ref().and_then(|path| path.extension()?.to_str());
    if end == Some("parquet") {
        let message = "records are written as JSON lines or CSV, not as Parquet: that is the form of the dataset of a run, \
                       `merit export run RUN`";
        return Err(Failure::Usage(message.to_owned()));
    }
    let csv = match arguments.output {
        Some(format) => format == ExportFormat::Csv,
        None => end == Some("csv"),
    };
    let format = if csv { Format::Csv } else { Format::Jsonl };
    Columns::select(&schema.message, &arguments.fields).map_err(Failure::Usage)?;
    let (filter, order) = (arguments.filter.as_deref(), arguments.order_by.as_deref());
    let mut pages = Pages::new(connection, schema, filter, order, None)?;
    let mut page = pages.next().await?;
    let out = OutFile::create(arguments.out.as_deref())?;
    let writer = Box::new(BufWriter::new(out.writer()?));
    let mut printer = RecordPrinter::to(writer, format, &schema.message, &arguments.fields)?;
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
    if let Some(path) = out.finish()? {
        print_note(&format!("{count} {} in {}", schema.collection, path.display()));
    }
    Ok(())
}

async fn dataset(connection: &Connection, run: &str, out: Option<&Path>) -> Result<(), Failure> {
    let mut client = client!(connection, evaluation_service_client::EvaluationServiceClient);
    let found = client.get_run(connection.request(v1::GetRunRequest { name: run.to_owned() })).await;
    let named = found.map_err(|status| connection.failure(status))?.into_inner().dataset;
    let request = connection.long_request(v1::DownloadDatasetRequest { name: run.to_owned() });
    let answer = client.download_dataset(request).await.map_err(|status| connection.failure(status))?;
    let mut stream = answer.into_inner();
    let mut piece = stream.message().await.map_err(|status| connection.failure(status))?;
    let path = out.map_or_else(|| PathBuf::from(format!("{}.parquet", short_name(run))), Path::to_owned);
    let file = OutFile::create(Some(&path))?;
    if file.is_stdout() && io::stdout().is_terminal() {
        return Err(Failure::Usage("Parquet is nothing for a terminal: give --out FILE".to_owned()));
    }
    let mut writer = file.writer()?;
    let failed = |error| Failure::file(format!("writing {}", path.display()), error);
    let progress = Progress::of_bytes(None);
    let (mut bytes, mut hasher) = (0, blake3::Hasher::new());
    while let Some(v1::DownloadDatasetResponse { data }) = piece {
        writer.write_all(&data).map_err(failed)?;
        hasher.update(&data);
        bytes += data.len() as u64;
        progress.at(bytes);
        piece = stream.message().await.map_err(|status| connection.failure(status))?;
    }
    drop(progress);
    writer.flush().map_err(failed)?;
    drop(writer);
    same_hash(&named, &hasher.finalize().to_hex())?;
    file.finish()?;
    print_note(&format!("{bytes} bytes in {}", path.display()));
    Ok(())
}

/// What was sent has to be what the run names.
fn same_hash(named: &str, sent: &str) -> Result<(), Failure> {
    if named == sent {
        return Ok(());
    }
    Err(Failure::Service(format!(
        "what was sent is not the dataset of the run: its hash is {sent}, and the run names {named}; nothing was written: \
         ask again, and let `merit audit verify` say whether the server's is whole"
    )))
}

#[cfg(test)]
mod tests {
    use super::same_hash;

    #[test]
    fn a_dataset_is_the_one_that_the_run_names() {
        assert!(same_hash("ab", "ab").is_ok());
        assert!(
            same_hash("ab", "ac").unwrap_err().message().contains("its hash is ac, and the run names ab")
        );
    }
}
