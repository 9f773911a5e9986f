//! What this process has of the machine.

/// Bytes that this process has.
#[derive(Clone, Copy, Debug)]
pub struct Space {
    /// Addresses, whether there is memory behind them or not.
    pub addresses: u64,
    /// Memory.
    pub resident: u64,
}

/// What it has now.
pub fn space() -> Space {
    let pages = std::fs::read_to_string("/proc/self/statm").expect("Linux tells");
    let mut bytes = pages.split(' ').map(|pages| pages.parse::<u64>().expect("a number") * 4_096);
    let mut next = || bytes.next().expect("a number");
    Space { addresses: next(), resident: next() }
}
