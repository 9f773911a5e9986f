//! `merit import`: rows of a file into records of a collection.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use clap::Args;
use tokio::sync::mpsc;

use super::{
    argument::read_text,
    collection::{self, CollectionName, Verb},
    connection::{Connection, ConnectionArguments},
    failure::Failure,
    output::{Format, OutputArguments, Sheet, print_json, print_line, print_note},
    pages::Pages,
    progress::Progress,
    sender::{self, BATCH_BYTES, BATCH_ITEMS, Batch},
};
use crate::{
    model::schema::schemas,
    proto::v1,
    transfer::{Columns, Converter, Directory, Form, Mapping, Mistakes, Prepared, RejectedFile, Row, Rows},
};

/// The most rows that a batch remembers, where few of them become records.
const BATCH_ROWS: usize = 4096;

/// What `merit import` takes.
#[derive(Debug, Args)]
#[command(after_long_help = MAPPING_HELP)]
pub(super) struct Arguments {
    /// The file: CSV, or JSON lines (.jsonl, or whose first line begins with a brace); - reads stdin.
    file: PathBuf,
    /// The mapping file (TOML): which column becomes which field; --help has the form.
    #[arg(short, long, value_name = "FILE")]
    mapping: Option<PathBuf>,
    /// The collection, of a file whose columns are named as fields (as `merit export` writes it).
    #[arg(short, long, value_name = "COLLECTION", conflicts_with = "mapping", value_parser = CollectionName::of(Verb::Create))]
    collection: Option<String>,
    /// Checks every row and keeps nothing. Rows do not see the rows before them then.
    #[arg(long)]
    validate_only: bool,
    #[command(flatten)]
    output: OutputArguments,
}

/// The form of a mapping file.
const MAPPING_HELP: &str = r#"The mapping file:
  collection = "opportunities"
  id = "opportunity_id"                # a column, or a template: "{region}-{number}"
  empty_values = ["N/A"]               # texts that mean: nothing
  optional_columns = ["segment"]       # the file may lack these
  delimiter = ";"                      # where the first row leaves it open

  [fields]
  display_name = "title"                                           # field = column
  owner    = { column = "agent", lookup = "accountManagers" }      # by display_name; or by = "email", by = "id"
  product  = { column = "product", map = { "GTXPro" = "GTX Pro" }, lookup = "products" }
  stage    = { column = "stage", map = { "Closed" = "WON" }, otherwise = "reject", default = "PROSPECTING" }
  amount   = { column = "value", decimal = ",", thousands = ".", strip = ["EUR"] }
  close_date = { column = "closed", date = ["%d.%m.%Y", "%Y-%m-%d"], empty = "reject" }
  labels.source = { value = "old crm" }                            # the same for all
  labels.key    = { template = "{region}/{number}" }
  "reporting_line[0].manager" = { column = "manager", lookup = "accountManagers" }

  [[skip]]                             # left out on purpose, and counted
  column = "kind"
  values = ["total"]

  [[reject]]                           # kept in FILE.rejected.csv
  column = "account"
  empty = true
  because = "a deal needs an account"

Rejected rows go to FILE.rejected.csv beside the file, with line and reason."#;

/// How a file is read.
struct Plan {
    rows: Rows,
    mapping: Mapping,
    /// Rows are JSON objects of the fields themselves.
    json: bool,
    rejected: RejectedFile,
    /// How large the file is; nothing where nobody knows.
    bytes: Option<u64>,
    read: Arc<AtomicU64>,
}

/// A row, until its result comes.
enum Fate {
    Sent(Row),
    Rejected(Row, String),
    Skipped,
}

/// What became of the rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    rows: u64,
    created: u64,
    updated: u64,
    unchanged: u64,
    skipped: u64,
    rejected: u64,
}

/// A reader that counts.
struct Counted<R> {
    inner: R,
    read: Arc<AtomicU64>,
}

/// Imports a file.
pub(super) async fn run(server: &ConnectionArguments, arguments: &Arguments) -> Result<(), Failure> {
    let plan = plan(arguments)?;
    let connection = &Connection::open(server).await?;
    let team = connection.team()?.to_owned();
    let directory = directory(connection, &plan.mapping).await?;
    let Plan { rows, mapping, json, mut rejected, bytes, read } = plan;
    let mut converter = Converter::new(mapping, &team, directory);
    if json {
        converter = converter.of_json();
    }
    let (sender, batches) = mpsc::channel(2);
    let reading = tokio::task::spawn_blocking(move || feed(rows, converter, &sender));
    let progress = Progress::of_bytes(bytes);
    let mut counts = Counts::default();
    let sent = sender::send(connection, arguments.validate_only, batches, |fates, results| {
        settle(fates, results, &mut counts, &mut rejected)?;
        progress.at(read.load(Ordering::Relaxed));
        progress.say(format!("{} rows", counts.rows));
        Ok(())
    })
    .await;
    drop(progress);
    if let Err(failure) = sent {
        print_note(&format!(
            "{} rows were settled before this; the same import again goes on from there",
            counts.rows
        ));
        return Err(failure);
    }
    reading
        .await
        .map_err(|error| Failure::Service(error.to_string()))?
        .map_err(|error| Failure::file(format!("reading {}", arguments.file.display()), error))?;
    let path = rejected.path().to_owned();
    rejected.finish().map_err(|error| Failure::file(format!("writing {}", path.display()), error))?;
    report(arguments.output.output, counts, &path)
}

/// Opens the file and checks the mapping against it. Nothing is sent before this is right.
fn plan(arguments: &Arguments) -> Result<Plan, Failure> {
    let path = &arguments.file;
    let text = match &arguments.mapping {
        Some(mapping) => Some((mapping, read_text(&mapping.display().to_string())?)),
        None => None,
    };
    let wrong = |mapping: &Path, mistakes: &Mistakes| {
        Failure::Usage(format!(
            "{} is wrong, nothing was sent:\n{}",
            mapping.display(),
            mistakes.to_string().trim_end()
        ))
    };
    let delimiter = match &text {
        Some((mapping, text)) => Mapping::delimiter(text).map_err(|mistakes| wrong(mapping, &mistakes))?,
        None => None,
    };
    let reading = |error| Failure::file(format!("reading {}", path.display()), error);
    let read = Arc::new(AtomicU64::new(0));
    let (inner, bytes): (Box<dyn Read + Send>, Option<u64>) = if path.as_os_str() == "-" {
        (Box::new(io::stdin()), None)
    } else {
        let file = File::open(path).map_err(reading)?;
        let about = file.metadata().map_err(reading)?;
        // A pipe under a name has no size.
        (Box::new(file), about.is_file().then_some(about.len()))
    };
    let counted = Counted { inner, read: Arc::clone(&read) };
    let mut rows = Rows::open(Box::new(counted), Form::of(path), delimiter).map_err(reading)?;
    let form = rows.form();
    let mapping = match (&text, &arguments.collection) {
        (Some((mapping, text)), _) => {
            Mapping::parse(text, rows.columns()).map_err(|mistakes| wrong(mapping, &mistakes))?
        }
        (None, Some(name)) => Mapping::plain(&collection::find(name)?.collection, rows.columns())
            .map_err(|mistakes| wrong(path, &mistakes))?,
        (None, None) => {
            let what = "what the rows are is not said: give --mapping FILE (--help has its form), or --collection NAME for a \
                        file whose columns are named as fields, as `merit export` writes it";
            return Err(Failure::Usage(what.to_owned()));
        }
    };
    let beside = if path.as_os_str() == "-" { Path::new("stdin") } else { path.as_path() };
    let rejected =
        RejectedFile::beside(beside, rows.columns(), form == Form::JsonLines).map_err(|error| {
            Failure::file(format!("removing {}.rejected.csv of an earlier import", path.display()), error)
        })?;
    rows.expect(mapping.missing_columns());
    let json = form == Form::JsonLines && text.is_none();
    Ok(Plan { rows, mapping, json, rejected, bytes, read })
}

/// Brings what the mapping looks up, once.
async fn directory(connection: &Connection, mapping: &Mapping) -> Result<Directory, Failure> {
    let mut directory = Directory::default();
    for lookup in mapping.lookups() {
        let Some(schema) = schemas().get(&lookup.collection) else { continue };
        let paths = ["name".to_owned(), lookup.by.clone()];
        let columns = Columns::select(&schema.message, &paths).map_err(Failure::Usage)?;
        let progress = Progress::counting(&lookup.collection);
        let mut pages = Pages::new(connection, schema, None, None, None)?;
        let mut found = 0;
        while let Some(page) = pages.next().await? {
            found += page.len() as u64;
            progress.at(found);
            for record in &page {
                if let [name, key] = &columns.texts(record)[..] {
                    directory.add(&lookup, key, name);
                }
            }
        }
    }
    Ok(directory)
}

/// Reads rows, makes records of them and passes them on in batches.
fn feed(rows: Rows, mut converter: Converter, sender: &mpsc::Sender<Batch<Vec<Fate>>>) -> io::Result<()> {
    let schema = converter.schema();
    let (mut batch, mut bytes) = (Batch { items: Vec::new(), note: Vec::new() }, 0);
    let mut take = |prepared: Prepared, last: bool| {
        match prepared {
            Prepared::Record(record) => {
                bytes += record.encoded.len();
                batch.items.push(sender::item(schema, record.id, record.encoded));
                batch.note.push(Fate::Sent(record.row));
            }
            Prepared::Rejected(row, reason) => batch.note.push(Fate::Rejected(row, reason)),
            Prepared::Skipped(_) => batch.note.push(Fate::Skipped),
            Prepared::Waiting => {}
        }
        let full = batch.items.len() >= BATCH_ITEMS || bytes >= BATCH_BYTES || batch.note.len() >= BATCH_ROWS;
        if !full && !last {
            return true;
        }
        bytes = 0;
        let full = std::mem::replace(&mut batch, Batch { items: Vec::new(), note: Vec::new() });
        // A receiver that is gone has told why.
        sender.blocking_send(full).is_ok()
    };
    for row in rows {
        if !take(converter.prepare(row?), false) {
            return Ok(());
        }
    }
    for prepared in converter.finish() {
        if !take(prepared, false) {
            return Ok(());
        }
    }
    take(Prepared::Waiting, true);
    Ok(())
}

/// Counts what became of the rows of a batch, and keeps the rejected ones.
fn settle(
    fates: Vec<Fate>,
    results: Vec<v1::ImportResult>,
    counts: &mut Counts,
    rejected: &mut RejectedFile,
) -> Result<(), Failure> {
    let mut results = results.into_iter();
    for fate in fates {
        counts.rows += 1;
        let refused = match fate {
            Fate::Skipped => {
                counts.skipped += 1;
                None
            }
            Fate::Rejected(row, reason) => Some((row, reason)),
            Fate::Sent(row) => {
                let result = results.next().ok_or_else(|| {
                    Failure::Service("the server answered fewer results than items".to_owned())
                })?;
                let count = match result.outcome() {
                    v1::ImportOutcome::Created => Some(&mut counts.created),
                    v1::ImportOutcome::Updated => Some(&mut counts.updated),
                    v1::ImportOutcome::Unchanged => Some(&mut counts.unchanged),
                    v1::ImportOutcome::Rejected | v1::ImportOutcome::Unspecified => None,
                };
                let kept = count.map(|count| *count += 1).is_some();
                (!kept).then(|| (row, format!("{}: {}", result.reason, result.message)))
            }
        };
        if let Some((row, reason)) = refused {
            counts.rejected += 1;
            let path = rejected.path().to_owned();
            rejected
                .add(&row, &reason)
                .map_err(|error| Failure::file(format!("writing {}", path.display()), error))?;
        }
    }
    Ok(())
}

/// Prints what became of the rows.
fn report(format: Format, counts: Counts, rejected: &Path) -> Result<(), Failure> {
    let Counts { rows, created, updated, unchanged, skipped, rejected: refused } = counts;
    let file = if refused > 0 { rejected.display().to_string() } else { String::new() };
    match format {
        Format::Table => {
            print_line(&format!(
                "{rows} rows: {created} created, {updated} updated, {unchanged} unchanged, {skipped} skipped, {refused} rejected"
            ))?;
        }
        Format::Csv => {
            let mut sheet =
                Sheet::new(&["rows", "created", "updated", "unchanged", "skipped", "rejected", "file"]);
            let numbers =
                [rows, created, updated, unchanged, skipped, refused].map(|count| count.to_string());
            sheet.row(numbers.into_iter().chain([file.clone()]));
            sheet.print(format)?;
        }
        Format::Json | Format::Jsonl => print_json(
            format,
            &serde_json::json!({ "rows": rows, "created": created, "updated": updated, "unchanged": unchanged,
                "skipped": skipped, "rejected": refused, "rejected_file": file }),
        )?,
    }
    if refused == 0 {
        return Ok(());
    }
    Err(Failure::Differs(format!(
        "{refused} of {rows} rows were rejected: {file} has them, with line and reason"
    )))
}

// === impl Counted ===

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
