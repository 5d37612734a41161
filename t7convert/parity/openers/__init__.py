"""The openers, one file per family of outputs."""

from t7convert.parity.openers import arrays, checkpoint, graph, onnx, source, torch7

__all__ = ["arrays", "checkpoint", "graph", "onnx", "source", "torch7"]
