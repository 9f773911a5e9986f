"""Graduated commission on attainment: 5% of the revenue up to the quota, 8% from there to 120% of it, 12% above.
Below half the quota nothing is paid."""

from merit import Scoring


def step(label, amount, note):
    """Cents times 10 are 3 decimals, times a rate of 2 decimals are 5."""
    return {"output": "commission", "label": label, "amount": amount, "scale": 5, "note": note}


class Plugin(Scoring):
    def manifest(self, parameters):
        if parameters != "{}":
            raise ValueError("takes no parameters: give {}")
        return {
            "summary": "Graduated commission on attainment, with a gate at half the quota.",
            "inputs": {"revenue": {"scale": 2}, "quota": {"scale": 2}},
            "outputs": {"commission": {"role": "payout"}},
        }

    def score(self, row, context):
        revenue, quota = row["revenue"], row["quota"]
        if quota <= 0 or 2 * revenue < quota:
            return [step("nothing", 0, "below half the quota")]
        earned, first, second = 10 * revenue, 10 * quota, 12 * quota
        slices = [
            step("up to the quota", 5 * min(earned, first), "5% of the slice"),
            step("up to 120% of the quota", 8 * max(min(earned, second) - first, 0), "8% of the slice"),
            step("above", 12 * max(earned - second, 0), "12% of the slice"),
        ]
        return [part for part in slices if part["amount"]]
