"""The Lua module tree interpreted in NumPy: what the converted network is checked against."""

from t7convert.reference import ops
from t7convert.reference.executor import Executor
from t7convert.reference.op import Op, implemented, implements, op_for

__all__ = ["Executor", "Op", "implemented", "implements", "op_for", "ops"]
