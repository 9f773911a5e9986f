//! What every change of a record goes through: references, the chapter's rules, name, times, etag, and the commit.

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};

use super::{
    kept::{internal, not_found},
    keys, money,
    once::Once,
    plan::{CollectionPlan, FieldPlan},
    record::{Record, Value},
    reference, rules, tombstone,
};
use crate::{
    model::{
        finding::Findings,
        name::Name,
        records::Records,
        rejection::{Reason, Rejection, ResourceReason, ServiceReason},
    },
    store::{Key, StoreError, Transaction},
};

/// A record as it is to be, before anything that holds for every record is checked.
pub(crate) struct Draft {
    pub(crate) collection: &'static CollectionPlan,
    pub(crate) name: Name,
    /// What is kept; nothing for a new record.
    pub(crate) before: Option<Record>,
    pub(crate) after: Record,
    /// Whether the service changes it on its own account: the chapter's rules are for what clients write.
    pub(crate) own: bool,
    /// Who writes it: the author of what a client creates. What the service creates itself says who its author is.
    pub(crate) author: String,
}

/// What became of a draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Created,
    Updated,
    Unchanged,
}

/// Other records, as the write under way sees them.
pub(crate) struct Reader<'w, 't>(pub(crate) &'w Transaction<'t>);

/// Refuses a change of another version than the one asked for.
pub(crate) fn check_etag(
    collection: &CollectionPlan,
    name: &Name,
    kept: &Record,
    asked: &str,
) -> Result<(), Rejection> {
    let etag = kept.get(collection.etag).map_or("", Value::text);
    if asked.is_empty() || asked == etag {
        return Ok(());
    }
    Err(Rejection::resource(
        ResourceReason::EtagMismatch,
        format!("{name} was changed since version {asked:?} was read: read it again, and change that"),
    )
    .with("resource", name.to_string())
    .with("etag", etag.to_owned()))
}

/// Refuses to create what is thought to exist in some version.
pub(crate) fn check_new(name: &Name, etag: &str) -> Result<(), Rejection> {
    if etag.is_empty() {
        return Ok(());
    }
    Err(Rejection::resource(
        ResourceReason::NotFound,
        format!("{name} does not exist, in version {etag:?} or any: leave etag empty to create it"),
    )
    .with("resource", name.to_string()))
}

/// Runs a change once: a repeat of its request id gets the first answer, and a rehearsal leaves nothing.
pub(crate) fn run(
    transaction: &mut Transaction<'_>,
    validate_only: bool,
    once: Option<&Once>,
    command: impl FnOnce(&mut Transaction<'_>) -> Result<Bytes, Rejection>,
) -> Result<Bytes, Rejection> {
    if validate_only {
        return rehearse(transaction, command);
    }
    if let Some(once) = once
        && let Some(answer) = once.recall(transaction)?
    {
        return Ok(answer);
    }
    let answer = command(transaction)?;
    if let Some(once) = once {
        once.remember(transaction, &answer)?;
    }
    Ok(answer)
}

/// Runs a change and takes its effects back.
pub(crate) fn rehearse<T>(
    transaction: &mut Transaction<'_>,
    command: impl FnOnce(&mut Transaction<'_>) -> Result<T, Rejection>,
) -> Result<T, Rejection> {
    let mut answer = None;
    // A part that is rejected leaves no effects: that is the way to have none.
    let undone = transaction.part(|transaction| {
        answer = Some(command(transaction));
        Err::<(), _>(Rejection::new(Reason::Service(ServiceReason::Internal), "a rehearsal"))
    });
    answer.unwrap_or_else(|| Err(undone.err().unwrap_or_else(|| internal(StoreError::Closed(String::new())))))
}

// === impl Draft ===

impl Draft {
    /// Checks what holds for every record, and refuses with all that is wrong, here and in `findings`, which are told
    /// below `path`; then keeps the record. Answers it as it is kept.
    pub(crate) fn keep(
        mut self,
        transaction: &mut Transaction<'_>,
        path: &str,
        findings: Findings,
    ) -> Result<(Outcome, Bytes), Rejection> {
        let outcome = match &self.before {
            None => Outcome::Created,
            Some(before) if self.is_same_as(before) => Outcome::Unchanged,
            Some(_) => Outcome::Updated,
        };
        if outcome == Outcome::Unchanged {
            findings.refuse()?;
            let kept = transaction.get(&Key::of(&self.name)).map_err(internal)?;
            return Ok((outcome, kept.ok_or_else(|| not_found(&self.name))?));
        }
        if outcome == Outcome::Created {
            tombstone::check(transaction, self.collection, &self.name)?;
        }
        self.stamp(transaction);
        let before = self.before.as_ref().map(reference::names).unwrap_or_default();
        let after = reference::names(&self.after);
        let content = self.examine(transaction, &before, &after, path, findings)?;
        self.set_etag(transaction, &content);
        let kept = Bytes::from(self.after.encode());
        transaction.put(Key::of(&self.name), kept.clone());
        if outcome == Outcome::Created && self.name.collection() == Name::TEAMS {
            transaction.put(keys::team(&self.name), Bytes::new());
        }
        reference::count(transaction, &self.name, &before, &after)?;
        Ok((outcome, kept))
    }

    /// Checks references and the chapter's rules. Answers the record without its etag.
    fn examine(
        &self,
        transaction: &Transaction<'_>,
        before: &std::collections::BTreeMap<String, String>,
        after: &std::collections::BTreeMap<String, String>,
        path: &str,
        mut findings: Findings,
    ) -> Result<Vec<u8>, Rejection> {
        let content = self.after.encode();
        let mut found = Findings::default();
        reference::check(transaction, &self.name, before, after, &mut found)?;
        money::check(&self.name, self.before.as_ref(), &self.after, &Reader(transaction), &mut found)?;
        if !self.own {
            let records = Reader(transaction);
            rules::check(self.collection, &content, &records, &mut found)?;
        }
        findings.append(path, found);
        findings.refuse()?;
        Ok(content)
    }

    /// Whether nothing that a client sees as content differs.
    fn is_same_as(&self, before: &Record) -> bool {
        let service = [self.collection.etag, self.collection.update_time];
        let same = |(field, value): (&FieldPlan, &Value)| {
            service.contains(&field.number) || before.get(field.number) == Some(value)
        };
        let count =
            |record: &Record| record.values().filter(|(field, _)| !service.contains(&field.number)).count();
        count(before) == count(&self.after) && self.after.values().all(same)
    }

    /// Sets what only the service sets on every record.
    fn stamp(&mut self, transaction: &Transaction<'_>) {
        let collection = self.collection;
        let now = Record::timestamp(self.now(transaction));
        let created = self.before.as_ref().and_then(|before| before.get(collection.create_time)).cloned();
        self.after.set(collection.name, Value::Text(self.name.to_string()));
        self.after.set(collection.create_time, created.unwrap_or_else(|| now.clone()));
        self.after.set(collection.update_time, now);
        if collection.author != 0 && !self.own && self.before.is_none() {
            self.after.set(collection.author, Value::Text(self.author.clone()));
        }
        self.after.take(collection.etag);
    }

    /// When the change is made. Many writes have the same time, and yet a record is never changed at the time that it was
    /// changed before: so that one is known for new by its times being the same.
    fn now(&self, transaction: &Transaction<'_>) -> Timestamp {
        let before = self.before.as_ref().and_then(|before| before.get(self.collection.update_time));
        let now = transaction.time();
        match before.and_then(Value::instant) {
            // What this write itself has created is new all the same.
            Some(last) if last >= now && !transaction.has_changed(&Key::of(&self.name)) => {
                last.saturating_add(SignedDuration::from_nanos(1)).unwrap_or(now)
            }
            _ => now,
        }
    }

    /// A version is what a record says, and when in the order of all writes it came to say it.
    fn set_etag(&mut self, transaction: &Transaction<'_>, content: &[u8]) {
        let mut hasher = blake3::Hasher::new_derive_key("merit etag");
        hasher.update(&transaction.sequence().to_be_bytes()).update(content);
        let etag = hasher.finalize().to_hex()[..16].to_owned();
        self.after.set(self.collection.etag, Value::Text(etag));
    }
}

// === impl Reader ===

impl Records for Reader<'_, '_> {
    fn record(&self, name: &str) -> Result<Option<Bytes>, Rejection> {
        match Name::parse(name) {
            Ok(name) => self.0.get(&Key::of(&name)).map_err(internal),
            Err(_) => Ok(None),
        }
    }

    fn referrers(&self, name: &str, collection: &str) -> Result<u64, Rejection> {
        match Name::parse(name) {
            Ok(name) => Ok(reference::Referrers::read(self.0, &name)?.of(collection)),
            Err(_) => Ok(0),
        }
    }
}
