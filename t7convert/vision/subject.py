"""The network that is looked at, with what its file and the catalogue know about it."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from t7convert import api
from t7convert.errors import T7Error
from t7convert.export.checkpoint import rebuild
from t7convert.export.provenance import provenance
from t7convert.export.reading import read_output
from t7convert.fetch.known import catalogue
from t7convert.fetch.locate import entry_for
from t7convert.fetch.obtaining import Wish, obtain
from t7convert.fetch.schema import PREPROCESSINGS, Entry, Preprocessing
from t7convert.opening import TOLD, Reading, open_source
from t7convert.vision.labels import (
    Labels,
    LabelsError,
    bundled_labels,
    labels_from_value,
    read_labels,
)

_LABEL_FIELDS = ("labels", "classes", "class_names", "classnames", "classList", "categories")
_BY_OUTPUTS = {1000: "imagenet", 10: "cifar10", 100: "cifar100"}
_SMALL_SIDE = 32


class SubjectError(T7Error, ValueError):
    """A network that is no image classifier, or of which too little is known."""


@dataclass(frozen=True)
class Subject:
    """A network in evaluation mode.

    Attributes:
        name: what it was asked for by.
        entry: the catalogue's entry, if it is a known release.
        beside: plain values that stand beside the model in its file.
    """

    name: str
    network: nn.Module
    entry: Entry | None = None
    beside: Mapping[str, Any] = field(default_factory=dict)


def load_subject(
    source: str | os.PathLike[str],
    *,
    wish: Wish | None = None,
    extra_catalogue: str | os.PathLike[str] | None = None,
    plugins: Sequence[str | Path] = (),
    reading: Reading = TOLD,
) -> Subject:
    """Return the network of a name in the catalogue, a ``.t7``, ``.pt`` or ``.safetensors`` file.

    Raises:
        T7Error: of the kind that reading, downloading or converting raises.
    """
    entry = entry_for(source, extra_catalogue=extra_catalogue)
    path = Path(source) if entry is None else obtain(entry, wish)
    if reading == TOLD and _is_output(path):
        content = read_output(path)
        origin: Mapping[str, Any] = content["provenance"]
        network = rebuild(
            content["architecture"], content["state_dict"], name=str(path), plugins=plugins
        ).network
    else:
        opened = open_source(path, reading)
        select = entry.select or None if entry else None
        converted = api.to_converted(opened, select=select, plugins=plugins)
        origin = provenance(opened.root, converted.tree.path, None)
        origin = {**origin, "source": path.name}
        network = converted.network
    if entry is None:  # a converted file remembers the name of its source
        stem = str(origin.get("source", "")).removesuffix(".t7")
        entry = catalogue(extra_catalogue).get(stem)
        if entry is not None and not _counts_agree(entry, network):
            entry = None  # another network of the same name
    return Subject(os.fspath(source), network.eval(), entry, dict(origin.get("beside", {})))


def _is_output(path: Path) -> bool:
    """Tell whether this is a file that t7convert wrote, and no .t7, packed or not."""
    if path.suffix.lower() == ".safetensors":
        return True
    if not zipfile.is_zipfile(path):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith("/data.pkl") for name in archive.namelist())
    except (zipfile.BadZipFile, OSError):
        return True  # whoever loads it says what is wrong


def _counts_agree(entry: Entry, network: nn.Module) -> bool:
    """Tell whether the network has as many parameters as the entry states, if it states any."""
    count = sum(parameter.numel() for parameter in network.parameters())
    return entry.parameters is None or count in {entry.parameters, entry.parameters_unshared}


def preprocessing_of(
    subject: Subject, chosen: str | None = None
) -> tuple[Preprocessing, str | None]:
    """Return the preprocessing, and a remark where it had to be assumed.

    In order: ``chosen`` by name, the catalogue's, the one that goes with the number of outputs.

    Raises:
        SubjectError: if nothing is known.
    """
    if chosen is not None:
        return PREPROCESSINGS[chosen], None
    if subject.entry is not None:
        if subject.entry.preprocessing is None:
            note = subject.entry.preprocessing_note or "the catalogue states none"
            raise SubjectError(
                f"{subject.name}: {subject.entry.architecture} is no image classifier with a known "
                f"preprocessing ({note})"
            )
        return subject.entry.preprocessing, None
    for preprocessing in (PREPROCESSINGS["imagenet"], PREPROCESSINGS["cifar10"]):
        try:
            outputs = count_outputs(subject.network, preprocessing)
        except SubjectError:
            continue
        name = _BY_OUTPUTS.get(outputs)
        if name is not None and (name == "imagenet") == (preprocessing.crop is not None):
            remark = f"{subject.name}: preprocessing {name!r} is assumed ({outputs} outputs)"
            return PREPROCESSINGS[name], f"{remark}; choose with --preprocess"
    raise SubjectError(
        f"{subject.name}: nothing says how its input is preprocessed; choose with --preprocess "
        f"({', '.join(PREPROCESSINGS)})"
    )


def labels_of(
    subject: Subject, outputs: int, path: str | os.PathLike[str] | None = None
) -> Labels | None:
    """Return what the outputs mean: from ``path``, the model's own file, or the catalogue.

    Raises:
        LabelsError: if ``path`` can't be read or has another number of labels.
    """
    if path is not None:
        labels = read_labels(path)
        try:
            labels.check(outputs)
        except LabelsError as error:
            raise LabelsError(f"{path}: {error}") from error
        return labels
    for name, value in subject.beside.items():
        own = labels_from_value(value) if name.split(".")[-1] in _LABEL_FIELDS else None
        if own is not None and len(own.names) == outputs:
            return own
    if subject.entry is not None and subject.entry.labels is not None:
        known = bundled_labels(subject.entry.labels)
        return known if len(known.names) == outputs else None
    return None


def count_outputs(network: nn.Module, preprocessing: Preprocessing) -> int:
    """Return how many classes the network distinguishes.

    Raises:
        SubjectError: if it takes no such picture, or answers with something else than scores.
    """
    side = preprocessing.crop or _SMALL_SIDE
    return int(scores_of(network, torch.zeros(1, 3, side, side)).shape[1])


def scores_of(network: nn.Module, batch: Tensor) -> Tensor:
    """Return the network's scores (N, classes) for a batch, whatever its dtype and device are.

    Raises:
        SubjectError: if it does not take the batch, or answers with something else than scores.
    """
    like = next(network.parameters(), batch)
    try:
        with torch.inference_mode():
            scores = network(batch.to(device=like.device, dtype=like.dtype))
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        raise SubjectError(
            f"the network does not take pictures of {_size(batch)}: {error}"
        ) from error
    if isinstance(scores, Tensor):
        if scores.ndim == 1 and len(batch) == 1:  # a View that takes one image for no batch
            scores = scores.unsqueeze(0)
        if scores.ndim > 2 and all(size == 1 for size in scores.shape[2:]):
            scores = scores.flatten(1)
    if not isinstance(scores, Tensor) or scores.ndim != 2 or len(scores) != len(batch):
        found = (
            "x".join(map(str, scores.shape))
            if isinstance(scores, Tensor)
            else type(scores).__name__
        )
        raise SubjectError(
            f"the network gives no scores for pictures of {_size(batch)}: its output is {found}"
        )
    return scores


def _size(batch: Tensor) -> str:
    return f"{batch.shape[-1]}x{batch.shape[-2]}"
