//! Names: `teams/{team}`, `teams/{team}/{collection}/{id}`, and of what a run found,
//! `teams/{team}/runs/{run}/evaluations/{account_manager}`.

use std::fmt;

use super::rejection::{Reason, Rejection, ResourceReason};

/// The longest id, in bytes: what fits a DNS label.
pub const ID_MAX_BYTES: usize = 63;

/// What a word is: the name of a step, of an input or output of a plugin, of an entry of a map. Expressions can name each.
pub const WORD: &str = "[a-z][a-z0-9_]{0,62}";

/// The longest word, in bytes.
const WORD_MAX_BYTES: usize = 63;

/// Whether a text is a word.
#[must_use]
pub fn is_word(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    text.len() <= WORD_MAX_BYTES
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(inner)
}

/// The last part of a name: `[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(String);

/// The name of a resource that is kept under `team/collection/id`. A team is in the collection `teams` of itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    team: Id,
    collection: String,
    id: Id,
}

/// The name of what a run found for an account manager.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EvaluationName {
    /// `teams/{team}/runs/{run}`.
    pub run: Name,
    /// The account manager's id.
    pub account_manager: Id,
}

// === impl Id ===

impl Id {
    /// Parses an id.
    ///
    /// # Errors
    /// `INVALID_NAME` with what would be accepted.
    pub fn parse(text: &str) -> Result<Self, Rejection> {
        let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let bytes = text.as_bytes();
        let accepted = (1..=ID_MAX_BYTES).contains(&bytes.len())
            && inner(bytes[0])
            && inner(bytes[bytes.len() - 1])
            && bytes.iter().all(|&byte| inner(byte) || byte == b'-');
        if accepted {
            return Ok(Self(text.to_owned()));
        }
        Err(Rejection::new(
            Reason::Resource(ResourceReason::InvalidName),
            format!(
                "{text:?} is not an id: 1 to {ID_MAX_BYTES} of a-z, 0-9 and -, neither beginning nor ending with -"
            ),
        ))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

// === impl Name ===

impl Name {
    /// The collection of teams.
    pub const TEAMS: &str = "teams";

    /// The name of a team.
    #[must_use]
    pub fn of_team(team: Id) -> Self {
        Self { id: team.clone(), team, collection: Self::TEAMS.to_owned() }
    }

    /// The name of a resource of a team.
    #[must_use]
    pub fn new(team: Id, collection: &str, id: Id) -> Self {
        Self { team, collection: collection.to_owned(), id }
    }

    /// Parses `teams/{team}` or `teams/{team}/{collection}/{id}`. Whether there is such a collection is not asked.
    ///
    /// # Errors
    /// `INVALID_NAME` with what would be accepted.
    pub fn parse(text: &str) -> Result<Self, Rejection> {
        let parts: Vec<&str> = text.split('/').collect();
        match parts[..] {
            [Self::TEAMS, team] => Ok(Self::of_team(Id::parse(team)?)),
            [Self::TEAMS, team, collection, id] if !collection.is_empty() && collection != Self::TEAMS => {
                Ok(Self::new(Id::parse(team)?, collection, Id::parse(id)?))
            }
            _ => Err(Rejection::new(
                Reason::Resource(ResourceReason::InvalidName),
                format!("{text:?} is not a name: teams/{{team}} or teams/{{team}}/{{collection}}/{{id}}"),
            )),
        }
    }

    /// The team that the resource belongs to, or is.
    #[must_use]
    pub fn team(&self) -> &Id {
        &self.team
    }

    /// The collection: `accountManagers`.
    #[must_use]
    pub fn collection(&self) -> &str {
        &self.collection
    }

    /// The last part.
    #[must_use]
    pub fn id(&self) -> &Id {
        &self.id
    }
}

impl fmt::Display for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.collection == Self::TEAMS {
            return write!(formatter, "teams/{}", self.team);
        }
        write!(formatter, "teams/{}/{}/{}", self.team, self.collection, self.id)
    }
}

// === impl EvaluationName ===

impl EvaluationName {
    /// Parses `teams/{team}/runs/{run}/evaluations/{account_manager}`.
    ///
    /// # Errors
    /// `INVALID_NAME` with what would be accepted.
    pub fn parse(text: &str) -> Result<Self, Rejection> {
        let parts: Vec<&str> = text.split('/').collect();
        match parts[..] {
            [Name::TEAMS, team, "runs", run, "evaluations", account_manager] => Ok(Self {
                run: Name::new(Id::parse(team)?, "runs", Id::parse(run)?),
                account_manager: Id::parse(account_manager)?,
            }),
            _ => Err(Rejection::new(
                Reason::Resource(ResourceReason::InvalidName),
                format!(
                    "{text:?} is not a name: teams/{{team}}/runs/{{run}}/evaluations/{{account_manager}}"
                ),
            )),
        }
    }
}

impl fmt::Display for EvaluationName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/evaluations/{}", self.run, self.account_manager)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        let check = |text: &str, expected: bool| assert_eq!(is_word(text), expected, "{text:?}");
        check("a", true);
        check("level_2", true);
        check(&"a".repeat(63), true);
        for wrong in ["", "A", "2a", "_a", "a b", "x-y", "x.y", "\u{e4}", &"a".repeat(64)] {
            check(wrong, false);
        }
    }
}
