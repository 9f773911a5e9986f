//! References, both ways: what is referred to exists, and stays while it is referred to.

use merit::model::schema::field_rule;
use prost_reflect::{Kind, Value};

use super::{
    Front, Subject, World, sample,
    world::{refused, text},
};

/// Proves what holds of what a record refers to.
pub async fn prove<F: Front>(world: &World<F>, subject: &Subject) {
    if subject.create.is_none() {
        return;
    }
    for field in subject.written() {
        let collection = field_rule(&field).reference;
        if collection.is_empty() || field.is_list() || !matches!(field.kind(), Kind::String) {
            continue;
        }
        let path = format!("{}.{}", subject.carrier(), field.name());
        let mut message = sample::of(world, &subject.schema.message).await;
        let mut refuse = async |name: &str, reason: &str| {
            message.set_field(&field, Value::String(name.to_owned()));
            refused(world.create_as(subject, message.clone(), "").await, reason, &path, name);
        };
        refuse(&format!("teams/rules/{collection}/nobody"), "REFERENCE_NOT_FOUND").await;
        refuse(&format!("teams/elsewhere/{collection}/x"), "INVALID_FIELD").await;
        refuse("teams/rules/nothing/x", "INVALID_FIELD").await;

        let referred = world.make_name(&collection).await;
        message.set_field(&field, Value::String(referred.clone()));
        let referrer = world.create_as(subject, message, &world.id("referrer")).await.unwrap();
        let referrer = text(&referrer, "name");
        let Some(delete) = Subject::of_collection(&collection).delete else { continue };
        let refusal =
            refused(world.call_named(&delete, &referred, &[]).await, "STILL_REFERRED", "", &referred);
        assert!(refusal.message.contains(&referrer), "names who refers: {refusal:?}");
        if let Some(delete_referrer) = &subject.delete {
            world.call_named(delete_referrer, &referrer, &[]).await.unwrap();
            world.call_named(&delete, &referred, &[]).await.expect("nobody refers to it any more");
        }
    }
}
