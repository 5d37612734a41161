"""``t7convert to-torch7``: a converted network back as a .t7."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from t7convert.commands.progress import size
from t7convert.commands.shrinking import check_suffix
from t7convert.files import check_not_read

if TYPE_CHECKING:
    from torch import nn

    from t7convert.export.torch7.fields import Backend
    from t7convert.export.torch7.network import Type


def to_torch7(
    source: Path,
    out: Path,
    *,
    backend: Backend | None = None,
    type: Type | None = None,
    flatten: bool = False,
    gradients: bool = True,
    plugins: Sequence[Path] = (),
    force: bool = False,
    model: str | None = None,
) -> int:
    """Write the .t7 and say how large it is; ``model`` names the network of a bare state_dict."""
    check_not_read(out, [source])
    check_suffix(out)
    from t7convert.export.torch7.network import to_torch7 as write

    network: Path | nn.Module = source
    if model is not None:
        from t7convert.models.states import network_of_state, read_state

        network = network_of_state(read_state(source), model, source=str(source))
    write(
        network,
        out,
        backend=backend,
        type=type,
        flatten=flatten,
        gradients=gradients,
        plugins=plugins,
        force=force,
    )
    click.echo(f"wrote {out} ({size(out.stat().st_size)})")
    return 0
