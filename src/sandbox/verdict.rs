//! Why a call has no answer: one typed reason, the row where it can be told, and words that name the limit, what was
//! used and how to raise it.

use wasmtime::{Trap, WasmBacktrace};

use super::{
    contract::v1_0_0::Refusal,
    limits::{Exceeded, INSTANCES, Interrupted, Limits, MEMORIES, Size, TABLE_ELEMENTS, TABLES},
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

/// What the engine says when an answer takes more than `output_bytes`; its type for it cannot be named from outside.
const OUTPUT_EXHAUSTED: &str = "fuel allocated for hostcalls has been exhausted";

/// What the engine says when a component makes too many instances, memories or tables; it has no type for it.
const TOO_MANY: &str = "resource limit exceeded";

/// What the engine says when what the guest gave is no value of its type; it has no types for most of it. What is in none of
/// these words is not the guest's doing.
const NO_VALUE: &[&str] = &[
    "aligned",
    "beyond end of memory",
    "discriminant",
    "out of bounds",
    "overflow",
    "surrogate",
    "too large",
    "utf16",
    "utf-8",
    "utf8",
];

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

    /// A grade has more bytes than any may.
    pub(super) fn grade_too_long(output: &str, bytes: usize, most: usize) -> Self {
        let message = format!(
            "the plugin gave `{output}` a text of {bytes} bytes; a grade may have {most}, and nothing raises that"
        );
        Self { reason: PluginReason::OutputTooLarge, row: None, message }
    }

    /// The same, about a row.
    pub(super) fn at_row(mut self, row: u32) -> Self {
        self.row = Some(row);
        self
    }

    /// The host could not do its part, which says nothing of the plugin. The cause is logged; clients do not see it.
    pub(super) fn host(cause: &str) -> Self {
        tracing::error!(cause, "a plugin could not be run, and it is not its fault");
        let message = "the server could not run the plugin, and the plugin is not the reason; the log of the server says \
                       what was: try again later";
        Self { reason: PluginReason::HostUnavailable, row: None, message: message.to_owned() }
    }

    /// Whether it says something of the host alone, at this moment: it is no answer of the plugin's, whoever asks.
    #[must_use]
    pub fn is_of_host(&self) -> bool {
        matches!(self.reason, PluginReason::TimedOut | PluginReason::HostUnavailable)
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
            return call.exceeded(exceeded);
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
            return too_many();
        }
        if NO_VALUE.iter().any(|said| words.contains(said)) {
            return Self::contract(format!("`{}`: {words}", call.function));
        }
        Self::host(&format!("{error:#}"))
    }

    /// The component makes more than any plugin may.
    pub(super) fn is_too_much(what: &str, used: u64, most: u64) -> Self {
        Self::invalid_component(format!(
            "an instance of it takes {used} {what}; no plugin may take more than {most}"
        ))
    }
}

/// The engine makes instances of its own, between components inside one: they count as the component's.
fn too_many() -> Verdict {
    let message = format!(
        "the plugin, with what the engine puts between its parts, makes more than {INSTANCES} instances, {MEMORIES} memories \
         or {TABLES} tables; no plugin may have more"
    );
    Verdict { reason: PluginReason::OutOfMemory, row: None, message }
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
                "the plugin took longer than {:?} for {what}, which its fuel should have ended long before: this server is \
                 too busy or too slow for it, try again later",
                self.size.wall_time(self.limits),
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

    fn exceeded(&self, exceeded: &Exceeded) -> Verdict {
        let message = match exceeded {
            Exceeded::Memory(bytes) => format!(
                "the plugin wanted {bytes} bytes of memory in `{}` and may have {} (memory_bytes): {}",
                self.function,
                self.limits.memory_bytes,
                who_raises("memory_bytes", self.limits.at_ceiling.memory_bytes)
            ),
            Exceeded::Tables(elements) => format!(
                "the plugin wanted {elements} table elements in `{}`; no plugin may have more than {TABLE_ELEMENTS}, and \
                 nothing raises that",
                self.function
            ),
            Exceeded::Host(words) => return Verdict::host(words),
        };
        self.verdict(PluginReason::OutOfMemory, message)
    }

    fn output_too_large(&self) -> Verdict {
        let message = format!(
            "the plugin's answer to `{}` takes more than {} bytes (output_bytes), where it was cut off: {}",
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
                    "the plugin used up its stack of {} bytes in `{}`{}; it may call itself without end; nothing raises that",
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
        format!("it is at the operator's ceiling, plugins.ceilings.{limit} in the configuration")
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What is not known to be the guest's doing is not held against it.
    #[test]
    fn what_the_host_lacks_is_no_fault_of_the_guest() {
        let limits = Limits::default();
        let call = Call { function: "evaluate", size: Size::NONE, limits: &limits };
        let check = |error: wasmtime::Error, reason| {
            let verdict = Verdict::of_call(&error, &call);
            assert_eq!(verdict.reason, reason, "{verdict}");
            assert_eq!(verdict.is_of_host(), reason == PluginReason::HostUnavailable, "{verdict}");
        };
        let lacking = std::io::Error::from_raw_os_error(rustix::io::Errno::NOMEM.raw_os_error());
        check(wasmtime::Error::from(lacking).context("mmap failed"), PluginReason::HostUnavailable);
        check(wasmtime::Error::msg("what nobody has thought of"), PluginReason::HostUnavailable);
        check(Exceeded::Host("no more".to_owned()).into(), PluginReason::HostUnavailable);
        check(Exceeded::Memory(1).into(), PluginReason::OutOfMemory);
        check(Trap::UnreachableCodeReached.into(), PluginReason::Trapped);
        check(Trap::StringOutOfBounds.into(), PluginReason::ContractViolation);
        check(wasmtime::Error::msg("invalid utf-8 sequence"), PluginReason::ContractViolation);
    }
}
