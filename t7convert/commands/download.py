"""``t7convert download``: fetch released checkpoints by name, or list them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import click

from t7convert.commands.printing import print_json
from t7convert.errors import DownloadError
from t7convert.fetch import Wish, catalogue, find_entry, obtain
from t7convert.fetch.addresses import parse_address
from t7convert.fetch.limits import Limits
from t7convert.fetch.schema import Entry


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the commands that download by name have in common."""

    extra_catalogue: Path | None = None
    cache_dir: Path | None = None
    offline: bool = False
    resource_key: str | None = None
    urls: tuple[str, ...] = ()
    timeout: float | None = None
    force: bool = False
    accept_change: bool = False
    progress: bool = True

    def wish(self) -> Wish:
        """Return how to obtain a name.

        Raises:
            DownloadError: if an address is none.
        """
        limits = Limits()
        if self.timeout is not None:
            limits = replace(limits, total=self.timeout, lock=self.timeout)
        return Wish(
            offline=self.offline,
            force=self.force,
            accept_change=self.accept_change,
            resource_key=self.resource_key,
            addresses=tuple(parse_address(url) for url in self.urls),
            cache_dir=self.cache_dir,
            limits=limits,
        )


def refuse_for_a_file(source: str | os.PathLike[str], options: Options) -> None:
    """Refuse options that say where to download from, if ``source`` is a file.

    Raises:
        UsageError: naming the option.
    """
    for flag, given in (("--url", options.urls), ("--resource-key", options.resource_key)):
        if given:
            raise click.UsageError(
                f"{flag} goes with a name of the catalogue, and {source} is a file"
            )


def download(names: Sequence[str], options: Options | None = None) -> int:
    """Obtain each name; print where each file is, one path per line, nothing else on stdout.

    What fails is reported on stderr and does not stop the rest; the result is then 1.
    """
    from t7convert.commands.progress import Bar

    options = options or Options()
    entries = catalogue(options.extra_catalogue)
    wanted = [find_entry(name, entries) for name in names]
    if not wanted:
        raise DownloadError("name what to download, or give --list")
    if len(wanted) > 1 and (options.urls or options.resource_key):
        raise DownloadError("--url and --resource-key belong to one name")
    wish, failed = options.wish(), False
    for entry in wanted:
        bar = Bar(entry.name, shown=options.progress)
        try:
            path = obtain(entry, replace(wish, progress=bar.update))
        except DownloadError as error:
            bar.close()
            failed = True
            click.echo(f"t7convert: {error}", err=True)
            continue
        bar.close()
        click.echo(path)
    return 1 if failed else 0


def list_entries(
    options: Options | None = None, *, names: Sequence[str] = (), as_json: bool = False
) -> int:
    """Print the catalogue, or what it says of ``names``: addresses, licences, sources."""
    entries = catalogue((options or Options()).extra_catalogue)
    if names:
        entries = {name: find_entry(name, entries) for name in names}
    if as_json:
        records = [record(entry) for entry in entries.values()]
        print_json({"entries": records}, indent=2)
        return 0
    for entry in entries.values():
        click.echo(_described(entry))
    return 0


def record(entry: Entry) -> dict[str, Any]:
    """Return an entry as plain values, for JSON."""
    fields = asdict(entry)
    fields["addresses"] = [str(address) for address in entry.addresses]
    fields["errors"] = [asdict(rate) for rate in entry.errors]
    return fields


def _described(entry: Entry) -> str:
    lines = [entry.name, f"  {entry.architecture}"]
    if entry.parameters is not None:
        shared = entry.parameters != entry.parameters_unshared
        every = f" ({entry.parameters_unshared:,} counting every use)" if shared else ""
        lines.append(f"  parameters: {entry.parameters:,}{every}")
    for rate in entry.errors:
        top5 = "" if rate.top5 is None else f", top-5 {rate.top5:g} %"
        lines.append(
            f"  published error, {rate.dataset}, {rate.crops}: top-1 {rate.top1:g} %{top5}"
        )
    lines += [f"  address: {address}" for address in entry.addresses]
    lines.append(f"  source: {entry.source}")
    lines.append(f"  licence: {entry.licence}")
    if entry.checksum is not None:
        lines.append(f"  checksum: {entry.checksum.algorithm} {entry.checksum.digest}")
    if entry.stated_size:
        lines.append(f"  size as stated: {entry.stated_size}")
    lines += [f"  note: {quirk}" for quirk in entry.quirks]
    return "\n".join(lines) + "\n"
