//! Measures over views, goals' targets, input columns, runs, datasets, explanations, replay.
//!
//! A run: `work` takes it up and `at_work` sees it through; `run` binds it to one state of the store (`looked_at`, `binding`,
//! `quota`, `population`), makes what goes in (`input`, `made`, `lines`), and executes step after step (`execute`, over batches cut by
//! `batch`, into `outputs`; `sample` looks for answers that depend on the cut, in the `company` that is drawn for it, and `quarantine`
//! is for plugins that give them; `hopeless` for those that finish for nobody). Teams take their `turns`. What went in and came
//! out is the `dataset`, with the records that figures were made of (`bases`); `evaluation`, `listing`, `explain`, `records` and
//! `replay` answer from it alone, in an `answer` of a size that clients take. Conditions over rows of all kinds are asked in
//! `condition`. Plugins are found and loaded by `plugins`, published by `publish`, tried out by `try_out` on rows that are `written`;
//! where they are written themselves, by `author`, without a store. Before it is created, `objection` says what is wrong with
//! it. Measures without a run are `compute`.

pub mod author;
pub mod hierarchy;
pub mod measure;
pub mod target;

mod answer;
mod at_work;
mod bases;
mod batch;
mod binding;
mod binding_rules;
mod board;
mod column;
mod company;
mod compare;
mod compute;
mod condition;
pub mod dataset;
mod described;
mod evaluation;
mod evaluator;
mod execute;
mod explain;
mod fields;
mod headline;
mod hopeless;
mod input;
mod insist;
mod lines;
mod listing;
mod looked_at;
mod made;
mod objection;
mod outputs;
mod places;
mod plugin_limits;
mod plugins;
mod population;
mod prepare;
mod progress;
mod publish;
mod quarantine;
mod quota;
mod recorded;
mod records;
mod replay;
mod results;
mod run;
mod run_error;
mod sample;
mod shadow;
mod standard;
mod status;
mod step_inputs;
mod steps;
mod team;
mod try_out;
mod turns;
mod usage;
mod work;
mod written;

pub use evaluator::{Evaluator, RunOptions};
pub use plugins::sheet_parameters;
pub use progress::Watched;
pub use standard::component as standard_component;
pub use try_out::Pace;
pub use turns::{Turn, Turns};
