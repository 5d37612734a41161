"""``t7convert shrink`` and ``t7convert extract``: a smaller .t7, or a part of one."""

from __future__ import annotations

from pathlib import Path

import click

from t7convert.commands.printing import counted, print_json
from t7convert.commands.progress import size
from t7convert.errors import OutputKindError
from t7convert.files import check_not_read, check_output
from t7convert.format import save_all
from t7convert.lua import find
from t7convert.lua.cropping import crop
from t7convert.lua.shrinking import shrink_graph
from t7convert.opening import TOLD, Reading, open_source
from t7convert.outputs import DATA_KINDS, NETWORK_KINDS


def shrink(
    source: Path,
    out: Path,
    *,
    gradients: bool = False,
    force: bool = False,
    as_json: bool = False,
    reading: Reading = TOLD,
) -> int:
    """Write the file anew without activations and buffers, in the encoding that it has.

    Payloads are copied piece by piece. A file of several objects keeps all of them.
    """
    check_not_read(out, [source])
    check_suffix(out)
    check_output(out, force=force, sources=[source])
    if reading.index is not None:
        raise click.UsageError("--object: all objects of a file are shrunk")
    file = reading.open(source)
    before, encoding = file.size, file.encoding
    buffers = dropped = 0
    for root in file.objects:
        emptied = shrink_graph(root, gradients=gradients)
        buffers, dropped = buffers + emptied.buffers, dropped + emptied.gradients
    save_all(
        file.objects,
        out,
        ascii=encoding.ascii,
        long_size=4 if encoding.long_size == 4 else 8,
        byteorder="big" if encoding.byteorder == "big" else "little",
        force=force,
    )
    after = out.stat().st_size
    if as_json:
        counts = {"buffers": buffers, "gradients": dropped}
        print_json({"out": str(out), "before": before, "after": after, **counts})
    else:
        emptied_text = f"emptied {counted(buffers, 'buffer')} and {counted(dropped, 'gradient')}"
        click.echo(f"wrote {out} ({size(after)} of {size(before)}): {emptied_text}")
    return 0


def check_suffix(out: Path) -> None:
    """Refuse a name that promises another kind of file than a .t7.

    Raises:
        OutputKindError: naming the suffix.
    """
    if out.suffix.lower().lstrip(".") in {*NETWORK_KINDS, *DATA_KINDS, "pth"} - {"t7"}:
        raise OutputKindError(f"{out}: this command writes a .t7, not a {out.suffix}")


def extract(
    source: Path,
    out: Path,
    *,
    select: str | None = None,
    force: bool = False,
    reading: Reading = TOLD,
) -> int:
    """Write the part of a file at a path, as the suffix of ``out`` says."""
    from t7convert.export.data import write_data

    check_not_read(out, [source])
    kind = out.suffix.lower().lstrip(".")
    if kind not in DATA_KINDS:
        known = ", ".join(f".{name}" for name in DATA_KINDS)
        raise OutputKindError(f"{out}: a part of a file can become {known}")
    check_output(out, force=force, sources=[source])
    opened = open_source(source, reading)
    with opened.named():
        value = opened.root if select is None else find.follow(opened.root, select)
    if select is not None and kind == "t7":
        crop(value)  # a view of a flattened network would bring all of it along
    write_data(value, out, kind=kind, force=force)
    click.echo(f"wrote {out} ({size(out.stat().st_size)})")
    return 0
