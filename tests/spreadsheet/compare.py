"""Random sheets, computed by Merit and by LibreOffice Calc; every difference has to be one that the manual explains.

    python3 tests/spreadsheet/compare.py [--sheets 300] [--seed 2026] [--all]

The same seed makes the same sheets. Needs `soffice` (Debian: apt-get install --no-install-recommends libreoffice-calc) and
cargo. The categories below are those of "Where Merit and Calc differ" in plugins/expression/LANGUAGE.md.
"""

import argparse
import json
import subprocess
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path

import calc
from generate import NUMBERS, TEXTS, Generator

TOP = Path(__file__).resolve().parents[2]
ROWS = 4


class Merit:
    """How an expression is written for Merit, its lines written out in place."""

    separator = ", "

    def __init__(self, lines: dict) -> None:
        self.lines = lines

    def function(self, called: str) -> str:
        return called

    def name(self, called: str) -> str:
        return f"({self.lines[called].text(self)})" if called in self.lines else called


class Sheet(Merit):
    """The same, with lines by name."""

    def name(self, called: str) -> str:
        return called


class Calc:
    """How an expression is written for a cell: names are references."""

    separator = ";"
    # Functions that OpenFormula does not have, and files name after who had them first.
    foreign = ["CONCAT", "IFS", "SWITCH"]

    def __init__(self, columns: list, row: int) -> None:
        self.columns, self.row = columns, row

    def function(self, called: str) -> str:
        return f"COM.MICROSOFT.{called}" if called in self.foreign else called

    def name(self, called: str) -> str:
        return f"[.{chr(65 + self.columns.index(called))}{self.row}]"


def sheet_text(lines: list) -> str:
    text = [f"input {name}" for name in NUMBERS] + [f"input {name} text" for name in TEXTS]
    for called, node in lines:
        text.append(f"{called} = {node.text(Sheet({}))}")
    return "\n".join(text + ["score last = x1"])


def merit(sheets: list, cells: list) -> list:
    command = ["cargo", "run", "--quiet", "--locked", "-p", "merit-expression", "--example", "cells"]
    task = json.dumps({"sheets": sheets, "cells": cells})
    done = subprocess.run(command, cwd=TOP, input=task, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sheets", type=int, default=300)
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--all", action="store_true", help="list every difference, the explained ones too")
    options = parser.parse_args()

    generator = Generator(options.seed)
    cases, sheets, rows, cells = [], [], [], []
    for _ in range(options.sheets):
        lines = generator.sheet()
        by_name = dict(lines)
        sheets.append(sheet_text(lines))
        columns = NUMBERS + TEXTS + [called for called, _ in lines]
        for _ in range(ROWS):
            inputs = generator.inputs()
            style = Calc(columns, len(rows) + 1)
            row = [calc.number(inputs[name]) for name in NUMBERS] + [calc.string(inputs[name]) for name in TEXTS]
            rows.append(row + [calc.formula(node.text(style)) for _, node in lines])
            for called, node in lines:
                cells.append({"text": node.text(Merit(by_name)), "inputs": inputs})
                cases.append((len(rows) - 1, columns.index(called), node, by_name))

    ours, theirs = merit(sheets, cells), calc.calculate(rows)
    tally, unexplained = Counter(), []
    nudged = Nudge(cells)
    for index, (row, column, node, lines) in enumerate(cases):
        expected = theirs[row][column]
        category = compare(ours[index], expected) or explain(index, node, lines, ours[index], expected, nudged)
        tally[category or "unexplained"] += 1
        if not category:
            unexplained.append(index)
        if not category or (options.all and category not in SAME):
            print(f"{category or 'UNEXPLAINED'}: {cells[index]['text']}\n  {cells[index]['inputs']}")
            print(f"  Merit {ours[index]}, Calc {expected!r}")
    print(f"{options.sheets} sheets, {len(cases)} cells:")
    for category, count in tally.most_common():
        print(f"  {count:6} {category}")
    if unexplained:
        sys.exit(f"{len(unexplained)} differences that nothing explains")


SAME = ["the same", "the same to nine digits"]


def compare(ours: dict, theirs) -> str:
    """How they agree; nothing where they do not."""
    if isinstance(theirs, calc.Error):
        return "the same" if "fault" in ours else ""
    if "fault" in ours:
        return ""
    if "number" in ours and isinstance(theirs, float):
        number = Decimal(ours["number"])
        if float(number) == theirs:
            return "the same"
        distance = abs(number - Decimal(theirs))
        return "the same to nine digits" if distance <= max(abs(number), Decimal(1)) * Decimal("1e-9") else ""
    if "boolean" in ours and isinstance(theirs, bool):
        return "the same" if ours["boolean"] == theirs else ""
    return "the same" if "text" in ours and ours["text"] == theirs else ""


class Nudge:
    """Cells again, with inputs a little larger or smaller."""

    def __init__(self, cells: list) -> None:
        self.cells = cells

    def answers(self, index: int) -> list:
        cells = []
        for pattern in range(2 ** len(NUMBERS)):
            inputs = dict(self.cells[index]["inputs"])
            for bit, name in enumerate(NUMBERS):
                change = Decimal("1e-11") if pattern >> bit & 1 else Decimal("-1e-11")
                inputs[name] = format(Decimal(inputs[name]) + change, "f")
            cells.append({"text": self.cells[index]["text"], "inputs": inputs})
        return merit([], cells)


def explain(index: int, node, lines: dict, ours: dict, theirs, nudge: Nudge) -> str:
    functions, pending = node.functions(), list(node.names())
    while pending:
        called = pending.pop()
        if called in lines:
            functions |= lines[called].functions()
            pending += list(lines[called].names())
    return ""


if __name__ == "__main__":
    main()
