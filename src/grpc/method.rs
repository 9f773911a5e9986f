//! Every method that the service serves, by path: what it needs, read from the descriptors.

use std::collections::HashMap;

use prost_reflect::{Kind, MessageDescriptor, MethodDescriptor};

use crate::{model::schema::method_rule, proto::descriptors};

/// What a call of a method takes of the service while it is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Nothing worth counting: health has to answer when everything else is busy.
    Free,
    /// A stream of health: it takes of what its own connection may have, and of nothing that others want.
    Watch,
    /// One request, one answer.
    Unary,
    /// The same, with a request that may be large.
    Component,
    /// A stream, for as long as it lasts.
    Stream,
}

/// A method that is served.
#[derive(Clone, Debug)]
pub struct Method {
    /// `merit.v1.GoalService/CreateGoal`.
    pub name: String,
    /// What a call takes.
    pub lane: Lane,
    /// The descriptor, if it is one of the standard methods.
    pub standard: Option<MethodDescriptor>,
    /// True for a stream that ends when something happens outside, not when work is done: it does not hold up a stop.
    pub endless: bool,
    /// Whether the request is one message. Who takes several minds by itself when they come.
    pub single: bool,
}

/// The methods of other contracts that are served, the lanes they take, and whether their request is one message.
const FOREIGN: &[(&str, Lane, bool)] = &[
    ("grpc.health.v1.Health/Check", Lane::Free, true),
    // It tells that the service stops before it ends.
    ("grpc.health.v1.Health/Watch", Lane::Watch, true),
    ("grpc.reflection.v1.ServerReflection/ServerReflectionInfo", Lane::Stream, false),
    ("grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", Lane::Stream, false),
];

/// The methods of this contract whose streams are endless.
const ENDLESS: &[&str] = &["merit.v1.EvaluationService/WatchRun"];

/// Every method, by the path of its requests: `/merit.v1.GoalService/CreateGoal`.
#[must_use]
pub fn methods() -> HashMap<String, Method> {
    let own =
        descriptors().services().flat_map(|service| service.methods().collect::<Vec<_>>()).map(|method| {
            let name = format!("{}/{}", method.parent_service().full_name(), method.name());
            let lane = if method.is_server_streaming() || method.is_client_streaming() {
                Lane::Stream
            } else if carries_bytes(&method.input(), 0) {
                Lane::Component
            } else {
                Lane::Unary
            };
            let endless = ENDLESS.contains(&name.as_str());
            let single = !method.is_client_streaming();
            let standard = method_rule(&method).standard.is_some().then_some(method);
            Method { name, lane, standard, endless, single }
        });
    let foreign = FOREIGN.iter().map(|&(name, lane, single)| Method {
        name: name.to_owned(),
        lane,
        standard: None,
        endless: lane == Lane::Stream,
        single,
    });
    own.chain(foreign).map(|method| (format!("/{}", method.name), method)).collect()
}

/// Whether a message of this contract has a field for bytes, in itself or one level down.
fn carries_bytes(message: &MessageDescriptor, depth: usize) -> bool {
    message.package_name() == "merit.v1"
        && message.fields().any(|field| match field.kind() {
            Kind::Bytes => true,
            Kind::Message(inner) => depth == 0 && carries_bytes(&inner, depth + 1),
            _ => false,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, lane: Lane, standard: bool, endless: bool) {
        let methods = methods();
        let method = methods.get(path).unwrap_or_else(|| panic!("{path} is not served"));
        assert_eq!(
            (method.lane, method.standard.is_some(), method.endless),
            (lane, standard, endless),
            "{path}"
        );
    }

    #[test]
    fn what_a_call_takes() {
        check("/merit.v1.GoalService/CreateGoal", Lane::Unary, true, false);
        check("/merit.v1.EvaluationService/CancelRun", Lane::Unary, true, false);
        check("/merit.v1.EvaluationService/ComputeMeasures", Lane::Unary, false, false);
        check("/merit.v1.PluginService/PublishPluginRevision", Lane::Component, false, false);
        check("/merit.v1.PluginService/EvaluatePlugin", Lane::Component, false, false);
        check("/merit.v1.PluginService/ListStandardPlugins", Lane::Unary, false, false);
        check("/merit.v1.TransferService/ImportResources", Lane::Stream, false, false);
        check("/merit.v1.EvaluationService/DownloadDataset", Lane::Stream, false, false);
        check("/merit.v1.EvaluationService/WatchRun", Lane::Stream, false, true);
        check("/grpc.health.v1.Health/Check", Lane::Free, false, false);
        check("/grpc.health.v1.Health/Watch", Lane::Watch, false, false);
        check("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", Lane::Stream, false, true);
    }

    #[test]
    fn whose_request_is_one_message() {
        let methods = methods();
        let several: Vec<&str> =
            methods.values().filter(|method| !method.single).map(|method| method.name.as_str()).collect();
        let import = "merit.v1.TransferService/ImportResources";
        assert!(several.contains(&import) && several.len() == 4, "{several:?}");
    }

    #[test]
    fn endless_methods_exist() {
        let methods = methods();
        for name in ENDLESS {
            assert!(methods.contains_key(&format!("/{name}")), "{name}");
        }
    }
}
