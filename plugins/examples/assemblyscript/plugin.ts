// Graduated commission on attainment: 5% of the revenue up to the quota, 8% from there to 120% of it, 12% above.
// Below half the quota nothing is paid.
import { Input, Kind, Outcome, Output, Question, Refusal, Role, Rounding, Steps, manifest, refuse, rounded, text } from './merit';

export { cabi_realloc } from './merit';

// Beyond that (in cents) the products below would not fit 64 bits.
const LARGEST: i64 = 100_000_000_000_000;

// What the slices of the revenue earn. Cents times 10 are 3 decimals, times a rate of 2 decimals are 5.
class Slices {
  below: i64 = 0;
  middle: i64 = 0;
  above: i64 = 0;

  constructor(revenue: i64, quota: i64) {
    if (quota > 0 && 2 * revenue >= quota) this.earn(revenue, quota);
  }

  private earn(revenue: i64, quota: i64): void {
    const earned = 10 * revenue, first = 10 * quota, second = 12 * quota;
    this.below = 5 * min(earned, first);
    this.middle = 8 * max(min(earned, second) - first, 0);
    this.above = 12 * max(earned - second, 0);
  }

  get total(): i64 { return this.below + this.middle + this.above; }
}

function tooLarge(value: i64): bool { return value > LARGEST || value < -LARGEST; }

export function describe(data: u32, length: u32): u32 {
  if (text(data, length) != '{}') return refuse(Refusal.BadParameters, 'takes no parameters: give {}');
  return manifest(
    'Graduated commission on attainment, with a gate at half the quota.',
    [new Input('revenue', Kind.Number, 2, true), new Input('quota', Kind.Number, 2, true)],
    [new Output('commission', Role.Payout, 0)],
  );
}

export function evaluate(at: u32): u32 {
  const asked = new Question(at);
  const outcome = new Outcome(1, asked.rows);
  const paid = outcome.numbers(0, 'commission', asked.currencyScale);
  for (let row: u32 = 0; row < asked.rows; row++) {
    const revenue = asked.number(0, row), quota = asked.number(1, row);
    if (tooLarge(revenue) || tooLarge(quota)) {
      outcome.fault(row, 'more than a million million');
      continue;
    }
    const total = new Slices(revenue, quota).total;
    store<i64>(paid + row * 8, rounded(total, 5, asked.currencyScale, asked.rounding));
  }
  return outcome.answer();
}

export function explain(at: u32): u32 {
  const asked = new Question(at);
  const steps = new Steps(4);
  const revenue = asked.number(0, asked.row), quota = asked.number(1, asked.row);
  if (tooLarge(revenue) || tooLarge(quota)) return steps.answer();
  const earned = new Slices(revenue, quota), scale = asked.currencyScale;
  const paid = rounded(earned.total, 5, scale, asked.rounding);
  const rest = rounded(paid, scale, 5, Rounding.HalfUp) - earned.total;
  steps.add('up to the quota', 'commission', earned.below, 5, '5% of the slice');
  if (earned.middle) steps.add('up to 120% of the quota', 'commission', earned.middle, 5, '8% of the slice');
  if (earned.above) steps.add('above', 'commission', earned.above, 5, '12% of the slice');
  if (rest) steps.add('rounding', 'commission', rest, 5, "to the currency's decimals");
  return steps.answer();
}
