"""Writing a file's network as any kind of output; the twin of ``t7convert convert``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from t7convert.api import Arch, Dtype, Plugins, Source, open_source
from t7convert.files import check_output
from t7convert.lua import find


def write_kind(
    source: Source,
    out: str | os.PathLike[str],
    kind: str,
    *,
    select: str | None = None,
    until: str | None = None,
    arch: Arch = "auto",
    dtype: Dtype | None = None,
    plugins: Plugins = (),
    force: bool = False,
    **options: Any,
) -> str:
    """Write the network of a file as ``kind`` (``export.outputs``); return a remark.

    ``options`` are those of ``export.outputs.Request``: untie, input, input_shape, dynamic.

    Raises:
        OutputError: if there is no such kind, or the output can't be written.
        ConversionError: listing everything that can't be converted, or what the kind can't express.
        ParityError: if the output computes something else; then nothing is left.
    """
    opened = open_source(source)
    check_output(Path(out), force=force, sources=[opened.path] if opened.path else [])

    import torch

    from t7convert.conversion.bindings import read_region
    from t7convert.conversion.network import convert_object
    from t7convert.conversion.plugins import loaded
    from t7convert.export.outputs import STREAMED, Request, write_output
    from t7convert.export.provenance import provenance

    with loaded(plugins):
        path, obj = find.model(opened.root, select)
        read = None if kind in STREAMED else read_region
        converted = convert_object(obj, path, until=until, arch=arch, read=read)
        origin = provenance(opened.root, path, opened.path)
        origin |= {k: v for k, v in (("dtype", dtype), ("until", until)) if v is not None}
        cast = None if dtype is None else getattr(torch, dtype)
        request = Request(converted, Path(out), origin, dtype=cast, force=force, **options)
        return write_output(kind, request)
