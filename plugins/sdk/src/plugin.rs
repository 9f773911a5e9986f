//! The ways to write a plugin, and what the exports do with them.

use alloc::{format, string::String, vec::Vec};

use crate::{
    Answer, Batch, Context, Fault, Manifest, Outcome, ParameterError, Parameters, ParametersDocument,
    Problems, Refusal, Row, Rows, Step, column::ColumnBuilder,
};

/// A plugin that scores each row by itself.
pub trait Scorer: Sized {
    /// Reads the parameters.
    ///
    /// # Errors
    /// Says which parameters are wrong, and what would be accepted.
    fn new(parameters: &Parameters<'_>) -> Result<Self, ParameterError>;

    /// What the plugin needs and gives under these parameters.
    fn manifest(&self) -> Manifest;

    /// Scores a row.
    ///
    /// # Errors
    /// Why the row cannot be scored; the other rows stand.
    fn score(&self, context: &Context, row: &Row<'_>, answer: &mut Answer<'_>) -> Result<(), String>;
}

/// A plugin that scores a whole group at once: `export!(group …)` makes it a plugin. Its manifest has to say
/// [`group`](crate::ManifestBuilder::group).
pub trait GroupScorer: Sized {
    /// Reads the parameters.
    ///
    /// # Errors
    /// Says which parameters are wrong, and what would be accepted.
    fn new(parameters: &Parameters<'_>) -> Result<Self, ParameterError>;

    /// What the plugin needs and gives under these parameters.
    fn manifest(&self) -> Manifest;

    /// Scores a group: one answer per row, in their order. [`Answer::fault`] says that a row cannot be scored.
    ///
    /// # Errors
    /// Why the whole group cannot be scored.
    fn score(&self, context: &Context, rows: &[Row<'_>], answers: &mut [Answer<'_>]) -> Result<(), String>;
}

/// A plugin that works on whole batches.
pub trait Plugin: Sized {
    /// Reads the parameters.
    ///
    /// # Errors
    /// Says which parameters are wrong, and what would be accepted.
    fn new(parameters: &Parameters<'_>) -> Result<Self, ParameterError>;

    /// What the plugin needs and gives under these parameters.
    fn manifest(&self) -> Manifest;

    /// Scores a batch.
    ///
    /// # Errors
    /// Why the batch as a whole cannot be scored.
    fn evaluate(&self, context: &Context, batch: &Batch) -> Result<Outcome, Refusal>;

    /// How the answer for a row comes about.
    ///
    /// # Errors
    /// Why the row cannot be explained.
    fn explain(&self, context: &Context, batch: &Batch, row: u32) -> Result<Vec<Step>, Refusal>;
}

impl<T: Scorer> Plugin for T {
    fn new(parameters: &Parameters<'_>) -> Result<Self, ParameterError> {
        <T as Scorer>::new(parameters)
    }

    fn manifest(&self) -> Manifest {
        Scorer::manifest(self)
    }

    fn evaluate(&self, context: &Context, batch: &Batch) -> Result<Outcome, Refusal> {
        let manifest = Scorer::manifest(self);
        let rows = Rows::new(batch);
        let mut outcome = OutcomeBuilder::new(&manifest, context, batch.rows);
        let mut answer = Answer::new(&manifest.outputs, false);
        for row in rows.iter() {
            answer.clear();
            let scored = self.score(context, &row, &mut answer);
            outcome.push(scored, &mut answer);
        }
        Ok(outcome.build())
    }

    fn explain(&self, context: &Context, batch: &Batch, row: u32) -> Result<Vec<Step>, Refusal> {
        within(batch, row)?;
        let manifest = Scorer::manifest(self);
        let mut answer = Answer::new(&manifest.outputs, true);
        let rows = Rows::new(batch);
        let scored = self.score(context, &rows.row(row as usize), &mut answer);
        scored.and_then(|()| answer.finish(context)).map_err(Refusal::BadBatch)?;
        Ok(answer.into_steps())
    }
}

/// The outcome of a batch, answer by answer.
struct OutcomeBuilder<'c> {
    context: &'c Context,
    columns: Vec<ColumnBuilder>,
    faults: Vec<Fault>,
    row: u32,
}

// === impl OutcomeBuilder ===

impl<'c> OutcomeBuilder<'c> {
    fn new(manifest: &Manifest, context: &'c Context, rows: u32) -> Self {
        let column = |output| ColumnBuilder::new(output, context, rows as usize);
        Self { context, columns: manifest.outputs.iter().map(column).collect(), faults: Vec::new(), row: 0 }
    }

    /// Takes the answer for the next row; `scored` says whether there is one.
    fn push(&mut self, scored: Result<(), String>, answer: &mut Answer<'_>) {
        let row = self.row;
        self.row += 1;
        let finished = scored.and_then(|()| {
            answer.finish(self.context)?;
            self.columns.iter().zip(answer.values()).try_for_each(|(column, value)| column.check(value))
        });
        match finished {
            Ok(()) => {
                let values = answer.values().iter_mut();
                self.columns
                    .iter_mut()
                    .zip(values)
                    .for_each(|(column, value)| column.push(row, value.take()));
            }
            Err(message) => {
                self.columns.iter_mut().for_each(|column| column.push(row, None));
                self.faults.push(Fault { row, message });
            }
        }
    }

    fn build(self) -> Outcome {
        let columns = self.columns.into_iter().map(ColumnBuilder::build).collect();
        Outcome { columns, faults: self.faults }
    }
}

fn within(batch: &Batch, row: u32) -> Result<(), Refusal> {
    if row < batch.rows {
        return Ok(());
    }
    Err(Refusal::BadBatch(format!("there is no row {row}: the batch has {}", batch.rows)))
}

/// What `export!(group …)` makes of `evaluate`.
pub fn evaluate_group<T: GroupScorer>(
    plugin: &T,
    context: &Context,
    batch: &Batch,
) -> Result<Outcome, Refusal> {
    let manifest = plugin.manifest();
    let mut outcome = OutcomeBuilder::new(&manifest, context, batch.rows);
    for mut answer in group(plugin, &manifest, context, batch, None)? {
        outcome.push(Ok(()), &mut answer);
    }
    Ok(outcome.build())
}

/// What `export!(group …)` makes of `explain`.
pub fn explain_group<T: GroupScorer>(
    plugin: &T,
    context: &Context,
    batch: &Batch,
    row: u32,
) -> Result<Vec<Step>, Refusal> {
    within(batch, row)?;
    let manifest = plugin.manifest();
    let mut answers = group(plugin, &manifest, context, batch, Some(row as usize))?;
    let mut answer = answers.swap_remove(row as usize);
    answer.finish(context).map_err(Refusal::BadBatch)?;
    Ok(answer.into_steps())
}

fn group<'m, T: GroupScorer>(
    plugin: &T,
    manifest: &'m Manifest,
    context: &Context,
    batch: &Batch,
    explained: Option<usize>,
) -> Result<Vec<Answer<'m>>, Refusal> {
    let rows = Rows::new(batch);
    let rows: Vec<Row<'_>> = rows.iter().collect();
    let mut answers: Vec<Answer<'m>> =
        (0..rows.len()).map(|row| Answer::new(&manifest.outputs, explained == Some(row))).collect();
    plugin.score(context, &rows, &mut answers).map_err(Refusal::BadBatch)?;
    Ok(answers)
}

/// What the export `describe` does.
pub fn describe<T: Plugin>(parameters: &str) -> Result<Manifest, Refusal> {
    Ok(read::<T>(parameters)?.manifest())
}

/// What the export `evaluate` does.
pub fn evaluate<T: Plugin>(parameters: &str, context: &Context, batch: &Batch) -> Result<Outcome, Refusal> {
    read::<T>(parameters)?.evaluate(context, batch)
}

/// What the export `explain` does.
pub fn explain<T: Plugin>(
    parameters: &str,
    context: &Context,
    batch: &Batch,
    row: u32,
) -> Result<Vec<Step>, Refusal> {
    read::<T>(parameters)?.explain(context, batch, row)
}

fn read<T: Plugin>(parameters: &str) -> Result<T, ParameterError> {
    let document = ParametersDocument::parse(parameters)?;
    let mut problems = Problems::new();
    problems.read(document.unambiguous());
    let plugin = problems.read(T::new(&document.parameters()).map(Some));
    problems.finish()?;
    plugin.ok_or_else(|| ParameterError::new("", "the parameters are incomplete"))
}
