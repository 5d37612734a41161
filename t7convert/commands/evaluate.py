"""``t7convert eval``: the error rates of a network on ImageNet's or CIFAR's images."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from t7convert.commands.classify import Looks
from t7convert.commands.download import Options, refuse_for_a_file
from t7convert.commands.printing import print_json
from t7convert.opening import TOLD, Reading

if TYPE_CHECKING:
    from t7convert.fetch.schema import Entry, ErrorRate
    from t7convert.vision.evaluation import Evaluation

_SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class Run:
    """How an evaluation runs."""

    batch_size: int = 64
    workers: int = 4
    ten_crop: bool = False
    as_json: bool = False


def evaluate(
    source: str | os.PathLike[str],
    data: str | os.PathLike[str],
    *,
    run: Run | None = None,
    looks: Looks | None = None,
    options: Options | None = None,
    plugins: Sequence[Path] = (),
    reading: Reading = TOLD,
) -> int:
    """Print top-1 and top-5 error with intervals, beside the published figures.

    Under ``torchrun`` every process takes its share and the first one prints. Images that can't be
    read are counted and named, and the result is 1.
    """
    from t7convert.commands.progress import Bar
    from t7convert.vision.datasets import open_data
    from t7convert.vision.evaluation import evaluate_network
    from t7convert.vision.processes import joined
    from t7convert.vision.scores import Tally
    from t7convert.vision.subject import count_outputs, labels_of, load_subject, preprocessing_of
    from t7convert.vision.transforms import transform_for

    run, looks, options = run or Run(), looks or Looks(), options or Options()
    if Path(source).exists():
        refuse_for_a_file(source, options)
    with joined(looks.device) as (place, device):
        subject = load_subject(
            source,
            wish=options.wish(),
            extra_catalogue=options.extra_catalogue,
            plugins=plugins,
            reading=reading,
        )
        preprocessing, remark = preprocessing_of(subject, looks.preprocess)
        if remark and place.first:
            click.echo(remark, err=True)
        network = subject.network.to(device)
        outputs = count_outputs(network, preprocessing)
        transform = transform_for(
            preprocessing, ten_crop=run.ten_crop, interpolation=looks.interpolation
        )
        labels = labels_of(subject, outputs, looks.labels)
        pictures = open_data(data, outputs, transform, labels)
        bar = Bar(pictures.name, unit="images", shown=options.progress and place.first)

        def progress(seen: int, total: int, counts: Tally) -> None:
            share = 100 * counts.top1_wrong / max(counts.images, 1)
            bar.update(seen, total, f"top-1 error {share:.2f} %")

        result = evaluate_network(
            network,
            pictures,
            place,
            batch_size=run.batch_size,
            workers=run.workers,
            progress=progress,
        )
        bar.close()
        if place.first:
            published = _published(subject.entry, pictures.name, ten_crop=run.ten_crop)
            _report(result, published, subject.name, as_json=run.as_json)
    return 1 if result.unreadable else 0


def _published(entry: Entry | None, dataset: str, *, ten_crop: bool) -> ErrorRate | None:
    """Return the published figure that was measured in the same way."""
    for rate in entry.errors if entry is not None else ():
        if rate.dataset == dataset and rate.crops.startswith("10 crops") == ten_crop:
            return rate
    return None


def _report(
    result: Evaluation, published: ErrorRate | None, network: str, *, as_json: bool
) -> None:
    if as_json:
        print_json(_record(result, published, network), indent=2)
        return
    click.echo(f"{network} on {result.dataset}: {result.tally.images:,} images")
    for name, found, interval, known in (
        ("top-1", result.top1_error, result.top1_interval, published and published.top1),
        ("top-5", result.top5_error, result.top5_interval, published and published.top5),
    ):
        beside = "" if known is None else f"   published {known:.2f} %"
        low, high = interval
        click.echo(f"{name} error {found:.3f} %   95 % [{low:.3f}, {high:.3f}]{beside}")
    if published is not None:
        click.echo(f"published by {published.source} ({published.crops})")
    if result.tally.not_finite:
        click.echo(f"{result.tally.not_finite:,} images have scores that are not finite (wrong)")
    if result.unreadable:
        click.echo(f"{len(result.unreadable):,} images could not be read and are not counted:")
        for _, problem in result.unreadable[:_SHOWN]:
            click.echo(f"  {problem}")
        if len(result.unreadable) > _SHOWN:
            click.echo(f"  and {len(result.unreadable) - _SHOWN:,} more (all of them with --json)")


def _record(result: Evaluation, published: ErrorRate | None, network: str) -> dict[str, Any]:
    return {
        "network": network,
        "dataset": result.dataset,
        **asdict(result.tally),
        "top1_error": result.top1_error,
        "top1_interval": result.top1_interval,
        "top5_error": result.top5_error,
        "top5_interval": result.top5_interval,
        "published": None if published is None else asdict(published),
        "unreadable": [{"file": file, "problem": problem} for file, problem in result.unreadable],
        "seconds": result.seconds,
    }
