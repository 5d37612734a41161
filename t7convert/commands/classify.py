"""``t7convert classify``: pictures in, the best classes out."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from t7convert.commands.download import Options, refuse_for_a_file
from t7convert.commands.printing import print_json
from t7convert.opening import TOLD, Reading

if TYPE_CHECKING:
    from t7convert.fetch.schema import Interpolation
    from t7convert.vision.labels import Labels
    from t7convert.vision.ranking import Ranked


@dataclass(frozen=True, kw_only=True)
class Looks:
    """How pictures are looked at, for ``classify`` and ``eval``."""

    labels: Path | str | None = None
    preprocess: str | None = None
    pillow_resize: bool = False
    device: str | None = None

    @property
    def interpolation(self) -> Interpolation | None:
        """The kind of resizing, None for the preprocessing's own."""
        return "pillow-bicubic" if self.pillow_resize else None


def classify(
    source: str | os.PathLike[str],
    images: Sequence[str | os.PathLike[str]],
    *,
    top: int = 5,
    as_json: bool = False,
    looks: Looks | None = None,
    options: Options | None = None,
    plugins: Sequence[Path] = (),
    reading: Reading = TOLD,
) -> int:
    """Print the best ``top`` classes of each picture with their probabilities.

    A file that is no picture, or one that the network does not take, is reported on stderr; the
    others are still classified, and the result is 1.
    """
    from t7convert.vision.images import ImageError, find_images
    from t7convert.vision.processes import Place
    from t7convert.vision.ranking import rank
    from t7convert.vision.subject import (
        SubjectError,
        count_outputs,
        labels_of,
        load_subject,
        preprocessing_of,
    )
    from t7convert.vision.transforms import transform_for

    looks, options = looks or Looks(), options or Options()
    if Path(source).exists():
        refuse_for_a_file(source, options)
    paths = find_images(images)
    subject = load_subject(
        source,
        wish=options.wish(),
        extra_catalogue=options.extra_catalogue,
        plugins=plugins,
        reading=reading,
    )
    preprocessing, remark = preprocessing_of(subject, looks.preprocess)
    if remark:
        click.echo(remark, err=True)
    device = Place().device(looks.device or "cpu")
    network = subject.network.to(device)
    if device.type in {"cpu", "cuda"}:
        network = network.double()  # few pictures: exact probabilities are worth the time
    transform = transform_for(preprocessing, interpolation=looks.interpolation)
    labels = labels_of(subject, count_outputs(network, preprocessing), looks.labels)
    if labels is None:
        click.echo("no labels are known for this network; give them with --labels FILE", err=True)
    records: list[dict[str, Any]] = []
    failed: list[dict[str, str]] = []
    for path in paths:
        try:
            ranked = rank(network, transform(path), top)
        except (ImageError, SubjectError) as error:  # no picture; of a size that doesn't fit
            problem = str(error).removeprefix(f"{path}: ")
            failed.append({"image": str(path), "problem": problem})
            click.echo(f"t7convert: {path}: {problem}", err=True)
            continue
        if as_json:
            records.append({"image": str(path), "top": [_record(row, labels) for row in ranked]})
        else:
            click.echo("\n".join([str(path), *(_line(row, labels) for row in ranked)]))
    if as_json:
        print_json({"network": subject.name, "images": records, "failed": failed}, indent=2)
    return 1 if failed else 0


def _record(row: Ranked, labels: Labels | None) -> dict[str, Any]:
    known: dict[str, Any] = {"index": row.index, "probability": row.probability}
    if labels is not None:
        known["label"] = labels.name(row.index)
        if labels.ids is not None:
            known["id"] = labels.ids[row.index]
    return known


def _line(row: Ranked, labels: Labels | None) -> str:
    name = labels.name(row.index) if labels is not None else f"class {row.index}"
    return f"  {100 * row.probability:7.3f} %  {name}"
