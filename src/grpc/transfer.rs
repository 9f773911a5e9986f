//! `TransferService`: a stream of records in, a stream of results out.

use std::{collections::VecDeque, future::poll_fn, pin::Pin, task::Poll, time::Duration};

use tokio::{sync::mpsc, time::timeout};
use tonic::{Request, Response, Status, Streaming};

use super::{
    calls::{Answers, answers, caller},
    limits::Limits,
    status,
};
use crate::{
    model::{caller::Caller, rejection::Rejection},
    proto::{
        server::transfer_service_server::TransferService,
        v1::{ImportResourcesRequest, ImportResourcesResponse},
    },
    resource::Resources,
    store::WriteError,
};

/// Messages of a stream that are on their way to disk at the same time. Enough that the next is ready when a group is
/// written; few enough that a stream takes little memory.
const UNDER_WAY: usize = 4;

/// Takes records in.
pub struct Transfers {
    resources: Resources,
    /// How long the next message of a stream is waited for: it has a place that others want.
    wait: Duration,
}

/// What the first message of a stream decides for those after it.
struct Course {
    parent: String,
    validate_only: bool,
}

/// A message on its way to disk.
type Import = Pin<Box<dyn Future<Output = Result<ImportResourcesResponse, WriteError>> + Send>>;

// === impl Transfers ===

impl Transfers {
    /// Takes records into these resources.
    #[must_use]
    pub fn new(resources: Resources, limits: &Limits) -> Self {
        Self { resources, wait: limits.message_wait() }
    }
}

#[tonic::async_trait]
impl TransferService for Transfers {
    type ImportResourcesStream = Answers<ImportResourcesResponse>;

    async fn import_resources(
        &self,
        request: Request<Streaming<ImportResourcesRequest>>,
    ) -> Result<Response<Self::ImportResourcesStream>, Status> {
        let (resources, caller) = (self.resources.clone(), caller(&request));
        let (messages, wait) = (request.into_inner(), self.wait);
        Ok(answers(move |sender| async move {
            if let Err(status) = import(&resources, &caller, messages, wait, &sender).await {
                // Only a client that is gone does not take it.
                let _ = sender.send(Err(status)).await;
            }
        }))
    }
}

/// Imports message after message, a few of them at a time, and sends the answers in the order of the messages.
async fn import(
    resources: &Resources,
    caller: &Caller,
    mut messages: Streaming<ImportResourcesRequest>,
    wait: Duration,
    sender: &mpsc::Sender<Result<ImportResourcesResponse, Status>>,
) -> Result<(), Status> {
    let mut course = None;
    let mut under_way: VecDeque<Import> = VecDeque::new();
    let mut more = true;
    while more || !under_way.is_empty() {
        tokio::select! {
            message = timeout(wait, messages.message()), if more && under_way.len() < UNDER_WAY => match message {
                // What is under way is answered first.
                Err(_) if !under_way.is_empty() => {}
                Err(_) => return Err(status::deadline_exceeded()),
                Ok(Ok(Some(message))) => {
                    let message = follow(&mut course, message).map_err(|rejection| status::rejected(&rejection))?;
                    let (resources, caller) = (resources.clone(), caller.clone());
                    let import = async move { resources.import(&caller, message).await };
                    under_way.push_back(begun(Box::pin(import)).await);
                }
                Ok(Ok(None)) => more = false,
                Ok(Err(status)) => return Err(status::of_transport(status)),
            },
            answer = first(&mut under_way), if !under_way.is_empty() => {
                under_way.pop_front();
                if sender.send(Ok(answer.map_err(status::of)?)).await.is_err() {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

/// A later message says nothing new about where the records go: it may leave it out, or say the same.
fn follow(
    course: &mut Option<Course>,
    mut message: ImportResourcesRequest,
) -> Result<ImportResourcesRequest, Rejection> {
    let course = match course {
        Some(course) => course,
        None if message.parent.is_empty() => {
            return Err(Rejection::field("parent", "the first message has to name the team: teams/{team}"));
        }
        None => {
            course.insert(Course { parent: message.parent.clone(), validate_only: message.validate_only })
        }
    };
    if !message.parent.is_empty() && message.parent != course.parent {
        return Err(Rejection::field(
            "parent",
            format!(
                "{:?} is not the team of the first message, {:?}: a stream is for one team",
                message.parent, course.parent
            ),
        ));
    }
    message.parent.clone_from(&course.parent);
    message.validate_only = course.validate_only;
    Ok(message)
}

/// Lets an import take its place in the writer's queue before the next one may.
async fn begun(mut import: Import) -> Import {
    let mut done = None;
    poll_fn(|context| {
        if let Poll::Ready(answer) = import.as_mut().poll(context) {
            done = Some(answer);
        }
        Poll::Ready(())
    })
    .await;
    match done {
        Some(answer) => Box::pin(std::future::ready(answer)),
        None => import,
    }
}

/// The answer to the oldest import.
async fn first(under_way: &mut VecDeque<Import>) -> Result<ImportResourcesResponse, WriteError> {
    match under_way.front_mut() {
        Some(import) => import.await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(messages: &[(&str, bool)], expected: &[Option<(&str, bool)>]) {
        let mut course = None;
        let followed: Vec<_> = messages
            .iter()
            .map(|&(parent, validate_only)| {
                let message =
                    ImportResourcesRequest { parent: parent.to_owned(), items: Vec::new(), validate_only };
                follow(&mut course, message).ok().map(|message| (message.parent, message.validate_only))
            })
            .collect();
        let expected: Vec<_> =
            expected.iter().map(|one| one.map(|(parent, only)| (parent.to_owned(), only))).collect();
        assert_eq!(followed, expected, "{messages:?}");
    }

    #[test]
    fn the_first_message_decides() {
        check(&[("teams/a", false), ("", false)], &[Some(("teams/a", false)), Some(("teams/a", false))]);
        check(&[("teams/a", true), ("teams/a", false)], &[Some(("teams/a", true)), Some(("teams/a", true))]);
        check(&[("", false)], &[None]);
        check(&[("teams/a", false), ("teams/b", false)], &[Some(("teams/a", false)), None]);
    }
}
