//! Pages of every list there is: how long they are, and tokens that say where a page ended, and of which list. Opaque to
//! clients, and checked when they come back: a page goes on after the last item, whatever was written in between.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::model::{
    name::Id,
    rejection::{Rejection, ResourceReason},
};

/// The first byte of every token: says how the rest is laid out.
const VERSION: u8 = 1;

/// Bytes that bind a token to its list, and bytes that tell a damaged one.
const BOUND: usize = 8;

/// Items of a page where the request does not say.
const PAGE_DEFAULT: usize = 50;

/// The most items of a page.
pub(crate) const PAGE_MAX: usize = 1000;

/// Bytes of items at which a page ends, so that an answer fits a message: clients take 4 MiB unless they are told to take
/// more. A single item may be larger.
pub(crate) const PAGE_BYTES: usize = 2 << 20;

/// What is said of what is no token.
const NO_TOKEN: &str = "is no token of this service: send next_page_token as it was answered";

/// After which item a page begins: the item's key in the order, and its id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    pub(crate) key: Vec<u8>,
    pub(crate) id: String,
}

/// What a token is bound to: the same list, filter and order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Binding([u8; BOUND]);

/// How many items are wanted: 50 where nobody says, 1000 at most.
///
/// # Errors
/// `INVALID_FIELD` for a negative number.
pub(crate) fn size(asked: i64) -> Result<usize, Rejection> {
    size_of(asked, PAGE_DEFAULT, PAGE_MAX)
}

/// How many items are wanted, of a list whose items are larger than others'.
///
/// # Errors
/// `INVALID_FIELD` for a negative number.
pub(crate) fn size_of(asked: i64, default: usize, most: usize) -> Result<usize, Rejection> {
    match usize::try_from(asked) {
        Ok(0) => Ok(default),
        Ok(size) => Ok(size.min(most)),
        Err(_) => Err(Rejection::field("page_size", format!("{asked} is not accepted: 1 to {most} is"))),
    }
}

// === impl Binding ===

impl Binding {
    /// The list that these describe: which method, and all of its request but the page.
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
    /// After the item of this id, in a list by ids.
    pub(crate) fn of_id(id: &str) -> Self {
        Self { key: Vec::new(), id: id.to_owned() }
    }

    /// After so many items, or after the item of this number, in a list that does not change before it.
    pub(crate) fn of_number(number: u64) -> Self {
        Self { key: number.to_be_bytes().to_vec(), id: String::new() }
    }

    /// The id of the item after which a page begins; nothing for the first page.
    ///
    /// # Errors
    /// As for [`Position::read`].
    pub(crate) fn read_id(token: &str, binding: Binding) -> Result<Option<Id>, Rejection> {
        let position = Self::read(token, binding)?;
        position.map(|position| Id::parse(&position.id).map_err(|_| refused(NO_TOKEN))).transpose()
    }

    /// The number after which a page begins; 0 for the first page.
    ///
    /// # Errors
    /// As for [`Position::read`].
    pub(crate) fn read_number(token: &str, binding: Binding) -> Result<u64, Rejection> {
        let Some(position) = Self::read(token, binding)? else { return Ok(0) };
        position.key.try_into().map(u64::from_be_bytes).map_err(|_| refused(NO_TOKEN))
    }

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
        let (bound, position) =
            decoded.and_then(|decoded| Self::unpack(&decoded)).ok_or_else(|| refused(NO_TOKEN))?;
        if bound != binding {
            return Err(refused(
                "belongs to another list: everything but page_size and page_token has to stay the same",
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

    #[test]
    fn lists_by_ids_and_by_numbers() {
        let binding = Binding::new(&["ListEvents", "teams/a"]);
        let number = |token: &str| Position::read_number(token, binding).ok();
        assert_eq!(number(""), Some(0));
        assert_eq!(number(&Position::of_number(77).token(binding)), Some(77));
        assert_eq!(number(&Position::of_id("anna").token(binding)), None);
        assert_eq!(number("x"), None);
        let id = |token: &str| Position::read_id(token, binding).ok().map(|id| id.map(|id| id.to_string()));
        assert_eq!(id(""), Some(None));
        assert_eq!(id(&Position::of_id("anna").token(binding)), Some(Some("anna".to_owned())));
        assert_eq!(id(&Position::of_number(77).token(binding)), None);
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
