"""Readable source: a ``.py`` file that builds the network with torch alone, its weights beside it.

The text is checked before it is left: it is run here, and the network that it makes must have the
same modules, settings, state_dict, ties and outputs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

from t7convert.conversion.convert import Converted
from t7convert.errors import SelectionError
from t7convert.export.checkpoint import compact_state
from t7convert.export.saving import save_torch
from t7convert.export.source.blocks import lift
from t7convert.export.source.check import built, compare, run_both
from t7convert.export.source.library import Import, Library
from t7convert.export.source.modules import Modules, refuse
from t7convert.export.source.residual import Residual
from t7convert.export.source.ties import finishing
from t7convert.files import check_output, replacing
from t7convert.residual import StagedNetwork

NAME = "Network"
_TAKEN = frozenset(
    {NAME, "load", "make_layer", "WEIGHTS", "nn", "torch", "F", "Path", "parametrize", "base", "i"}
)
_LOAD = '''\
WEIGHTS = Path(__file__).with_name({weights})


def load(path=WEIGHTS):
    """Return the network with its weights, in evaluation mode."""
    network = {name}(){cast}
    network.load_state_dict(torch.load(path, weights_only=True))
    return network.eval()'''


def weights_path(target: Path) -> Path:
    """Return where the weights of a source file lie: ``model.weights.pt`` beside ``model.py``."""
    return target.with_name(f"{target.stem}.weights.pt")


def _literal(text: str) -> str:
    """Return a string as source, in double quotes; bytes that are no UTF-8 as escapes."""
    escaped = (
        c if c.isprintable() and c not in '"\\' else c.encode("unicode_escape").decode()
        for c in text
    )
    return '"' + "".join("\\" + c if c == '"' else c for c in escaped) + '"'


def source_text(network: nn.Module, weights: str, origin: str = "") -> str:
    """Return the source of a network, whose weights lie in the file named ``weights``.

    Raises:
        ConversionError: naming what can't be expressed.
    """
    library = Library(set(_TAKEN), imports={Import("pathlib", "Path"), Import("torch")})
    library.imports.add(Import("torch", "nn"))
    modules = Modules(library)
    if isinstance(network, StagedNetwork):
        classes = list(Residual(network, modules, _size(network)).texts(NAME))
    else:
        root = modules.root(network, NAME, f"{_size(network)}.")
        definitions = [*modules.definitions, root]
        lifted = lift(definitions, library.taken)
        root.statements += finishing(network, modules)
        classes = [made.render() for made in [*lifted, *definitions]]
    dtype = dtype_of(network)
    cast = "" if dtype is None else f".to({dtype})"
    load = _LOAD.format(weights=_literal(weights), name=NAME, cast=cast)
    origin = "".join(c if c.isprintable() and c not in '"\\' else "?" for c in origin)
    came = f", from {origin}" if origin else ""
    head = f'"""A network of Lua Torch in PyTorch, written by t7convert{came}."""'
    parts = [head + "\n\n" + "\n\n".join(_imports(library)), *library.definitions(), *classes, load]
    after = "\n\n\n" if parts[1].startswith(("class ", "def ", "@")) else "\n\n"
    return parts[0] + after + "\n\n\n".join(parts[1:]) + "\n"


def _size(network: nn.Module) -> str:
    count = sum(parameter.numel() for parameter in network.parameters())
    return f"{count:,} parameters, each shared one counted once"


def dtype_of(network: nn.Module) -> torch.dtype | None:
    """Return the one floating dtype of the network, None where it is PyTorch's own.

    Raises:
        ConversionError: if there are several.
    """
    found: dict[torch.dtype, str] = {}
    for key, tensor in network.state_dict().items():
        if tensor.is_floating_point():
            found.setdefault(tensor.dtype, key)
    if len(found) > 1:
        names = ", ".join(f"{key} of {dtype}" for dtype, key in found.items())
        raise refuse(network, "", f"it mixes dtypes ({names})")
    dtype = next(iter(found), torch.float32)
    return None if dtype is torch.float32 else dtype


def write_source(
    converted: Converted,
    target: Path,
    *,
    origin: str = "",
    example: Callable[[], Any] | None = None,
    force: bool = False,
) -> str:
    """Write ``target`` and its weights; return a remark.

    Args:
        origin: the name of the file it came from.
        example: gives an input to compare the outputs with.

    Raises:
        ConversionError: naming what can't be expressed.
        OutputError: if one of the files can't be written.
    """
    network, weights = converted.network, weights_path(target)
    check_output(target, force=force)
    check_output(weights, force=force)
    text = source_text(network, weights.name, origin)
    state = compact_state(network)
    made = built(text, NAME, state, dtype_of(network))
    compare(network, made, compact=isinstance(network, StagedNetwork))
    reason = _run(network, made, example)
    with replacing(target, force=force) as beside:
        beside.write_text(text, encoding="utf-8")
        save_torch(state, weights, force=force)
    checked = f"not compared: {reason}" if reason else "compared, bit for bit"
    return f"weights in {weights.name}; its outputs were {checked}"


def _run(network: nn.Module, made: nn.Module, example: Callable[[], Any] | None) -> str:
    """Compare the outputs; return why they couldn't be, or an empty text."""
    if example is None:
        return "no input was given"
    try:
        given = example()
    except SelectionError as error:
        return str(error)
    return run_both(network, made, given)


def _imports(library: Library) -> Iterator[str]:
    if library.names:
        yield "from __future__ import annotations"
    entries = {entry for entry in library.imports if entry.module != "__future__"}
    for standard in (True, False):
        block = [entry for entry in entries if _is_standard(entry) is standard]
        if block:
            yield "\n".join(_block(block))


def _is_standard(entry: Import) -> bool:
    return entry.module.split(".")[0] in sys.stdlib_module_names


def _block(entries: Iterable[Import]) -> Iterator[str]:
    """Iterate over the lines of one block, in the order that ruff and isort want."""
    entries = list(entries)
    for entry in sorted(e for e in entries if not e.name):
        yield f"import {entry.module}" + (f" as {entry.alias}" if entry.alias else "")
    for module in sorted({e.module for e in entries if e.name}):
        members = [e for e in entries if e.module == module and e.name]
        plain = sorted((e for e in members if not e.alias), key=lambda e: _rank(e.name))
        if plain:
            yield f"from {module} import {', '.join(e.name for e in plain)}"
        for entry in sorted(e for e in members if e.alias):
            yield f"from {module} import {entry.name} as {entry.alias}"


def _rank(name: str) -> tuple[int, str]:
    constant = name.isupper() and len(name) > 1
    return (0 if constant else 1 if name[0].isupper() else 2), name
