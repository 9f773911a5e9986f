//! The ways to write a plugin, and what the exports do with them.

use alloc::{format, string::String, vec::Vec};

use crate::{
    Answer, Batch, Context, Fault, Manifest, Outcome, ParameterError, Parameters, ParametersDocument,
    Problems, Refusal, Row, Rows, Step, column::ColumnBuilder,
};

/// A plugin that scores each row by itself. The [guide](crate) has one.
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
///
/// ```
/// # extern crate alloc;
/// use merit_sdk::{Answer, Context, Decimal, Fraction, GroupScorer, Manifest, ParameterError, Parameters, Row, manifest};
///
/// /// How many percent of the group's revenue are somebody's.
/// struct Part;
///
/// impl GroupScorer for Part {
///     fn new(parameters: &Parameters<'_>) -> Result<Self, ParameterError> {
///         parameters.only(&[])?;
///         Ok(Self)
///     }
///
///     fn manifest(&self) -> Manifest {
///         manifest("Compares revenue within a group.").group().number("revenue").score("part").build()
///     }
///
///     fn score(&self, _: &Context, rows: &[Row<'_>], answers: &mut [Answer<'_>]) -> Result<(), String> {
///         let total = rows.iter().try_fold(Decimal::ZERO, |sum, row| sum.plus(row.number("revenue")?))?;
///         for (row, answer) in rows.iter().zip(answers) {
///             let revenue = row.number("revenue")?;
///             if revenue < Decimal::ZERO {
///                 answer.fault(format!("revenue is {revenue}; a part of the group's is 0 or above"));
///                 continue;
///             }
///             let percent = Fraction::new(revenue, total)?.times(Decimal::new(100, 0))?;
///             answer.step("part", "part of the group", percent, format_args!("{revenue} of {total}"));
///         }
///         Ok(())
///     }
/// }
///
/// merit_sdk::export!(group Part);
/// #
/// # let row = |revenue: &str| vec![("revenue".to_owned(), revenue.to_owned())];
/// # let sample = merit_sdk::testing::Sample { rows: vec![row("30"), row("-10"), row("40")], lines: vec![] };
/// # let scored = merit_sdk::testing::score::<Part>("{}", &sample)?;
/// # assert_eq!(scored.value("part", 0), "50");
/// # assert_eq!(scored.value("part", 1), "fault: revenue is -10; a part of the group's is 0 or above");
/// # Ok::<(), String>(())
/// ```
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

/// A plugin that works on whole batches: every [`Scorer`] is one, and who wants to compute column by column writes one. What
/// a `Scorer` does for its author is then the author's: one column per output, in the manifest's order and with its scale (the
/// currency's for a payout), faults, and steps that add up to the outputs.
///
/// ```
/// # extern crate alloc;
/// use merit_sdk::{
///     Batch, Column, Context, Decimals, Manifest, Outcome, ParameterError, Parameters, Plugin, Refusal, Step, Values, manifest,
/// };
///
/// /// Twice the points.
/// struct Twice;
///
/// fn points(batch: &Batch) -> Result<&Decimals, Refusal> {
///     match batch.columns.first().map(|column| &column.values) {
///         Some(Values::Decimals(points)) => Ok(points),
///         _ => Err(Refusal::BadBatch("there are no points".into())),
///     }
/// }
///
/// fn twice(unscaled: i64) -> Result<i64, Refusal> {
///     unscaled.checked_mul(2).ok_or_else(|| Refusal::BadBatch(format!("{unscaled} is too large to be doubled")))
/// }
///
/// impl Plugin for Twice {
///     fn new(parameters: &Parameters<'_>) -> Result<Self, ParameterError> {
///         parameters.only(&[])?;
///         Ok(Self)
///     }
///
///     fn manifest(&self) -> Manifest {
///         manifest("Doubles points.").number("points").score("double").build()
///     }
///
///     fn evaluate(&self, _: &Context, batch: &Batch) -> Result<Outcome, Refusal> {
///         let points = points(batch)?;
///         let unscaled = points.unscaled.iter().map(|&points| twice(points)).collect::<Result<_, _>>()?;
///         let values = Values::Decimals(Decimals { scale: points.scale, unscaled });
///         Ok(Outcome { columns: vec![Column { name: "double".into(), values, missing: vec![] }], faults: vec![] })
///     }
///
///     fn explain(&self, _: &Context, batch: &Batch, row: u32) -> Result<Vec<Step>, Refusal> {
///         let points = points(batch)?;
///         let (unscaled, scale) = (twice(points.unscaled[row as usize])?, points.scale);
///         let output = Some("double".into());
///         Ok(vec![Step { label: "twice".into(), output, unscaled, scale, note: "2 × points".into() }])
///     }
/// }
///
/// merit_sdk::export!(Twice);
/// #
/// # let sample = merit_sdk::testing::Sample { rows: vec![vec![("points".into(), "1.5".into())]], lines: vec![] };
/// # assert_eq!(merit_sdk::testing::score::<Twice>("{}", &sample)?.value("double", 0), "3");
/// # Ok::<(), String>(())
/// ```
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
