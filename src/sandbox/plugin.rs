//! A loaded plugin and its calls: a fresh store and instance for each, held to the limits, its answer held to the contract.

use std::{sync::Arc, time::Instant};

use wasmtime::{Engine, Store, UpdateDeadline};

use super::{
    Batch, Context, Limits, Manifest, Outcome, Step,
    census::Census,
    contract::{Answer, Contract, Instance, Question},
    explanation,
    limits::{Interrupted, Meter, Size},
    manifest, outcome,
    patience::Patience,
    verdict::{Call, Verdict},
    weight::Weight,
};

/// A plugin, compiled and ready to be called from any thread. Cheap to clone. Every call has an instance of its own, so
/// nothing that a plugin remembers lasts longer than a call.
///
/// Calls block, and need a stack of 1 MiB.
#[derive(Clone)]
pub struct Plugin {
    inner: Arc<Inner>,
    patience: Patience,
}

struct Inner {
    hash: [u8; 32],
    engine: Engine,
    contract: Contract,
    weight: Weight,
    code_bytes: usize,
    census: Arc<Census>,
}

// === impl Plugin ===

impl Plugin {
    pub(super) fn new(
        hash: [u8; 32],
        engine: Engine,
        contract: Contract,
        weight: Weight,
        code_bytes: usize,
        census: Arc<Census>,
    ) -> Self {
        let inner = Inner { hash, engine, contract, weight, code_bytes, census };
        Self { inner: Arc::new(inner), patience: Patience::default() }
    }

    /// The same plugin, whose calls are stopped when nobody waits for them any more.
    #[must_use]
    pub fn waiting(&self, patience: &Patience) -> Self {
        Self { inner: Arc::clone(&self.inner), patience: patience.clone() }
    }

    /// The component's BLAKE3 hash.
    pub fn hash(&self) -> [u8; 32] {
        self.inner.hash
    }

    /// Bytes of machine code and data that are loaded.
    pub(super) fn code_bytes(&self) -> usize {
        self.inner.code_bytes
    }

    /// What the compiler made of the component.
    pub(super) fn compiled(&self) -> wasmtime::Result<Vec<u8>> {
        self.inner.contract.component().serialize()
    }

    /// What the plugin needs and gives under these parameters.
    ///
    /// # Errors
    /// `BAD_PARAMETERS` when the plugin refuses them; `CONTRACT_VIOLATION` when its manifest names columns that cannot be;
    /// else what stopped it.
    pub fn describe(&self, parameters: &str, limits: &Limits) -> Result<Manifest, Verdict> {
        let call = Call { function: "describe", size: Size::NONE, limits };
        self.call(call, |instance, store| instance.describe(store, parameters)).and_then(manifest::check)
    }

    /// Scores a batch. The outcome is checked against the manifest: columns, kinds, scales, rows, faults.
    ///
    /// A verdict names a row where the answer shows it. Else which row it is shows when parts of the batch are called alone.
    ///
    /// # Errors
    /// `BAD_PARAMETERS` and `BAD_BATCH` when the plugin refuses; `CONTRACT_VIOLATION`; else what stopped it.
    pub fn evaluate(
        &self,
        parameters: &str,
        context: &Context,
        manifest: &Manifest,
        batch: &Batch,
        limits: &Limits,
    ) -> Result<Outcome, Verdict> {
        let call = Call { function: "evaluate", size: Size::of(batch, manifest.scope), limits };
        let question = Question { parameters, context, batch };
        self.call(call, |instance, store| instance.evaluate(store, question))
            .and_then(|answer| outcome::check(answer, manifest, context, batch.rows))
    }

    /// Explains a row of the batch. Whether the steps add up to the outputs is [`super::verify_steps`]'s matter.
    ///
    /// # Errors
    /// As for `evaluate`; the verdict names the row.
    pub fn explain(
        &self,
        parameters: &str,
        context: &Context,
        manifest: &Manifest,
        batch: &Batch,
        row: u32,
        limits: &Limits,
    ) -> Result<Vec<Step>, Verdict> {
        let call = Call { function: "explain", size: Size::of(batch, manifest.scope), limits };
        let question = Question { parameters, context, batch };
        self.call(call, |instance, store| instance.explain(store, question, row))
            .and_then(|steps| explanation::check(steps, manifest))
            .map_err(|verdict| verdict.at_row(row))
    }

    /// Makes a store and an instance, calls, and drops both.
    fn call<T>(
        &self,
        call: Call<'_>,
        function: impl FnOnce(&Instance, &mut Store<Meter>) -> Answer<T>,
    ) -> Result<T, Verdict> {
        self.patience.begin();
        if let Some(over) = self.patience.over() {
            return Err(call.interrupted(Interrupted::Unwanted(over)));
        }
        let mut store = self.store(&call)?;
        let answer = self.instantiate(&mut store, &call).and_then(|instance| {
            function(&instance, &mut store).map_err(|error| Verdict::of_call(&error, &call))
        })?;
        answer.map_err(|refusal| Verdict::refused(refusal, &call))
    }

    /// A store with the fuel of the call, less what making the instance costs.
    fn store(&self, call: &Call<'_>) -> Result<Store<Meter>, Verdict> {
        let fuel = call.size.fuel(call.limits).checked_sub(self.inner.weight.fuel());
        let fuel = fuel.ok_or_else(|| call.out_of_fuel())?;
        let meter = Meter::new(call.limits, self.inner.census.count());
        let mut store = Store::new(&self.inner.engine, meter);
        store.limiter(|meter| meter);
        store.set_fuel(fuel).expect("the engine counts fuel");
        let (start, patience) = (Instant::now(), self.patience.clone());
        let wall_time = call.size.wall_time(call.limits);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |_| match patience.over() {
            Some(over) => Err(Interrupted::Unwanted(over).into()),
            None if start.elapsed() >= wall_time => Err(Interrupted::WallTime.into()),
            None => Ok(UpdateDeadline::Continue(1)),
        });
        store.set_hostcall_fuel(call.limits.output_bytes);
        Ok(store)
    }

    /// Makes the instance and charges its fuel for the memory that it begins with.
    fn instantiate(&self, store: &mut Store<Meter>, call: &Call<'_>) -> Result<Instance, Verdict> {
        let instance =
            self.inner.contract.instantiate(store).map_err(|error| Verdict::of_call(&error, call))?;
        let left = store.get_fuel().expect("the engine counts fuel");
        let Some(left) = left.checked_sub(store.data().fuel_of_memory()) else {
            return Err(call.out_of_fuel());
        };
        store.set_fuel(left).expect("the engine counts fuel");
        Ok(instance)
    }
}
