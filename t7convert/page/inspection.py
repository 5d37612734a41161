"""What a file holds, as a page."""

from __future__ import annotations

from html import escape

from t7convert.lua.summary import NetworkSummary, Summary
from t7convert.page.document import definitions, document, facts, table
from t7convert.page.network import network, tie_button, ties


def inspection_page(summary: Summary) -> str:
    """Return a summary as one self-contained page."""
    sections = []
    for number, found in enumerate(summary.networks, start=1):
        where = found.path or "network"
        sections += [
            (f"network{number}", f"{where}: {found.typename}", _network(found)),
            (f"ties{number}", f"Ties of {where}", ties(found.ties)),
            (f"tensors{number}", f"Tensors of {where}", _tensors(found, f"rows{number}")),
        ]
    about = {"root": summary.root, "encoding": summary.encoding, "size": f"{summary.size:,} bytes"}
    about |= {f"bytes: {k}": f"{v:,}" for k, v in vars(summary.bytes).items() if v}
    about |= summary.beside
    if summary.functions:
        about["Lua functions"] = f"{len(summary.functions)}, never executed"
    sections.append(("file", "The file", definitions(about)))
    lead = "" if summary.networks else "<p>No network in this file.</p>"
    return document(summary.file.rpartition("/")[2], sections, lead)


def _network(found: NetworkSummary) -> str:
    counts = found.parameters
    cards = [
        (f"{counts.unique:,}", f"parameters in {counts.tensors} tensors, shared ones once", None),
        (f"{counts.naive:,}", "if shared ones were counted every time", None),
        (f"{len(found.ties)}", "ties: parameters that are one tensor", None),
        (f"{len(found.unknown)}", "classes without a meaning here", not found.unknown or False),
    ]
    unknown = {row.path for row in found.modules if not row.known}
    return facts(cards) + "<p></p>" + network(found.modules, unknown)


def _tensors(found: NetworkSummary, name: str) -> str:
    rows = [
        (
            True,
            f'<td class="p mono">{escape(module.path or "<root>")}</td>'
            f"<td>{escape(module.typename)}</td><td>{escape(tensor.name)}</td>"
            f"<td>{tensor.role}</td><td>{escape(tensor.type)}</td>"
            f'<td class="s">{"x".join(map(str, tensor.shape))}</td>'
            f"<td>{tie_button(tensor.tie) if tensor.tie is not None else ''}</td>",
        )
        for module in found.modules
        for tensor in module.tensors
    ]
    heads = ("module", "class", "tensor", "role", "type", "shape", "tie")
    return table(name, heads, rows, flagged=False)
