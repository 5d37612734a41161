"""The support table names every class that has a converter, and what it was checked against."""

from __future__ import annotations

import re

from t7convert.conversion.registry import converters
from t7convert.reference.op import implemented
from tests import support


def rows() -> dict[str, list[str]]:
    """Return the cells of the table by class."""
    found = {}
    for line in support.DOCUMENT.read_text().splitlines():
        if line.startswith("| `"):
            cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            found[cells[0].strip("`")] = cells
    return found


def test_every_class_is_in_the_table_and_no_other() -> None:
    assert list(rows()) == [spec.name for spec in support.classes()]


def test_every_class_was_checked_against_something() -> None:
    assert [name for name, cells in rows().items() if cells[3] == "nothing"] == []


def test_every_converter_has_a_reference() -> None:
    assert set(converters()) == set(implemented())


def test_the_notes_are_those_of_the_schema() -> None:
    table = rows()

    for spec in support.classes():
        assert table[spec.name][4] == " ".join(spec.notes.split())
