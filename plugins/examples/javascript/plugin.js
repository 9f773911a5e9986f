// Graduated commission on attainment: 5% of the revenue up to the quota, 8% from there to 120% of it, 12% above.
// Below half the quota nothing is paid.

// Computed in BigInt, so that nothing is rounded on the way. Inputs are cents; rates of two decimals make five with the
// bounds' one.
const SCALE = 5;

// QuickJS hands amounts over as plain numbers, which are exact up to here.
const exact = (number) => {
  if (!Number.isSafeInteger(Number(number))) throw { tag: 'bad-batch', val: `${number} is beyond what is exact here` };
  return BigInt(number);
};

// What each slice of the revenue earns, with SCALE decimals.
function earn(revenue, quota) {
  if (quota <= 0n || 2n * revenue < quota) return [];
  const [earned, first, second] = [10n * revenue, 10n * quota, 12n * quota];
  const least = (a, b) => (a < b ? a : b);
  const above = (bound) => (earned > bound ? earned - bound : 0n);
  return [
    { label: 'up to the quota', amount: 5n * least(earned, first), note: '5% of the slice' },
    { label: 'up to 120% of the quota', amount: 8n * least(above(first), second - first), note: '8% of the slice' },
    { label: 'above', amount: 12n * above(second), note: '12% of the slice' },
  ].filter((part) => part.amount);
}

const total = (slices) => slices.reduce((sum, part) => sum + part.amount, 0n);

// To `scale` decimals: halves away from zero, or to even.
function rounded(unscaled, scale, rounding) {
  if (scale >= SCALE) return unscaled * 10n ** BigInt(scale - SCALE);
  const power = 10n ** BigInt(SCALE - scale);
  const size = unscaled < 0n ? -unscaled : unscaled;
  let whole = size / power;
  const twice = 2n * (size % power);
  if (twice > power || (twice === power && (rounding === 'half-up' || whole % 2n === 1n))) whole += 1n;
  return unscaled < 0n ? -whole : whole;
}

export const plugin = {
  describe(parameters) {
    if (parameters !== '{}') throw { tag: 'bad-parameters', val: 'takes no parameters: give {}' };
    return {
      summary: 'Graduated commission on attainment, with a gate at half the quota.',
      scope: 'row',
      inputs: ['revenue', 'quota'].map((name) => ({ name, kind: 'number', scale: 2, required: true })),
      lineInputs: [],
      outputs: [{ name: 'commission', role: 'payout', scale: 0 }],
    };
  },

  evaluate(parameters, context, batch) {
    const [revenue, quota] = batch.columns.map((column) => column.values.val.unscaled.map(exact));
    const unscaled = Array.from({ length: batch.rows }, (_, row) =>
      Number(rounded(total(earn(revenue[row], quota[row])), context.currencyScale, context.rounding)));
    const values = { tag: 'decimals', val: { scale: context.currencyScale, unscaled } };
    return { columns: [{ name: 'commission', values, missing: [] }], faults: [] };
  },

  explain(parameters, context, batch, row) {
    const [revenue, quota] = batch.columns.map((column) => exact(column.values.val.unscaled[row]));
    const slices = earn(revenue, quota);
    const paid = rounded(total(slices), context.currencyScale, context.rounding);
    const rest = paid * 10n ** BigInt(SCALE - context.currencyScale) - total(slices);
    if (rest) slices.push({ label: 'rounding', amount: rest, note: "to the currency's decimals" });
    return slices.map(({ label, amount, note }) =>
      ({ label, output: 'commission', unscaled: Number(amount), scale: SCALE, note }));
  },
};
