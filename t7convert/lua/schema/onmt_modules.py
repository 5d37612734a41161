"""Rows of OpenNMT: wrappers around one network (most hold an nngraph), and small modules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from t7convert.format.objects import LuaTable, LuaTensor
from t7convert.lua.schema.spec import REQUIRED, RawFields, alias, row

_SOURCE = "OpenNMT: onmt/modules/{}.lua"


def one_network(fields: RawFields, version: float | None) -> None:
    """``net`` is run, ``modules`` is asked for parameters; they are the same module."""
    modules = fields.get("modules")
    listed = modules.list() if isinstance(modules, LuaTable) else []
    if fields.get("net") is None and listed:
        fields["net"] = listed[0]
    if len(listed) > 1 or (listed and listed[0] is not fields["net"]):
        raise ValueError("modules holds another module than net")


for _name, _notes in {
    "Network": "",
    "LSTM": "one step: [c1, h1, c2, h2, .., x] to [c1, h1, ..]",
    "GRU": "one step: [h1, h2, .., x] to [h1, h2, ..], or to h1 if there is one layer",
    "GlobalAttention": "[query, context], context batch x steps x features",
    "NoAttention": "[query, context], context batch x steps x features",
    "FeaturesEmbedding": "",
    "MaskedSoftmax": "made for the sizes of one batch",
    "Bridge": "without a network ('none') the output is None",
}.items():
    row(
        f"onmt.{_name}",
        _SOURCE.format(_name),
        children="net",
        buffers="modules args dropout numStates outputSize",
        upgrade=one_network,
        notes=_notes,
    )
row(
    "onmt.Generator",
    _SOURCE.format("Generator"),
    children="net",
    buffers="modules rindexLinear version",
    upgrade=one_network,
    notes="of a list it takes the first entry; generators older than version 2 are run as they are",
)
alias("onmt.FeaturesGenerator", "onmt.Generator", _SOURCE.format("Generator"))


def learns(fields: Mapping[str, Any]) -> bool:
    """Tell whether any column of the embedding learns: its gradient exists, and it is listed.

    ``fix`` is false, "pretrained", or anything else for all columns; "pretrained" fixes as many as
    the pretrained vectors had, where known.
    """
    fix, columns = fields.get("fix"), fields.get("preTrainedVecSize")
    if fix is None or fix is False:
        return True
    if fix != "pretrained" or not columns:
        return False
    net = fields["net"]
    weight = getattr(net, "fields", {}).get("weight")
    return not isinstance(weight, LuaTensor) or int(columns) != weight.size[-1]


row(
    "onmt.WordEmbedding",
    _SOURCE.format("WordEmbedding"),
    children="net",
    constants={"fix": None, "preTrainedVecSize": None},
    buffers="modules preTrained",
    upgrade=one_network,
    lists=learns,
    notes="index 1 is padding, whose row doesn't learn; nor do fixed columns",
)


def first_row_fixed(fields: RawFields, version: float | None) -> None:
    """Row 1 never learns, as if it were the table's padding."""
    if fields.get("paddingValue") not in (None, 0, 1):
        raise ValueError(f"paddingValue is {fields['paddingValue']}, expected 0 or 1")
    fields["paddingValue"] = 1


alias(
    "onmt.PositionEmbedding",
    "nn.LookupTable",
    _SOURCE.format("PositionEmbedding"),
    constants={"dimension": REQUIRED, "max_pos": REQUIRED},
    buffers="input nOutput",
    upgrade=first_row_fixed,
    notes="[batch x steps x features, lengths]; sequences stand at the end, padding before them",
)
row(
    "onmt.JoinReplicateTable",
    _SOURCE.format("JoinReplicateTable"),
    constants={"dimensionReplicate": REQUIRED, "dimensionJoin": REQUIRED, "nInputDims": None},
    buffers="size",
    notes="where a later entry alone is repeated, Lua leaves it repeated; here it stays as it was",
)
row(
    "onmt.VariationalDropout",
    _SOURCE.format("VariationalDropout"),
    constants={"p": 0.5},
    buffers="noiseInit sharedNoise",
    random=True,
    notes="random in training: one mask until forget()",
)
alias(
    "onmt.ParallelClassNLLCriterion",
    "nn.ParallelCriterion",
    _SOURCE.format("ParallelClassNLLCriterion"),
    buffers="mainCriterion",
)
