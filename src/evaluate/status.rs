//! What the evaluator is doing, for those who operate the server.

use super::evaluator::Evaluator;
use crate::proto::v1;

/// Views that are listed one by one.
const VIEWS_LISTED: usize = 100;

// === impl Evaluator ===

impl Evaluator {
    /// What is known here of `ServerService.GetStatus`: engine, views, runs, plugins at work.
    #[must_use]
    pub fn status(&self) -> v1::GetStatusResponse {
        let usage = self.views().usage();
        let mut views: Vec<v1::ViewStatus> = usage
            .into_iter()
            .map(|(team, collection, bytes)| v1::ViewStatus {
                team: format!("teams/{team}"),
                collection,
                bytes,
            })
            .collect();
        let view_bytes = views.iter().map(|view| view.bytes).sum();
        views.sort_by_key(|view| std::cmp::Reverse(view.bytes));
        views.truncate(VIEWS_LISTED);
        let under_way = self.under_way();
        v1::GetStatusResponse {
            plugin_calls: under_way.guests as u64,
            plugin_memory_bytes: under_way.memory_bytes as u64,
            engine: self.engine().to_owned(),
            view_bytes,
            view_bytes_limit: self.views().budget(),
            views,
            runs: self.board().count(),
            ..v1::GetStatusResponse::default()
        }
    }
}
