//! Compiles `proto/` with protox, so that no protoc is needed.
//!
//! Two passes. The first makes the messages and the clients, of every method. The second makes the server
//! traits, only of the methods that are rules of their own: the standard methods (create, get, list, update,
//! delete, transitions), marked by an option on the method, are served by one implementation for all.

use std::{
    env,
    error::Error,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use prost::Message;
use prost_reflect::ReflectMessage;
use prost_types::{FileDescriptorSet, MethodDescriptorProto};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    let out = PathBuf::from(env::var("OUT_DIR")?);

    list_sdk(&out)?;
    let mut files: Vec<_> = fs::read_dir("proto/merit/v1")?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    files.sort();
    let mut compiler = protox::Compiler::new(["proto"])?;
    compiler.include_imports(true).include_source_info(true).open_files(&files)?;
    let encoded = compiler.encode_file_descriptor_set();
    // prost_types knows no extensions and would drop the options: the encoded form keeps them.
    fs::write(out.join("descriptors.bin"), &encoded)?;

    let descriptors = FileDescriptorSet::decode(encoded.as_slice())?;
    let standard = standard_methods(&encoded)?;

    let mut config = prost_build::Config::new();
    config.enable_type_names();
    tonic_prost_build::configure()
        .build_server(false)
        .bytes(".")
        .btree_map(".")
        .compile_fds_with_config(descriptors.clone(), config)?;

    let servers = out.join("servers");
    fs::create_dir_all(&servers)?;
    tonic_prost_build::configure()
        .build_client(false)
        // What cannot be decoded is the client's fault; the usual codec says INTERNAL.
        .codec_path("crate::grpc::codec::Messages")
        .bytes(".")
        .btree_map(".")
        .extern_path(".merit.v1", "crate::proto::v1")
        .out_dir(&servers)
        .compile_fds(without(descriptors, &standard))?;
    Ok(())
}

/// The full names of the methods whose `merit.v1.method` option names a standard method.
fn standard_methods(encoded: &[u8]) -> Result<Vec<String>, Box<dyn Error>> {
    let pool = prost_reflect::DescriptorPool::decode(encoded)?;
    let option = pool.get_extension_by_name("merit.v1.method").ok_or("merit.v1.method is not declared")?;
    let mut names = Vec::new();
    for method in pool.services().flat_map(|service| service.methods().collect::<Vec<_>>()) {
        let options = method.options();
        let value = options.get_extension(&option);
        let rule = value.as_message().ok_or("merit.v1.method is no message")?;
        let standard =
            rule.descriptor().oneofs().any(|oneof| oneof.fields().any(|field| rule.has_field(&field)));
        if standard {
            names.push(method.full_name().to_owned());
        }
    }
    Ok(names)
}

/// The same files without these methods, and without services that have no others.
fn without(mut descriptors: FileDescriptorSet, standard: &[String]) -> FileDescriptorSet {
    for file in &mut descriptors.file {
        let package = file.package().to_owned();
        for service in &mut file.service {
            let service_name = service.name().to_owned();
            let own = |method: &MethodDescriptorProto| {
                !standard.contains(&format!("{package}.{service_name}.{}", method.name()))
            };
            service.method.retain(own);
        }
        file.service.retain(|service| !service.method.is_empty());
        // Comments are found by position, which has moved.
        file.source_code_info = None;
    }
    descriptors
}

/// Writes the list of the SDK's files with their texts, for `merit plugin new`.
fn list_sdk(out: &Path) -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=plugins/sdk");
    let root = fs::canonicalize("plugins/sdk")?;
    let (mut folders, mut paths) = (vec![root.join("src")], vec![root.join("Cargo.toml")]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                paths.push(path);
            }
        }
    }
    paths.sort();
    let mut list = String::from("&[\n");
    for path in &paths {
        let short = path.strip_prefix(&root)?;
        writeln!(list, "    ({short:?}, include_str!({path:?})),")?;
    }
    list.push(']');
    fs::write(out.join("sdk_files.rs"), list)?;
    Ok(())
}
