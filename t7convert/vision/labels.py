"""Lists of classes: the bundled one, those in files of every common form."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from t7convert.errors import T7Error, in_words

#: Lists that come with the package.
BUNDLED = ("imagenet", "cifar10")
_WNID = re.compile(r"(n\d{8})[\s,]+(.*)\Z")
CIFAR10 = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip


class LabelsError(T7Error, ValueError):
    """A list of classes that can't be read, or does not fit the network."""


@dataclass(frozen=True)
class Labels:
    """Classes in the order of the outputs; ``ids`` are folder names (WordNet ids) if known."""

    names: tuple[str, ...]
    ids: tuple[str, ...] | None = None

    def name(self, index: int) -> str:
        """Return what output ``index`` (from 0) means."""
        return self.names[index]

    def check(self, outputs: int) -> None:
        """Refuse a list of another length.

        Raises:
            LabelsError: naming both numbers.
        """
        if len(self.names) != outputs:
            raise LabelsError(f"{len(self.names)} labels for a network of {outputs} outputs")


@cache
def bundled_labels(name: str) -> Labels:
    """Return a list that comes with the package: ``imagenet`` or ``cifar10``.

    Raises:
        LabelsError: if there is none of that name.
    """
    if name == "cifar10":
        return Labels(CIFAR10)
    if name != "imagenet":
        raise LabelsError(f"no list of classes called {name!r} comes with the package")
    text = resources.files("t7convert.vision").joinpath("data/imagenet.txt").read_text("utf-8")
    return _from_lines(text)


def read_labels(path: str | os.PathLike[str]) -> Labels:
    """Return the classes in a file: one per line, with WordNet ids or without, or JSON.

    ``imagenet`` and ``cifar10`` are the lists that come with the package, unless there is such a
    file. JSON may be a list, or an object from index to name or to [id, name].

    Raises:
        LabelsError: if it can't be read.
    """
    if os.fspath(path) in BUNDLED and not Path(path).exists():
        return bundled_labels(os.fspath(path))
    try:
        text = Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise LabelsError(f"{path}: no text in UTF-8, so no list of classes") from error
    except OSError as error:
        raise LabelsError(in_words(error)) from error
    labels = _from_json(text, str(path)) if text.lstrip()[:1] in {"{", "["} else _from_lines(text)
    if not labels.names:
        raise LabelsError(f"{path}: no label in this file")
    return labels


def labels_from_value(value: Any) -> Labels | None:
    """Return the classes that a list of strings, as some .t7 files carry it, holds; else None."""
    if isinstance(value, (list, tuple)) and value and all(isinstance(item, str) for item in value):
        return Labels(tuple(value))
    return None


def _from_lines(text: str) -> Labels:
    lines = [line.strip() for line in text.splitlines()]
    kept = [line for line in lines if line and not line.startswith("#")]
    if kept and kept[0].lower().replace(" ", "") in {"synset,words", "id,name"}:
        kept = kept[1:]
    matches = [_WNID.match(line) for line in kept]
    if kept and all(matches):
        pairs = [(match.group(1), match.group(2)) for match in matches if match]
        return Labels(tuple(name for _, name in pairs), tuple(wnid for wnid, _ in pairs))
    return Labels(tuple(kept))


def _from_json(text: str, where: str) -> Labels:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise LabelsError(f"{where}: {error}") from error
    if isinstance(value, Mapping):
        try:
            ordered = sorted((int(key), item) for key, item in value.items())
        except ValueError as error:
            raise LabelsError(f"{where}: expected an object from index to name") from error
        first = ordered[0][0] if ordered else 0
        if first not in {0, 1} or [key for key, _ in ordered] != list(
            range(first, first + len(ordered))
        ):
            raise LabelsError(f"{where}: the indices are not consecutive")
        value = [item for _, item in ordered]
    if all(isinstance(item, str) for item in value):
        return Labels(tuple(value))
    if all(
        isinstance(item, list) and len(item) == 2 and all(isinstance(part, str) for part in item)
        for item in value
    ):
        return Labels(tuple(item[1] for item in value), tuple(item[0] for item in value))
    raise LabelsError(f"{where}: expected names, or pairs of id and name")
