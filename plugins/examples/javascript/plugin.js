// Graduated commission on attainment: 5% of the revenue up to the quota, 8% from there to 120% of it, 12% above.
// Below half the quota nothing is paid.
import { scoring } from './merit.js';

const least = (a, b) => (a < b ? a : b);

export const plugin = scoring({
  manifest(parameters) {
    if (parameters !== '{}') throw new Error('takes no parameters: give {}');
    return {
      summary: 'Graduated commission on attainment, with a gate at half the quota.',
      inputs: { revenue: { scale: 2 }, quota: { scale: 2 } },
      outputs: { commission: { role: 'payout' } },
    };
  },

  // What each slice of the revenue earns. Cents times 10 are 3 decimals, times a rate of 2 decimals are 5.
  score({ revenue, quota }) {
    const step = (label, amount, note) => ({ output: 'commission', label, amount, scale: 5, note });
    if (quota <= 0n || 2n * revenue < quota) return [step('nothing', 0n, 'below half the quota')];
    const [earned, first, second] = [10n * revenue, 10n * quota, 12n * quota];
    const above = (bound) => (earned > bound ? earned - bound : 0n);
    return [
      step('up to the quota', 5n * least(earned, first), '5% of the slice'),
      step('up to 120% of the quota', 8n * least(above(first), second - first), '8% of the slice'),
      step('above', 12n * above(second), '12% of the slice'),
    ].filter((slice) => slice.amount);
  },
});
