"""Which fields of a .t7's modules a checkpoint records, so that the way back can write them.

The classes of torch/nn, cudnn and nngraph are written from the table of what Torch7 writes
(``fields.json``); of them only what differs from the table is recorded. Any other class is
recorded whole: what its Lua code needs is what its file has.
"""

from __future__ import annotations

from t7convert.conversion.convert import Converted
from t7convert.export.torch7.fields import Template, find_template
from t7convert.format.objects import LuaFunction
from t7convert.lua.remembering import remember
from t7convert.lua.tree import LuaModule

#: Packages of which the table knows every field.
_KNOWN = ("torch/nn:", "torch/nn,", "cudnn.torch", "nngraph", "torch/nngraph")
#: How nn marked a shared module before 2017: a function that adds up gradients (Module.lua, share).
OLD_MARK = "accUpdateGradParameters"
#: Fields that Lua makes again when they are missing (cunn: DataParallelTable.lua).
UNNEEDED = {"nn.DataParallelTable": frozenset({"flattenedParams", "buffer"})}


def remember_fields(converted: Converted) -> None:
    """Give the modules of a network that came from a .t7 their records."""
    remember(converted.tree, wanted)


def wanted(module: LuaModule) -> frozenset[str] | None:
    """Return the names of the fields to record, None for all of them."""
    template = find_template(module)
    if template is None or not module.spec.source.startswith(_KNOWN):
        return None
    fields = module.raw.fields if module.raw is not None else {}
    if any(how.get("unknown") and name in fields for name, how in template.fill.items()):
        return None
    if module.typename == "nn.Copy":  # holds functions, and two types
        return None
    names = (name for name in fields if isinstance(name, str))
    return frozenset(name for name in names if _differs(module, template, name, fields[name]))


def _differs(module: LuaModule, template: Template, name: str, value: object) -> bool:
    if name == OLD_MARK:
        return isinstance(value, LuaFunction)
    if name == "shared" or not isinstance(value, (bool, int, float, str)):
        return name == "shared"
    how = template.fill.get(name)
    if how is not None:
        return "value" in how and (type(how["value"]), how["value"]) != (type(value), value)
    known = {*module.spec.constants, *module.spec.tensors, *module.spec.children}
    return module.spec.upgrade is None and name not in {*known, *template.own, *template.common}
