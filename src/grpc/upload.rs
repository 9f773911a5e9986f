//! Takes a component that comes in pieces. Nothing of it is kept before all of it is there and published.

use std::{sync::Arc, time::Duration};

use tokio::{sync::Semaphore, time::timeout};
use tonic::{Status, Streaming};

use super::{limits::Limits, status};
use crate::{
    model::rejection::{PluginReason, Reason, Rejection},
    proto::v1::{
        PublishPluginRevisionRequest, UploadHeader, UploadPluginRevisionRequest,
        publish_plugin_revision_request::Source, upload_plugin_revision_request::Piece,
    },
};

/// Takes uploads in, a bounded number at a time, for they are large.
pub struct Uploads {
    room: Arc<Semaphore>,
    component_bytes: usize,
    /// How long the next piece is waited for: an upload takes memory meanwhile.
    wait: Duration,
}

// === impl Uploads ===

impl Uploads {
    /// As many at a time as calls that carry a component, each of at most so many bytes.
    #[must_use]
    pub fn new(limits: &Limits, component_bytes: usize) -> Self {
        let room = Arc::new(Semaphore::new(limits.component_calls));
        Self { room, component_bytes, wait: limits.message_wait() }
    }

    /// Takes an upload to its end, and answers it as a publication in one piece.
    ///
    /// # Errors
    /// What is wrong with it, as soon as that can be told.
    pub async fn take(
        &self,
        mut pieces: Streaming<UploadPluginRevisionRequest>,
    ) -> Result<PublishPluginRevisionRequest, Status> {
        let _place = self.room.acquire().await.map_err(|_| status::unavailable("the server is stopping"))?;
        let Some(Piece::Header(header)) = self.next(&mut pieces).await? else {
            return Err(status::malformed(
                "an upload begins with its header, and the component follows in chunks",
            ));
        };
        let publication = self.begin(&header).map_err(|rejection| status::rejected(&rejection))?;
        let told = usize::try_from(header.component_bytes).unwrap_or(0);
        let mut component = Vec::with_capacity(told);
        let mut hasher = blake3::Hasher::new();
        while let Some(piece) = self.next(&mut pieces).await? {
            let Piece::Chunk(chunk) = piece else {
                return Err(status::malformed("an upload has one header: chunks follow it"));
            };
            let bytes = component.len() + chunk.len();
            self.check_bytes(bytes).map_err(|rejection| status::rejected(&rejection))?;
            hasher.update(&chunk);
            component.extend_from_slice(&chunk);
        }
        let hash = hasher.finalize().to_hex();
        let unlike = if told > 0 && told != component.len() {
            Some(("header.component_bytes", format!("{told} were told, and {} came", component.len())))
        } else if !header.component.is_empty() && !header.component.eq_ignore_ascii_case(&hash) {
            Some(("header.component", format!("{} was told, and what came has {hash}", header.component)))
        } else {
            None
        };
        if let Some((field, what)) = unlike {
            return Err(status::rejected(&Rejection::field(field, format!("{what}: send it again"))));
        }
        Ok(PublishPluginRevisionRequest { source: Some(Source::Component(component.into())), ..publication })
    }

    /// What can be said of an upload before its bytes come.
    fn begin(&self, header: &UploadHeader) -> Result<PublishPluginRevisionRequest, Rejection> {
        let Some(publication) = &header.publication else {
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
        Ok(publication.clone())
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
        match next.map_err(|_| status::deadline_exceeded())?? {
            None => Ok(None),
            Some(UploadPluginRevisionRequest { piece: Some(piece) }) => Ok(Some(piece)),
            Some(_) => Err(status::malformed("a piece of an upload is a header or a chunk")),
        }
    }
}
