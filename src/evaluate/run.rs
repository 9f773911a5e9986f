//! One run from end to end, without the store's writes: binds it to one state of the store, makes the inputs, executes
//! the steps, and answers the dataset. Who is told of it is the business of `work`.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    batch::StepInputs,
    binding::{BoundStep, Known, bind},
    binding_rules::invalid_binding,
    board::Progress,
    dataset::{Dataset, Header, InputHeader, Source, StepData, StoredLimits},
    evaluator::Evaluator,
    execute::{Conduct, StepJob, Stopped, execute},
    input::{InputMaker, Seen},
    measure::{MeasureSet, with_parts},
    plugin_limits::team_limits,
    plugins::Plugins,
    population::{ACCOUNT_MANAGERS, population},
    results::account_manager,
    sample::{self, Distrust, Shown},
    shadow,
    step_inputs::make_step,
    steps, target,
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
    store::WriteError,
    view::{Snapshot, View},
};

pub use super::run_error::{RunError, view_error};

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
            let steps = bind_steps(&plugins, &run, team, measures)?;
            let set = MeasureSet::compile(&wanted(&steps, measures)?)?;
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
            let mut bound = Self {
                run,
                team,
                team_id,
                period,
                limits,
                steps,
                snapshot,
                measures: set,
                people,
                population,
            };
            bound.find_quotas(&measures)?;
            return Ok(bound);
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
        let mut maker = InputMaker::new(&seen);
        let mut finished: Vec<StepData> = Vec::new();
        let mut distrusted = Vec::new();
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
                may_give_up: true,
            };
            let outcome = if is_shadow { shadow::execute(&job, &conduct) } else { execute(&job, &conduct) };
            let mut outcome =
                outcome.map_err(|stopped| RunError::Stopped { step: bound.header.step.clone(), stopped })?;
            if let Err(found) = sample::check(&job, &conduct, &outcome, evaluator.options().try_out) {
                let (revision, reason) = (bound.header.revision.clone(), self.words(&found));
                if !is_shadow {
                    return Err(RunError::Distrusted { step: bound.header.step.clone(), revision, reason });
                }
                let why = format!("the candidate was given up: {reason}");
                outcome = shadow::given_up(&job, PluginReason::Quarantined, &why);
                distrusted.push((revision, reason));
            }
            drop(job);
            data.outputs = outcome.outputs;
            data.faults = outcome.faults;
            finished.push(data);
        }
        let display_names = display_names(&self.people, &self.population);
        let ids = self.population.iter().map(|&row| self.people.ids[row as usize].clone()).collect();
        let dataset = Dataset { header, ids, display_names, steps: finished };
        Ok(Executed { dataset, distrusted })
    }

    /// Why a plugin is not to be trusted.
    fn words(&self, found: &Distrust) -> String {
        let id = &self.people.ids[self.population[found.row as usize] as usize];
        let account_manager = account_manager(&self.team_id, id);
        match &found.what {
            Shown::TwoAnswers(difference) => format!(
                "the plugin gave {account_manager} two answers: when it was scored again, among other rows, {difference}; \
                 the answer for a row may depend on that row alone, whatever the plugin was asked before"
            ),
            Shown::Explanation(verdict) => format!(
                "the plugin's explanation for {account_manager} is not true: {verdict}; steps that name an output have to \
                 add up to what the plugin gave"
            ),
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
            steps: steps.iter().map(|bound| bound.header.clone()).collect(),
        }
    }

    /// Finds what `quota` is where it is not bound: the target on the only money measure that somebody has a goal on
    /// in the period.
    fn find_quotas(&mut self, measures: &BTreeMap<Name, v1::Measure>) -> Result<(), Rejection> {
        if self.steps.iter().all(|bound| bound.quotas.is_empty()) {
            return Ok(());
        }
        let mut with_goals = Vec::new();
        for (name, _) in measures.iter().filter(|(_, measure)| measure.money) {
            let targets = target::targets(name, &self.snapshot, self.period)?;
            if !targets.goals.is_empty() {
                with_goals.push(name);
            }
        }
        for bound in &mut self.steps {
            for &place in &bound.quotas {
                let step = bound.header.step.clone();
                let input: &mut InputHeader = &mut bound.header.inputs[place];
                input.source = match with_goals[..] {
                    [measure] => Source::Target(measure.id().to_string()),
                    [] if !bound.loaded.manifest.inputs[place].required => Source::Nothing,
                    [] => {
                        return Err(invalid_binding(
                            &step,
                            &input.name,
                            "is not bound, and nobody has a goal on a money measure in the period: bind it to the \
                             target of a measure",
                        ));
                    }
                    [..] => {
                        let names: Vec<String> = with_goals.iter().map(ToString::to_string).collect();
                        let what = format!(
                            "is not bound, and there are goals on several money measures: bind it to the target of \
                             one of {}",
                            names.join(", ")
                        );
                        return Err(invalid_binding(&step, &input.name, &what));
                    }
                };
            }
        }
        Ok(())
    }
}

/// The team and its measures, as they are now.
type Definitions = (v1::Team, BTreeMap<Name, v1::Measure>);

fn definitions(evaluator: &Evaluator, team: &Id) -> Result<Definitions, RunError> {
    let message: v1::Team = evaluator.resources().get(&Name::of_team(team.clone()))?;
    Ok((message, team_measures(evaluator, team)?))
}

/// The measures of a team.
pub fn team_measures(evaluator: &Evaluator, team: &Id) -> Result<BTreeMap<Name, v1::Measure>, WriteError> {
    let all: Vec<v1::Measure> = evaluator.resources().list_all(team, "measures")?;
    let named = all.into_iter().map(|measure| Ok((Name::parse(&measure.name)?, measure)));
    Ok(named.collect::<Result<_, Rejection>>()?)
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

/// The measures that steps take, and those that they are made of.
fn wanted(
    steps: &[BoundStep],
    measures: &BTreeMap<Name, v1::Measure>,
) -> Result<Vec<v1::Measure>, Rejection> {
    let inputs = steps.iter().flat_map(|bound| &bound.header.inputs);
    let ids = inputs.filter_map(|input| match &input.source {
        Source::Measure(id) => Some(id.as_str()),
        _ => None,
    });
    measures_of(ids, measures)
}

/// The measures of these ids of the team, and those that they are made of; ids of none are left out.
pub fn measures_of<'a>(
    ids: impl Iterator<Item = &'a str>,
    measures: &BTreeMap<Name, v1::Measure>,
) -> Result<Vec<v1::Measure>, Rejection> {
    let ids: BTreeSet<&str> = ids.collect();
    let named = measures.keys().filter(|name| ids.contains(name.id().as_str()));
    with_parts(named.cloned().collect(), |name| Ok(measures.get(name).cloned()))
}

/// The collections that a run looks at.
fn collections(steps: &[BoundStep], measures: &MeasureSet) -> BTreeSet<String> {
    let mut collections: BTreeSet<String> = measures.collections().into_iter().map(str::to_owned).collect();
    collections.insert(ACCOUNT_MANAGERS.to_owned());
    for bound in steps {
        collections.extend(bound.lines.iter().map(|lines| lines.collection.clone()));
        let target = |input: &InputHeader| matches!(input.source, Source::Target(_));
        if !bound.quotas.is_empty() || bound.header.inputs.iter().any(target) {
            collections.insert(target::GOALS.to_owned());
        }
    }
    collections
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
