//! Why a call has no answer: one typed reason, the row where it can be told, and words that name the limit, what was
//! used and how to raise it.

use wasmtime::{Trap, WasmBacktrace};

use super::{
    contract::v1_0_0::Refusal,
    limits::{Exceeded, Interrupted, Limits, Size, TABLE_ELEMENTS},
    patience::Over,
};
use crate::model::rejection::PluginReason;

/// Bytes of a plugin's own words (refusals, faults) that are kept.
pub const MESSAGE_BYTES: usize = 1_000;

/// How a verdict begins that is about a plugin's parameters; the plugin's own words follow, a line for each thing that is wrong.
pub const REFUSES_PARAMETERS: &str = "the plugin refuses its parameters: ";

/// Bytes of what a plugin says of its parameters when it is asked what it needs under them: all that is wrong, at once. Nobody
/// keeps it for every row.
const PARAMETER_BYTES: usize = 64 << 10;

/// What the engine says when an answer takes more than `output_bytes`; it has no type for it.
const OUTPUT_EXHAUSTED: &str = "fuel allocated for hostcalls has been exhausted";

/// What the engine says when a component makes too many instances, memories or tables.
const TOO_MANY: &str = "resource limit exceeded";

/// Why a call has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Verdict {
    /// What happened, as clients see it.
    pub reason: PluginReason,
    /// The row that was at work, where that can be told.
    pub row: Option<u32>,
    /// What happened, the limit and what was used, for people.
    pub message: String,
}

// === impl Verdict ===

impl Verdict {
    /// The component cannot be accepted.
    pub(super) fn invalid_component(message: impl Into<String>) -> Self {
        Self { reason: PluginReason::InvalidComponent, row: None, message: message.into() }
    }

    /// The answer breaks the contract.
    pub(super) fn contract(message: impl Into<String>) -> Self {
        let message = format!("the plugin's answer breaks the contract: {}", message.into());
        Self { reason: PluginReason::ContractViolation, row: None, message }
    }

    /// The same, about a row.
    pub(super) fn at_row(mut self, row: u32) -> Self {
        self.row = Some(row);
        self
    }

    /// The plugin refuses in a call.
    pub(super) fn refused(refusal: Refusal, call: &Call<'_>) -> Self {
        let (reason, begins, mut words) = match refusal {
            Refusal::BadParameters(words) => (PluginReason::BadParameters, REFUSES_PARAMETERS, words),
            Refusal::BadBatch(words) => (PluginReason::BadBatch, "the plugin refuses the batch: ", words),
        };
        shorten_to(&mut words, if call.size == Size::NONE { PARAMETER_BYTES } else { MESSAGE_BYTES });
        Self { reason, row: None, message: format!("{begins}{words}") }
    }

    /// What an error of the engine during a call means.
    pub(super) fn of_call(error: &wasmtime::Error, call: &Call<'_>) -> Self {
        if let Some(exceeded) = error.downcast_ref::<Exceeded>() {
            return call.out_of_memory(exceeded);
        }
        if let Some(interrupted) = error.downcast_ref::<Interrupted>() {
            return call.interrupted(*interrupted);
        }
        if let Some(trap) = error.downcast_ref::<Trap>() {
            return call.trapped(*trap, error);
        }
        let words = error.root_cause().to_string();
        if words.contains(OUTPUT_EXHAUSTED) {
            return call.output_too_large();
        }
        if words.contains(TOO_MANY) {
            let message = format!("the plugin makes too many instances, memories or tables: {words}");
            return Self { reason: PluginReason::OutOfMemory, row: None, message };
        }
        Self::contract(format!("`{}`: {words}", call.function))
    }
}

/// A call, as its verdict has to describe it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call<'a> {
    pub function: &'static str,
    pub size: Size,
    pub limits: &'a Limits,
}

// === impl Call ===

impl Call<'_> {
    fn verdict(&self, reason: PluginReason, message: String) -> Verdict {
        Verdict { reason, row: None, message }
    }

    /// What was called, in words.
    fn what(&self) -> String {
        match self.size {
            Size::NONE => format!("`{}`", self.function),
            size => format!("`{}` of {size}", self.function),
        }
    }

    pub fn out_of_fuel(&self) -> Verdict {
        let Limits { fuel_per_call, fuel_per_row, at_ceiling, .. } = self.limits;
        let (what, fuel) = (self.what(), self.size.fuel(self.limits));
        let message = if self.size == Size::NONE {
            format!(
                "the plugin used up the fuel for {what}: {fuel} units (fuel_per_call); it may loop without end; if not: {}",
                who_raises("fuel_per_call", at_ceiling.fuel_per_call)
            )
        } else {
            let who = match (at_ceiling.fuel_per_call, at_ceiling.fuel_per_row) {
                (false, false) => "raise either in the team's plugin_limits".to_owned(),
                (true, true) => "both are at the operator's ceilings, plugins.ceilings.fuel_per_call and fuel_per_row in the \
                                 configuration"
                    .to_owned(),
                (true, false) => who_raises("fuel_per_row", false),
                (false, true) => who_raises("fuel_per_call", false),
            };
            format!(
                "the plugin used up the fuel for {what}: {fuel} units (fuel_per_call {fuel_per_call} and {} times \
                 fuel_per_row {fuel_per_row}, for {}); it may loop without end; if not: {who}",
                self.size.paid(),
                self.size.payer(),
            )
        };
        self.verdict(PluginReason::OutOfFuel, message)
    }

    pub fn interrupted(&self, interrupted: Interrupted) -> Verdict {
        let what = self.what();
        let message = match interrupted {
            Interrupted::WallTime => format!(
                "the plugin took longer than {:?} for {what} (wall_time_ms): try again when the machine is less busy, or {}",
                self.limits.wall_time,
                who_raises("wall_time_ms", self.limits.at_ceiling.wall_time)
            ),
            Interrupted::Unwanted(Over::Late(time)) => {
                let instead = match self.size {
                    Size::NONE => "have the plugin do less for it",
                    _ => "ask for fewer rows at a time, or have a run score them",
                };
                format!(
                    "the plugin was stopped in {what}: all calls for a request may take {time:?} together \
                     (plugins.try_out_ms in the configuration); {instead}"
                )
            }
            Interrupted::Unwanted(Over::Gone) => {
                format!("the plugin was stopped in {what}: nobody waits for its answer any more")
            }
        };
        self.verdict(PluginReason::TimedOut, message)
    }

    fn out_of_memory(&self, exceeded: &Exceeded) -> Verdict {
        let message = match exceeded {
            Exceeded::Memory(bytes) => format!(
                "the plugin wanted {bytes} bytes of memory in `{}` and may have {} (memory_bytes): {}",
                self.function,
                self.limits.memory_bytes,
                who_raises("memory_bytes", self.limits.at_ceiling.memory_bytes)
            ),
            Exceeded::Tables(elements) => format!(
                "the plugin wanted {elements} table elements in `{}`; no plugin may have more than {TABLE_ELEMENTS}",
                self.function
            ),
            Exceeded::Ungrowable(words) => {
                format!("the plugin wanted more memory in `{}` than there can be: {words}", self.function)
            }
        };
        self.verdict(PluginReason::OutOfMemory, message)
    }

    fn output_too_large(&self) -> Verdict {
        let message = format!(
            "the plugin's answer to `{}` takes more than {} bytes (output_bytes): {}",
            self.function,
            self.limits.output_bytes,
            who_raises("output_bytes", self.limits.at_ceiling.output_bytes)
        );
        self.verdict(PluginReason::OutputTooLarge, message)
    }

    fn trapped(&self, trap: Trap, error: &wasmtime::Error) -> Verdict {
        match trap {
            Trap::OutOfFuel => self.out_of_fuel(),
            Trap::StackOverflow => self.verdict(
                PluginReason::StackOverflow,
                format!(
                    "the plugin used up its stack of {} bytes in `{}`{}; it may call itself without end",
                    super::engine::STACK_BYTES,
                    self.function,
                    place(error)
                ),
            ),
            // Faults of the canonical ABI found by code that the engine generates, not by the guest's own.
            Trap::CannotEnterComponent
            | Trap::CannotLeaveComponent
            | Trap::InvalidChar
            | Trap::InvalidDiscriminant
            | Trap::ListOutOfBounds
            | Trap::StringOutOfBounds
            | Trap::UnalignedPointer => Verdict::contract(format!("`{}`: {trap}", self.function)),
            _ => self.verdict(
                PluginReason::Trapped,
                format!("the plugin trapped in `{}`{}: {trap}", self.function, place(error)),
            ),
        }
    }
}

/// Who can raise a limit: the team, up to what the operator allows.
fn who_raises(limit: &str, at_ceiling: bool) -> String {
    if at_ceiling {
        let key = limit.replace("wall_time_ms", "wall_ms");
        format!("it is at the operator's ceiling, plugins.ceilings.{key} in the configuration")
    } else {
        format!("raise {limit} in the team's plugin_limits")
    }
}

/// Where the guest was, by the names that its author left in it.
fn place(error: &wasmtime::Error) -> String {
    let frames = error.downcast_ref::<WasmBacktrace>().map_or(&[][..], WasmBacktrace::frames);
    match frames.first() {
        Some(frame) => match frame.func_name() {
            Some(name) => {
                let mut name = name.to_owned();
                shorten(&mut name);
                format!(" (in {name})")
            }
            None => format!(" (in function {})", frame.func_index()),
        },
        None => String::new(),
    }
}

/// Cuts a plugin's words to [`MESSAGE_BYTES`], at a character, with a mark that there was more.
pub fn shorten(words: &mut String) {
    shorten_to(words, MESSAGE_BYTES);
}

fn shorten_to(words: &mut String, bytes: usize) {
    if words.len() > bytes {
        let mark = "…";
        words.truncate(words.floor_char_boundary(bytes - mark.len()));
        words.push_str(mark);
    }
}
