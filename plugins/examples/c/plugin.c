// Graduated commission on attainment: 5% of the revenue up to the quota, 8% from there to 120% of it, 12% above.
// Below half the quota nothing is paid.
#include "merit.h"

// Beyond that (in cents) the products below would not fit 64 bits.
#define LARGEST 100000000000000LL

static const input INPUTS[] = {{T("revenue"), NUMBER, 2, 1}, {T("quota"), NUMBER, 2, 1}};
static const output OUTPUTS[] = {{T("commission"), PAYOUT, 0}};

typedef struct { i64 below, middle, above; } slices; // 5 decimals each

// What each slice of the revenue earns: cents times 10 are 3 decimals, times a rate of 2 decimals are 5.
static slices earn(i64 revenue, i64 quota) {
  if (quota <= 0 || 2 * revenue < quota) return (slices){0, 0, 0};
  i64 first = 10 * quota, second = 12 * quota, earned = 10 * revenue;
  i64 below = earned < first ? earned : first;
  i64 middle = earned <= first ? 0 : (earned < second ? earned : second) - first;
  i64 above = earned <= second ? 0 : earned - second;
  return (slices){5 * below, 8 * middle, 12 * above};
}

static i64 total(slices s) { return s.below + s.middle + s.above; }

static int too_large(i64 value) { return value > LARGEST || value < -LARGEST; }

EXPORT("merit:scoring/plugin@1.0.0#describe") answer *describe(const char *parameters, u32 length) {
  if (!same((text){parameters, length}, T("{}"))) return refuse(BAD_PARAMETERS, T("takes no parameters: give {}"));
  answer *given = take(sizeof(answer));
  given->refused = 0;
  given->is.manifest = (manifest){
      T("Graduated commission on attainment, with a gate at half the quota."), ROW, INPUTS, 2, 0, 0, OUTPUTS, 1};
  return given;
}

EXPORT("merit:scoring/plugin@1.0.0#evaluate") answer *evaluate(const question *asked) {
  const batch *rows = &asked->batch;
  const i64 *revenue = rows->columns.items[0].values.decimals.unscaled;
  const i64 *quota = rows->columns.items[1].values.decimals.unscaled;
  i64 *paid = take(rows->rows * sizeof(i64));
  fault *faults = take(rows->rows * sizeof(fault));
  u32 faulted = 0;
  for (u32 row = 0; row < rows->rows; row++) {
    paid[row] = 0;
    if (too_large(revenue[row]) || too_large(quota[row])) {
      faults[faulted++] = (fault){row, T("more than a million million")};
      continue;
    }
    paid[row] = round_to(total(earn(revenue[row], quota[row])), 5, asked->context.currency_scale, asked->context.rounding);
  }
  column *commission = take(sizeof(column));
  *commission = (column){.name = T("commission"), .kind = DECIMALS};
  commission->values.decimals = (decimals){asked->context.currency_scale, paid, rows->rows};
  // A list always points into memory, even where it is empty; so does a row without a value count as missing.
  u32 *missing = take(rows->rows * sizeof(u32));
  for (u32 i = 0; i < faulted; i++) missing[i] = faults[i].row;
  commission->missing = (indexes){missing, faulted};
  answer *given = take(sizeof(answer));
  given->refused = 0;
  given->is.outcome = (outcome){{commission, 1}, faults, faulted};
  return given;
}

static step part(const char *label, u32 length, i64 unscaled, text note) {
  return (step){{label, length}, 1, T("commission"), unscaled, 5, note};
}

EXPORT("merit:scoring/plugin@1.0.0#explain") answer *explain(const question *asked) {
  u32 row = asked->row;
  i64 revenue = asked->batch.columns.items[0].values.decimals.unscaled[row];
  i64 quota = asked->batch.columns.items[1].values.decimals.unscaled[row];
  answer *given = take(sizeof(answer));
  given->refused = 0;
  step *list = take(4 * sizeof(step));
  given->is.steps = (steps){list, 0};
  if (too_large(revenue) || too_large(quota)) return given;
  slices earned = earn(revenue, quota);
  int scale = asked->context.currency_scale;
  i64 paid = round_to(total(earned), 5, scale, asked->context.rounding);
  i64 rounding = round_to(paid, scale, 5, HALF_UP) - total(earned);
  u32 count = 0;
  list[count++] = part("up to the quota", 15, earned.below, T("5% of the slice"));
  if (earned.middle) list[count++] = part("up to 120% of the quota", 23, earned.middle, T("8% of the slice"));
  if (earned.above) list[count++] = part("above", 5, earned.above, T("12% of the slice"));
  if (rounding) list[count++] = part("rounding", 8, rounding, T("to the currency's decimals"));
  given->is.steps.length = count;
  return given;
}
