"""ImageNet's layout on disk: ``val/<class>/<picture>``."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from t7convert.errors import T7Error
from t7convert.vision.images import SUFFIXES
from t7convert.vision.labels import Labels


class DataError(T7Error, ValueError):
    """Data that is not laid out as expected, or does not fit the network."""


@dataclass(frozen=True)
class Sample:
    """A picture on disk and the output (from 0) that means its class."""

    path: Path
    target: int


def read_image_folder(
    root: str | os.PathLike[str], outputs: int, labels: Labels | None = None
) -> list[Sample]:
    """Return the pictures of ``root/val`` or, if there is no such folder, of ``root``, sorted.

    Folders that are all called as ``labels`` say (by WordNet ids if it has some) are matched by
    name. Otherwise there must be as many as outputs, and the alphabetical order is that of the
    outputs, as in fb.resnet.torch.

    Raises:
        DataError: if there is nothing, or folders can't be matched with outputs.
    """
    folder = Path(root) / "val"
    if not folder.is_dir():
        folder = Path(root)
    if not folder.is_dir():
        raise DataError(f"{root}: no such folder")
    classes = sorted(
        (item for item in folder.iterdir() if item.is_dir() and not item.name.startswith(".")),
        key=lambda item: item.name,
    )
    if not classes:
        raise DataError(f"{folder}: no class folders; expected val/<class>/<picture>")
    targets = _targets([item.name for item in classes], outputs, labels, folder)
    samples = [
        Sample(path, target)
        for item, target in zip(classes, targets, strict=True)
        for path in sorted(item.rglob("*"))
        if path.suffix.lower() in SUFFIXES and path.is_file()
    ]
    if not samples:
        raise DataError(f"{folder}: no picture in {len(classes)} class folders")
    return samples


def _targets(names: list[str], outputs: int, labels: Labels | None, folder: Path) -> list[int]:
    listed = (labels.ids or labels.names) if labels else ()
    known = {name: index for index, name in enumerate(listed) if listed.count(name) == 1}
    missing = [name for name in names if name not in known]
    if missing and len(names) == outputs:
        return list(range(outputs))
    if missing:
        raise DataError(
            f"{folder}: {len(names)} class folders for a network of {outputs} outputs, and "
            f"{missing[0]!r} is no class id that is known; give the ids with --labels"
        )
    return [known[name] for name in names]
