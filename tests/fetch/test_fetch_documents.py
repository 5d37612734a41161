"""``download --list`` and the documents show every entry with its addresses and source."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from t7convert.commands.cli_weights import COMMANDS
from t7convert.fetch import builtin_catalogue
from t7convert.fetch.schema import Entry

ENTRIES = builtin_catalogue()
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "weights.md"


@pytest.fixture(scope="module")
def listing() -> dict[str, str]:
    result = CliRunner().invoke(COMMANDS[0], ["--list"])
    assert result.exit_code == 0
    blocks = result.stdout.strip().split("\n\n")
    return {block.splitlines()[0]: block for block in blocks}


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=list(ENTRIES))
def test_the_list(entry: Entry, listing: dict[str, str]) -> None:
    block = listing[entry.name]

    assert f"source: {entry.source}" in block
    assert f"licence: {entry.licence}" in block
    for address in entry.addresses:
        assert f"address: {address}" in block
    for quirk in entry.quirks:
        assert quirk in block


def test_the_list_as_json() -> None:
    result = CliRunner().invoke(COMMANDS[0], ["--list", "--json"])
    records = {record["name"]: record for record in json.loads(result.stdout)["entries"]}

    assert set(records) == set(ENTRIES)
    shared = records["resnet50-shared"]
    assert shared["addresses"] == [str(ENTRIES["resnet50-shared"].addresses[0])]
    assert shared["errors"][0]["top1"] == 24.61
    assert shared["preprocessing"]["resize"] == 256
    assert records["openface-nn4.small2.v1"]["checksum"]["algorithm"] == "md5"


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=list(ENTRIES))
def test_the_document(entry: Entry) -> None:
    row = next(line for line in DOCUMENT.read_text().splitlines() if f"| `{entry.name}` |" in line)

    assert entry.licence in row
    for address in entry.addresses:
        assert str(address) in row
    if entry.errors:
        assert f"{entry.errors[0].top1:g} %" in row


def test_the_document_says_what_was_never_tried() -> None:
    assert "None of the addresses below was ever tried" in DOCUMENT.read_text()


@pytest.mark.parametrize("command", COMMANDS, ids=[command.name for command in COMMANDS])
def test_every_option_has_help_and_the_document_names_the_command(command: object) -> None:
    text = DOCUMENT.read_text()

    assert f"t7convert {command.name} " in text  # type: ignore[attr-defined]
    assert command.help  # type: ignore[attr-defined]
    for option in command.params:  # type: ignore[attr-defined]
        assert option.param_type_name == "argument" or option.help or option.show_default
