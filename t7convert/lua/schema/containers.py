"""Rows of the containers that hand their input to children."""

from __future__ import annotations

from t7convert.lua.schema.spec import REQUIRED, RawFields, alias, row


def one_module(fields: RawFields, version: float | None) -> None:
    """MapTable makes clones that share their module's parameters; one stands for all of them.

    ``shared`` was a list of field names before it was a boolean (2017-02).
    """
    modules = fields.get("modules")
    kept = list(modules.list()) if modules is not None else []
    if not kept:
        kept = [fields["module"]]
    fields["shared"] = fields.get("shared") is not False
    fields["modules"] = kept[:1] if fields["shared"] else kept


row("nn.Sequential", "torch/nn: Sequential.lua", children="modules")
row("nn.ConcatTable", "torch/nn: ConcatTable.lua", children="modules")
row("nn.ParallelTable", "torch/nn: ParallelTable.lua", children="modules")
row(
    "nn.MapTable",
    "torch/nn: MapTable.lua",
    children="modules",
    constants={"shared": True},
    buffers="module sharedparams",
    upgrade=one_module,
    notes="shared clones are one module; unshared ones made later than the file start as the first",
)
row(
    "nn.Concat",
    "torch/nn: Concat.lua",
    children="modules",
    constants={"dimension": REQUIRED},
    buffers="outputSize size",
)
alias("nn.DepthConcat", "nn.Concat", "torch/nn: DepthConcat.lua")
row(
    "nn.Parallel",
    "torch/nn: Parallel.lua",
    children="modules",
    constants={"inputDimension": REQUIRED, "outputDimension": REQUIRED},
    buffers="totalOutputSize size",
)
row(
    "t7convert.Branch",
    "t7convert: lua/until.py",
    children="module",
    constants={"name": REQUIRED, "entry": None, "dimension": None},
    notes="what is left of a container of branches when a network is cut inside one of them",
)
