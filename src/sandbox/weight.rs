//! What an instance of a component takes of the host, beside the linear memory and the tables that the meter counts: found
//! in its bytes, before anything of it is compiled. Whatever an instance has a copy of counts as often as it is instantiated.

use std::ops::AddAssign;

use wasmparser::{
    BinaryReaderError, ComponentAlias, ComponentExternalKind, ComponentInstance, ComponentOuterAliasKind,
    ComponentTypeRef, DataKind, ElementItems, Encoding, Instance, Payload,
};

use super::{
    limits::{INSTANCES, MEMORIES, TABLES},
    verdict::Verdict,
};

/// Bytes of the host that an instance may take for what it is made of.
const HOST_BYTES: u64 = 16 << 20;

/// Bytes of the host for an instance of a module, for an entry of each kind that it has a copy of, and for a function between
/// the component and its host.
const INSTANCE: u64 = 1_024;
const GLOBAL: u64 = 16;
const FUNCTION: u64 = 32;
const IMPORT: u64 = 32;
const ELEMENT: u64 = 16;
const SEGMENT: u64 = 64;
const CANONICAL: u64 = 64;

/// Bytes that are set up for a unit of fuel: what an instance is made of, and what is copied into its memory at most.
const BYTES_PER_FUEL: u64 = 16;
const DATA_PER_FUEL: u64 = 64;

/// What an instance takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weight {
    instances: u64,
    memories: u64,
    tables: u64,
    host_bytes: u64,
    data_bytes: u64,
}

/// What is known of a module or component that can be instantiated; nothing of one that is handed in.
type Known = Option<Weight>;

/// A module or component under way.
#[derive(Default)]
struct Frame {
    is_module: bool,
    weight: Weight,
    modules: Vec<Known>,
    components: Vec<Known>,
}

/// Weighs a component while it is walked through.
#[derive(Default)]
pub struct Scales {
    /// The outermost first.
    frames: Vec<Frame>,
    whole: Weight,
    is_unknown: bool,
}

// === impl Weight ===

impl Weight {
    /// The fuel that making an instance costs.
    pub fn fuel(self) -> u64 {
        (self.host_bytes / BYTES_PER_FUEL).saturating_add(self.data_bytes / DATA_PER_FUEL)
    }

    /// Holds it to what any plugin may take.
    fn check(self) -> Result<Self, Verdict> {
        let counted = [
            ("core instances", self.instances, INSTANCES as u64),
            ("memories", self.memories, MEMORIES as u64),
            ("tables", self.tables, TABLES as u64),
            ("bytes for globals, functions and elements", self.host_bytes, HOST_BYTES),
        ];
        match counted.into_iter().find(|(_, used, most)| used > most) {
            Some((what, used, most)) => Err(Verdict::is_too_much(what, used, most)),
            None => Ok(self),
        }
    }

    fn take(&mut self, count: u32, bytes: u64) {
        self.host_bytes = self.host_bytes.saturating_add(u64::from(count).saturating_mul(bytes));
    }
}

impl AddAssign for Weight {
    fn add_assign(&mut self, other: Self) {
        self.instances = self.instances.saturating_add(other.instances);
        self.memories = self.memories.saturating_add(other.memories);
        self.tables = self.tables.saturating_add(other.tables);
        self.host_bytes = self.host_bytes.saturating_add(other.host_bytes);
        self.data_bytes = self.data_bytes.saturating_add(other.data_bytes);
    }
}

// === impl Scales ===

impl Scales {
    /// What an instance of the component takes, all of which was walked through.
    pub fn result(self) -> Result<Weight, Verdict> {
        if self.is_unknown {
            return Err(Verdict::invalid_component(
                "it instantiates a module or component that is handed from one part to another, so that what an instance takes \
                 cannot be told; instantiate it where it is defined",
            ));
        }
        self.whole.check()
    }

    /// Takes in what comes next.
    pub fn add(&mut self, payload: &Payload<'_>) -> Result<(), BinaryReaderError> {
        match payload {
            Payload::Version { encoding, .. } => {
                let is_module = *encoding == Encoding::Module;
                let instances = u64::from(is_module);
                let weight = Weight { instances, host_bytes: instances * INSTANCE, ..Weight::default() };
                self.frames.push(Frame { is_module, weight, ..Frame::default() });
            }
            Payload::End(_) => self.end(),
            payload => {
                let Some(frame) = self.frames.last_mut() else { return Ok(()) };
                if frame.is_module {
                    frame.add_of_module(payload)?;
                } else {
                    self.add_of_component(payload)?;
                }
            }
        }
        Ok(())
    }

    fn end(&mut self) {
        let Some(Frame { is_module, weight, .. }) = self.frames.pop() else { return };
        match self.frames.last_mut() {
            Some(outer) if is_module => outer.modules.push(Some(weight)),
            Some(outer) => outer.components.push(Some(weight)),
            None => self.whole = weight,
        }
    }

    fn add_of_component(&mut self, payload: &Payload<'_>) -> Result<(), BinaryReaderError> {
        match payload {
            Payload::InstanceSection(section) => {
                for instance in section.clone() {
                    if let Instance::Instantiate { module_index, .. } = instance? {
                        self.instantiate(module_index, |frame| &frame.modules);
                    }
                }
            }
            Payload::ComponentInstanceSection(section) => {
                for instance in section.clone() {
                    if let ComponentInstance::Instantiate { component_index, .. } = instance? {
                        self.instantiate(component_index, |frame| &frame.components);
                    }
                }
            }
            Payload::ComponentCanonicalSection(section) => {
                self.frame(0).into_iter().for_each(|frame| frame.weight.take(section.count(), CANONICAL));
            }
            Payload::ComponentImportSection(section) => {
                for import in section.clone() {
                    match import?.ty {
                        ComponentTypeRef::Module(_) => self.define(ComponentExternalKind::Module, None),
                        ComponentTypeRef::Component(_) => self.define(ComponentExternalKind::Component, None),
                        _ => {}
                    }
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section.clone() {
                    // What is exported is defined once more.
                    let export = export?;
                    let known = self.known(0, export.kind, export.index);
                    self.define(export.kind, known);
                }
            }
            Payload::ComponentAliasSection(section) => {
                for alias in section.clone() {
                    self.alias(&alias?);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn alias(&mut self, alias: &ComponentAlias<'_>) {
        match alias {
            ComponentAlias::InstanceExport { kind, .. } => self.define(*kind, None),
            ComponentAlias::Outer { kind, count, index } => {
                let kind = match kind {
                    ComponentOuterAliasKind::CoreModule => ComponentExternalKind::Module,
                    ComponentOuterAliasKind::Component => ComponentExternalKind::Component,
                    ComponentOuterAliasKind::CoreType | ComponentOuterAliasKind::Type => return,
                };
                let known = self.known(*count, kind, *index);
                self.define(kind, known);
            }
            ComponentAlias::CoreInstanceExport { .. } => {}
        }
    }

    /// The component under way, or so many outside of it.
    fn frame(&mut self, outward: u32) -> Option<&mut Frame> {
        let place = self.frames.len().checked_sub(1 + usize::try_from(outward).ok()?)?;
        self.frames.get_mut(place)
    }

    fn known(&mut self, outward: u32, kind: ComponentExternalKind, index: u32) -> Known {
        let index = usize::try_from(index).ok()?;
        let frame = self.frame(outward)?;
        match kind {
            ComponentExternalKind::Module => frame.modules.get(index).copied().flatten(),
            ComponentExternalKind::Component => frame.components.get(index).copied().flatten(),
            _ => None,
        }
    }

    fn define(&mut self, kind: ComponentExternalKind, known: Known) {
        let Some(frame) = self.frame(0) else { return };
        match kind {
            ComponentExternalKind::Module => frame.modules.push(known),
            ComponentExternalKind::Component => frame.components.push(known),
            _ => {}
        }
    }

    fn instantiate(&mut self, index: u32, of: impl Fn(&Frame) -> &Vec<Known>) {
        let Some(frame) = self.frames.last_mut() else { return };
        let known = usize::try_from(index).ok().and_then(|index| of(frame).get(index).copied().flatten());
        match known {
            Some(weight) => frame.weight += weight,
            None => self.is_unknown = true,
        }
    }
}

// === impl Frame ===

impl Frame {
    fn add_of_module(&mut self, payload: &Payload<'_>) -> Result<(), BinaryReaderError> {
        match payload {
            Payload::ImportSection(section) => self.weight.take(section.count(), IMPORT),
            Payload::FunctionSection(section) => self.weight.take(section.count(), FUNCTION),
            Payload::GlobalSection(section) => self.weight.take(section.count(), GLOBAL),
            Payload::TableSection(section) => self.weight.tables += u64::from(section.count()),
            Payload::MemorySection(section) => self.weight.memories += u64::from(section.count()),
            Payload::ElementSection(section) => {
                self.weight.take(section.count(), SEGMENT);
                for element in section.clone() {
                    let items = match element?.items {
                        ElementItems::Functions(items) => items.count(),
                        ElementItems::Expressions(_, items) => items.count(),
                    };
                    self.weight.take(items, ELEMENT);
                }
            }
            Payload::DataSection(section) => {
                self.weight.take(section.count(), SEGMENT);
                for data in section.clone() {
                    let data = data?;
                    if matches!(data.kind, DataKind::Active { .. }) {
                        let bytes = data.data.len() as u64;
                        self.weight.data_bytes = self.weight.data_bytes.saturating_add(bytes);
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }
}
