//! The standard methods, written once for every resource: create, get, list, update, delete, transitions; field masks,
//! etags, paging, filters, request ids, references, imports. Rules of a kind of resource are in `model`.

use bytes::Bytes;
use prost_reflect::{DynamicMessage, MethodDescriptor};

use crate::{
    model::{caller::Caller, name::Name, rejection::Rejection},
    proto::v1,
    store::{Database, WriteError},
};

/// The standard methods over a database. Cheap to clone.
#[derive(Clone)]
pub struct Resources {
    _database: Database,
}

// === impl Resources ===

impl Resources {
    /// The standard methods over this database.
    pub fn new(database: Database) -> Self {
        Self { _database: database }
    }

    /// Calls a standard method with an encoded request, and answers the encoded response.
    pub async fn call(
        &self,
        _caller: &Caller,
        _method: &MethodDescriptor,
        _request: Bytes,
    ) -> Result<Bytes, WriteError> {
        todo!()
    }

    /// Gets a resource as its generated type.
    pub fn get<T: prost::Message + Default>(&self, _name: &Name) -> Result<T, WriteError> {
        todo!()
    }

    /// Imports the items of one message, in one write.
    pub async fn import(
        &self,
        _caller: &Caller,
        _request: v1::ImportResourcesRequest,
    ) -> Result<v1::ImportResourcesResponse, WriteError> {
        todo!()
    }

    /// Changes a resource on the service's own account: output-only fields and states included.
    pub async fn put(
        &self,
        _caller: &Caller,
        _name: &Name,
        _change: impl FnOnce(&mut DynamicMessage) -> Result<(), Rejection> + Send + 'static,
    ) -> Result<(), WriteError> {
        todo!()
    }
}
