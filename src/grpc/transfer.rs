//! `TransferService`: a stream of records in, a stream of results out.

use std::{
    collections::VecDeque,
    future::poll_fn,
    pin::{Pin, pin},
    task::Poll,
    time::Duration,
};

use tokio::{sync::mpsc, time::timeout};
use tonic::{Request, Response, Status, Streaming};

use super::{
    calls::{Answers, answers, caller},
    limits::Limits,
    phase::{Phase, Phases},
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
    phases: Phases,
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
    pub fn new(resources: Resources, limits: &Limits, phases: &Phases) -> Self {
        Self { resources, wait: limits.message_wait(), phases: phases.clone() }
    }
}

#[tonic::async_trait]
impl TransferService for Transfers {
    type ImportResourcesStream = Answers<ImportResourcesResponse>;

    async fn import_resources(
        &self,
        request: Request<Streaming<ImportResourcesRequest>>,
    ) -> Result<Response<Self::ImportResourcesStream>, Status> {
        let caller = caller(&request);
        let stream = Stream {
            resources: self.resources.clone(),
            caller,
            messages: request.into_inner(),
            wait: self.wait,
            phases: self.phases.clone(),
        };
        Ok(answers(move |sender| async move {
            if let Err(status) = stream.import(&sender).await {
                // Only a client that is gone does not take it.
                let _ = sender.send(Err(status)).await;
            }
        }))
    }
}

/// A stream that is imported.
struct Stream {
    resources: Resources,
    caller: Caller,
    messages: Streaming<ImportResourcesRequest>,
    wait: Duration,
    phases: Phases,
}

// === impl Stream ===

impl Stream {
    /// Imports message after message, a few of them at a time, and sends the answers in the order of the messages. What is
    /// wrong with a message, or with the stream, is said when what is under way is answered: it is kept all the same.
    async fn import(
        mut self,
        sender: &mpsc::Sender<Result<ImportResourcesResponse, Status>>,
    ) -> Result<(), Status> {
        let mut course = None;
        let mut under_way: VecDeque<Import> = VecDeque::new();
        // How the stream ended; nothing while more messages are taken.
        let mut end: Option<Result<(), Status>> = None;
        let mut stopping = pin!(self.phases.reached(Phase::Draining));
        loop {
            if let Some(end) = end.take_if(|_| under_way.is_empty()) {
                return end;
            }
            tokio::select! {
                message = timeout(self.wait, self.messages.message()), if end.is_none() && under_way.len() < UNDER_WAY => {
                    let message = match message {
                        // It may be the answer that the client waits for.
                        Err(_) if !under_way.is_empty() => continue,
                        Err(_) => Err(status::request_is_late(self.wait)),
                        Ok(Ok(message)) => Ok(message),
                        Ok(Err(status)) => Err(status::of_transport(status)),
                    };
                    let followed = message.and_then(|message| {
                        let followed = message.map(|message| follow(&mut course, message)).transpose();
                        followed.map_err(|rejection| status::rejected(&rejection))
                    });
                    match followed {
                        Ok(Some(message)) => {
                            let (resources, caller) = (self.resources.clone(), self.caller.clone());
                            let import = async move { resources.import(&caller, message).await };
                            under_way.push_back(begun(Box::pin(import)).await);
                        }
                        Ok(None) => end = Some(Ok(())),
                        Err(status) => end = Some(Err(status)),
                    }
                }
                answer = first(&mut under_way), if !under_way.is_empty() => {
                    under_way.pop_front();
                    if sender.send(Ok(answer.map_err(status::of)?)).await.is_err() {
                        return Ok(());
                    }
                }
                () = &mut stopping, if end.is_none() => {
                    let what = "the server is stopping: what is answered is kept, send the rest again";
                    end = Some(Err(status::unavailable(what)));
                }
            }
        }
    }
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
