//! Takes a component that comes in pieces. Nothing of it is kept before all of it is there and published, and nothing of it
//! is read before what its header says could be published.

use std::{sync::Arc, time::Duration};

use tokio::time::timeout;
use tonic::{Status, Streaming};

use super::{limits::Limits, status};
use crate::{
    evaluate::{Evaluator, Turns},
    model::{
        caller::Caller,
        name::Name,
        rejection::{PluginReason, Reason, Rejection},
    },
    proto::v1::{
        PublishPluginRevisionRequest, UploadHeader, UploadPluginRevisionRequest,
        publish_plugin_revision_request::Source, upload_plugin_revision_request::Piece,
    },
};

/// So many teams it takes to have all places: no one of them keeps all others out.
const TEAMS_TO_FILL: usize = 4;

/// Takes uploads in, a bounded number at a time, by turns of the teams, for they are large.
pub struct Uploads {
    room: Arc<Turns>,
    component_bytes: usize,
    /// How long the next piece is waited for, and a place by a new upload.
    wait: Duration,
    /// How long all pieces may take: an upload has a place and takes memory meanwhile.
    whole: Duration,
}

/// An upload whose header has come.
struct Begun {
    publication: PublishPluginRevisionRequest,
    /// The component's hash; empty where it is not told.
    hash: String,
    /// Its size; nothing where it is not told.
    told: Option<usize>,
}

// === impl Uploads ===

impl Uploads {
    /// As many at a time as calls that carry a component, each of at most so many bytes.
    #[must_use]
    pub fn new(limits: &Limits, component_bytes: usize) -> Self {
        let places = limits.component_calls;
        let room = Turns::new(places, (places / TEAMS_TO_FILL).max(1));
        Self { room, component_bytes, wait: limits.message_wait(), whole: limits.call() }
    }

    /// Takes an upload to its end, and answers it as a publication in one piece.
    ///
    /// # Errors
    /// What is wrong with it, as soon as that can be told. `BUSY` where no place comes, `DEADLINE_EXCEEDED` where the pieces
    /// do not.
    pub async fn take(
        &self,
        evaluator: &Evaluator,
        caller: &Caller,
        mut pieces: Streaming<UploadPluginRevisionRequest>,
    ) -> Result<PublishPluginRevisionRequest, Status> {
        let Some(Piece::Header(header)) = self.next(&mut pieces).await? else {
            return Err(status::malformed(
                "an upload begins with its header, and the component follows in chunks",
            ));
        };
        let begun = self.begin(header).map_err(|rejection| status::rejected(&rejection))?;
        evaluator.foresee(caller, &begun.publication).await.map_err(status::of)?;
        let team =
            Name::parse(&begun.publication.plugin).map_err(|rejection| status::rejected(&rejection))?;
        let turn = timeout(self.wait, self.room.ask(team.team().as_str())).await;
        let _place = turn
            .map_err(|_| {
                status::busy("as many uploads are under way as the server takes, of a team or of all")
            })?
            .map_err(|_| status::unavailable("the server is stopping"))?;
        let component = timeout(self.whole, self.gather(&begun, &mut pieces)).await;
        let component = component.map_err(|_| status::request_is_late(self.whole))??;
        Ok(PublishPluginRevisionRequest {
            source: Some(Source::Component(component.into())),
            ..begun.publication
        })
    }

    /// What can be said of an upload before its bytes come.
    fn begin(&self, header: UploadHeader) -> Result<Begun, Rejection> {
        let Some(publication) = header.publication else {
            return Err(Rejection::field("header.publication", "is required: what is published"));
        };
        if publication.source.is_some() {
            let what = "is not accepted: what is published comes in chunks";
            return Err(Rejection::field("header.publication.source", what));
        }
        let told = usize::try_from(header.component_bytes);
        let told =
            told.map_err(|_| Rejection::field("header.component_bytes", "is negative: a size in bytes"))?;
        self.check_bytes(told)?;
        Ok(Begun { publication, hash: header.component, told: (told > 0).then_some(told) })
    }

    /// The component, of all its pieces.
    async fn gather(
        &self,
        begun: &Begun,
        pieces: &mut Streaming<UploadPluginRevisionRequest>,
    ) -> Result<Vec<u8>, Status> {
        let mut component = Vec::with_capacity(begun.told.unwrap_or_default());
        let mut hasher = blake3::Hasher::new();
        while let Some(piece) = self.next(pieces).await? {
            let chunk = match piece {
                Piece::Chunk(chunk) if !chunk.is_empty() => chunk,
                Piece::Chunk(_) => return Err(status::malformed("a chunk of an upload has bytes")),
                Piece::Header(_) => {
                    return Err(status::malformed("an upload has one header: chunks follow it"));
                }
            };
            let bytes = component.len() + chunk.len();
            self.check_bytes(bytes).map_err(|rejection| status::rejected(&rejection))?;
            // No more than was told is waited for.
            if begun.told.is_some_and(|told| bytes > told) {
                return Err(unlike_told(begun, bytes));
            }
            hasher.update(&chunk);
            component.extend_from_slice(&chunk);
        }
        if begun.told.is_some_and(|told| told != component.len()) {
            return Err(unlike_told(begun, component.len()));
        }
        let hash = hasher.finalize().to_hex();
        if !begun.hash.is_empty() && !begun.hash.eq_ignore_ascii_case(&hash) {
            let what = format!("{} was told, and what came has {hash}: send it again", begun.hash);
            return Err(status::rejected(&Rejection::field("header.component", what)));
        }
        Ok(component)
    }

    fn check_bytes(&self, bytes: usize) -> Result<(), Rejection> {
        if bytes <= self.component_bytes {
            return Ok(());
        }
        let message = format!(
            "the component has {bytes} bytes or more: at most {} are accepted (plugins.component_bytes)",
            self.component_bytes
        );
        Err(Rejection::new(Reason::Plugin(PluginReason::InvalidComponent), message))
    }

    async fn next(
        &self,
        pieces: &mut Streaming<UploadPluginRevisionRequest>,
    ) -> Result<Option<Piece>, Status> {
        let next = timeout(self.wait, pieces.message()).await;
        match next.map_err(|_| status::request_is_late(self.wait))?? {
            None => Ok(None),
            Some(UploadPluginRevisionRequest { piece: Some(piece) }) => Ok(Some(piece)),
            Some(_) => Err(status::malformed("a piece of an upload is a header or a chunk")),
        }
    }
}

/// The component has another size than its header said.
fn unlike_told(begun: &Begun, came: usize) -> Status {
    let told = begun.told.unwrap_or_default();
    let what = format!("{told} were told, and {came} came: send it again");
    status::rejected(&Rejection::field("header.component_bytes", what))
}
