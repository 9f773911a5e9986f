//! States change by their methods only, from the states that the contract says.

use std::collections::BTreeMap;

use merit::model::schema::{field_rule, short_value_name, state_rule};
use prost_reflect::{DynamicMessage, EnumDescriptor, Kind, MethodDescriptor, Value};

use super::{
    Front, Subject, World, sample,
    world::{refused, set, text},
};

/// Proves what holds of states: walks from the first state over every allowed change, and tries every other one.
pub async fn prove<F: Front>(world: &World<F>, subject: &Subject) {
    let Some(state) = subject.schema.state.clone().filter(|state| !field_rule(state).output_only) else {
        return;
    };
    let Kind::Enum(values) = state.kind() else { panic!("a state is an enum") };
    let first = values.values().find(|value| state_rule(value).initial).expect("there is a first state");
    let made = world.make(subject).await;
    assert_eq!(made.get_field(&state).as_enum_number(), Some(first.number()), "the first state");

    // By state, the changes that led there.
    let mut ways: BTreeMap<i32, Vec<(MethodDescriptor, i32)>> =
        BTreeMap::from([(first.number(), Vec::new())]);
    let mut ahead = vec![first.number()];
    while let Some(now) = ahead.pop() {
        for (method, rule) in &subject.transitions {
            let from: Vec<i32> = rule.from.iter().map(|name| number(&values, name)).collect();
            let targets: Vec<&String> =
                if rule.to.is_empty() { rule.to_any.iter().collect() } else { vec![&rule.to] };
            for target in targets {
                let to = number(&values, target);
                let way = ways[&now].clone();
                let record = go(world, subject, &way).await;
                let answer = change(world, method, &record, to, &subject.schema.state).await;
                if !from.contains(&now) {
                    let refusal = refused(answer, "STATE_FORBIDS", "", method.name());
                    let value = values.get_value(now).unwrap();
                    assert!(
                        refusal.message.contains(short_value_name(&value)),
                        "names the state: {refusal:?}"
                    );
                    continue;
                }
                let changed = answer.unwrap_or_else(|refusal| panic!("{}: {refusal:?}", method.name()));
                assert_eq!(changed.get_field(&state).as_enum_number(), Some(to), "{}", method.name());
                ways.entry(to).or_insert_with(|| {
                    ahead.push(to);
                    [way, vec![(method.clone(), to)]].concat()
                });
            }
        }
    }
    wrong_targets(world, subject, &values).await;
}

/// What a change of state asks for has to be one of the states that it leads to.
async fn wrong_targets<F: Front>(world: &World<F>, subject: &Subject, values: &EnumDescriptor) {
    for (method, rule) in &subject.transitions {
        let Some(field) = subject.schema.state.as_ref().filter(|_| rule.to.is_empty()) else { continue };
        let record = world.make(subject).await;
        for value in values.values().filter(|value| !rule.to_any.iter().any(|name| name == value.name())) {
            let answer = change(world, method, &record, value.number(), &subject.schema.state).await;
            refused(answer, "INVALID_FIELD", field.name(), value.name());
        }
    }
}

/// A new record, taken along a way of changes.
async fn go<F: Front>(
    world: &World<F>,
    subject: &Subject,
    way: &[(MethodDescriptor, i32)],
) -> DynamicMessage {
    let mut record = world.make(subject).await;
    for (method, to) in way {
        record = change(world, method, &record, *to, &subject.schema.state).await.expect("it went before");
    }
    record
}

/// Changes the state, with everything that the request can say beside it.
async fn change<F: Front>(
    world: &World<F>,
    method: &MethodDescriptor,
    record: &DynamicMessage,
    to: i32,
    state: &Option<prost_reflect::FieldDescriptor>,
) -> Result<DynamicMessage, super::Refusal> {
    let mut request = DynamicMessage::new(method.input());
    set(&mut request, "name", &text(record, "name"));
    for field in method.input().fields() {
        if ["name", "etag", "request_id", "validate_only"].contains(&field.name()) {
            continue;
        }
        let is_state = state.as_ref().is_some_and(|state| state.name() == field.name());
        let value = if is_state { Value::EnumNumber(to) } else { sample::value(world, &field).await };
        request.set_field(&field, value);
    }
    world.call(method, &request).await
}

fn number(values: &EnumDescriptor, name: &str) -> i32 {
    values.get_value_by_name(name).expect("a state of the enum").number()
}
