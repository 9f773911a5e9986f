//! Keys: every prefix in one place. Resources are kept under `team/collection/id`; what the service itself keeps
//! begins with `~`, which sorts behind all of them. What the values mean is not known here.

use std::fmt;

use bytes::Bytes;

use crate::model::name::{Id, Name};

/// A key, sorted bytewise: `team/collection/id`, or beginning with `~` for what the service itself keeps. Never empty.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub Bytes);

/// A range of keys: `start` belongs to it, `end` does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRange {
    /// The first key that may be in it.
    pub start: Key,
    /// The first key beyond it; nothing means to the end.
    pub end: Option<Key>,
}

/// What the service keeps for itself, in the order of its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum System {
    /// Names that were somebody's and are not given again. `~gone/{name}`.
    Gone,
    /// What was already said of, once: state of the service's own jobs. `~job/…`.
    Job,
    /// Who refers to whom, read from the one referred to: `~reference/{target name}/…`.
    Reference,
    /// What a request id was answered with: `~request/…`.
    Request,
    /// The teams, so that they can be listed without a walk over what they own: `~team/{team}`.
    Team,
}

/// Between the parts of a key. Sorts behind `-` and before every letter and digit of an id.
const SEPARATOR: u8 = b'/';

// === impl Key ===

impl Key {
    /// The key of a resource: `team/collection/id`.
    #[must_use]
    pub fn of(name: &Name) -> Self {
        Self::join(&[name.team().as_str(), name.collection(), name.id().as_str()])
    }

    /// A key of the service itself: `~prefix/part/part`. Parts may hold separators; what is asked for by prefix must
    /// then come first.
    #[must_use]
    pub fn system(system: System, parts: &[&str]) -> Self {
        let mut all = Vec::with_capacity(parts.len() + 1);
        all.push(system.prefix());
        all.extend_from_slice(parts);
        Self::join(&all)
    }

    /// The parts between separators.
    pub fn parts(&self) -> impl Iterator<Item = &[u8]> {
        self.0.split(|&byte| byte == SEPARATOR)
    }

    /// The first key behind this one: for a page that begins after it.
    #[must_use]
    pub fn successor(&self) -> Self {
        let mut bytes = Vec::with_capacity(self.0.len() + 1);
        bytes.extend_from_slice(&self.0);
        bytes.push(0);
        Self(bytes.into())
    }

    fn join(parts: &[&str]) -> Self {
        Self(parts.join("/").into_bytes().into())
    }
}

impl fmt::Display for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0.escape_ascii())
    }
}

// === impl KeyRange ===

impl KeyRange {
    /// Every key.
    #[must_use]
    pub fn all() -> Self {
        Self { start: Key(Bytes::new()), end: None }
    }

    /// The resources of a collection of a team, by id.
    #[must_use]
    pub fn collection(team: &Id, collection: &str) -> Self {
        Self::under(&[team.as_str(), collection])
    }

    /// Everything of a team: the team itself and its resources.
    #[must_use]
    pub fn team(team: &Id) -> Self {
        Self::under(&[team.as_str()])
    }

    /// The keys of the service itself below `~prefix/part/part/`.
    #[must_use]
    pub fn system(system: System, parts: &[&str]) -> Self {
        let mut all = vec![system.prefix()];
        all.extend_from_slice(parts);
        Self::under(&all)
    }

    /// Every key that begins with these bytes.
    #[must_use]
    pub fn prefix(prefix: impl Into<Bytes>) -> Self {
        let start: Bytes = prefix.into();
        let end = start.iter().rposition(|&byte| byte != u8::MAX).map(|last| {
            let mut end = start[..=last].to_vec();
            end[last] += 1;
            Key(end.into())
        });
        Self { start: Key(start), end }
    }

    /// The part of the range behind a key: the next page.
    #[must_use]
    pub fn after(&self, key: &Key) -> Self {
        Self { start: key.successor().max(self.start.clone()), end: self.end.clone() }
    }

    /// Whether a key is in the range.
    #[must_use]
    pub fn contains(&self, key: &Key) -> bool {
        *key >= self.start && self.end.as_ref().is_none_or(|end| key < end)
    }

    /// Whether no key can be in the range.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.end.as_ref().is_some_and(|end| *end <= self.start)
    }

    fn under(parts: &[&str]) -> Self {
        let mut prefix = parts.join("/").into_bytes();
        prefix.push(SEPARATOR);
        Self::prefix(prefix)
    }
}

// === impl System ===

impl System {
    /// Every one, in the order of its keys.
    pub const ALL: &[Self] = &[Self::Gone, Self::Job, Self::Reference, Self::Request, Self::Team];

    /// The first part of its keys.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Gone => "~gone",
            Self::Job => "~job",
            Self::Reference => "~reference",
            Self::Request => "~request",
            Self::Team => "~team",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(range: &KeyRange, key: &str, inside: bool) {
        assert_eq!(range.contains(&Key(key.to_owned().into())), inside, "{key} in {range:?}");
    }

    #[test]
    fn ranges_hold_what_they_name() {
        let id = |text| Id::parse(text).unwrap();
        check(&KeyRange::collection(&id("west"), "goals"), "west/goals/a", true);
        check(&KeyRange::collection(&id("west"), "goals"), "west/goals/a-1", true);
        check(&KeyRange::collection(&id("west"), "goals"), "west/goalsOfAll/a", false);
        check(&KeyRange::collection(&id("west"), "goals"), "west-2/goals/a", false);
        check(&KeyRange::team(&id("west")), "west/teams/west", true);
        check(&KeyRange::team(&id("west")), "west-2/teams/west-2", false);
        check(
            &KeyRange::system(System::Reference, &["west/customers/c"]),
            "~reference/west/customers/c/x",
            true,
        );
        check(
            &KeyRange::system(System::Reference, &["west/customers/c"]),
            "~reference/west/customers/c1/x",
            false,
        );
        check(&KeyRange::all(), "~team/west", true);
        check(&KeyRange::prefix(vec![255, 255]), "z", false);
    }

    #[test]
    fn a_page_begins_behind_the_last_key() {
        let range = KeyRange::prefix("a/");
        let last = Key("a/b".into());
        assert!(!range.after(&last).contains(&last));
        assert!(range.after(&last).contains(&Key("a/b0".into())));
        assert!(range.after(&last).contains(&Key("a/b\0".into())));
        assert!(range.after(&Key("b".into())).is_empty());
    }

    #[test]
    fn system_keys_are_sorted_and_behind_every_resource() {
        assert!(System::ALL.windows(2).all(|pair| pair[0] < pair[1] && pair[0].prefix() < pair[1].prefix()));
        let team = Id::parse("zzzz").unwrap();
        let resource = Key::of(&Name::of_team(team));
        assert_eq!(resource, Key("zzzz/teams/zzzz".into()));
        for &system in System::ALL {
            assert!(Key::system(system, &["a"]) > resource);
        }
    }
}
