//! The standard methods that change records: what can be told of a request by itself is checked before it waits for the
//! writer, the rest when its turn comes.

use bytes::Bytes;

use super::{
    changes::Changes,
    check,
    kept::{check_team, internal, load, not_found},
    keys,
    made_id::make_id,
    mask::Mask,
    method::{Action, MethodPlan, TransitionPlan},
    path::Path,
    plan::CollectionPlan,
    plans::plans,
    record::{Record, Value},
    reference::{Referrers, is_evidence},
    rules, state, tombstone,
    write::{Draft, Reader, check_etag, check_new},
};
use crate::{
    model::{
        caller::Caller,
        finding::Findings,
        format::quoted,
        name::{Id, Name},
        rejection::{Reason, Rejection, ResourceReason},
        text::with_article,
    },
    store::{Key, KeyRange, Transaction},
};

/// A request to change a record, read and checked by itself.
pub(crate) struct Command {
    method: &'static MethodPlan,
    collection: &'static CollectionPlan,
    request: Record,
    /// The resource that the request carries.
    resource: Record,
    /// The team that is concerned.
    pub(crate) team: Option<Id>,
    /// Which resource; nothing where an id is to be made, or the name is wrong.
    pub(crate) name: Option<Name>,
    mask: Mask,
    findings: Findings,
    /// Who asks.
    author: String,
    /// For an id that is to be made.
    random: [u8; 4],
}

/// The name that a field of a request has to have: of a resource of this collection.
pub(crate) fn read_name(
    text: &str,
    collection: &CollectionPlan,
    path: &str,
    findings: &mut Findings,
) -> Option<Name> {
    let wanted = match collection.schema.collection.as_str() {
        Name::TEAMS => "teams/{team}".to_owned(),
        collection => format!("teams/{{team}}/{collection}/{{id}}"),
    };
    let description = match Name::parse(text) {
        Ok(name) if name.collection() == collection.schema.collection => return Some(name),
        _ if text.is_empty() => format!("is required: the name of the {}, {wanted}", collection.noun),
        Ok(_) => {
            format!("{} is not the name of {}: {wanted} is", quoted(text), with_article(&collection.noun))
        }
        Err(_) => format!("{} is not a name: {wanted} is", quoted(text)),
    };
    let reason = if text.is_empty() { ResourceReason::InvalidField } else { ResourceReason::InvalidName };
    findings.add(Reason::Resource(reason), path, description);
    None
}

// === impl Command ===

impl Command {
    /// Reads a request, and checks what can be told of it by itself.
    pub(crate) fn read(
        caller: &Caller,
        method: &'static MethodPlan,
        mut request: Record,
        mut findings: Findings,
    ) -> Self {
        let collection = &plans().collections[&method.collection];
        let carrier = method.resource_field.as_deref().unwrap_or_default();
        let resource = match request.by_name(carrier) {
            Some(Value::Message(resource)) => Some(resource.clone()),
            _ => None,
        };
        if resource.is_none() && !carrier.is_empty() {
            findings.field(carrier, format!("is required: the {}", collection.noun));
        }
        let skipped = match &method.action {
            Action::Create => [carrier, ""],
            // Which states are accepted is not said by the field alone.
            Action::Transition(plan) if plan.asked => ["name", collection.state_field()],
            _ => [carrier, "name"],
        };
        check::check(&mut request, None, &skipped, Path::new(""), &mut findings);
        let mut command = Self {
            method,
            collection,
            resource: resource.unwrap_or_else(|| Record::new(collection.message)),
            team: None,
            name: None,
            mask: Mask::All,
            findings,
            author: caller.author.clone(),
            random: rand::random(),
            request,
        };
        match method.action {
            Action::Create => command.read_create(carrier),
            Action::Update => {
                let path = format!("{carrier}.name");
                command.name =
                    read_name(command.resource.text("name"), collection, &path, &mut command.findings);
                command.mask = Mask::read(&command.request, collection, &mut command.findings);
            }
            _ => {
                command.name =
                    read_name(command.request.text("name"), collection, "name", &mut command.findings);
            }
        }
        if let Some(name) = &command.name {
            command.team = Some(name.team().clone());
        }
        command
    }

    fn read_create(&mut self, carrier: &str) {
        let field = format!("{carrier}_id");
        let id = match self.request.text(&field) {
            "" => None,
            text => match Id::parse(text) {
                Ok(id) => {
                    if let Err(what) = self.collection.check_id(&id) {
                        self.findings.field(field, what);
                    }
                    Some(id)
                }
                Err(rejection) => {
                    self.findings.add(rejection.reason, field, rejection.message);
                    None
                }
            },
        };
        let parent =
            Name::parse(self.request.text("parent")).ok().filter(|name| name.collection() == Name::TEAMS);
        self.team = parent.map(|parent| parent.team().clone());
        self.name = if self.collection.schema.collection == Name::TEAMS {
            id.map(Name::of_team)
        } else {
            let collection = &self.collection.schema.collection;
            id.zip(self.team.as_ref()).map(|(id, team)| Name::new(team.clone(), collection, id))
        };
        let path = Path::new(carrier);
        self.prepare(path);
    }

    /// Brings a resource that is to be created into the form that is kept.
    fn prepare(&mut self, path: Path<'_>) {
        check::ignore_output_only(&mut self.resource);
        self.resource.take(self.collection.etag);
        state::begin(&mut self.resource, self.collection, path, &mut self.findings);
        check::check(&mut self.resource, self.team.as_ref(), &[], path, &mut self.findings);
    }

    /// Does it. Answers the encoded response.
    pub(crate) fn run(self, transaction: &mut Transaction<'_>) -> Result<Bytes, Rejection> {
        match &self.method.action {
            Action::Create => self.create(transaction),
            Action::Update => self.update(transaction),
            Action::Delete => self.delete(transaction),
            Action::Transition(plan) => self.transition(transaction, plan),
            // Reads do not wait for the writer.
            Action::Get | Action::List { .. } => Ok(Bytes::new()),
        }
    }

    fn create(self, transaction: &mut Transaction<'_>) -> Result<Bytes, Rejection> {
        let name = match self.name {
            Some(name) => name,
            None => {
                let made = make_id(transaction.time(), transaction.sequence(), self.random)?;
                match &self.team {
                    _ if self.collection.schema.collection == Name::TEAMS => Name::of_team(made),
                    Some(team) => Name::new(team.clone(), &self.collection.schema.collection, made),
                    // Without a team something was found.
                    None => return Err(self.findings.refuse().err().unwrap_or_else(no_team)),
                }
            }
        };
        if self.findings.is_empty() {
            check_team(transaction, &name, "parent")?;
            if transaction.get(&Key::of(&name)).map_err(internal)?.is_some() {
                let next = match self.collection.updated_by_clients {
                    true => "update it, or take another id",
                    false => "take another id",
                };
                return Err(Rejection::resource(
                    ResourceReason::AlreadyExists,
                    format!("{name} exists already: {next}"),
                )
                .with("resource", name.to_string()));
            }
        }
        let path = self.method.resource_field.as_deref().unwrap_or_default();
        let draft = Draft {
            collection: self.collection,
            name,
            before: None,
            after: self.resource,
            own: false,
            author: self.author,
        };
        Ok(draft.keep(transaction, path, self.findings)?.1)
    }

    fn update(mut self, transaction: &mut Transaction<'_>) -> Result<Bytes, Rejection> {
        let Some(name) = self.name.clone() else {
            return Err(self.findings.refuse().err().unwrap_or_else(no_team));
        };
        let carrier = self.method.resource_field.as_deref().unwrap_or_default();
        let path = Path::new(carrier);
        let Some(before) = load(transaction, self.collection, &name)? else {
            if !self.request.flag("allow_missing") || !self.collection.created_by_clients {
                self.findings.refuse()?;
                return Err(not_found(&name));
            }
            check_new(&name, self.resource.text("etag"))?;
            if let Err(what) = self.collection.check_id(name.id()) {
                self.findings.field(format!("{carrier}.name"), what);
            }
            self.prepare(path);
            return self.create(transaction);
        };
        if self.findings.is_empty() {
            check_etag(self.collection, &name, &before, self.resource.text("etag"))?;
        }
        check::ignore_output_only(&mut self.resource);
        let mut after = before.clone();
        self.mask.apply(&mut after, &self.resource, self.collection, path, &mut self.findings);
        check::check(&mut after, Some(name.team()), &[], path, &mut self.findings);
        let draft = Draft {
            collection: self.collection,
            name,
            before: Some(before),
            after,
            own: false,
            author: self.author,
        };
        Ok(draft.keep(transaction, carrier, self.findings)?.1)
    }

    fn delete(self, transaction: &mut Transaction<'_>) -> Result<Bytes, Rejection> {
        let name = self.named()?;
        let Some(before) = load(transaction, self.collection, &name)? else {
            return if self.request.flag("allow_missing") { Ok(Bytes::new()) } else { Err(not_found(&name)) };
        };
        check_etag(self.collection, &name, &before, self.request.text("etag"))?;
        Referrers::read(transaction, &name)?.refuse(&name)?;
        if name.collection() == Name::TEAMS {
            check_empty(transaction, &name)?;
            transaction.delete(keys::team(&name));
        }
        tombstone::leave(transaction, self.collection, &name)?;
        transaction.delete(Key::of(&name));
        let before = super::reference::names(&before);
        super::reference::count(transaction, &name, &before, &std::collections::BTreeMap::new())?;
        Ok(Bytes::new())
    }

    fn transition(
        self,
        transaction: &mut Transaction<'_>,
        plan: &TransitionPlan,
    ) -> Result<Bytes, Rejection> {
        let (collection, method) = (self.collection, self.method);
        let Some(state) = &collection.state else { return Err(no_team()) };
        let wanted = match plan.to[..] {
            [to] if !plan.asked => to,
            _ => i32::try_from(self.request.number(&state.field)).unwrap_or(0),
        };
        let mut refused = self.findings.clone();
        if !plan.to.contains(&wanted) {
            let accepted = state::shorts(state, &plan.to);
            let what = match wanted {
                0 => format!("is required: one of {accepted}"),
                _ => format!("{} is not accepted: one of {accepted} is", state.told(wanted)),
            };
            refused.field(&state.field, what);
        }
        refused.refuse()?;
        let name = self.named()?;
        let before = load(transaction, collection, &name)?.ok_or_else(|| not_found(&name))?;
        check_etag(collection, &name, &before, self.request.text("etag"))?;
        let now = state::current(&before, state);
        if !plan.from.contains(&now) {
            return Err(state::forbids(&name, state, now, &method.name, &plan.from));
        }
        let mut after = before.clone();
        after.set(state.number, Value::Number(i64::from(wanted) as u64));
        let fields = collection.message.plan();
        for field in plan.cleared.iter().filter_map(|name| fields.by_name(name)) {
            after.take(field.number);
        }
        for field in plan.written.iter().filter_map(|name| fields.by_name(name)) {
            if let Some(value) = self.request.by_name(&field.name) {
                after.set(field.number, value.clone());
            }
        }
        let mut findings = Findings::default();
        // What the request does not give was checked when it came, and the service may have added to it since.
        let kept: Vec<&str> = fields
            .fields
            .iter()
            .map(|field| field.name.as_str())
            .filter(|name| !plan.written.iter().any(|written| written == name))
            .collect();
        check::check(&mut after, Some(name.team()), &kept, Path::new(""), &mut findings);
        let others = rules::change_state(collection, &mut after, &self.author, &Reader(transaction))?;
        let draft = Draft { collection, name, before: Some(before), after, own: false, author: self.author };
        let kept = draft.keep(transaction, "", findings)?.1;
        let mut changes = Changes::within(transaction);
        for (name, record) in others {
            changes.put_encoded(&name, &record)?;
        }
        Ok(kept)
    }

    /// Which resource, if nothing was found wrong with the request.
    fn named(&self) -> Result<Name, Rejection> {
        self.findings.clone().refuse()?;
        self.name.clone().ok_or_else(no_team)
    }

    /// The request, for its request id.
    pub(crate) fn once(&self, caller: &Caller) -> Option<super::once::Once> {
        // Teams are told apart by their names: a request id for one of them belongs to no team.
        let team = self.team.as_ref().filter(|_| self.collection.schema.collection != Name::TEAMS);
        super::once::Once::read(&caller.author, team, &self.method.full_name, &self.request)
    }

    /// Whether nothing is to be kept.
    pub(crate) fn validate_only(&self) -> bool {
        self.request.flag("validate_only")
    }

    /// The request id, empty where none was given.
    pub(crate) fn request_id(&self) -> &str {
        self.request.text("request_id")
    }
}

/// What a request without a usable name is, where nothing else was found: cannot happen, and is no reason to panic.
fn no_team() -> Rejection {
    Rejection::resource(ResourceReason::InvalidName, "the request does not say which resource is meant")
}

/// Refuses to delete a team that has anything.
fn check_empty(transaction: &Transaction<'_>, team: &Name) -> Result<(), Rejection> {
    let own = Key::of(team);
    let has = |range: &KeyRange| -> Result<Option<String>, Rejection> {
        let entries = transaction.scan(range, 2).map_err(internal)?;
        let other = entries.iter().find(|entry| entry.key != own);
        Ok(other.map(|other| format!("teams/{}", String::from_utf8_lossy(&other.key.0))))
    };
    let refuse = |other: String, next: &str| {
        let message = format!("{team} is not empty: it has {other}, at least; {next}");
        let rejection = Rejection::resource(ResourceReason::StillReferred, message);
        Err(rejection.with("resource", team.to_string()).with("referrers", other))
    };
    // Said first: whoever deletes all the rest in vain would not be glad.
    for collection in plans().collections.keys().filter(|collection| is_evidence(collection)) {
        if let Some(other) = has(&KeyRange::collection(team.team(), collection))? {
            return refuse(other, "that is evidence and is never deleted, so that the team stays as well");
        }
    }
    match has(&KeyRange::team(team.team()))? {
        Some(other) => refuse(other, "delete what it has first"),
        None => Ok(()),
    }
}
