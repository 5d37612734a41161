"""Writing a file's network as any kind of output; the twin of ``t7convert convert``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from t7convert.errors import OutputError, OutputKindError
from t7convert.files import check_output
from t7convert.opening import Source, open_source
from t7convert.options import Arch, Dtype, Plugins, torch_dtype

if TYPE_CHECKING:
    from t7convert.conversion.convert import Converted

#: What a network can become, and what a file without a network can.
NETWORK_KINDS = ("pt", "safetensors", "onnx", "pt2", "py", "npz", "json")
DATA_KINDS = ("npz", "npy", "json", "pt", "t7")
#: Options that only some kinds have; ``dynamic`` is one where it is false.
_OPTIONS = {
    "untie": ("safetensors",),
    "input": ("onnx", "pt2", "py"),
    "input_shape": ("onnx", "pt2", "py"),
    "dynamic": ("onnx", "pt2"),
}
_PACKAGES = {"onnx": ("onnx", "onnxscript", "onnxruntime")}


def kind_of(out: str | os.PathLike[str], format: str | None = None) -> str:
    """Return the kind of output: ``format``, or the suffix.

    Raises:
        OutputKindError: if there is none of this name.
    """
    kind = (format or Path(out).suffix).lstrip(".").lower()
    kind = "pt" if kind == "pth" else kind
    if kind not in {*NETWORK_KINDS, *DATA_KINDS}:
        problem = f"unknown kind of output {kind!r}" if kind else "the name has no suffix"
        raise OutputKindError(
            f"{os.fspath(out)}: {problem}; a network can become "
            f"{', '.join(NETWORK_KINDS)}, other data {', '.join(DATA_KINDS)}"
        )
    return kind


def check_kind(out: str | os.PathLike[str], kind: str, options: Mapping[str, Any]) -> None:
    """Refuse, before any work, what a network can't become here, and options that would do nothing.

    Raises:
        OutputKindError: if ``kind`` is none for a network, or has not one of the ``options``.
        OutputError: if it needs a package that is not installed.
    """
    if kind not in NETWORK_KINDS:
        raise OutputKindError(
            f"{os.fspath(out)}: a network can't become .{kind}; known are "
            f"{', '.join(NETWORK_KINDS)} (shrink writes a .t7, extract a single tensor)"
        )
    for name in options.keys() - _OPTIONS:
        raise TypeError(f"there is no option {name!r}; known are {', '.join(_OPTIONS)}")
    for name, kinds in _OPTIONS.items():
        given = options.get(name)
        used = given is False if name == "dynamic" else given not in (None, False)
        if used and kind not in kinds:
            flag = "fixed" if name == "dynamic" else name.replace("_", "-")
            raise OutputKindError(
                f"--{flag} ({name}={given}) is for {', '.join(f'.{k}' for k in kinds)}, "
                f"and the output is .{kind}"
            )
    if options.get("input") is not None and options.get("input_shape") is not None:
        raise OutputKindError("--input and --input-shape: give one of them")
    absent = [name for name in _PACKAGES.get(kind, ()) if find_spec(name) is None]
    if absent:
        raise OutputError(
            f"{os.fspath(out)}: writing .{kind} needs {', '.join(absent)}: "
            f"pip install 't7convert[{kind}]'"
        )


def write_kind(source: Source, out: str | os.PathLike[str], kind: str, **options: Any) -> str:
    """Write the network of a file as ``kind``, any but ``pt``; return a remark.

    The options are those of :func:`convert_kind`.
    """
    return convert_kind(source, out, kind, **options)[1]


def convert_kind(
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
) -> tuple[Converted, str]:
    """Write the network of a file as ``kind``; return what was converted, and a remark.

    ``options`` are those of ``export.outputs.Request``: untie, input, input_shape, dynamic.

    Raises:
        OutputKindError: if there is no such kind, or it has not one of the options.
        OutputError: if the output can't be written, or a package for it is missing.
        ConversionError: listing everything that can't be converted, or what the kind can't express.
        ParityError: if the output computes something else; then nothing is left.
    """
    check_kind(out, kind, options)
    opened = open_source(source)
    check_output(Path(out), force=force, sources=[opened.path] if opened.path else [])
    path, obj = opened.model(select)

    from t7convert.conversion.bindings import read_region
    from t7convert.conversion.network import convert_object
    from t7convert.conversion.plugins import loaded
    from t7convert.export.outputs import STREAMED, Request, write_output
    from t7convert.export.provenance import provenance

    with loaded(plugins):
        read = None if kind in STREAMED else read_region
        with opened.named():
            converted = convert_object(obj, path, until=until, arch=arch, read=read)
        origin = provenance(opened.root, path, opened.path)
        origin |= {k: v for k, v in (("dtype", dtype), ("until", until)) if v is not None}
        cast = None if dtype is None else torch_dtype(dtype)
        request = Request(converted, Path(out), origin, dtype=cast, force=force, **options)
        return converted, write_output(kind, request)
