//! What a plugin may use, and the meter that holds a call to it. What a limit's breach is called is in `verdict`.

use std::{fmt, time::Duration};

use wasmtime::{ResourceLimiter, Result};

use super::{Batch, Scope, census::Counted, patience::Over, prices::FUEL_PER_PAGE};

const PAGE_BYTES: usize = 64 << 10;

/// Elements of all tables of an instance (8 bytes of host memory each); a Python interpreter has some 10,000.
pub const TABLE_ELEMENTS: usize = 500_000;

/// Core instances, memories and tables that a component may make in a call. Components of dynamically linked languages
/// have a few dozen. What a component makes by itself is counted when it is admitted; the engine makes some besides, between
/// components inside it.
pub const INSTANCES: usize = 256;
pub const MEMORIES: usize = 32;
pub const TABLES: usize = 64;

/// What a plugin may use.
///
/// Fuel is counted by instruction, at prices that follow the time that each takes, and decides alike on every machine. Wall
/// time only protects the host, from a guest that hangs where fuel does not see it: it follows from the fuel, so generously
/// that fuel strikes first on any machine, and what it ends says nothing of the plugin.
///
/// A batch of independent rows gets the fuel of its poorest row alone, however many rows it has: then a batch that ends
/// well proves that each of its rows would alone, and whoever cuts a batch that does not finds for every row the verdict
/// that it gets alone. What a row may use depends neither on its neighbours nor on how rows are cut into batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Fuel for a call.
    pub fuel_per_call: u64,
    /// Fuel on top for a row and for each of its detail lines; for each row and line of a group, which is never cut.
    pub fuel_per_row: u64,
    /// Bytes of linear memory of an instance.
    pub memory_bytes: usize,
    /// Bytes that the answer of a call may take on the host.
    pub output_bytes: usize,
    /// The wall time of a call, beside that of its fuel.
    pub wall_time: Duration,
    /// Wall time on top for each unit of its fuel, in nanoseconds; a unit takes less than one where nobody else is at work.
    pub fuel_ns: u64,
    /// Which of these only the operator can raise: verdicts say who can.
    pub at_ceiling: AtCeiling,
}

/// Limits that are as high as the operator allows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AtCeiling {
    /// See [`Limits`].
    pub fuel_per_call: bool,
    /// See [`Limits`].
    pub fuel_per_row: bool,
    /// See [`Limits`].
    pub memory_bytes: bool,
    /// See [`Limits`].
    pub output_bytes: bool,
}

// === impl AtCeiling ===

impl AtCeiling {
    /// None of them.
    pub const NONE: Self =
        Self { fuel_per_call: false, fuel_per_row: false, memory_bytes: false, output_bytes: false };

    /// All of them: what the ceilings themselves are.
    pub const ALL: Self =
        Self { fuel_per_call: true, fuel_per_row: true, memory_bytes: true, output_bytes: true };
}

// === impl Limits ===

impl Default for Limits {
    /// Those of a server that nobody has configured: a test holds them to `defaults.toml`. Enough for a script-language
    /// plugin over a few thousand rows; a loop without end is stopped in seconds.
    fn default() -> Self {
        Self {
            fuel_per_call: 1_000_000_000,
            fuel_per_row: 1_000_000,
            memory_bytes: 256 << 20,
            output_bytes: 64 << 20,
            wall_time: Duration::from_secs(60),
            fuel_ns: 250,
            at_ceiling: AtCeiling::NONE,
        }
    }
}

/// The size of a batch as fuel sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    rows: u64,
    lines: u64,
    /// Rows and lines that there is fuel for.
    paid: u64,
}

// === impl Size ===

impl Size {
    /// A call without a batch.
    pub const NONE: Self = Self { rows: 0, lines: 0, paid: 0 };

    /// The size of a batch: of a group as a whole, of independent rows as the one with the fewest lines.
    pub fn of(batch: &Batch, scope: Scope) -> Self {
        let rows = u64::from(batch.rows);
        let ends = batch.lines.as_ref().map_or(&[][..], |lines| &lines.row_ends);
        let lines = ends.last().map_or(0, |end| u64::from(*end));
        let paid = match scope {
            Scope::Group => rows.saturating_add(lines),
            Scope::Row if rows == 0 => 0,
            Scope::Row => {
                let starts = [0].into_iter().chain(ends.iter().copied());
                let of_rows =
                    ends.iter().zip(starts).map(|(end, start)| u64::from(end.saturating_sub(start)));
                1 + of_rows.min().unwrap_or(0)
            }
        };
        Self { rows, lines, paid }
    }

    /// The fuel for a call of this size.
    pub fn fuel(self, limits: &Limits) -> u64 {
        limits.fuel_per_call.saturating_add(limits.fuel_per_row.saturating_mul(self.paid))
    }

    /// The time after which a call of this size is taken for one that hangs.
    pub fn wall_time(self, limits: &Limits) -> Duration {
        let of_fuel = Duration::from_nanos(self.fuel(limits).saturating_mul(limits.fuel_ns));
        limits.wall_time.saturating_add(of_fuel)
    }

    /// Rows and lines that there is fuel for, on top of that for the call.
    pub fn paid(self) -> u64 {
        self.paid
    }

    /// Whom that fuel is for, in words.
    pub fn payer(self) -> &'static str {
        if self.paid == self.rows.saturating_add(self.lines) {
            "each row and line"
        } else {
            "the row with the fewest lines: a batch gets what it would get alone"
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} rows and {} lines", self.rows, self.lines)
    }
}

/// Counts what the instances of one store hold, and stops them at the limit. A plugin that asks for more is stopped, not
/// told: the verdict then names the limit instead of whatever the plugin would do next.
#[derive(Debug)]
pub struct Meter {
    memory_limit: usize,
    guest: Counted,
    tables: usize,
}

/// Why the epoch stopped a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Interrupted {
    /// The call took its wall time.
    #[error("the wall time is over")]
    WallTime,
    /// Nobody waits for the answer any more.
    #[error("nobody waits any more")]
    Unwanted(Over),
}

/// The limit that the meter stopped at.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Exceeded {
    /// Linear memory, in bytes: all that would then be in use.
    #[error("linear memory")]
    Memory(usize),
    /// Table elements: all that would then be in use.
    #[error("table elements")]
    Tables(usize),
    /// Growth within the limits that the host could not give, in the engine's words.
    #[error("the host has no more: {0}")]
    Host(String),
}

// === impl Meter ===

impl Meter {
    pub fn new(limits: &Limits, guest: Counted) -> Self {
        Self { memory_limit: limits.memory_bytes, guest, tables: 0 }
    }

    /// The fuel that the linear memory in use now is charged with.
    pub fn fuel_of_memory(&self) -> u64 {
        u64::from(FUEL_PER_PAGE) * self.guest.memory_bytes().div_ceil(PAGE_BYTES) as u64
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> Result<bool> {
        let more = desired.saturating_sub(current);
        let memory = self.guest.memory_bytes().saturating_add(more);
        if memory > self.memory_limit {
            return Err(Exceeded::Memory(memory).into());
        }
        // Beyond what the module itself says: it expects to be told.
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        self.guest.grow(more);
        Ok(true)
    }

    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> Result<()> {
        Err(Exceeded::Host(error.to_string()).into())
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> Result<bool> {
        let tables = self.tables.saturating_add(desired.saturating_sub(current));
        if tables > TABLE_ELEMENTS {
            return Err(Exceeded::Tables(tables).into());
        }
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        self.tables = tables;
        Ok(true)
    }

    fn table_grow_failed(&mut self, error: wasmtime::Error) -> Result<()> {
        Err(Exceeded::Host(error.to_string()).into())
    }

    fn instances(&self) -> usize {
        INSTANCES
    }

    fn tables(&self) -> usize {
        TABLES
    }

    fn memories(&self) -> usize {
        MEMORIES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fuel_strikes_before_time() {
        let check = |fuel_per_call, fuel_ns, more| {
            let limits = Limits { fuel_per_call, fuel_ns, ..Limits::default() };
            assert_eq!(Size::NONE.wall_time(&limits), Duration::from_secs(60) + more);
        };
        check(0, 250, Duration::ZERO);
        check(1_000_000_000, 250, Duration::from_secs(250));
        check(100_000_000_000, 250, Duration::from_secs(25_000));
        check(1_000_000_000, 0, Duration::ZERO);
        // Fuel for ever is time for ever.
        check(u64::MAX, 250, Duration::from_nanos(u64::MAX));
    }
}
