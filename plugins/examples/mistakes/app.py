"""What an author may get wrong in Python, by the parameters: tests/sandbox/mistakes.rs demands that each is told."""

import json

from merit import Scoring

STEP = {"output": "pay", "label": "all", "amount": 1, "scale": 0, "note": ""}
PAY = {"pay": {"role": "payout"}}


class Plugin(Scoring):
    def manifest(self, parameters):
        self.mistake = json.loads(parameters)["mistake"]
        match self.mistake:
            case "throw":
                raise ValueError("no such plan")
            case "name":
                return summery
            case "field":
                return {"summary": "", "input": {}, "outputs": PAY}
            case "column":
                return {"summary": "", "inputs": {"revenue": {"decimals": 2}}, "outputs": PAY}
            case "role":
                return {"summary": "", "outputs": {"pay": {"role": "payot"}}}
        return {"summary": "", "inputs": {"revenue": {}}, "outputs": PAY}

    def score(self, row, context):
        match self.mistake:
            case "throw later":
                raise ValueError("oops")
            case "name later":
                return revenu
            case "output":
                return [STEP | {"output": "pai"}]
            case "amount":
                return [STEP | {"amount": 0.5}]
            case "scale":
                return [STEP | {"scale": 13}]
            case "grade":
                return [{"output": "pay", "grade": "A"}]
            case "large":
                return [STEP | {"amount": 2**60, "scale": 0}] * 8
        return [STEP]
