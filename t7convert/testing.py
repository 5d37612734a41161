"""For test suites: assert that a network computes what a Lua Torch file computes.

Works with any test runner; ``pytest`` shows the report's lines as the message of the failure.
"""

from __future__ import annotations

import os
from pathlib import Path

from torch import nn

from t7convert.conversion.convert import ties
from t7convert.conversion.network import convert_object, tree_of
from t7convert.conversion.plugins import loaded
from t7convert.errors import ParityError
from t7convert.opening import open_source
from t7convert.options import Arch, Plugins
from t7convert.parity.check import Options, Origin, check_network
from t7convert.parity.openers.named import Named
from t7convert.parity.opening import Output
from t7convert.parity.precision import preserved
from t7convert.parity.report import ParityReport

__all__ = ["assert_parity"]


def assert_parity(
    model: nn.Module,
    source: str | os.PathLike[str],
    *,
    select: str | None = None,
    until: str | None = None,
    arch: Arch = "auto",
    plugins: Plugins = (),
    seed: int = 0,
    dtype: str = "float32",
    device: str = "cpu",
    input_shape: tuple[int, ...] | None = None,
) -> ParityReport:
    """Assert that ``model`` has the weights of ``source`` and computes what its Lua module does.

    ``model`` is a network with the state_dict keys that the conversion of ``source`` has: one from
    ``to_module`` or ``load_model``, an exported one's source, or your own class with these keys.
    Its tensors must equal the file's bit for bit, and its output what the Lua module computes,
    interpreted in NumPy. It runs in evaluation mode; mode, dtype and device are restored.

    Returns:
        The report.

    Raises:
        ParityError: if anything differs; an AssertionError whose message says what and where.
        T7Error: if the file can't be read or converted.
    """
    options = Options(seed=seed, dtype=dtype, device=device, input_shape=input_shape)
    training = [module for module in model.modules() if module.training]
    with loaded(plugins), preserved(model):
        file = open_source(Path(source))
        path, obj = file.model(select)
        with file.named():
            converted = convert_object(obj, path, until=until, arch=arch)
        state = {key: tensor.detach() for key, tensor in model.state_dict().items()}
        try:
            report = check_network(
                tree_of(obj, path, until),
                converted,
                options,
                Origin(str(source), f"a {type(model).__name__}"),
                Output(model.eval(), tensors=Named(state, ties(model))),
            )
        finally:
            for module in training:
                module.training = True
    if not report.ok:
        raise ParityError(str(report))
    return report
