//! `EvaluationService`, apart from its standard methods.

use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio_stream::iter;
use tonic::{Request, Response, Status};

use super::{
    calls::{Answers, Blocking, answers, in_field, in_name},
    status,
};
use crate::{
    evaluate::{Evaluator, Watched},
    model::{
        name::{EvaluationName, Name},
        rejection::Rejection,
    },
    proto::{
        server::evaluation_service_server::EvaluationService,
        v1::{
            CompareRevisionsRequest, CompareRevisionsResponse, ComputeMeasuresRequest,
            ComputeMeasuresResponse, DownloadDatasetRequest, DownloadDatasetResponse, Evaluation,
            ExplainEvaluationRequest, ExplainEvaluationResponse, GetEvaluationRequest,
            ListEvaluationRecordsRequest, ListEvaluationRecordsResponse, ListEvaluationsRequest,
            ListEvaluationsResponse, ReplayRunRequest, ReplayRunResponse, WatchRunRequest, WatchRunResponse,
        },
    },
    sandbox::Patience,
};

/// How often a run that is watched is looked at.
const LOOK: Duration = Duration::from_millis(200);
/// Bytes of a piece of a dataset.
const PIECE: usize = 256 * 1024;

/// Answers for measures, runs and results.
pub struct Evaluations {
    evaluator: Evaluator,
    blocking: Blocking,
}

/// The pieces of a dataset.
type Pieces = tokio_stream::Iter<std::vec::IntoIter<Result<DownloadDatasetResponse, Status>>>;

// === impl Evaluations ===

impl Evaluations {
    /// Answers from this evaluator.
    #[must_use]
    pub fn new(evaluator: Evaluator, blocking: Blocking) -> Self {
        Self { evaluator, blocking }
    }
}

#[tonic::async_trait]
impl EvaluationService for Evaluations {
    type WatchRunStream = Answers<WatchRunResponse>;
    type DownloadDatasetStream = Pieces;

    async fn compute_measures(
        &self,
        request: Request<ComputeMeasuresRequest>,
    ) -> Result<Response<ComputeMeasuresResponse>, Status> {
        let (evaluator, request) = (self.evaluator.clone(), request.into_inner());
        let parent = request.parent.clone();
        self.blocking.run(&parent, move |_| evaluator.compute_measures(&request)).await.map(Response::new)
    }

    async fn watch_run(
        &self,
        request: Request<WatchRunRequest>,
    ) -> Result<Response<Self::WatchRunStream>, Status> {
        let run = run_name(&request.get_ref().name, "name")?;
        let evaluator = self.evaluator.clone();
        // What there is to refuse is refused before the stream begins.
        let first = evaluator.watched(&run).map_err(status::of)?;
        Ok(answers(move |sender| watch(evaluator, run, first, sender)))
    }

    async fn get_evaluation(
        &self,
        request: Request<GetEvaluationRequest>,
    ) -> Result<Response<Evaluation>, Status> {
        let asked = request.into_inner().name;
        let (name, evaluator) = (evaluation_name(&asked)?, self.evaluator.clone());
        self.blocking.run(&asked, move |_| evaluator.evaluation(&name)).await.map(Response::new)
    }

    async fn list_evaluations(
        &self,
        request: Request<ListEvaluationsRequest>,
    ) -> Result<Response<ListEvaluationsResponse>, Status> {
        let (evaluator, request) = (self.evaluator.clone(), request.into_inner());
        let parent = request.parent.clone();
        let list = move |_: &Patience| evaluator.evaluations(&request).map_err(in_name("parent"));
        self.blocking.run(&parent, list).await.map(Response::new)
    }

    async fn explain_evaluation(
        &self,
        request: Request<ExplainEvaluationRequest>,
    ) -> Result<Response<ExplainEvaluationResponse>, Status> {
        let asked = request.into_inner().name;
        let (name, evaluator) = (evaluation_name(&asked)?, self.evaluator.clone());
        evaluator.prepare_run(&name.run).await.map_err(status::of)?;
        let explain = move |patience: &Patience| evaluator.waiting(patience).explain(&name);
        self.blocking.run(&asked, explain).await.map(Response::new)
    }

    async fn list_evaluation_records(
        &self,
        request: Request<ListEvaluationRecordsRequest>,
    ) -> Result<Response<ListEvaluationRecordsResponse>, Status> {
        let (evaluator, request) = (self.evaluator.clone(), request.into_inner());
        let parent = request.parent.clone();
        self.blocking.run(&parent, move |_| evaluator.evaluation_records(&request)).await.map(Response::new)
    }

    async fn replay_run(
        &self,
        request: Request<ReplayRunRequest>,
    ) -> Result<Response<ReplayRunResponse>, Status> {
        let (evaluator, request) = (self.evaluator.clone(), request.into_inner());
        evaluator.prepare_run(&run_name(&request.name, "name")?).await.map_err(status::of)?;
        let run = request.name.clone();
        let replay = move |patience: &Patience| evaluator.waiting(patience).replay(&request);
        self.blocking.run_whole(&run, replay).await.map(Response::new)
    }

    async fn compare_revisions(
        &self,
        request: Request<CompareRevisionsRequest>,
    ) -> Result<Response<CompareRevisionsResponse>, Status> {
        let (evaluator, request) = (self.evaluator.clone(), request.into_inner());
        evaluator.prepare_run(&run_name(&request.run, "run")?).await.map_err(status::of)?;
        for revision in [&request.baseline, &request.candidate].into_iter().filter(|name| !name.is_empty()) {
            evaluator.prepare_revision(revision).await.map_err(status::of)?;
        }
        let run = request.run.clone();
        let compare = move |patience: &Patience| evaluator.waiting(patience).compare_revisions(&request);
        self.blocking.run_whole(&run, compare).await.map(Response::new)
    }

    async fn download_dataset(
        &self,
        request: Request<DownloadDatasetRequest>,
    ) -> Result<Response<Pieces>, Status> {
        let asked = request.into_inner().name;
        let (run, evaluator) = (run_name(&asked, "name")?, self.evaluator.clone());
        let dataset = self.blocking.run(&asked, move |_| evaluator.dataset(&run)).await?;
        Ok(Response::new(iter(pieces(dataset))))
    }
}

fn run_name(text: &str, field: &str) -> Result<Name, Status> {
    let name = Name::parse(text).and_then(|name| match name.collection() {
        "runs" => Ok(name),
        _ => Err(Rejection::resource(
            crate::model::rejection::ResourceReason::InvalidName,
            format!("{text:?} is not the name of a run: teams/{{team}}/runs/{{run}}"),
        )),
    });
    name.map_err(in_field(field)).map_err(|rejection| status::rejected(&rejection))
}

fn evaluation_name(text: &str) -> Result<EvaluationName, Status> {
    EvaluationName::parse(text).map_err(in_field("name")).map_err(|rejection| status::rejected(&rejection))
}

/// Sends how the run proceeds, whenever that has changed, until it is finished.
async fn watch(
    evaluator: Evaluator,
    run: Name,
    first: Watched,
    sender: mpsc::Sender<Result<WatchRunResponse, Status>>,
) {
    let mut shown = first.response.clone();
    let mut next = Ok(first);
    loop {
        let ended = next.as_ref().map_or(true, |watched| watched.ended);
        // Only a client that is gone does not take it.
        if sender.send(next.map(|watched| watched.response)).await.is_err() || ended {
            return;
        }
        next = loop {
            tokio::time::sleep(LOOK).await;
            match evaluator.watched(&run) {
                Ok(now) if !now.ended && now.response == shown => {}
                Ok(now) => {
                    shown = now.response.clone();
                    break Ok(now);
                }
                Err(error) => break Err(status::of(error)),
            }
        };
    }
}

fn pieces(mut dataset: Bytes) -> Vec<Result<DownloadDatasetResponse, Status>> {
    let mut pieces = Vec::with_capacity(dataset.len().div_ceil(PIECE));
    while !dataset.is_empty() {
        let data = dataset.split_to(PIECE.min(dataset.len()));
        pieces.push(Ok(DownloadDatasetResponse { data }));
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: usize, expected: &[usize]) {
        let dataset = Bytes::from((0..bytes).map(|index| (index % 251) as u8).collect::<Vec<_>>());
        let pieces: Vec<Bytes> =
            pieces(dataset.clone()).into_iter().map(|piece| piece.unwrap().data).collect();
        assert_eq!(pieces.iter().map(Bytes::len).collect::<Vec<_>>(), expected);
        assert_eq!(pieces.concat(), dataset);
    }

    #[test]
    fn a_dataset_in_pieces() {
        check(0, &[]);
        check(1, &[1]);
        check(PIECE, &[PIECE]);
        check(2 * PIECE + 7, &[PIECE, PIECE, 7]);
    }
}
