//! The pages of a list, one after the other.

use prost_reflect::{DynamicMessage, MethodDescriptor, Value};

use super::{
    collection::{Verb, method},
    connection::Connection,
    failure::Failure,
    request::set_text,
};
use crate::model::schema::Schema;

/// Records a page: the most that a server gives.
const PAGE_SIZE: u64 = 1000;

/// The pages of a collection.
pub(super) struct Pages<'a> {
    connection: &'a Connection,
    method: MethodDescriptor,
    request: DynamicMessage,
    /// How many more are wanted.
    left: u64,
    ended: bool,
}

// === impl Pages ===

impl<'a> Pages<'a> {
    /// The pages of the records that fit the filter, in an order, at most so many.
    pub(super) fn new(
        connection: &'a Connection,
        schema: &Schema,
        filter: Option<&str>,
        order_by: Option<&str>,
        limit: Option<u64>,
    ) -> Result<Self, Failure> {
        let method = method(schema, Verb::List)?;
        let mut request = DynamicMessage::new(method.input());
        if method.input().get_field_by_name("parent").is_some() {
            set_text(&mut request, "parent", Some(connection.team()?));
        }
        set_text(&mut request, "filter", filter);
        set_text(&mut request, "order_by", order_by);
        Ok(Self { connection, method, request, left: limit.unwrap_or(u64::MAX), ended: false })
    }

    /// The next page; nothing after the last.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<DynamicMessage>>, Failure> {
        if self.ended || self.left == 0 {
            return Ok(None);
        }
        let size = i32::try_from(self.left.min(PAGE_SIZE)).unwrap_or(i32::MAX);
        self.request.set_field_by_name("page_size", Value::I32(size));
        let mut answer = self.connection.call(&self.method, &self.request).await?;
        let token =
            answer.get_field_by_name("next_page_token").and_then(|token| token.as_str().map(str::to_owned));
        self.ended = token.as_deref().unwrap_or_default().is_empty();
        set_text(&mut self.request, "page_token", token.as_deref());
        let list = self.method.output().fields().find(prost_reflect::FieldDescriptor::is_list);
        let Some(list) = list else { return Ok(None) };
        let mut items = Vec::new();
        if let Value::List(values) = answer.get_field_mut(&list) {
            items.extend(std::mem::take(values).into_iter().filter_map(|value| match value {
                Value::Message(message) => Some(message),
                _ => None,
            }));
        }
        self.left -= self.left.min(items.len() as u64);
        Ok(Some(items))
    }
}
