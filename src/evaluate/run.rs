//! One run from end to end, without the store's writes: binds it to one state of the store, makes the inputs, executes
//! the steps, and answers the dataset. Who is told of it is the business of `work`.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    bases,
    batch::StepInputs,
    binding::{BoundStep, Known, bind},
    board::Progress,
    company::Whom,
    dataset::{Dataset, Header, StepData, StoredLimits, kept_measure},
    evaluator::Evaluator,
    execute::{Conduct, StepJob, StepOutcome, Stopped, execute},
    input::{InputMaker, Seen},
    looked_at::{collections, definitions, measured, named},
    measure::MeasureSet,
    outputs::TextRoom,
    plugin_limits::team_limits,
    plugins::Plugins,
    population::{ACCOUNT_MANAGERS, population},
    quarantine,
    quota::find_quotas,
    results::account_manager,
    sample::{self, Distrust, Scrutiny, Shown, Unproven},
    shadow, standard,
    step_inputs::make_step,
    steps,
    team::{currency_scale, stored_rounding},
};
use crate::{
    evaluate::column::{Texts, TextsBuilder},
    model::{
        name::{Id, Name},
        period::Period,
        rejection::{EvaluationReason, PluginReason, Reason, Rejection},
    },
    proto::v1,
    sandbox::Limits,
    view::{Snapshot, View},
};

pub use super::run_error::RunError;

/// How often measures may change while a run looks at them, before it gives up.
const LOOKS: usize = 10;

/// What a run gave.
pub struct Executed {
    /// All of it.
    pub dataset: Dataset,
    /// Candidates that are not to be trusted, with the reason: of shadows, whose faults are no fault of the run.
    pub distrusted: Vec<(String, String)>,
}

/// A run, bound to one state of the store.
pub struct BoundRun {
    run: v1::Run,
    team: v1::Team,
    team_id: Id,
    period: Period,
    limits: Limits,
    steps: Vec<BoundStep>,
    snapshot: Snapshot,
    measures: MeasureSet,
    /// The measures that inputs name, and those that they are made of, as they are.
    definitions: Vec<v1::Measure>,
    people: Arc<View>,
    population: Vec<u32>,
}

// === impl BoundRun ===

impl BoundRun {
    /// Binds a run to the state of the store as it is now: nothing written later shows in it.
    ///
    /// # Errors
    /// What is wrong with the run.
    pub fn bind(evaluator: &Evaluator, mut run: v1::Run) -> Result<Self, RunError> {
        steps::resolve(evaluator.resources(), &mut run)?;
        let name = Name::parse(&run.name)?;
        let team_id = name.team().clone();
        let period = Period::parse(&run.period_start, &run.period_end)?;
        // Measures and the team are no columns. What was read before and after the snapshot is the same, so it is what
        // the snapshot's state has.
        let mut before = definitions(evaluator, &team_id)?;
        for _ in 0..LOOKS {
            let (team, measures) = &before;
            let limits = team_limits(team, evaluator.options());
            let plugins = evaluator.plugins().within(limits);
            let mut steps = bind_steps(&plugins, &run, team, measures)?;
            let set = MeasureSet::compile(&measured(&steps, measures)?)?;
            let collections = collections(&steps, &set);
            let collections: Vec<&str> = collections.iter().map(String::as_str).collect();
            let snapshot = evaluator.views().snapshot(&team_id, &collections)?;
            let view_bytes: u64 = evaluator.views().usage().iter().map(|(_, _, bytes)| bytes).sum();
            tracing::info!(run = %name, sequence = snapshot.sequence, view_bytes, "the run has its snapshot");
            let after = definitions(evaluator, &team_id)?;
            if after != before {
                before = after;
                continue;
            }
            let missing = || Rejection::field("parent", "there are no account managers to be seen");
            let people = snapshot.views.get(ACCOUNT_MANAGERS).cloned().ok_or_else(missing)?;
            let population = population(&people, &run.population, period)?;
            if population.is_empty() && run.mode() == v1::RunMode::Final {
                let who = match run.population.trim() {
                    "" => "nobody is employed in the period",
                    _ => "the condition holds for nobody",
                };
                let description = format!("{who}: a final run pays somebody; a trial run may be empty");
                return Err(Rejection::field("run.population", description).into());
            }
            let (team, measures) = before;
            find_quotas(&mut steps, &measures, &snapshot, period)?;
            let definitions = named(&steps, &measures)?;
            return Ok(Self {
                run,
                team,
                team_id,
                period,
                limits,
                steps,
                snapshot,
                measures: set,
                definitions,
                people,
                population,
            });
        }
        let reason = Reason::Evaluation(EvaluationReason::InvalidBinding);
        Err(Rejection::new(reason, "the measures change faster than the run can look at them").into())
    }

    /// The state of the store that the run sees.
    pub fn sequence(&self) -> u64 {
        self.snapshot.sequence
    }

    /// Its steps, each with the revision that it executes.
    pub fn executed(&self) -> Vec<v1::RunStep> {
        self.run.steps.clone()
    }

    /// What its plugins may use.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Steps to execute.
    pub fn steps(&self) -> usize {
        self.steps.len()
    }

    /// Account managers to score.
    pub fn rows(&self) -> usize {
        self.population.len()
    }

    /// Makes the inputs, executes the steps, and puts all of it together.
    ///
    /// # Errors
    /// When the run fails or is stopped.
    pub fn execute(mut self, evaluator: &Evaluator, progress: &Progress) -> Result<Executed, RunError> {
        let steps = std::mem::take(&mut self.steps);
        let mut header = self.header(evaluator, &steps);
        let context = header.context();
        let seen = Seen {
            snapshot: &self.snapshot,
            people: &self.people,
            population: &self.population,
            measures: &self.measures,
            team: &self.team_id,
            period: self.period,
        };
        let mut maker = InputMaker::new(&seen)?;
        let mut finished: Vec<StepData> = Vec::new();
        let mut distrusted = Vec::new();
        let texts = TextRoom::default();
        for bound in &steps {
            if progress.patience.is_over() {
                return Err(RunError::Stopped {
                    step: bound.header.step.clone(),
                    stopped: Stopped::Cancelled,
                });
            }
            let is_shadow = bound.header.shadow_of.is_some();
            let (mut data, unfit) = match make_step(&seen, &mut maker, bound, &steps, &finished) {
                Err(error) if is_shadow => {
                    tracing::warn!(run = %self.run.name, step = bound.header.step, %error, "no inputs for a shadow");
                    header.steps.retain(|kept| kept.step != bound.header.step);
                    continue;
                }
                made => made?,
            };
            let job = StepJob {
                plugin: &bound.loaded.plugin,
                parameters: &bound.loaded.parameters,
                manifest: &bound.loaded.manifest,
                outputs: &bound.header.outputs,
                context: &context,
                limits: &self.limits,
                inputs: StepInputs::new(self.population.len(), &bound.header, &data, &unfit),
            };
            let conduct = Conduct {
                chunk_rows: evaluator.options().chunk_rows,
                threads: evaluator.options().threads,
                patience: &progress.patience,
                done: &progress.done,
                texts: &texts,
                may_give_up: true,
            };
            let performed = self.perform(evaluator, bound, &job, &conduct);
            let (outcome, found) = performed.map_err(|unproven| self.unproven(bound, unproven))?;
            distrusted.extend(found);
            drop(job);
            data.outputs = outcome.outputs;
            data.faults = outcome.faults;
            finished.push(data);
        }
        let display_names = display_names(&self.people, &self.population);
        let ids = self.population.iter().map(|&row| self.people.ids[row as usize].clone()).collect();
        let behind = bases::behind(&mut maker, &mut header)?;
        let dataset = Dataset { header, ids, display_names, behind, steps: finished };
        Ok(Executed { dataset, distrusted })
    }

    /// Executes a step and looks whether its plugin is to be trusted. A shadow that is not is given up, with its revision and
    /// the reason; the run does without.
    fn perform(
        &self,
        evaluator: &Evaluator,
        bound: &BoundStep,
        job: &StepJob<'_>,
        conduct: &Conduct<'_>,
    ) -> Result<(StepOutcome, Option<(String, String)>), Unproven> {
        let is_shadow = bound.header.shadow_of.is_some();
        let outcome = if is_shadow { shadow::execute(job, conduct) } else { execute(job, conduct) };
        let outcome = outcome.map_err(Unproven::Stopped)?;
        let explaining = evaluator.options().try_out;
        let scrutiny = Scrutiny { seed: rand::random(), whom: self.whom(bound), explaining };
        match sample::check(job, conduct, &outcome, &scrutiny) {
            Ok(()) => Ok((outcome, None)),
            Err(Unproven::Distrusted(found)) if is_shadow => {
                let reason = self.words(&found);
                let why = format!("the candidate was given up: {reason}");
                let outcome = shadow::given_up(job, PluginReason::Quarantined, &why);
                Ok((outcome, Some((bound.header.revision.clone(), reason))))
            }
            Err(unproven) => Err(unproven),
        }
    }

    fn unproven(&self, bound: &BoundStep, unproven: Unproven) -> RunError {
        let step = bound.header.step.clone();
        match unproven {
            Unproven::Stopped(stopped) => RunError::Stopped { step, stopped },
            Unproven::Distrusted(found) => {
                let (revision, reason) = (bound.header.revision.clone(), self.words(&found));
                RunError::Distrusted { step, revision, reason }
            }
        }
    }

    /// Whom a step is scored again for: everybody where people are paid by it.
    fn whom(&self, bound: &BoundStep) -> Whom {
        let is_final = self.run.mode() == v1::RunMode::Final && bound.header.shadow_of.is_none();
        match is_final {
            false => Whom::Sample,
            true if standard::ships(&bound.loaded.plugin.hash()) => Whom::EverybodyTogether,
            true => Whom::Everybody,
        }
    }

    /// Why a plugin is not to be trusted.
    fn words(&self, found: &Distrust) -> String {
        let id = &self.people.ids[self.population[found.row as usize] as usize];
        let account_manager = account_manager(&self.team_id, id);
        match &found.what {
            Shown::TwoAnswers(difference) => {
                let what = format!("it was scored again, among other rows, {difference}");
                quarantine::two_answers(&account_manager, &what)
            }
            Shown::Explanation(verdict) => quarantine::untrue_explanation(&account_manager, verdict),
        }
    }

    fn header(&self, evaluator: &Evaluator, steps: &[BoundStep]) -> Header {
        Header {
            merit: env!("CARGO_PKG_VERSION").to_owned(),
            run: self.run.name.clone(),
            period_start: self.period.start().to_string(),
            period_end: self.period.end().to_string(),
            currency: self.team.currency.clone(),
            currency_scale: currency_scale(&self.team),
            rounding: stored_rounding(&self.team),
            sequence: self.snapshot.sequence,
            engine: evaluator.engine().to_owned(),
            limits: StoredLimits::of(&self.limits),
            time_zone: self.team.time_zone.clone(),
            measures: self.definitions.iter().map(kept_measure).collect(),
            bases: Vec::new(),
            steps: steps.iter().map(|bound| bound.header.clone()).collect(),
        }
    }
}

fn bind_steps(
    plugins: &Plugins,
    run: &v1::Run,
    team: &v1::Team,
    measures: &BTreeMap<Name, v1::Measure>,
) -> Result<Vec<BoundStep>, RunError> {
    let mut bound: Vec<BoundStep> = Vec::new();
    for step in &run.steps {
        let loaded = plugins.revision(&step.revision, &step.parameters)?;
        let known = Known { measures, before: &bound, currency_scale: currency_scale(team) };
        let next = bind(step, loaded, &known)?;
        bound.push(next);
    }
    shadow::bind_shadows(plugins, run, team, measures, &mut bound)?;
    Ok(bound)
}

fn display_names(people: &View, population: &[u32]) -> Texts {
    let column = people.column("display_name");
    let mut builder = TextsBuilder::default();
    for &row in population {
        let row = row as usize;
        match column.as_deref() {
            Some(merit_expression::Column {
                values: merit_expression::Values::Text { dictionary, codes },
                missing,
            }) if !missing.as_ref().is_some_and(|missing| missing[row]) => {
                builder.push(&dictionary[codes[row] as usize]);
            }
            _ => builder.push(""),
        }
    }
    builder.finish()
}
