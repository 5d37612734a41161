"""Rows of torch-rnn: recurrent layers over whole sequences, and the language model around them."""

from __future__ import annotations

from typing import Any

from t7convert.format.objects import LuaObject, LuaTable
from t7convert.lua.schema.spec import REQUIRED, RawFields, row

_WORK = """h0 c0 cell gates buffer1 buffer2 buffer3 grad_a_buffer grad_c0 grad_h0 grad_x gradWeight
gradBias recompute_backward _return_grad_c0 _return_grad_h0"""
_START = "a remembered state isn't taken over: the network starts as after resetStates()"

for _name, _gates in (("LSTM", "gates i, f, o, g; "), ("VanillaRNN", "")):
    row(
        f"nn.{_name}@torch-rnn" if _name == "LSTM" else f"nn.{_name}",
        f"torch-rnn: {_name}.lua",
        parameters="weight bias",
        constants={"input_dim": REQUIRED, "hidden_dim": REQUIRED, "remember_states": False},
        buffers=_WORK,
        when="weight input_dim",
        notes=f"{_gates}batch x steps x inputs; [h0, x]"
        + (" and [c0, h0, x] give" if _name == "LSTM" else " gives")
        + f" the state before the first step; {_START}",
    )


def _objects(value: Any) -> list[LuaObject]:
    """Return the objects of a list field that may be absent."""
    items = value.values() if isinstance(value, LuaTable) else ()
    return [item for item in items if isinstance(item, LuaObject)]


def _positions(fields: RawFields, names: tuple[str, ...]) -> list[int]:
    """Return where in ``net`` the modules stand that these fields name, from 1."""
    named: list[Any] = []
    for name in names:
        value = fields.get(name)
        named += [value] if isinstance(value, LuaObject) else _objects(value)
    modules = fields["net"].payload["modules"].list()
    places = [n for n, module in enumerate(modules, 1) if any(module is one for one in named)]
    if len(places) != len(named):
        raise ValueError(f"net lacks a module that {' or '.join(names)} names")
    return places


def language_views(fields: RawFields, version: float | None) -> None:
    """Say by position which Views get the batch's sizes at every forward."""
    fields["merging"] = _positions(fields, ("bn_view_in", "view1"))
    fields["splitting"] = _positions(fields, ("bn_view_out", "view2"))


def adapter_views(fields: RawFields, version: float | None) -> None:
    """Say by position which Views get the batch's sizes at every forward."""
    fields["merging"] = _positions(fields, ("view_in",))
    fields["splitting"] = _positions(fields, ("view_out",))


row(
    "nn.LanguageModel@torch-rnn",
    "torch-rnn: LanguageModel.lua",
    children="net",
    constants={"idx_to_token": None, "merging": REQUIRED, "splitting": REQUIRED},
    buffers="view1 view2 bn_view_in bn_view_out rnns",
    when="net rnn_size",
    upgrade=language_views,
    notes=f"its layers remember from call to call; {_START}",
)
row(
    "nn.TemporalAdapter",
    "torch-rnn: TemporalAdapter.lua",
    children="net",
    constants={"merging": REQUIRED, "splitting": REQUIRED},
    buffers="view_in view_out",
    upgrade=adapter_views,
    lists=lambda fields: False,
    notes="Lua neither lists nor trains the parameters inside, nor tells the modules inside of "
    "evaluation; here they are like others",
)
row(
    "nn.TemporalCrossEntropyCriterion",
    "torch-rnn: TemporalCrossEntropyCriterion.lua",
    kind="criterion",
    constants={"batch_average": True, "time_average": False},
    buffers="lsm grad_logprobs losses",
    notes="class 0 is ignored; the losses are summed, over the batch and steps as the flags say",
)
