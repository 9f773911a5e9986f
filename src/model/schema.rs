//! What each collection is made of, read once from the descriptors and the options on them: fields by path, kinds,
//! rules. The only place that reads the options.

use std::{collections::BTreeMap, sync::LazyLock};

use prost_reflect::{
    DynamicMessage, ExtensionDescriptor, FieldDescriptor, Kind as ProtoKind, MessageDescriptor,
};

use super::name::{ID_MAX_BYTES, Name};
use crate::proto::{
    descriptors,
    v1::{self, method_rule::Standard},
};

/// What a value of a field is, to the expression language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// An exact decimal, kept with this many decimals in a column.
    Number {
        /// Decimals.
        scale: u8,
    },
    /// A text.
    Text,
    /// True or false.
    Boolean,
    /// A calendar date.
    Date,
    /// An instant, compared as the date in the team's time zone.
    Timestamp,
    /// One of the names of an enum, without the prefix that the enum's values share.
    Enum,
    /// The name of a resource of another collection, or of the same.
    Reference,
}

/// A field of a collection that expressions can name.
#[derive(Clone, Debug)]
pub struct Field {
    /// Proto names, dotted into messages: `amount`, `labels.region` for a map is asked by `labels.` and the key.
    pub path: String,
    /// The descriptors from the resource's message down to the field.
    pub descriptors: Vec<FieldDescriptor>,
    /// What a value of it is.
    pub kind: FieldKind,
    /// The collection referred to, for a reference.
    pub reference: Option<String>,
    /// True for a map from text to text; expressions name its entries, `labels.level`.
    pub map: bool,
}

// === impl Field ===

impl Field {
    /// Every text that a value can be, of an enum; nothing for other kinds, whose values are not listed anywhere.
    #[must_use]
    pub fn values(&self) -> Option<Vec<String>> {
        let ProtoKind::Enum(values) = self.descriptors.last()?.kind() else { return None };
        let named = values.values().filter(|value| value.number() != 0);
        Some(named.map(|value| short_value_name(&value).to_owned()).collect())
    }

    /// What the values look like, where this text is none: the empty text, which no field has; of a reference, an id alone or the
    /// name of something else.
    #[must_use]
    pub fn form(&self, text: &str) -> Option<String> {
        match &self.reference {
            Some(collection) => reference_form(collection, &self.path, text),
            None => {
                text.is_empty().then(|| format!("{NO_EMPTY_TEXT}: ISMISSING is true where there is none"))
            }
        }
    }
}

/// What the names of a collection look like, which a field has, where this text is none: an id alone, or the name of
/// something else.
#[must_use]
pub fn reference_form(collection: &str, path: &str, text: &str) -> Option<String> {
    let parts: Vec<&str> = text.split('/').collect();
    let is_name = match (collection, &parts[..]) {
        ("teams", ["teams", team]) => !team.is_empty(),
        (_, ["teams", team, of, id]) => *of == collection && !team.is_empty() && !id.is_empty(),
        _ => false,
    };
    let name = if collection == "teams" {
        "teams/{id}".to_owned()
    } else {
        format!("teams/{{team}}/{collection}/{{id}}")
    };
    let missing = if text.is_empty() {
        format!("; ISMISSING({path}) is true where there is none")
    } else {
        String::new()
    };
    (!is_name).then(|| format!("a name such as {name}{missing}"))
}

/// What a collection is made of.
#[derive(Clone, Debug)]
pub struct Schema {
    /// `accountManagers`.
    pub collection: String,
    /// The resource's message.
    pub message: MessageDescriptor,
    /// Served from elsewhere than the store.
    pub computed: bool,
    /// What expressions can name: singular scalars, also in singular messages, and maps; not `etag`, which differs in every
    /// record and says nothing of any. By path.
    pub fields: BTreeMap<String, Field>,
    /// The state field, if there is one.
    pub state: Option<FieldDescriptor>,
    /// The longest id of a record, in bytes.
    pub id_max_bytes: usize,
    /// Whether the id of a record that was deleted is not given again where evidence may name it.
    pub id_once: bool,
}

/// The version of a record.
const ETAG: &str = "etag";

/// What is said of a field that is compared with the empty text.
pub const NO_EMPTY_TEXT: &str = "a text, or missing";

/// Decimals of a number field that does not say how many.
pub const DEFAULT_SCALE: u8 = 4;

/// The schemas of all collections, by collection.
pub fn schemas() -> &'static BTreeMap<String, Schema> {
    static SCHEMAS: LazyLock<BTreeMap<String, Schema>> = LazyLock::new(|| {
        descriptors()
            .all_messages()
            .filter_map(|message| {
                let rule = resource_rule(&message)?;
                Some((rule.collection.clone(), Schema::read(&message, &rule)))
            })
            .collect()
    });
    &SCHEMAS
}

/// The rule on a message, if it is a resource.
#[must_use]
pub fn resource_rule(message: &MessageDescriptor) -> Option<v1::ResourceRule> {
    option(&message.options(), "merit.v1.resource")
}

/// The rule on a field; the default where there is none.
#[must_use]
pub fn field_rule(field: &FieldDescriptor) -> v1::FieldRule {
    option(&field.options(), "merit.v1.field").unwrap_or_default()
}

/// Whether an import takes records of a collection: those that clients both create and update, in a team. A run is neither: it
/// is started.
#[must_use]
pub fn is_imported(schema: &Schema) -> bool {
    let name = schema.message.name();
    let methods = || descriptors().services().flat_map(|service| service.methods().collect::<Vec<_>>());
    let is_there = |wanted: &dyn Fn(&Standard) -> bool| {
        methods().any(|method| method_rule(&method).standard.as_ref().is_some_and(wanted))
    };
    !schema.computed
        && schema.collection != Name::TEAMS
        && is_there(&|standard| matches!(standard, Standard::Create(of) if of == name))
        && is_there(&|standard| matches!(standard, Standard::Update(of) if of == name))
}

/// Whether a message, or one within it, has a field that refers to records of this collection.
#[must_use]
pub fn refers_to(message: &MessageDescriptor, collection: &str) -> bool {
    message.fields().any(|field| {
        let inner = field.kind().as_message().cloned().filter(|inner| {
            inner.package_name() == message.package_name() && inner != message && !inner.is_map_entry()
        });
        field_rule(&field).reference == collection || inner.is_some_and(|inner| refers_to(&inner, collection))
    })
}

/// The rule on a oneof; the default where there is none.
#[must_use]
pub fn oneof_rule(oneof: &prost_reflect::OneofDescriptor) -> v1::OneofRule {
    option(&oneof.options(), "merit.v1.oneof").unwrap_or_default()
}

/// The rule on a value of a state enum; the default where there is none.
#[must_use]
pub fn state_rule(value: &prost_reflect::EnumValueDescriptor) -> v1::StateRule {
    option(&value.options(), "merit.v1.state").unwrap_or_default()
}

/// The rule on a method; the default where there is none.
#[must_use]
pub fn method_rule(method: &prost_reflect::MethodDescriptor) -> v1::MethodRule {
    option(&method.options(), "merit.v1.method").unwrap_or_default()
}

/// The text of an enum value without the prefix that all values of the enum share: `OPPORTUNITY_STAGE_WON` is `WON`.
#[must_use]
pub fn short_value_name(value: &prost_reflect::EnumValueDescriptor) -> &str {
    let zero = value.parent_enum().default_value();
    let prefix = zero.name().strip_suffix("UNSPECIFIED").unwrap_or_default().to_owned();
    let name = value.name();
    // The name is borrowed from the argument, not from the prefix.
    let start = if name.starts_with(&prefix) { prefix.len() } else { 0 };
    &value.name()[start..]
}

fn option<T: prost::Message + Default>(options: &DynamicMessage, extension: &str) -> Option<T> {
    let extension: ExtensionDescriptor = descriptors().get_extension_by_name(extension)?;
    if !options.has_extension(&extension) {
        return None;
    }
    options.get_extension(&extension).as_message()?.transcode_to::<T>().ok()
}

// === impl Schema ===

impl Schema {
    fn read(message: &MessageDescriptor, rule: &v1::ResourceRule) -> Self {
        let mut fields = BTreeMap::new();
        collect(message, &[], &mut fields);
        let state = message.fields().find(|field| field_rule(field).state);
        Self {
            collection: rule.collection.clone(),
            message: message.clone(),
            computed: rule.computed,
            fields,
            state,
            id_max_bytes: match rule.id_max_bytes {
                0 => ID_MAX_BYTES,
                most => most as usize,
            },
            id_once: rule.id_once,
        }
    }

    /// What expressions and orders can name, for people: of a map, its entries.
    #[must_use]
    pub fn known(&self) -> Vec<String> {
        let fields = self.fields.values();
        fields
            .map(|field| if field.map { format!("{}.{{key}}", field.path) } else { field.path.clone() })
            .collect()
    }

    /// The field of a path, where the path may end in an entry of a map.
    #[must_use]
    pub fn field(&self, path: &str) -> Option<&Field> {
        if let Some(field) = self.fields.get(path) {
            return (!field.map).then_some(field);
        }
        let (map, key) = path.rsplit_once('.')?;
        let field = self.fields.get(map)?;
        (field.map && !key.is_empty()).then_some(field)
    }
}

/// Collects what expressions can name in `message`, which is reached by `above`.
fn collect(message: &MessageDescriptor, above: &[FieldDescriptor], fields: &mut BTreeMap<String, Field>) {
    for field in message.fields().filter(|field| !above.is_empty() || field.name() != ETAG) {
        let mut descriptors = above.to_vec();
        descriptors.push(field.clone());
        if let ProtoKind::Message(inner) = field.kind()
            && !field.is_list()
            && !field.is_map()
            && inner.package_name() == message.package_name()
        {
            // Resources do not nest without bound; three levels are what names can say with a straight face.
            if above.len() < 3 {
                collect(&inner, &descriptors, fields);
            }
            continue;
        }
        let Some(kind) = kind(&field) else { continue };
        let path = descriptors.iter().map(FieldDescriptor::name).collect::<Vec<_>>().join(".");
        let rule = field_rule(&field);
        let reference = (!rule.reference.is_empty()).then_some(rule.reference);
        fields.insert(path.clone(), Field { path, descriptors, kind, reference, map: field.is_map() });
    }
}

/// What a value of the field is to the expression language; nothing for what it cannot name.
fn kind(field: &FieldDescriptor) -> Option<FieldKind> {
    if field.is_list() {
        return None;
    }
    let rule = field_rule(field);
    let scale = if rule.scale == 0 { DEFAULT_SCALE } else { u8::try_from(rule.scale).unwrap_or(u8::MAX) };
    match field.kind() {
        ProtoKind::Message(_) if field.is_map() => Some(FieldKind::Text),
        ProtoKind::Message(message) if message.full_name() == "google.protobuf.Timestamp" => {
            Some(FieldKind::Timestamp)
        }
        ProtoKind::Message(_) | ProtoKind::Bytes | ProtoKind::Double | ProtoKind::Float => None,
        ProtoKind::Bool => Some(FieldKind::Boolean),
        ProtoKind::Enum(_) => Some(FieldKind::Enum),
        ProtoKind::String => Some(match rule.format() {
            v1::Format::Decimal | v1::Format::Money => FieldKind::Number { scale },
            v1::Format::Date => FieldKind::Date,
            _ if !rule.reference.is_empty() => FieldKind::Reference,
            _ => FieldKind::Text,
        }),
        ProtoKind::Int32
        | ProtoKind::Int64
        | ProtoKind::Uint32
        | ProtoKind::Uint64
        | ProtoKind::Sint32
        | ProtoKind::Sint64
        | ProtoKind::Fixed32
        | ProtoKind::Fixed64
        | ProtoKind::Sfixed32
        | ProtoKind::Sfixed64 => Some(FieldKind::Number { scale: 0 }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_import_takes_what_clients_create_and_update() {
        let imported: Vec<&str> = schemas()
            .values()
            .filter(|schema| is_imported(schema))
            .map(|schema| schema.collection.as_str())
            .collect();
        for taken in ["accountManagers", "customers", "goals", "measures", "opportunities", "plugins"] {
            assert!(imported.contains(&taken), "{taken} are imported");
        }
        for refused in ["pluginRevisions", "runs", "evaluations", "teams"] {
            assert!(!imported.contains(&refused), "{refused} are not imported");
        }
    }

    #[test]
    fn references_are_found_wherever_they_are() {
        let check = |collection: &str, to: &str, expected: bool| {
            assert_eq!(refers_to(&schemas()[collection].message, to), expected, "{collection} {to}");
        };
        check("accountManagers", "accountManagers", true);
        check("measures", "measures", true);
        check("opportunities", "accountManagers", true);
        check("opportunities", "opportunities", false);
        check("products", "products", false);
    }

    #[test]
    fn a_reference_is_a_name() {
        let check = |field: &str, text: &str, form: Option<&str>| {
            let schema = schemas().values().find(|schema| schema.collection == "opportunities").unwrap();
            assert_eq!(schema.field(field).unwrap().form(text).as_deref(), form, "{field} = {text:?}");
        };
        let owner = "a name such as teams/{team}/accountManagers/{id}";
        check("owner", "teams/west/accountManagers/anna", None);
        check("owner", "anna", Some(owner));
        check("owner", "teams/west/customers/anna", Some(owner));
        check("owner", "teams/west/accountManagers/", Some(owner));
        check("owner", "", Some(&format!("{owner}; ISMISSING(owner) is true where there is none")));
        check("stage", "anything", None);
        check("display_name", "anything", None);
        check("display_name", "", Some("a text, or missing: ISMISSING is true where there is none"));
    }
}
