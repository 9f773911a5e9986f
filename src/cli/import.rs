//! `merit import`: rows of a file into records of a collection.

use std::{
    collections::BTreeSet,
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
    ledger::{Fate, Ledger},
    output::{OutputArguments, print_note},
    pages::Pages,
    progress::Progress,
    sender::{self, BATCH_BYTES, BATCH_ITEMS, Batch},
};
use crate::{
    model::schema::schemas,
    transfer::{Columns, Converter, Directory, Form, Mapping, Mistakes, Prepared, RejectedFile, Rows},
};

/// The most rows that a batch remembers, where few of them become records.
const BATCH_ROWS: usize = 4096;

/// What `merit import` takes.
#[derive(Debug, Args)]
#[command(after_long_help = help())]
pub(super) struct Arguments {
    /// The file: CSV, or JSON lines (.jsonl, or whose first line begins with a brace); - reads stdin.
    file: PathBuf,
    /// The mapping file (TOML): which column becomes which field; --help has the form.
    #[arg(short, long, value_name = "FILE")]
    mapping: Option<PathBuf>,
    /// The collection, of a file whose columns are named as fields (as `merit export` writes it).
    #[arg(short, long, value_name = "COLLECTION", conflicts_with = "mapping", value_parser = CollectionName::of(Verb::Import))]
    collection: Option<String>,
    /// Checks every row and keeps nothing. Rows do not see the rows before them then.
    #[arg(long)]
    validate_only: bool,
    /// Where rejected rows go [default: beside the file, FILE.rejected.csv or .jsonl].
    #[arg(long, value_name = "FILE")]
    rejected: Option<PathBuf>,
    #[command(flatten)]
    output: OutputArguments,
}

/// The form of a mapping file, and what becomes of rows.
const MAPPING_HELP: &str = r#"The mapping file:
  collection = "opportunities"
  id = "opportunity_id"           # a column, or a text: "{region}-{number}"
  empty_values = ["N/A"]          # texts that mean: nothing
  optional_columns = ["segment"]  # the file may lack these
  delimiter = ";"                 # where the first row leaves it open

  [fields]
  display_name = "title"          # field = column
  # A record by its display_name; or by = "email", by = "id".
  owner = { column = "agent", lookup = "accountManagers" }

  [fields.product]
  column = "product"
  map = { "GTXPro" = "GTX Pro" }
  lookup = "products"

  [fields.stage]
  column = "stage"
  map = { "Closed" = "WON" }
  otherwise = "reject"            # or "keep", the default
  default = "PROSPECTING"         # of an empty one

  [fields.amount]                 # 1.234,50 EUR; groups of three digits,
  column = "value"                # or grouping = "indian": 12,34,567
  decimal = ","
  thousands = "."
  strip = ["EUR"]

  [fields.close_date]
  column = "closed"               # a time in it is read over
  date = ["%d.%m.%Y", "%Y-%m-%d %H:%M:%S"]
  empty = "reject"                # or "omit", the default

  [fields.labels]
  source = { value = "old crm" }  # the same for all
  key = { template = "{region}/{number}" }

  # Items of lists are counted: [fields."reporting_line[0].manager"]

  [[skip]]                        # left out on purpose, and counted
  column = "kind"
  values = ["total"]

  [[reject]]                      # kept among the rejected rows
  column = "account"
  empty = true
  because = "a deal needs an account"

Of a record that is there, the fields that the file or the mapping gives are
changed, and emptied where the file has nothing; the others stay. A list is
replaced as a whole.

Rejected rows go to FILE.rejected.csv (.jsonl) beside the file, as they were,
with the line and the reason before them: mend them there and import that file
in the same way. It then has what is still rejected, and is gone when nothing is."#;

/// The form of a mapping file, and in which order the collections of a team come in.
fn help() -> String {
    format!(
        "{MAPPING_HELP}\n\nA team, wholly: export its collections and import them in this order, in\n\
         which each refers to those before it (revisions of plugins are published\nagain):\n  {}",
        collection::in_order().join("\n  ")
    )
}

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
    let Plan { rows, mapping, json, rejected, bytes, read } = plan;
    let schema = mapping.schema();
    let mut converter = Converter::new(mapping, &team, directory);
    if json {
        converter = converter.of_json();
    }
    let (sender, batches) = mpsc::channel(2);
    let reading = tokio::task::spawn_blocking(move || feed(rows, converter, &sender));
    let progress = Progress::of_bytes(bytes);
    let mut ledger = Ledger::new(schema, rejected, arguments.validate_only);
    let sent = sender::send(connection, arguments.validate_only, batches, |fates, results| {
        ledger.settle(fates, results)?;
        progress.at(read.load(Ordering::Relaxed));
        progress.say(format!("{} rows", ledger.counts().rows));
        Ok(())
    });
    let sent = match sent.await {
        Ok(()) => ledger.send_again(connection).await,
        failed => failed,
    };
    drop(progress);
    if let Err(failure) = sent {
        let rows = ledger.counts().rows;
        print_note(&format!(
            "{rows} rows were settled before this; the same import again goes on from there"
        ));
        return Err(failure);
    }
    let foreign = reading
        .await
        .map_err(|error| Failure::Service(error.to_string()))?
        .map_err(|error| Failure::file(format!("reading {}", arguments.file.display()), error))?;
    for other in foreign {
        print_note(&format!(
            "records of {other} were taken into {team}, and what they refer to with them: {other}/… became {team}/…"
        ));
    }
    ledger.close(arguments.output.output)
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
    let (mut rows, bytes, read) = open(path, delimiter)?;
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
    let place = match &arguments.rejected {
        Some(place) => place.clone(),
        // What is only checked stays to be imported.
        None => RejectedFile::place(beside, form, arguments.validate_only),
    };
    let rejected = RejectedFile::new(&place, rows.layout()).map_err(|error| {
        let place = place.display();
        Failure::file(format!("rejected rows have no place, {place} (--rejected names another)"), error)
    })?;
    rows.expect(mapping.missing_columns());
    let json = form == Form::JsonLines && text.is_none();
    Ok(Plan { rows, mapping, json, rejected, bytes, read })
}

/// The rows of a file, how large it is, where that is known, and how much of it has been read.
fn open(path: &Path, delimiter: Option<u8>) -> Result<(Rows, Option<u64>, Arc<AtomicU64>), Failure> {
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
    let rows = Rows::open(Box::new(counted), Form::of(path), delimiter).map_err(reading)?;
    Ok((rows, bytes, read))
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

/// Reads rows, makes records of them and passes them on in batches. Answers the other teams that some were of.
fn feed(
    rows: Rows,
    mut converter: Converter,
    sender: &mpsc::Sender<Batch<Vec<Fate>>>,
) -> io::Result<BTreeSet<String>> {
    let schema = converter.schema();
    let (mut batch, mut bytes) = (Batch { items: Vec::new(), note: Vec::new() }, 0);
    let mut take = |prepared: Prepared, last: bool| {
        match prepared {
            Prepared::Record(record) => {
                bytes += record.encoded.len();
                batch.items.push(sender::item(
                    schema,
                    record.id.clone(),
                    record.encoded.clone(),
                    record.mask.clone(),
                ));
                batch.note.push(Fate::Sent(record));
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
    let feed = || {
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
    };
    feed().map(|()| converter.foreign_teams().clone())
}

// === impl Counted ===

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use crate::{cli::Arguments, transfer::Mapping};

    #[test]
    fn the_sample_of_the_help_is_a_mapping() {
        let mut command = crate::cli::examples::explained(Arguments::command());
        let help = command.find_subcommand_mut("import").unwrap().render_long_help().to_string();
        let sample = help.split("The mapping file:\n").nth(1).unwrap().split("\nOf a record").next().unwrap();
        assert!(sample.lines().all(|line| line.chars().count() < 80), "{sample}");
        let columns = [
            "opportunity_id",
            "title",
            "agent",
            "product",
            "stage",
            "value",
            "closed",
            "region",
            "number",
            "kind",
            "account",
        ]
        .map(str::to_owned);
        if let Err(mistakes) = Mapping::parse(sample, &columns) {
            panic!("{}\n{sample}", mistakes.0.join("\n"));
        }
    }
}
