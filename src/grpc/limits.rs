//! What a client may take of the service.

use std::time::Duration;

use serde::Deserialize;

/// What a client may take of the service. A limit reached is answered, with the time after which to come back where
/// waiting helps.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Unary calls under way, over all connections; a quarter of them on one.
    pub calls: usize,
    /// Streaming calls under way, over all connections; a quarter of them on one.
    pub streams: usize,
    /// Calls under way whose request is larger than `message_bytes`, over all connections; others wait.
    pub component_calls: usize,
    /// Calls that compute on a thread of their own at the same time; others wait. 0: twice the cores.
    pub computing_calls: usize,
    /// Open connections; for one more, the one goes that has been idle longest. It is closed where none is idle.
    pub connections: usize,
    /// Connections beside them that have not said yet that they speak HTTP/2; for one more, the oldest of them goes.
    pub silent_connections: usize,
    /// Calls under way on one connection; a client waits before it starts another.
    pub calls_per_connection: u32,
    /// Bytes of a request message, decompressed.
    pub message_bytes: usize,
    /// Bytes of a request message of the methods that take a component, decompressed.
    pub component_message_bytes: usize,
    /// Bytes of the metadata of a call.
    pub metadata_bytes: u32,
    /// Milliseconds that a unary call may take, and all pieces of an upload; a client's own deadline counts when it is sooner.
    pub call_ms: u64,
    /// Milliseconds that a call waits for the next of its request, an upload for its place, and an answer for a client that
    /// takes it.
    pub message_wait_ms: u64,
    /// Milliseconds that a new connection may take to say that it speaks HTTP/2.
    pub preface_ms: u64,
    /// Milliseconds between two pings on a connection.
    pub ping_ms: u64,
    /// Milliseconds after which a connection that answers no ping is closed.
    pub ping_answer_ms: u64,
    /// Milliseconds that calls under way may take to finish when the service stops.
    pub drain_ms: u64,
}

/// Files that the store and the rest of the process have open beside connections, at most.
const OTHER_FILES: u64 = 512;

// === impl Limits ===

impl Limits {
    /// The same, with no more connections than a process may have that may open so many files: the store must not find
    /// that connections have taken them all.
    #[must_use]
    pub fn within(&self, open_files: u64) -> Self {
        let mut limits = self.clone();
        let room = open_files.saturating_sub(OTHER_FILES);
        let wanted = (self.connections as u64).saturating_add(self.silent_connections as u64);
        if wanted > room {
            // In proportion, and at least one of each.
            let share = |part: usize| {
                let share = u128::from(part as u64) * u128::from(room) / u128::from(wanted);
                usize::try_from(share).unwrap_or(usize::MAX).max(1)
            };
            (limits.connections, limits.silent_connections) =
                (share(self.connections), share(self.silent_connections));
            tracing::warn!(
                open_files,
                connections = limits.connections,
                "the system lets this process open few files (ulimit -n), so that it takes fewer connections"
            );
        }
        limits
    }

    /// The longest that a unary call may take.
    #[must_use]
    pub fn call(&self) -> Duration {
        Duration::from_millis(self.call_ms)
    }

    /// The longest that a stream of requests waits for its next message.
    #[must_use]
    pub fn message_wait(&self) -> Duration {
        Duration::from_millis(self.message_wait_ms)
    }

    /// The longest that calls may take to finish when the service stops.
    #[must_use]
    pub fn drain(&self) -> Duration {
        Duration::from_millis(self.drain_ms)
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[test]
    fn connections_leave_the_store_its_files() {
        let mut limits = Config::default().limits;
        (limits.connections, limits.silent_connections) = (900, 100);
        let check = |open_files, expected| {
            let within = limits.within(open_files);
            assert_eq!((within.connections, within.silent_connections), expected, "{open_files}");
        };
        check(u64::MAX, (900, 100));
        check(1_512, (900, 100));
        check(1_012, (450, 50));
        check(100, (1, 1));
        let mut limits = Config::default().limits;
        (limits.connections, limits.silent_connections) = (usize::MAX, 1);
        let within = limits.within(1_512);
        assert_eq!(
            (within.connections, within.silent_connections),
            (1_000, 1),
            "what is huge is cut, not turned over"
        );
    }
}
