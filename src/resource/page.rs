//! Page tokens: where a page ended, and of which list. Opaque to clients, and checked when they come back: a page goes on
//! after the last item, whatever was written in between.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::model::rejection::{Rejection, ResourceReason};

/// The first byte of every token: says how the rest is laid out.
const VERSION: u8 = 1;

/// Bytes that bind a token to its list, and bytes that tell a damaged one.
const BOUND: usize = 8;

/// Items of a page where the request does not say.
const PAGE_DEFAULT: usize = 50;

/// The most items of a page.
pub(crate) const PAGE_MAX: usize = 1000;

/// After which item a page begins: the item's key in the order, and its id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    pub(crate) key: Vec<u8>,
    pub(crate) id: String,
}

/// What a token is bound to: the same list, filter and order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Binding([u8; BOUND]);

/// How many items are wanted.
///
/// # Errors
/// `INVALID_FIELD` for a negative number.
pub(crate) fn size(asked: i64) -> Result<usize, Rejection> {
    match usize::try_from(asked) {
        Ok(0) => Ok(PAGE_DEFAULT),
        Ok(size) => Ok(size.min(PAGE_MAX)),
        Err(_) => Err(Rejection::field("page_size", format!("{asked} is not accepted: 1 to {PAGE_MAX} is"))),
    }
}

// === impl Binding ===

impl Binding {
    /// The list that these describe.
    pub(crate) fn new(parts: &[&str]) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("merit page binding");
        for part in parts {
            hasher.update(&(part.len() as u64).to_be_bytes()).update(part.as_bytes());
        }
        Self(first(&hasher))
    }
}

// === impl Position ===

impl Position {
    /// The token that asks for what comes after.
    pub(crate) fn token(&self, binding: Binding) -> String {
        let mut token = vec![VERSION];
        token.extend_from_slice(&binding.0);
        let length = u16::try_from(self.key.len()).unwrap_or(u16::MAX);
        token.extend_from_slice(&length.to_be_bytes());
        token.extend_from_slice(&self.key);
        token.extend_from_slice(self.id.as_bytes());
        token.extend_from_slice(&checksum(&token));
        URL_SAFE_NO_PAD.encode(token)
    }

    /// Reads a token; nothing for the empty one, which asks for the first page.
    ///
    /// # Errors
    /// `INVALID_PAGE_TOKEN` for what is no token, and for a token of another list.
    pub(crate) fn read(token: &str, binding: Binding) -> Result<Option<Self>, Rejection> {
        if token.is_empty() {
            return Ok(None);
        }
        let decoded = URL_SAFE_NO_PAD.decode(token).ok();
        let (bound, position) = decoded
            .and_then(|decoded| Self::unpack(&decoded))
            .ok_or_else(|| refused("is no token of this service: send next_page_token as it was answered"))?;
        if bound != binding {
            return Err(refused(
                "belongs to another list: parent, filter and order_by have to stay the same",
            ));
        }
        Ok(Some(position))
    }

    fn unpack(token: &[u8]) -> Option<(Binding, Self)> {
        let (content, sum) = token.split_at_checked(token.len().checked_sub(BOUND)?)?;
        if sum != checksum(content) || *content.first()? != VERSION {
            return None;
        }
        let (bound, rest) = content[1..].split_at_checked(BOUND)?;
        let (length, rest) = rest.split_at_checked(2)?;
        let length = usize::from(u16::from_be_bytes(length.try_into().ok()?));
        let (key, id) = rest.split_at_checked(length)?;
        let id = String::from_utf8(id.to_vec()).ok()?;
        Some((Binding(bound.try_into().ok()?), Self { key: key.to_vec(), id }))
    }
}

fn checksum(content: &[u8]) -> [u8; BOUND] {
    let mut hasher = blake3::Hasher::new_derive_key("merit page token");
    hasher.update(content);
    first(&hasher)
}

fn first(hasher: &blake3::Hasher) -> [u8; BOUND] {
    let mut bytes = [0; BOUND];
    bytes.copy_from_slice(&hasher.finalize().as_bytes()[..BOUND]);
    bytes
}

fn refused(description: &str) -> Rejection {
    Rejection::resource(ResourceReason::InvalidPageToken, format!("page_token: {description}"))
        .violation("page_token", description)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sizes() {
        let check = |asked: i64, expected: Option<usize>| assert_eq!(size(asked).ok(), expected, "{asked}");
        check(0, Some(50));
        check(1, Some(1));
        check(1000, Some(1000));
        check(100_000, Some(1000));
        check(-1, None);
    }

    proptest! {
        #[test]
        fn a_token_comes_back_and_no_other_is_one(
            key in prop::collection::vec(any::<u8>(), 0..300),
            id in "[a-z0-9]{1,63}",
            flipped in any::<prop::sample::Index>(),
        ) {
            let binding = Binding::new(&["teams/a", "filter", "order"]);
            let position = Position { key, id };
            let token = position.token(binding);
            prop_assert_eq!(Position::read(&token, binding).unwrap(), Some(position));
            let other = Binding::new(&["teams/a", "filte", "rorder"]);
            prop_assert_eq!(Position::read(&token, other).unwrap_err().reason.code(), "INVALID_PAGE_TOKEN");
            let mut bytes = token.into_bytes();
            let place = flipped.index(bytes.len());
            bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
            let damaged = String::from_utf8(bytes).unwrap();
            prop_assert!(Position::read(&damaged, binding).is_err());
        }
    }
}
