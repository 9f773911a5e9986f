//! A team to try things in, and what the descriptors say of each resource: its message, its methods.

use std::cell::Cell;

use bytes::Bytes;
use merit::{
    model::{
        name::{Id, Name},
        schema::{Schema, field_rule, method_rule, schemas, state_rule},
    },
    proto::{
        descriptors,
        v1::{Transition, method_rule::Standard},
    },
};
use prost::Message;
use prost_reflect::{DynamicMessage, Kind, MethodDescriptor, Value};

use super::{Front, Refusal, sample};

/// The team that things are tried in.
pub const TEAM: &str = "teams/rules";

/// A front with a team behind it.
pub struct World<F> {
    front: F,
    made: Cell<usize>,
}

/// A resource and its standard methods.
#[derive(Clone)]
pub struct Subject {
    pub schema: &'static Schema,
    pub create: Option<MethodDescriptor>,
    pub get: Option<MethodDescriptor>,
    pub list: Option<MethodDescriptor>,
    pub update: Option<MethodDescriptor>,
    pub delete: Option<MethodDescriptor>,
    pub transitions: Vec<(MethodDescriptor, Transition)>,
}

// === impl Subject ===

impl Subject {
    /// Every resource that is kept.
    pub fn all() -> Vec<Self> {
        schemas().values().filter(|schema| !schema.computed).map(Self::of).collect()
    }

    /// The resource of a collection.
    pub fn of_collection(collection: &str) -> Self {
        Self::of(&schemas()[collection])
    }

    fn of(schema: &'static Schema) -> Self {
        let mut subject = Self {
            schema,
            create: None,
            get: None,
            list: None,
            update: None,
            delete: None,
            transitions: Vec::new(),
        };
        for method in descriptors().services().flat_map(|service| service.methods().collect::<Vec<_>>()) {
            let name = schema.message.name();
            match method_rule(&method).standard {
                Some(Standard::Create(of)) if of == name => subject.create = Some(method),
                Some(Standard::Get(of)) if of == name => subject.get = Some(method),
                Some(Standard::List(of)) if of == name => subject.list = Some(method),
                Some(Standard::Update(of)) if of == name => subject.update = Some(method),
                Some(Standard::Delete(of)) if of == name => subject.delete = Some(method),
                Some(Standard::Transition(rule)) if rule.resource == name => {
                    subject.transitions.push((method, rule));
                }
                _ => {}
            }
        }
        subject
    }

    /// Whether it is the team itself, which has no parent.
    pub fn is_team(&self) -> bool {
        self.schema.collection == Name::TEAMS
    }

    /// The name of the request's field that carries the resource: `account_manager`.
    pub fn carrier(&self) -> String {
        let method = self.create.as_ref().or(self.update.as_ref()).expect("it is created or updated");
        let field = method
            .input()
            .fields()
            .find(|field| matches!(field.kind(), Kind::Message(message) if message == self.schema.message));
        field.expect("the request carries the resource").name().to_owned()
    }

    /// The fields that clients write.
    pub fn written(&self) -> Vec<prost_reflect::FieldDescriptor> {
        let service = ["name", "etag"];
        let fields = self.schema.message.fields();
        fields.filter(|field| !service.contains(&field.name()) && !field_rule(field).output_only).collect()
    }

    /// The fields that stay as they are made: all of them, or where the service goes on with a record by itself (a run
    /// starts at once) those that it does not write.
    pub fn settled(&self) -> Vec<prost_reflect::FieldDescriptor> {
        let fields: Vec<_> = self.schema.message.fields().collect();
        let goes_on = |field: &prost_reflect::FieldDescriptor| {
            let Kind::Enum(values) = field.kind() else { return false };
            field_rule(field).output_only && values.values().any(|value| state_rule(&value).initial)
        };
        if !fields.iter().any(goes_on) {
            return fields;
        }
        let made_once = ["name", "create_time"];
        let settled = |field: &prost_reflect::FieldDescriptor| {
            made_once.contains(&field.name()) || (field.name() != "etag" && !field_rule(field).output_only)
        };
        fields.into_iter().filter(settled).collect()
    }

    /// A field that an update may set and empty, whatever else the record has.
    pub fn optional(&self) -> Option<prost_reflect::FieldDescriptor> {
        self.written().into_iter().find(|field| {
            let rule = field_rule(field);
            let plain = matches!(field.kind(), Kind::String) && !field.is_list() && !field.is_map();
            let free = !rule.required && !rule.immutable && !rule.state && rule.reference.is_empty();
            plain
                && free
                && rule.format <= 1
                && field.name() != self.text()
                && field.containing_oneof().is_none()
        })
    }

    /// A plain text that an update may change.
    pub fn text(&self) -> String {
        let fields = self.written();
        let field = fields.iter().find(|field| {
            let rule = field_rule(field);
            matches!(field.kind(), Kind::String)
                && !field.is_list()
                && rule.reference.is_empty()
                && !rule.immutable
                && rule.format <= 1
                && field.containing_oneof().is_none()
        });
        field.unwrap_or_else(|| panic!("{} has a text", self.schema.collection)).name().to_owned()
    }
}

// === impl World ===

impl<F: Front> World<F> {
    /// A world with its team.
    pub async fn new(front: F) -> Self {
        let world = Self { front, made: Cell::new(0) };
        let team = Subject::of_collection(Name::TEAMS);
        let message = sample::of(&world, &team.schema.message).await;
        world.create_as(&team, message, "rules").await.expect("the team");
        world
    }

    /// An id that was not used before.
    pub fn id(&self, what: &str) -> String {
        self.made.set(self.made.get() + 1);
        format!("{what}-{}", self.made.get())
    }

    /// Calls a method.
    pub async fn call(
        &self,
        method: &MethodDescriptor,
        request: &DynamicMessage,
    ) -> Result<DynamicMessage, Refusal> {
        let answer = self.call_bytes(method, request.encode_to_vec().into()).await?;
        Ok(DynamicMessage::decode(method.output(), answer).expect("the answer is what the method says"))
    }

    /// Calls a method with bytes.
    pub async fn call_bytes(&self, method: &MethodDescriptor, request: Bytes) -> Result<Bytes, Refusal> {
        self.front.call(method, request).await
    }

    /// A request to create.
    pub fn create_request(&self, subject: &Subject, message: DynamicMessage, id: &str) -> DynamicMessage {
        let method = subject.create.as_ref().expect("it is created by clients");
        let mut request = DynamicMessage::new(method.input());
        if !subject.is_team() {
            set(&mut request, "parent", TEAM);
        }
        request.set_field_by_name(&subject.carrier(), Value::Message(message));
        set(&mut request, &format!("{}_id", subject.carrier()), id);
        request
    }

    /// Creates a record under an id.
    pub async fn create_as(
        &self,
        subject: &Subject,
        message: DynamicMessage,
        id: &str,
    ) -> Result<DynamicMessage, Refusal> {
        let request = self.create_request(subject, message, id);
        self.call(subject.create.as_ref().expect("it is created by clients"), &request).await
    }

    /// Creates a sample, whatever it takes, and gives its name.
    pub async fn make(&self, subject: &Subject) -> DynamicMessage {
        if subject.create.is_none() {
            let name = Box::pin(self.make_name(&subject.schema.collection)).await;
            return self.get(subject, &name).await.unwrap_or_else(|refusal| panic!("{refusal:?}"));
        }
        let message = sample::of(self, &subject.schema.message).await;
        let id = self.id("made");
        self.create_as(subject, message, &id).await.unwrap_or_else(|refusal| panic!("{refusal:?}"))
    }

    /// The name of a new record of a collection, however it is made.
    pub async fn make_name(&self, collection: &str) -> String {
        let subject = Subject::of_collection(collection);
        if subject.create.is_some() {
            return text(&Box::pin(self.make(&subject)).await, "name");
        }
        // Of what is made by a method of its own, the standard methods only know what it belongs to.
        let parent = subject.written().into_iter().find(|field| !field_rule(field).reference.is_empty());
        let parent = parent.expect("it belongs to something");
        let parent = Box::pin(self.make_name(&field_rule(&parent).reference)).await;
        let team = Id::parse("rules").unwrap();
        let plugin = Name::parse(&parent).unwrap();
        let name = Name::new(team, collection, Id::parse(&format!("{}-1", plugin.id())).unwrap());
        self.front.provide(&name, &parent).await;
        name.to_string()
    }

    /// Gets a record.
    pub async fn get(&self, subject: &Subject, name: &str) -> Result<DynamicMessage, Refusal> {
        self.call_named(subject.get.as_ref().expect("everything can be got"), name, &[]).await
    }

    /// Calls a method whose request names a record.
    pub async fn call_named(
        &self,
        method: &MethodDescriptor,
        name: &str,
        fields: &[(&str, Value)],
    ) -> Result<DynamicMessage, Refusal> {
        let mut request = DynamicMessage::new(method.input());
        set(&mut request, "name", name);
        for (field, value) in fields {
            request.set_field_by_name(field, value.clone());
        }
        self.call(method, &request).await
    }

    /// Updates a record by a mask.
    pub async fn update(
        &self,
        subject: &Subject,
        message: DynamicMessage,
        mask: &[&str],
        fields: &[(&str, Value)],
    ) -> Result<DynamicMessage, Refusal> {
        let method = subject.update.as_ref().expect("it can be updated");
        let mut request = DynamicMessage::new(method.input());
        request.set_field_by_name(&subject.carrier(), Value::Message(message));
        if !mask.is_empty() {
            let paths = mask.iter().map(|path| Value::String((*path).to_owned())).collect();
            let field = method.input().get_field_by_name("update_mask").expect("an update has a mask");
            let Kind::Message(descriptor) = field.kind() else { panic!("a mask is a message") };
            let mut mask = DynamicMessage::new(descriptor);
            mask.set_field_by_name("paths", Value::List(paths));
            request.set_field_by_name("update_mask", Value::Message(mask));
        }
        for (field, value) in fields {
            request.set_field_by_name(field, value.clone());
        }
        self.call(method, &request).await
    }
}

/// Sets a text.
pub fn set(message: &mut DynamicMessage, field: &str, text: &str) {
    message.set_field_by_name(field, Value::String(text.to_owned()));
}

/// A text.
pub fn text(message: &DynamicMessage, field: &str) -> String {
    let value = message.get_field_by_name(field).unwrap_or_else(|| panic!("{field} is a field"));
    value.as_str().unwrap_or_else(|| panic!("{field} is a text")).to_owned()
}

/// Asserts that a request was refused, for this reason; and names this field, where one is given.
pub fn refused(answer: Result<DynamicMessage, Refusal>, reason: &str, field: &str, what: &str) -> Refusal {
    let refusal = match answer {
        Err(refusal) => refusal,
        Ok(_) => panic!("{what}: {reason} was expected, and it was allowed"),
    };
    assert_eq!(refusal.reason, reason, "{what}: {refusal:?}");
    assert!(
        field.is_empty() || refusal.fields.iter().any(|named| named == field),
        "{what}: {field} is not named in {refusal:?}"
    );
    refusal
}
