"""``t7convert to-pytorch``: a Lua Torch file becomes a PyTorch checkpoint."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from t7convert import api
from t7convert.commands.printing import counted, print_json
from t7convert.commands.progress import Bar, progress, size
from t7convert.errors import OutputKindError
from t7convert.files import check_not_read
from t7convert.opening import TOLD, Opened, Reading, open_source
from t7convert.options import Arch, Dtype
from t7convert.outputs import DATA_KINDS, NETWORK_KINDS

if TYPE_CHECKING:
    from t7convert.commands.download import Options


def located(
    source: str, select: str | None, options: Options, *, quiet: bool = False
) -> tuple[Path, str | None]:
    """Return a file's path and the place of the network in it.

    ``source`` is a path, or the name of a released checkpoint, which is downloaded once; the
    catalogue knows where in its file the network is.

    Raises:
        DownloadError: if it is neither, or can't be downloaded.
    """
    from t7convert.commands.download import refuse_for_a_file
    from t7convert.fetch.locate import entry_for
    from t7convert.fetch.obtaining import obtain

    entry = entry_for(source, extra_catalogue=options.extra_catalogue)
    if entry is None:
        refuse_for_a_file(source, options)
        return Path(source), select
    bar = Bar(entry.name, shown=options.progress and not quiet)
    try:
        path = obtain(entry, replace(options.wish(), progress=bar.update))
    finally:
        bar.close()
    return path, select or entry.select or None


def to_pytorch(
    source: Path | Opened,
    out: Path,
    *,
    select: str | None = None,
    until: str | None = None,
    arch: Arch = "auto",
    dtype: Dtype | None = None,
    into: Path | None = None,
    state_dict_only: bool = False,
    allow_missing: bool = False,
    plugins: Sequence[Path] = (),
    force: bool = False,
    verify: bool | None = None,
    as_json: bool = False,
    quiet: bool = False,
    reading: Reading = TOLD,
) -> int:
    """Convert, then say what was made and how to use it."""
    read = source.path if isinstance(source, Opened) else source
    check_not_read(out, [read] if read else [])
    if out.suffix.lower().lstrip(".") in {*NETWORK_KINDS, *DATA_KINDS} - {"pt"}:
        raise OutputKindError(
            f"{out}: to-pytorch writes .pt files; `t7convert convert` writes the other kinds"
        )
    with progress(shown=not quiet) as report:
        made = api.convert(
            open_source(source, reading),
            out,
            format="pt",
            select=select,
            until=until,
            arch=arch,
            dtype=dtype,
            into=into,
            state_dict_only=state_dict_only,
            allow_missing=allow_missing,
            plugins=plugins,
            force=force,
            progress=report,
            verify=verify,
        )
    if as_json:
        record = {**asdict(made), "target": str(made.target), "source": str(made.source)}
        print_json(record)
    elif not quiet:
        check = ["verify", str(made.source), str(out)]
        check += [f"--select={select}"] if select else []
        if state_dict_only:  # it does not say how it was made
            check += [f"--until={until}"] if until else []
            check += [f"--arch={arch}"] if arch != "auto" else []
        check += [f"--plugin={plugin}" for plugin in plugins]
        click.echo(_text(made, plugins, state_dict_only, check))
    return 0


def _text(
    made: api.Conversion, plugins: Sequence[Path], state_dict_only: bool, check: Sequence[str]
) -> str:
    lines = []
    if made.architecture == "generic":
        why = " (no ShaResNet: --arch sharesnet says why)" if made.reason else ""
        lines.append(f"network     generic, as in the Lua file{why}")
    else:
        lines.append(f"network     {made.architecture}, torchvision's names")
    tensors = counted(made.tensors, "tensor")
    lines.append(f"parameters  {made.parameters:,} in {tensors}, each shared one once")
    if made.parameters_naive != made.parameters:
        lines.append(f"            {made.parameters_naive:,} if they were counted every time")
    lines.append(f"ties        {len(made.ties)}")
    lines += [f"  {' = '.join(keys)}" for keys in made.ties]
    lines += [f"missing     {row}" for row in made.missing]
    lines.append(f"parity      {_parity(made.parity)}")
    if made.parity["result"] == "skipped":
        given = " --input FILE" if "--input" in made.parity["reason"] else ""
        lines.append(f"            t7convert {shlex.join(check)}{given}")
    lines.append(f"wrote       {made.target} ({size(made.target.stat().st_size)})")
    lines.append("")
    if state_dict_only:
        lines.append("import torch")
        lines.append(f"state = torch.load({str(made.target)!r}, weights_only=True)")
    else:
        lines.append("import t7convert")
        extra = f", plugins={[str(p) for p in plugins]!r}" if plugins else ""
        lines.append(f"model = t7convert.load_model({str(made.target)!r}{extra})")
    return "\n".join(lines)


def _parity(record: dict[str, Any]) -> str:
    if record["result"] == "passed":
        return f"passed: {record['compared']} outputs agree with the Lua module's"
    return ": ".join(str(record[name]) for name in ("result", "reason") if name in record)
