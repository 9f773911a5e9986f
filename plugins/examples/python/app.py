"""Graduated commission on attainment: 5% of the revenue up to the quota, 8% from there to 120% of it, 12% above.
Below half the quota nothing is paid."""

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports import plugin as merit

# Two decimals, as the inputs below ask for; rates of two decimals make five with the bounds' one.
SCALE = 5


def earn(revenue, quota):
    """What each slice of the revenue earns, with SCALE decimals; both in cents."""
    if quota <= 0 or 2 * revenue < quota:
        return []
    earned, first, second = 10 * revenue, 10 * quota, 12 * quota
    slices = [
        ("up to the quota", 5 * min(earned, first), "5% of the slice"),
        ("up to 120% of the quota", 8 * max(min(earned, second) - first, 0), "8% of the slice"),
        ("above", 12 * max(earned - second, 0), "12% of the slice"),
    ]
    return [part for part in slices if part[1]]


def rounded(unscaled, scale, rounding):
    """To `scale` decimals: halves away from zero, or to even."""
    if scale >= SCALE:
        return unscaled * 10 ** (scale - SCALE)
    power = 10 ** (SCALE - scale)
    whole, rest = divmod(abs(unscaled), power)
    up = 2 * rest > power or 2 * rest == power and (rounding == merit.Rounding.HALF_UP or whole % 2 == 1)
    return (whole + up) * (1 if unscaled >= 0 else -1)


def amounts(batch):
    """The revenue and quota of every row."""
    return zip(*(column.values.value.unscaled for column in batch.columns))


class Plugin(exports.Plugin):
    def describe(self, parameters):
        if parameters != "{}":
            raise Err(merit.Refusal_BadParameters("takes no parameters: give {}"))
        number = merit.Kind.NUMBER
        return merit.Manifest(
            summary="Graduated commission on attainment, with a gate at half the quota.",
            scope=merit.Scope.ROW,
            inputs=[merit.Input("revenue", number, 2, True), merit.Input("quota", number, 2, True)],
            line_inputs=[],
            outputs=[merit.Output("commission", merit.Role.PAYOUT, 0)],
        )

    def evaluate(self, parameters, context, batch):
        paid = [
            rounded(sum(part[1] for part in earn(revenue, quota)), context.currency_scale, context.rounding)
            for revenue, quota in amounts(batch)
        ]
        values = merit.Values_Decimals(merit.Decimals(context.currency_scale, paid))
        return merit.Outcome([merit.Column("commission", values, [])], [])

    def explain(self, parameters, context, batch, row):
        slices = earn(*list(amounts(batch))[row])
        total = sum(part[1] for part in slices)
        scale = context.currency_scale
        rest = rounded(total, scale, context.rounding) * 10 ** (SCALE - scale) - total
        if rest:
            slices.append(("rounding", rest, "to the currency's decimals"))
        return [merit.Step(label, "commission", amount, SCALE, note) for label, amount, note in slices]
