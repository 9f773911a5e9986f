//! What makes a type the plugin that a crate builds: the contract's functions, exported. What they do is `plugin.rs`.

/// Makes a type that implements [`Scorer`](crate::Scorer) or [`Plugin`](crate::Plugin) the plugin that this crate builds;
/// with `group` before it, one that implements [`GroupScorer`](crate::GroupScorer).
#[macro_export]
macro_rules! export {
    (group $plugin:ty) => {
        impl $crate::Plugin for $plugin {
            fn new(
                parameters: &$crate::Parameters<'_>,
            ) -> ::core::result::Result<Self, $crate::ParameterError> {
                <Self as $crate::GroupScorer>::new(parameters)
            }

            fn manifest(&self) -> $crate::Manifest {
                $crate::GroupScorer::manifest(self)
            }

            fn evaluate(
                &self,
                context: &$crate::Context,
                batch: &$crate::Batch,
            ) -> ::core::result::Result<$crate::Outcome, $crate::Refusal> {
                $crate::reexports::evaluate_group(self, context, batch)
            }

            fn explain(
                &self,
                context: &$crate::Context,
                batch: &$crate::Batch,
                row: u32,
            ) -> ::core::result::Result<$crate::reexports::Vec<$crate::Step>, $crate::Refusal> {
                $crate::reexports::explain_group(self, context, batch, row)
            }
        }

        $crate::export!($plugin);
    };
    ($plugin:ty) => {
        #[doc(hidden)]
        #[allow(dead_code)]
        struct ExportedPlugin;

        impl $crate::bindings::exports::merit::scoring::plugin::Guest for ExportedPlugin {
            fn describe(
                parameters: $crate::reexports::String,
            ) -> ::core::result::Result<$crate::Manifest, $crate::Refusal> {
                $crate::reexports::describe::<$plugin>(&parameters)
            }

            fn evaluate(
                parameters: $crate::reexports::String,
                context: $crate::Context,
                batch: $crate::Batch,
            ) -> ::core::result::Result<$crate::Outcome, $crate::Refusal> {
                $crate::reexports::evaluate::<$plugin>(&parameters, &context, &batch)
            }

            fn explain(
                parameters: $crate::reexports::String,
                context: $crate::Context,
                batch: $crate::Batch,
                row: u32,
            ) -> ::core::result::Result<$crate::reexports::Vec<$crate::Step>, $crate::Refusal> {
                $crate::reexports::explain::<$plugin>(&parameters, &context, &batch, row)
            }
        }

        // Elsewhere (in the plugin's own tests) linkers do not take such names.
        #[cfg(target_family = "wasm")]
        $crate::bindings::export_bindings!(ExportedPlugin with_types_in $crate::bindings);
    };
}

/// What [`export!`] needs of this crate; of no use by itself.
#[doc(hidden)]
pub mod reexports {
    pub use crate::plugin::{describe, evaluate, evaluate_group, explain, explain_group};
    pub use alloc::{string::String, vec::Vec};
}
