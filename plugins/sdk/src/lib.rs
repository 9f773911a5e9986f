//! What a scoring plugin for Merit is written with, and how.
//!
//! A plugin is a WebAssembly component that gets rows (one per account manager, with the inputs that it asks for) and gives
//! outputs: scores, payouts, grades, details. It knows no time, files, network or chance: the same bytes in give the same
//! bytes out, on every machine, which is what lets an auditor replay a payout years later.
//!
//! # A first plugin
//!
//! One file: a type that reads its parameters, says what it needs and gives, and scores a row.
//!
//! ```
//! #![cfg_attr(target_family = "wasm", no_std)]
//! extern crate alloc;
//!
//! use alloc::string::String;
//! use merit_sdk::{Answer, Context, Decimal, Manifest, ParameterError, Parameters, Row, Scorer, manifest};
//!
//! /// Pays a share of the revenue.
//! struct Share {
//!     rate: Decimal,
//! }
//!
//! impl Scorer for Share {
//!     fn new(parameters: &Parameters<'_>) -> Result<Self, ParameterError> {
//!         parameters.only(&["rate"])?;
//!         Ok(Self { rate: parameters.decimal("rate")? })
//!     }
//!
//!     fn manifest(&self) -> Manifest {
//!         manifest("Pays a share of the revenue.").number("revenue").payout("commission").build()
//!     }
//!
//!     fn score(&self, _: &Context, row: &Row<'_>, answer: &mut Answer<'_>) -> Result<(), String> {
//!         let revenue = row.number("revenue")?;
//!         answer.step("commission", "share of the revenue", revenue.times(self.rate)?, "revenue × rate");
//!         Ok(())
//!     }
//! }
//!
//! merit_sdk::export!(Share);
//! # fn main() {}
//! ```
//!
//! `merit plugin new --lang rust NAME` makes a folder with such a file, its `Cargo.toml`, cases, and a README with the commands.
//!
//! # Steps are the answer
//!
//! `score` is the only place that computes. An output is the sum of the [`Answer::step`]s that name it, rounded once, and
//! the explanation is the list of these steps: what is explained is what is paid. [`Answer::at_most`] and
//! [`Answer::at_least`] cap and lift an output by a step of their own; [`Answer::remark`] tells a figure that is no part of
//! one; [`Answer::grade`] gives a mark. Labels and notes are only written where an explanation is wanted, so hand over
//! `format_args!` rather than a text that is made for nothing.
//!
//! An output that no step names has no value for that row. An `Err` from `score`, in words for the people who are paid,
//! faults the row; the other rows stand.
//!
//! # Parameters
//!
//! A JSON object, read with the path of what is wrong. With [`Problems`] reading goes on after a mistake, so that all of
//! them are told at once:
//!
//! ```
//! use merit_sdk::{Decimal, ParameterError, Parameters, ParametersDocument, Problems};
//!
//! struct Plan {
//!     rate: Decimal,
//!     gate: Option<Decimal>,
//! }
//!
//! fn read(parameters: &Parameters<'_>) -> Result<Plan, ParameterError> {
//!     let mut problems = Problems::new();
//!     problems.read(parameters.only(&["rate", "gate"]));
//!     let rate = problems.read(parameters.decimal("rate"));
//!     let gate = problems.read(parameters.optional_share("gate"));
//!     problems.finish()?;
//!     Ok(Plan { rate, gate })
//! }
//!
//! let document = ParametersDocument::parse(r#"{"rate": "five", "gate": 50}"#)?;
//! let error = read(&document.parameters()).err().expect("it is refused");
//! assert_eq!(
//!     error.message(),
//!     "rate: is \"five\"; give a number with a point and without separators, like 1234.5 or \"5%\"\n\
//!      gate: is 50; give a share from 0 to 10 (1000%): 50% is 0.5"
//! );
//! # Ok::<(), ParameterError>(())
//! ```
//!
//! # Inputs that may be missing, texts, detail lines, grades
//!
//! The manifest says what a row has. Who lacks a required input is faulted before the plugin is asked; an optional one may be
//! missing, and [`Row::optional_number`] says so. Detail lines (deals, orders) are [`Row::lines`].
//!
//! ```
//! # extern crate alloc;
//! use merit_sdk::{Answer, Context, Decimal, Manifest, ParameterError, Parameters, Row, Scorer, manifest};
//!
//! /// 5% of every deal, 8% in the North; and a grade by how many there are.
//! struct Deals;
//!
//! impl Scorer for Deals {
//!     fn new(parameters: &Parameters<'_>) -> Result<Self, ParameterError> {
//!         parameters.only(&[])?;
//!         Ok(Self)
//!     }
//!
//!     fn manifest(&self) -> Manifest {
//!         let manifest = manifest("Pays for deals.").optional_text("region");
//!         manifest.line_text("deal").line_number("amount").payout("commission").grade("band").build()
//!     }
//!
//!     fn score(&self, _: &Context, row: &Row<'_>, answer: &mut Answer<'_>) -> Result<(), String> {
//!         let rate = if row.optional_text("region") == Some("North") { 8 } else { 5 };
//!         for line in row.lines() {
//!             let (deal, amount) = (line.text("deal")?, line.number("amount")?);
//!             let note = format_args!("{rate}% of {amount}");
//!             answer.step("commission", deal, amount.times(Decimal::new(rate, 2))?, note);
//!         }
//!         answer.grade("band", if row.lines().count() > 1 { "A" } else { "B" });
//!         Ok(())
//!     }
//! }
//! #
//! # use merit_sdk::testing::{Sample, score};
//! # let cells = |cells: &[(&str, &str)]| cells.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect();
//! # let lines = vec![cells(&[("deal", "D-1"), ("amount", "100")]), cells(&[("deal", "D-2"), ("amount", "30.5")])];
//! # let sample = Sample { rows: vec![cells(&[("region", "North")])], lines: vec![lines] };
//! # let scored = score::<Deals>("{}", &sample)?;
//! # assert_eq!((scored.value("commission", 0), scored.value("band", 0)), ("10.44".into(), "A".into()));
//! # assert_eq!(scored.steps("commission", 0)[1], ["D-2", "2.44", "8% of 30.5"]);
//! # Ok::<(), String>(())
//! ```
//!
//! # Exact numbers, and what rounds them
//!
//! [`Decimal`] adds and multiplies exactly up to 12 decimals; what cannot be held is an error, never a wrong number. Parts of
//! a whole are a [`Fraction`], added up before they are divided: three thirds of a cent are a cent. A payout is rounded once,
//! to the decimals of [`Context::currency`] and by the team's [`Context::rounding`]; scores and details half to even, to the
//! decimals that the manifest gives them. The context has the period's first day and the day after its last as well.
//!
//! # Groups
//!
//! A [`GroupScorer`] sees whole groups (a team, a region, a sales manager's people) for pools and rankings; `export!(group …)`
//! makes it the plugin. A [`Plugin`] gets the batch as it is, column by column, and does everything itself.
//!
//! # Faults, refusals, panics
//!
//! - An `Err` from `score`, or [`Answer::fault`]: the row is faulted with your message, and the run goes on.
//! - An `Err` from `new`: the parameters are refused where they are published, all problems at once.
//! - An `Err` from [`GroupScorer::score`]: the whole group is faulted.
//! - A panic (an index out of bounds, `unwrap`): the call traps, and **the message is lost**: WebAssembly without imports has
//!   nobody to tell it to, and components are built with `panic = "abort"`. The row is found, and says `TRAPPED`. Prefer `?`.
//!
//! # Tests
//!
//! [`testing`] scores tables of cases in a plain `cargo test`, without WebAssembly, explains every row, and holds the steps to
//! the outputs. [`testing::check_manual`] holds the worked examples of a manual page against the plugin.
//!
//! ```
//! # extern crate alloc;
//! # use merit_sdk::{Answer, Context, Decimal, Manifest, ParameterError, Parameters, Row, Scorer, manifest};
//! # struct Share { rate: Decimal }
//! # impl Scorer for Share {
//! #     fn new(parameters: &Parameters<'_>) -> Result<Self, ParameterError> {
//! #         parameters.only(&["rate"])?;
//! #         Ok(Self { rate: parameters.decimal("rate")? })
//! #     }
//! #     fn manifest(&self) -> Manifest {
//! #         manifest("Pays a share of the revenue.").number("revenue").payout("commission").build()
//! #     }
//! #     fn score(&self, _: &Context, row: &Row<'_>, answer: &mut Answer<'_>) -> Result<(), String> {
//! #         answer.step("commission", "share", row.number("revenue")?.times(self.rate)?, "revenue × rate");
//! #         Ok(())
//! #     }
//! # }
//! use merit_sdk::testing::{Case, check};
//!
//! fn pays(revenue: &str, expected: &str) {
//!     let inputs = vec![("revenue".to_owned(), revenue.to_owned())];
//!     check::<Share>(&Case { parameters: r#"{"rate": "5%"}"#, inputs, output: "commission", expected });
//! }
//!
//! pays("1000", "50");
//! pays("0.10", "0.01");
//! pays("", "fault: revenue is missing");
//! ```
//!
//! # Building, checking, publishing
//!
//! ```text
//! cargo build --release --target wasm32-unknown-unknown
//! merit plugin build target/wasm32-unknown-unknown/release/share.wasm --output share.wasm
//! merit plugin test share.wasm cases.toml     # your cases, exactly, in the sandbox
//! merit plugin check share.wasm               # contract, limits, determinism, cutting, explanations; made-up rows
//! merit plugin explain share.wasm --case 'above the quota'
//! merit plugin bench share.wasm               # what it costs
//! merit plugin publish share --component share.wasm --parameters '{"rate": "5%"}'
//! ```
//!
//! Only the last asks a server. A revision is a draft; it is approved, made active, and never changes.
//!
//! # Limits and fuel
//!
//! Instructions cost fuel, a unit each, memory 255 a page; fuel decides alike on every machine. Where nobody has said
//! otherwise a call has 1,000 million, and a million on top for its poorest row and each of that row's lines (in a group for
//! every row); 256 MiB of memory and 64 MiB of output. This crate takes some thousand units for a row. A verdict says the
//! limit, what was used, and which setting raises it; `merit plugin check` has the limits of a server.
#![no_std]
#![deny(unsafe_code)]
#![warn(missing_docs)]

extern crate alloc;

mod answer;
mod column;
mod decimal;
mod division;
mod export;
mod fraction;
mod json;
mod manifest;
mod nearest;
mod number;
mod parameters;
mod plugin;
mod problems;
mod row;
mod share;
pub mod testing;

/// The contract's types and exports, generated by `plugins/sdk/generate`.
#[allow(unsafe_code, missing_docs, rustdoc::broken_intra_doc_links, clippy::all, clippy::pedantic)]
#[rustfmt::skip]
pub mod bindings;

pub use answer::Answer;
pub use bindings::exports::merit::scoring::plugin::{
    Batch, Column, Context, Decimals, Fault, Input, Kind, Lines, Manifest, Outcome, Output, Refusal, Role,
    Rounding, Scope, Step, Texts, Values,
};
pub use decimal::Decimal;
#[doc(hidden)]
pub use export::reexports;
pub use fraction::Fraction;
pub use manifest::{ManifestBuilder, manifest};
pub use parameters::{Parameters, ParametersDocument};
pub use plugin::{GroupScorer, Plugin, Scorer};
pub use problems::{ParameterError, Problems};
pub use row::{Line, Row, Rows};
pub use share::{LARGEST_SHARE, share};

#[cfg(target_family = "wasm")]
mod runtime {
    #[global_allocator]
    static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

    /// A panic is a trap: the host says which row. Its message is lost, as there is nobody to tell it to.
    #[panic_handler]
    fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
        core::arch::wasm32::unreachable()
    }
}
