"""LibreOffice Calc, headless: one document with all the sheets in, the values of their cells out."""

import subprocess
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from xml.sax.saxutils import quoteattr

OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
CALCEXT = "{urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0}"

HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"
 xmlns:of="urn:oasis:names:tc:opendocument:xmlns:of:1.2" office:version="1.3"
 xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0" xmlns:number="urn:oasis:names:tc:opendocument:xmlns:datastyle:1.0"
 office:mimetype="application/vnd.oasis.opendocument.spreadsheet"><office:automatic-styles>
<number:number-style style:name="digits"><number:number number:decimal-places="9" number:min-integer-digits="1"/></number:number-style>
<style:style style:name="number" style:family="table-cell" style:data-style-name="digits"/></office:automatic-styles><office:body><office:spreadsheet>
<table:calculation-settings table:case-sensitive="false" table:search-criteria-must-apply-to-whole-cell="true"/>
<table:table table:name="Sheet1">"""
TAIL = "</table:table></office:spreadsheet></office:body></office:document>"


def formula(text: str, number: bool) -> str:
    # A number has a form of its own, or it would take that of the dates and conditions that it is computed of.
    form = ' table:style-name="number"' if number else ""
    return f"<table:table-cell{form} table:formula={quoteattr('of:=' + text)}/>"


EMPTY = "<table:table-cell/>"


def number(text: str) -> str:
    return f"<table:table-cell office:value-type=\"float\" office:value={quoteattr(text)}/>"


def string(text: str) -> str:
    # Spaces are elements, or they would be collapsed.
    body = "".join("<text:s/>" if letter == " " else letter for letter in text)
    return f"<table:table-cell office:value-type=\"string\"><text:p>{body}</text:p></table:table-cell>"


def calculate(rows: list) -> list:
    """The values of rows of cells, each a number, a text, True, False, or an Error."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "sheets.fods")
        lines = (f"<table:table-row>{''.join(cells)}</table:table-row>" for cells in rows)
        source.write_text(HEAD + "\n".join(lines) + TAIL, encoding="utf-8")
        out = Path(folder, "out")
        profile = f"-env:UserInstallation=file://{folder}/profile"
        command = ["soffice", profile, "--headless", "--convert-to", "fods", "--outdir", str(out), str(source)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=600)
        tree = ElementTree.parse(out / "sheets.fods")
    found = []
    for row in tree.iter(f"{TABLE}table-row"):
        values = []
        for cell in row.iter(f"{TABLE}table-cell"):
            values += [value(cell)] * min(int(cell.get(f"{TABLE}number-columns-repeated", "1")), 64)
        found += [values] * min(int(row.get(f"{TABLE}number-rows-repeated", "1")), len(rows))
    return found[: len(rows)]


class Error(str):
    """What Calc shows where there is no value: `#DIV/0!`."""


def value(cell):
    kind = cell.get(f"{OFFICE}value-type")
    shown = "".join(plain(paragraph) for paragraph in cell.iter(f"{TEXT}p"))
    if cell.get(f"{CALCEXT}value-type") == "error":
        return Error(shown)
    if kind == "boolean":
        return cell.get(f"{OFFICE}boolean-value") == "true"
    if kind == "string":
        return cell.get(f"{OFFICE}string-value", shown)
    # A formula that gives an empty text has no type.
    return float(cell.get(f"{OFFICE}value")) if kind else shown


def plain(element) -> str:
    text = element.text or ""
    for child in element:
        text += " " * int(child.get(f"{TEXT}c", "1")) if child.tag == f"{TEXT}s" else plain(child)
        text += child.tail or ""
    return text
