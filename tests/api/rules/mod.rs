//! Proves the rules that hold for every resource, for every resource that the descriptors have: a resource added later is
//! tested without a new line here. What is asked through is a `Front`: the standard methods themselves, or a server.

mod changes;
mod creation;
mod lists;
mod references;
mod sample;
mod states;
mod wire;
mod world;

use std::future::Future;

use bytes::Bytes;
use merit::{
    model::{caller::Caller, name::Name},
    resource::Resources,
    store::{Database, WriteError},
};
use prost_reflect::{MethodDescriptor, Value};

use crate::harness::Harness;
pub use world::{Subject, World};

/// Why a request was refused.
#[derive(Debug)]
pub struct Refusal {
    /// The stable code.
    pub reason: String,
    /// For people.
    pub message: String,
    /// The fields that are named as wrong.
    pub fields: Vec<String>,
}

/// What the rules are asked through.
pub trait Front {
    /// Calls a method.
    fn call(&self, method: &MethodDescriptor, request: Bytes)
    -> impl Future<Output = Result<Bytes, Refusal>>;

    /// Makes a record of a collection that no standard method creates; `parent` is what it belongs to.
    fn provide(&self, name: &Name, parent: &str) -> impl Future<Output = ()>;
}

/// The standard methods, without a server around them.
struct Direct(Resources);

// === impl Direct ===

impl Front for Direct {
    async fn call(&self, method: &MethodDescriptor, request: Bytes) -> Result<Bytes, Refusal> {
        let caller = Caller { author: "anna@example.com".into(), method: method.full_name().into() };
        match self.0.call(&caller, method, request).await {
            Ok(answer) => Ok(answer),
            Err(WriteError::Rejected(rejection)) => Err(Refusal {
                reason: rejection.reason.code().to_owned(),
                message: rejection.message,
                fields: rejection.violations.into_iter().map(|violation| violation.field).collect(),
            }),
            Err(error) => panic!("{error}"),
        }
    }

    async fn provide(&self, name: &Name, parent: &str) {
        let caller = Caller { author: "merit".into(), method: "test".into() };
        let parent = parent.to_owned();
        self.0
            .put(&caller, name, move |record| {
                record.set_field_by_name("plugin", Value::String(parent));
                Ok(())
            })
            .await
            .expect("the service may create it");
    }
}

/// Every rule for every resource, through a front.
pub async fn prove<F: Front>(front: F) {
    let world = World::new(front).await;
    let subjects = Subject::all();
    assert!(subjects.len() >= 10, "the descriptors have the resources of five chapters");
    for subject in &subjects {
        println!("{}", subject.schema.collection);
        creation::prove(&world, subject).await;
        changes::prove(&world, subject).await;
        lists::prove(&world, subject).await;
        references::prove(&world, subject).await;
        states::prove(&world, subject).await;
    }
}

#[tokio::test]
async fn every_resource_keeps_the_rules() {
    prove(Direct(Resources::new(Database::in_memory()))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_resource_keeps_the_rules_through_the_wire() {
    prove(wire::Wire(Harness::start().await)).await;
}
