//! The standard methods as the contract declares them: which does what to which collection, and where its request says
//! what.

use std::collections::{BTreeMap, HashMap};

use prost_reflect::{Kind as ProtoKind, MessageDescriptor, MethodDescriptor};

use super::plan::{CollectionPlan, MessageIndex, MessagePlan, message_index};
use crate::{
    model::schema::method_rule,
    proto::{descriptors, v1::method_rule::Standard},
};

/// A standard method.
pub(crate) struct MethodPlan {
    /// `merit.v1.GoalService.CreateGoal`.
    pub(crate) full_name: String,
    /// `CreateGoal`.
    pub(crate) name: String,
    /// The collection.
    pub(crate) collection: String,
    /// The request's message.
    pub(crate) request: MessageIndex,
    /// The field of the request that carries the resource, for create and update.
    pub(crate) resource_field: Option<String>,
    /// What it does.
    pub(crate) action: Action,
}

/// What a standard method does.
pub(crate) enum Action {
    Create,
    Get,
    /// The number of the response's field that carries the items.
    List {
        items: u32,
        next_page_token: u32,
    },
    Update,
    Delete,
    Transition(TransitionPlan),
}

/// A change of state.
pub(crate) struct TransitionPlan {
    /// From which states.
    pub(crate) from: Vec<i32>,
    /// To which.
    pub(crate) to: Vec<i32>,
    /// Whether the request says to which.
    pub(crate) asked: bool,
    /// Fields of the request that are written with the change.
    pub(crate) written: Vec<String>,
    /// Fields of the resource that are emptied by the change.
    pub(crate) cleared: Vec<String>,
}

/// Reads the standard methods, and tells the collections what they need to know of them.
pub(crate) fn read(
    messages: &[MessagePlan],
    collections: &mut BTreeMap<String, CollectionPlan>,
) -> HashMap<String, MethodPlan> {
    let methods = descriptors().services().flat_map(|service| service.methods().collect::<Vec<_>>());
    methods
        .filter_map(|method| {
            let rule = method_rule(&method);
            let standard = rule.standard?;
            let plan = MethodPlan::read(&method, standard, messages, collections);
            let collection = collections.get_mut(&plan.collection)?;
            match &plan.action {
                Action::Create => collection.created_by_clients = true,
                Action::Update => collection.updated_by_clients = true,
                Action::Delete => collection.deleted_by_clients = true,
                Action::Transition(transition) => {
                    for (&from, &to) in
                        transition.from.iter().flat_map(|from| transition.to.iter().map(move |to| (from, to)))
                    {
                        collection.transitions.push((from, to, plan.name.clone()));
                    }
                }
                _ => {}
            }
            Some((plan.full_name.clone(), plan))
        })
        .collect()
}

// === impl MethodPlan ===

impl MethodPlan {
    fn read(
        method: &MethodDescriptor,
        standard: Standard,
        messages: &[MessagePlan],
        collections: &BTreeMap<String, CollectionPlan>,
    ) -> Self {
        let resource = match &standard {
            Standard::Create(name)
            | Standard::Get(name)
            | Standard::List(name)
            | Standard::Update(name)
            | Standard::Delete(name) => name,
            Standard::Transition(transition) => &transition.resource,
        };
        let collection = collections
            .values()
            .find(|collection| collection.schema.message.name() == resource)
            .unwrap_or_else(|| panic!("{}: {resource} is no resource", method.full_name()));
        let input = method.input();
        let action = match &standard {
            Standard::Create(_) => Action::Create,
            Standard::Get(_) => Action::Get,
            Standard::List(_) => list(&method.output(), collection),
            Standard::Update(_) => Action::Update,
            Standard::Delete(_) => Action::Delete,
            Standard::Transition(transition) => {
                Action::Transition(TransitionPlan::read(transition, &input, collection))
            }
        };
        Self {
            full_name: method.full_name().to_owned(),
            name: method.name().to_owned(),
            collection: collection.schema.collection.clone(),
            request: message_index(messages, input.full_name()),
            resource_field: carrier(&input, collection).map(|field| field.name().to_owned()),
            action,
        }
    }
}

/// The field that carries the resource.
fn carrier(
    message: &MessageDescriptor,
    collection: &CollectionPlan,
) -> Option<prost_reflect::FieldDescriptor> {
    message
        .fields()
        .find(|field| matches!(field.kind(), ProtoKind::Message(inner) if inner == collection.schema.message))
}

fn list(response: &MessageDescriptor, collection: &CollectionPlan) -> Action {
    let items = carrier(response, collection).expect("a list answers resources");
    let token = response.get_field_by_name("next_page_token").expect("a list has pages");
    Action::List { items: items.number(), next_page_token: token.number() }
}

// === impl TransitionPlan ===

impl TransitionPlan {
    fn read(
        rule: &crate::proto::v1::Transition,
        request: &MessageDescriptor,
        collection: &CollectionPlan,
    ) -> Self {
        let state = collection.state.as_ref().expect("a resource with transitions has a state");
        let field = collection.schema.message.get_field_by_name(&state.field).expect("the state is a field");
        let ProtoKind::Enum(values) = field.kind() else { panic!("{} is no enum", field.full_name()) };
        let number = |name: &String| {
            let value = values.get_value_by_name(name);
            value.unwrap_or_else(|| panic!("{name} is no {}", values.full_name())).number()
        };
        let reserved = ["name", "etag", "request_id", "validate_only", state.field.as_str()];
        Self {
            from: rule.from.iter().map(number).collect(),
            to: rule.to_any.iter().chain((!rule.to.is_empty()).then_some(&rule.to)).map(number).collect(),
            asked: rule.to.is_empty(),
            written: request
                .fields()
                .map(|field| field.name().to_owned())
                .filter(|name| !reserved.contains(&name.as_str()))
                .collect(),
            cleared: rule.clear.clone(),
        }
    }
}
