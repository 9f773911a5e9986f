//! The plugins that ship with the server: built components, checked into the repository with a record of their sources.

use std::sync::LazyLock;

/// A plugin that ships with the server.
pub struct StandardPlugin {
    /// The id: `formula`.
    pub id: &'static str,
    /// What it does, in a line.
    pub summary: &'static str,
    /// The component.
    pub component: &'static [u8],
}

// === impl StandardPlugin ===

impl StandardPlugin {
    /// The component's BLAKE3 hash; made once.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        static HASHES: LazyLock<Vec<(&str, [u8; 32])>> = LazyLock::new(|| {
            let hash = |plugin: &StandardPlugin| (plugin.id, *blake3::hash(plugin.component).as_bytes());
            STANDARD_PLUGINS.iter().map(hash).collect()
        });
        let known = HASHES.iter().find(|(id, _)| *id == self.id);
        known.map_or_else(|| *blake3::hash(self.component).as_bytes(), |(_, hash)| *hash)
    }
}

/// The standard plugin that formula sheets are parameters of.
pub const FORMULA: &str = "formula";

/// All of them, by id.
pub const STANDARD_PLUGINS: &[StandardPlugin] = &[
    StandardPlugin {
        id: FORMULA,
        summary: "Scores by a sheet of formulas.",
        component: include_bytes!("../../plugins/standard/built/formula.wasm"),
    },
    StandardPlugin {
        id: "matrix",
        summary: "Looks a value up in a two-way table, with lines between its points.",
        component: include_bytes!("../../plugins/standard/built/matrix.wasm"),
    },
    StandardPlugin {
        id: "milestone_bonus",
        summary: "Pays a bonus for milestones, achieved or by degree.",
        component: include_bytes!("../../plugins/standard/built/milestone_bonus.wasm"),
    },
    StandardPlugin {
        id: "pool_share",
        summary: "Shares a pool among a group by score, adding up to the last cent.",
        component: include_bytes!("../../plugins/standard/built/pool_share.wasm"),
    },
    StandardPlugin {
        id: "ranking",
        summary: "Ranks a group, with ties by a named method, prizes and grades.",
        component: include_bytes!("../../plugins/standard/built/ranking.wasm"),
    },
    StandardPlugin {
        id: "threshold_bonus",
        summary: "Pays a bonus for reaching thresholds.",
        component: include_bytes!("../../plugins/standard/built/threshold_bonus.wasm"),
    },
    StandardPlugin {
        id: "tiered_commission",
        summary: "Pays commission by tiers, on the total or deal by deal.",
        component: include_bytes!("../../plugins/standard/built/tiered_commission.wasm"),
    },
    StandardPlugin {
        id: "weighted_scorecard",
        summary: "Scores measures against their targets, weighted, with grades.",
        component: include_bytes!("../../plugins/standard/built/weighted_scorecard.wasm"),
    },
];

/// The standard plugin of an id.
#[must_use]
pub fn find(id: &str) -> Option<&'static StandardPlugin> {
    STANDARD_PLUGINS.iter().find(|plugin| plugin.id == id)
}

/// Whether a component is one of them. They are tested before they ship, and nobody's rows depend on others.
#[must_use]
pub fn ships(component: &[u8; 32]) -> bool {
    STANDARD_PLUGINS.iter().any(|plugin| plugin.hash() == *component)
}

/// The component of the standard plugin of an id.
#[must_use]
pub fn component(id: &str) -> Option<&'static [u8]> {
    find(id).map(|plugin| plugin.component)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_by_id_and_each_is_a_component() {
        assert!(STANDARD_PLUGINS.is_sorted_by_key(|plugin| plugin.id));
        for plugin in STANDARD_PLUGINS {
            // The magic number, then the version and layer that tell a component from a module.
            assert_eq!(plugin.component[..8], *b"\0asm\x0d\0\x01\0", "{}", plugin.id);
            assert!(find(plugin.id).is_some());
        }
        assert!(find("nothing").is_none());
    }
}
