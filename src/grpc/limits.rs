//! What a client may take of the service.

use std::time::Duration;

use serde::Deserialize;

/// What a client may take of the service. A limit reached is answered, with the time after which to come back where
/// waiting helps.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Unary calls under way, over all connections.
    pub calls: usize,
    /// Streaming calls under way, over all connections.
    pub streams: usize,
    /// Calls under way whose request is larger than `message_bytes`, over all connections; others wait.
    pub component_calls: usize,
    /// Calls that compute on a thread of their own at the same time; others wait. 0: twice the cores.
    pub computing_calls: usize,
    /// Open connections; one more is closed at once.
    pub connections: usize,
    /// Calls under way on one connection; a client waits before it starts another.
    pub calls_per_connection: u32,
    /// Bytes of a request message, decompressed.
    pub message_bytes: usize,
    /// Bytes of a request message of the methods that take a component, decompressed.
    pub component_message_bytes: usize,
    /// Bytes of the metadata of a call.
    pub metadata_bytes: u32,
    /// Milliseconds that a unary call may take; a client's own deadline counts when it is sooner.
    pub call_ms: u64,
    /// Milliseconds that a new connection may take to say that it speaks HTTP/2.
    pub preface_ms: u64,
    /// Milliseconds between two pings on a connection.
    pub ping_ms: u64,
    /// Milliseconds after which a connection that answers no ping is closed.
    pub ping_answer_ms: u64,
    /// Milliseconds that calls under way may take to finish when the service stops.
    pub drain_ms: u64,
}

// === impl Limits ===

impl Limits {
    /// The longest that a unary call may take.
    #[must_use]
    pub fn call(&self) -> Duration {
        Duration::from_millis(self.call_ms)
    }

    /// The longest that calls may take to finish when the service stops.
    #[must_use]
    pub fn drain(&self) -> Duration {
        Duration::from_millis(self.drain_ms)
    }
}
