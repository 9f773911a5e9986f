//! How messages become bytes and back: as generated types, and not at all for the standard methods, which work on the
//! descriptors. Compression and framing are tonic's.

use std::marker::PhantomData;

use bytes::{Buf, BufMut, Bytes};
use prost::{Message, Name};
use tonic::{
    Status,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
};
use tonic_prost::{ProstCodec, ProstEncoder};

use super::status;
use crate::resource::check_request;

/// Generated types. Bytes that are not such a message are the client's fault, and so is what the rules of its fields do not
/// accept: methods see only messages that were checked, each message of a stream as well.
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
        let request = source.copy_to_bytes(source.remaining());
        let checked =
            check_request(&U::full_name(), &request).map_err(|rejection| status::rejected(&rejection))?;
        U::decode(checked).map(Some).map_err(|error| {
            status::malformed(format!("the request is not a message of this method: {error}"))
        })
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
