"""A user's own catalogue: a TOML file with one ``[[entry]]`` per checkpoint.

::

    [[entry]]
    name = "my-net"
    addresses = ["https://example.org/my.t7", "file:///data/my.t7"]
    checksum = "sha256:..."          # optional, as all that follows
    licence = "MIT"
    architecture = "what it is"
    task = "imagenet"                # imagenet, cifar10, cifar100 or other
    classes = 1000
    preprocessing = "imagenet"       # imagenet, cifar10 or cifar100
    labels = "imagenet"
    top1_error = 25.0
    top5_error = 8.0
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from t7convert.errors import DownloadError, in_words
from t7convert.fetch.addresses import parse_address
from t7convert.fetch.schema import (
    NONE_STATED,
    PREPROCESSINGS,
    Checksum,
    Entry,
    ErrorRate,
    Task,
)

_STRINGS = ("source", "licence", "architecture", "select", "paper", "builder", "labels")
_KNOWN = {
    "name", "addresses", "checksum", "task", "classes", "parameters", "parameters_unshared",
    "preprocessing", "top1_error", "top5_error", "quirks", *_STRINGS,
}  # fmt: skip
_DATASETS = {"imagenet": "ImageNet", "cifar10": "CIFAR-10", "cifar100": "CIFAR-100"}


def read_catalogue(path: str | os.PathLike[str]) -> dict[str, Entry]:
    """Return the entries of a TOML file by name.

    Raises:
        DownloadError: if it can't be read; the message names the entry and the field.
    """
    document = _parse(Path(path))
    rows = document.get("entry", [])
    if set(document) - {"entry"} or not isinstance(rows, list) or not rows:
        raise DownloadError(f"{path}: expected a list of [[entry]] and nothing else")
    entries: dict[str, Entry] = {}
    for number, row in enumerate(rows, 1):
        where = f"{path}: entry {number}"
        entry = _entry(row, where)
        if entry.name in entries:
            raise DownloadError(f"{where}: {entry.name} stands twice")
        entries[entry.name] = entry
    return entries


def _parse(path: Path) -> dict[str, Any]:
    try:
        toml = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    except ImportError as error:
        raise DownloadError(
            f"{path}: reading TOML on this Python needs the package tomli: pip install tomli"
        ) from error
    try:
        document: dict[str, Any] = toml.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DownloadError(in_words(error)) from error
    except ValueError as error:
        raise DownloadError(f"{path}: is no catalogue in TOML: {error}") from error
    return document


def _entry(row: object, where: str) -> Entry:
    if not isinstance(row, dict):
        raise DownloadError(f"{where}: expected a table")
    unknown = set(row) - _KNOWN
    if unknown:
        raise DownloadError(f"{where}: unknown field {', '.join(sorted(unknown))}")
    where = f"{where} ({row.get('name', 'without a name')})"
    texts = {name: _text(row, name, where) for name in _STRINGS}
    task = _text(row, "task", where) or "other"
    if task not in get_args(Task):
        raise DownloadError(f"{where}: task {task!r}: expected one of {', '.join(get_args(Task))}")
    preprocessing = _text(row, "preprocessing", where)
    if preprocessing and preprocessing not in PREPROCESSINGS:
        raise DownloadError(
            f"{where}: preprocessing {preprocessing!r}: expected one of {', '.join(PREPROCESSINGS)}"
        )
    try:
        return Entry(
            name=_text(row, "name", where),
            addresses=tuple(parse_address(text) for text in _texts(row, "addresses", where)),
            source=texts["source"] or where,
            licence=texts["licence"] or NONE_STATED,
            architecture=texts["architecture"] or "not described",
            task=task,  # type: ignore[arg-type]  # checked above
            classes=_number(row, "classes", where),
            parameters=_number(row, "parameters", where),
            parameters_unshared=_number(row, "parameters_unshared", where),
            preprocessing=PREPROCESSINGS.get(preprocessing),
            errors=_errors(row, task, where),
            select=texts["select"],
            checksum=_checksum(row, where),
            builder=texts["builder"] or None,
            labels=texts["labels"] or None,
            paper=texts["paper"],
            quirks=_texts(row, "quirks", where),
        )
    except ValueError as error:
        raise DownloadError(f"{where}: {error}") from error


def _text(row: Mapping[str, object], name: str, where: str) -> str:
    value = row.get(name, "")
    if not isinstance(value, str):
        raise DownloadError(f"{where}: {name}: expected a string")
    return value


def _texts(row: Mapping[str, object], name: str, where: str) -> tuple[str, ...]:
    value = row.get(name, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise DownloadError(f"{where}: {name}: expected a list of strings")
    return tuple(value)


def _number(row: Mapping[str, object], name: str, where: str) -> int | None:
    value = row.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise DownloadError(f"{where}: {name}: expected a positive whole number")
    return value


def _rate(row: Mapping[str, object], name: str, where: str) -> float | None:
    value = row.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 100:
        raise DownloadError(f"{where}: {name}: expected percent, 0 to 100")
    return float(value)


def _errors(row: Mapping[str, object], task: str, where: str) -> tuple[ErrorRate, ...]:
    top1, top5 = _rate(row, "top1_error", where), _rate(row, "top5_error", where)
    if top1 is None:
        return ()
    crops = "centre crop 224" if task == "imagenet" else "whole image"
    return (ErrorRate(_DATASETS.get(task, task), crops, top1, top5, where),)


def _checksum(row: Mapping[str, object], where: str) -> Checksum | None:
    text = _text(row, "checksum", where)
    if not text:
        return None
    algorithm, _, digest = text.partition(":")
    return Checksum(algorithm, digest.lower(), where)
