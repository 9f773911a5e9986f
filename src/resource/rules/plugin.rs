//! Revisions of plugins: what a change of their state sets besides, and what it does to other records.

use prost::Message;

use crate::{
    model::{
        name::Name,
        plugin,
        records::{Records, decode},
        rejection::Rejection,
    },
    proto::v1::PluginRevision,
    resource::record::Record,
};

/// Changes the record beside its state, and answers the other records that change with it.
pub(super) fn change_state(
    record: &mut Record,
    caller: &str,
    records: &dyn Records,
) -> Result<Vec<(Name, Vec<u8>)>, Rejection> {
    let mut revision: PluginRevision = decode(&record.encode())?;
    let changed = plugin::change_state(&mut revision, caller, records)?;
    if let Some(approver) = record.plan().by_name("approver") {
        record.set(approver.number, crate::resource::record::Value::Text(revision.approver));
    }
    let mut others = Vec::new();
    if let Some(former) = changed.former {
        others.push((Name::parse(&former.name)?, former.encode_to_vec()));
    }
    if let Some(plugin) = changed.plugin {
        others.push((Name::parse(&plugin.name)?, plugin.encode_to_vec()));
    }
    Ok(others)
}
