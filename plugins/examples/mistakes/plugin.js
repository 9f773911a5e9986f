// What an author may get wrong in JavaScript, by the parameters: tests/sandbox/mistakes.rs demands that each is told.
import { scoring } from '../javascript/merit.js';

const manifests = {
  throw: () => { throw new Error('no such plan'); },
  name: () => summery,
  field: () => ({ summary: '', input: {}, outputs: { pay: { role: 'payout' } } }),
  column: () => ({ summary: '', inputs: { revenue: { decimals: 2 } }, outputs: { pay: { role: 'payout' } } }),
  role: () => ({ summary: '', outputs: { pay: { role: 'payot' } } }),
};

const step = { output: 'pay', label: 'all', amount: 1n, scale: 0, note: '' };
const scores = {
  fine: () => [step],
  'throw later': () => { throw new Error('oops'); },
  'name later': () => revenu,
  output: () => [{ ...step, output: 'pai' }],
  amount: () => [{ ...step, amount: 1 }],
  scale: () => [{ ...step, scale: 13 }],
  grade: () => [{ output: 'pay', grade: 'A' }],
  large: () => [{ ...step, amount: 2n ** 60n }],
};

export const plugin = scoring({
  manifest(parameters) {
    plugin.mistake = JSON.parse(parameters).mistake;
    const wrong = manifests[plugin.mistake];
    return wrong ? wrong() : { summary: '', inputs: { revenue: {} }, outputs: { pay: { role: 'payout' } } };
  },

  score: () => scores[plugin.mistake](),
});
