//! Reflection, by both versions of its protocol: the files of the contract as they were compiled, with their options. What
//! is asked for and is not there is said within the stream, which goes on.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use prost_reflect::{DescriptorPool, EnumDescriptor, FileDescriptor, MessageDescriptor};
use tokio::time::timeout;
use tonic::{Code, Request, Response, Status, Streaming};

use super::{
    calls::{Answers, answers},
    status,
};
use crate::proto::descriptors;

/// What can be asked of the contract.
pub struct Contract {
    /// The encoded files, by name.
    files: BTreeMap<String, Vec<u8>>,
    /// The file of everything that has a name.
    symbols: HashMap<String, String>,
    /// The file of each extension, by what it extends and its number.
    extensions: BTreeMap<(String, i32), String>,
    services: Vec<String>,
}

/// Answers questions about the contract, by one version of the protocol.
pub struct Reflection {
    contract: Arc<Contract>,
    /// How long the next question is waited for.
    wait: Duration,
}

/// A question that has no answer.
struct Unknown(String);

// === impl Contract ===

impl Contract {
    /// The contract of this service, of health and of reflection itself.
    ///
    /// # Panics
    /// Never: all of them are compiled in.
    #[must_use]
    pub fn of_everything_served() -> Self {
        let mut pool = descriptors().clone();
        for served in [
            tonic_health::pb::FILE_DESCRIPTOR_SET,
            tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
            tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
        ] {
            pool.decode_file_descriptor_set(served).expect("the build checked the descriptors");
        }
        Self::new(&pool)
    }

    fn new(pool: &DescriptorPool) -> Self {
        let mut contract = Self {
            files: pool.files().map(|file| (file.name().to_owned(), file.encode_to_vec())).collect(),
            symbols: HashMap::new(),
            extensions: BTreeMap::new(),
            services: pool.services().map(|service| service.full_name().to_owned()).collect(),
        };
        for message in pool.all_messages() {
            contract.add_message(&message);
        }
        for values in pool.all_enums() {
            contract.add_enum(&values);
        }
        for service in pool.services() {
            contract.add(service.full_name(), &service.parent_file());
            for method in service.methods() {
                contract.add(method.full_name(), &service.parent_file());
            }
        }
        for extension in pool.all_extensions() {
            let (file, extended) = (extension.parent_file(), extension.containing_message());
            contract.add(extension.full_name(), &file);
            let key = (extended.full_name().to_owned(), extension.number().cast_signed());
            contract.extensions.insert(key, file.name().to_owned());
        }
        contract
    }

    fn add(&mut self, name: &str, file: &FileDescriptor) {
        self.symbols.insert(name.to_owned(), file.name().to_owned());
    }

    fn add_message(&mut self, message: &MessageDescriptor) {
        let file = message.parent_file();
        self.add(message.full_name(), &file);
        for field in message.fields() {
            self.add(field.full_name(), &file);
        }
        for oneof in message.oneofs() {
            self.add(oneof.full_name(), &file);
        }
    }

    fn add_enum(&mut self, values: &EnumDescriptor) {
        let file = values.parent_file();
        self.add(values.full_name(), &file);
        for value in values.values() {
            self.add(value.full_name(), &file);
        }
    }

    fn file(&self, name: &str) -> Result<Vec<u8>, Unknown> {
        self.files.get(name).cloned().ok_or_else(|| Unknown(format!("there is no file {name:?}")))
    }

    fn file_of_symbol(&self, name: &str) -> Result<Vec<u8>, Unknown> {
        let file = self.symbols.get(name);
        self.file(file.ok_or_else(|| Unknown(format!("there is nothing of the name {name:?}")))?)
    }

    fn file_of_extension(&self, extended: &str, number: i32) -> Result<Vec<u8>, Unknown> {
        let file = self.extensions.get(&(extended.to_owned(), number));
        self.file(file.ok_or_else(|| Unknown(format!("{extended:?} has no extension {number}")))?)
    }

    /// The numbers of the extensions of a message.
    fn extension_numbers(&self, extended: &str) -> Result<Vec<i32>, Unknown> {
        if !self.symbols.contains_key(extended) {
            return Err(Unknown(format!("there is no message {extended:?}")));
        }
        let of = self.extensions.keys().filter(|(message, _)| message == extended);
        Ok(of.map(|(_, number)| *number).collect())
    }
}

// === impl Reflection ===

impl Reflection {
    /// Answers questions about this contract; a stream that asks nothing for so long is ended.
    #[must_use]
    pub fn new(contract: &Arc<Contract>, wait: Duration) -> Self {
        Self { contract: Arc::clone(contract), wait }
    }
}

/// The versions of the protocol have the same messages, in modules of their own.
macro_rules! reflects {
    ($version:ident) => {
        const _: () = {
            use tonic_reflection::pb::$version::{
                ErrorResponse, ExtensionNumberResponse, FileDescriptorResponse, ListServiceResponse,
                ServerReflectionRequest, ServerReflectionResponse, ServiceResponse,
                server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
                server_reflection_server::ServerReflection,
            };

            fn answer(contract: &Contract, asked: Option<MessageRequest>) -> MessageResponse {
                let file = |file| {
                    MessageResponse::FileDescriptorResponse(FileDescriptorResponse {
                        file_descriptor_proto: vec![file],
                    })
                };
                let answer = match asked {
                    Some(MessageRequest::FileByFilename(name)) => contract.file(&name).map(file),
                    Some(MessageRequest::FileContainingSymbol(name)) => {
                        contract.file_of_symbol(&name).map(file)
                    }
                    Some(MessageRequest::FileContainingExtension(asked)) => {
                        contract.file_of_extension(&asked.containing_type, asked.extension_number).map(file)
                    }
                    Some(MessageRequest::AllExtensionNumbersOfType(name)) => {
                        contract.extension_numbers(&name).map(|extension_number| {
                            MessageResponse::AllExtensionNumbersResponse(ExtensionNumberResponse {
                                base_type_name: name,
                                extension_number,
                            })
                        })
                    }
                    Some(MessageRequest::ListServices(_)) => {
                        let services = contract.services.iter();
                        let service = services.map(|name| ServiceResponse { name: name.clone() }).collect();
                        Ok(MessageResponse::ListServicesResponse(ListServiceResponse { service }))
                    }
                    None => Err(Unknown("nothing was asked".to_owned())),
                };
                answer.unwrap_or_else(|Unknown(error_message)| {
                    let error_code = Code::NotFound as i32;
                    MessageResponse::ErrorResponse(ErrorResponse { error_code, error_message })
                })
            }

            #[tonic::async_trait]
            impl ServerReflection for Reflection {
                type ServerReflectionInfoStream = Answers<ServerReflectionResponse>;

                async fn server_reflection_info(
                    &self,
                    request: Request<Streaming<ServerReflectionRequest>>,
                ) -> Result<Response<Self::ServerReflectionInfoStream>, Status> {
                    let (contract, wait) = (Arc::clone(&self.contract), self.wait);
                    let mut questions = request.into_inner();
                    Ok(answers(move |sender| async move {
                        loop {
                            let told = match timeout(wait, questions.message()).await {
                                Ok(Ok(Some(asked))) => Ok(ServerReflectionResponse {
                                    valid_host: asked.host.clone(),
                                    message_response: Some(answer(&contract, asked.message_request.clone())),
                                    original_request: Some(asked),
                                }),
                                Ok(Ok(None)) => return,
                                Ok(Err(status)) => Err(status::of_transport(status)),
                                Err(_) => Err(status::request_is_late(wait)),
                            };
                            let ended = told.is_err();
                            // Only a client that is gone does not take it.
                            if sender.send(told).await.is_err() || ended {
                                return;
                            }
                        }
                    }))
                }
            }
        };
    };
}

reflects!(v1);
reflects!(v1alpha);
