//! How messages become bytes and back: as generated types, and not at all for the standard methods, which work on the
//! descriptors. Compression and framing are tonic's.

use std::{collections::HashSet, marker::PhantomData, sync::LazyLock};

use bytes::{Buf, BufMut, Bytes};
use prost::{Message, Name};
use tonic::{
    Status,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
};
use tonic_prost::{ProstCodec, ProstEncoder};

use super::status;
use crate::{proto::descriptors, resource::check_request};

/// The requests that come as streams: what is wrong with one message of a stream is for its method to say.
static STREAMED: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let methods = descriptors().services().flat_map(|service| service.methods().collect::<Vec<_>>());
    methods
        .filter(|method| method.is_client_streaming())
        .map(|method| method.input().full_name().to_owned())
        .collect()
});

/// Generated types. Bytes that are not such a message are the client's fault, and so is what the rules of its fields do not
/// accept: methods see only requests that were checked.
pub struct Messages<T, U>(PhantomData<(T, U)>);

/// Decodes generated types.
pub struct MessageDecoder<U>(PhantomData<U>);

/// Bytes as they come and go.
#[derive(Clone, Copy, Debug, Default)]
pub struct Raw;

// === impl Messages ===

impl<T, U> Default for Messages<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> Codec for Messages<T, U>
where
    T: Message + Send + 'static,
    U: Message + Name + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = ProstEncoder<T>;
    type Decoder = MessageDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstCodec::<T, U>::default().encoder()
    }

    fn decoder(&mut self) -> Self::Decoder {
        MessageDecoder(PhantomData)
    }
}

// === impl MessageDecoder ===

impl<U: Message + Name + Default> Decoder for MessageDecoder<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, source: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        let malformed =
            |error| status::malformed(format!("the request is not a message of this method: {error}"));
        let message = U::full_name();
        if STREAMED.contains(&message) {
            return U::decode(source).map(Some).map_err(malformed);
        }
        let request = source.copy_to_bytes(source.remaining());
        let checked = check_request(&message, &request).map_err(|rejection| status::rejected(&rejection))?;
        U::decode(checked).map(Some).map_err(malformed)
    }
}

// === impl Raw ===

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, target: &mut EncodeBuf<'_>) -> Result<(), Status> {
        target.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, source: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(source.copy_to_bytes(source.remaining())))
    }
}
