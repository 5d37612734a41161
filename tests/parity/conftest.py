"""Outputs of every kind, each written once."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

import t7convert
from t7convert import outputs
from tests.parity.planting import (
    model_of,
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Path]:
    """Return a function that writes an output once."""
    folder = tmp_path_factory.mktemp("outputs")

    def make(name: str, kind: str) -> Path:
        source, out = model_of(name), folder / f"{name}.{kind}"
        if out.exists():
            return out
        if kind == "onnx":
            pytest.importorskip("onnxscript")
        if kind in ("pt", "pth"):
            t7convert.convert(source, out, verify=False, state_dict_only=kind == "pth")
        elif kind == "t7":
            t7convert.to_torch7(make(name, "pt"), out)
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the exporters' remarks on themselves
                outputs.write_kind(source, out, kind)
        return out

    return make
