//! Version 1.0.0 of the contract, made from `plugins/wit/1.0.0`.

use wasmtime::{
    Engine, Store,
    component::{Component, InstancePre, Linker, types::ComponentItem},
};

use super::interface::INTERFACE;
use crate::sandbox::{limits::Meter, verdict::Verdict};

#[allow(missing_docs, clippy::all, clippy::pedantic)]
mod bindings {
    wasmtime::component::bindgen!({
        path: "plugins/wit/1.0.0",
        world: "scoring",
        additional_derives: [PartialEq, Eq],
    });
}

use bindings::exports::merit::scoring::plugin;
pub use plugin::{
    Batch, Column, Context, Decimals, Fault, Guest, Input, Kind, Lines, Manifest, Outcome, Output, Refusal,
    Role, Rounding, Scope, Step, Texts, Values,
};

/// What comes after [`INTERFACE`] in the export's name.
pub const VERSION: &str = "1.0.0";

/// A component linked, its exports found.
#[derive(Clone)]
pub struct Linked {
    instance: InstancePre<Meter>,
    exports: plugin::GuestIndices,
}

// === impl Linked ===

impl Linked {
    /// Links the component: to nothing, since plugins import nothing; and holds its exports to the contract's types.
    pub fn new(engine: &Engine, component: &Component) -> Result<Self, Verdict> {
        check_types(engine, component)?;
        let linker = Linker::new(engine);
        let instance = linker
            .instantiate_pre(component)
            .map_err(|error| Verdict::invalid_component(format!("it cannot be linked: {error}")))?;
        let exports = plugin::GuestIndices::new(&instance).map_err(|error| {
            Verdict::invalid_component(format!("its exports are not those of {INTERFACE}{VERSION}: {error}"))
        })?;
        Ok(Self { instance, exports })
    }

    pub fn component(&self) -> &Component {
        self.instance.component()
    }

    pub fn instantiate(&self, store: &mut Store<Meter>) -> wasmtime::Result<Guest> {
        let instance = self.instance.instantiate(&mut *store)?;
        self.exports.load(store, &instance)
    }
}

/// Holds the types of the three functions to the contract, without running anything of the component.
fn check_types(engine: &Engine, component: &Component) -> Result<(), Verdict> {
    let interface = format!("{INTERFACE}{VERSION}");
    let wrong = |what: String| Verdict::invalid_component(format!("its export {interface}: {what}"));
    let component_type = component.component_type();
    let Some(ComponentItem::ComponentInstance(instance)) =
        component_type.get_export(engine, &interface).map(|export| export.ty)
    else {
        return Err(wrong("it is not an interface".into()));
    };
    let types = component_type.instance_type();
    for name in ["describe", "evaluate", "explain"] {
        let Some(ComponentItem::ComponentFunc(function)) =
            instance.get_export(engine, name).map(|export| export.ty)
        else {
            return Err(wrong(format!("the function `{name}` is missing")));
        };
        let checked = match name {
            "describe" => function.typecheck::<(&str,), (Result<Manifest, Refusal>,)>(&types),
            "evaluate" => function.typecheck::<(&str, &Context, &Batch), (Result<Outcome, Refusal>,)>(&types),
            _ => function.typecheck::<(&str, &Context, &Batch, u32), (Result<Vec<Step>, Refusal>,)>(&types),
        };
        checked.map_err(|error| {
            wrong(format!("the function `{name}` does not have the contract's types: {error:#}"))
        })?;
    }
    Ok(())
}
