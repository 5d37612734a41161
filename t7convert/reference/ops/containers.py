"""Containers."""

from __future__ import annotations

from t7convert.reference.op import Op, Value, implements


@implements("nn.Sequential")
class Sequential(Op):
    def forward(self, x: Value) -> Value:
        self.calls: list[Op] = []
        for child in self.modules_at():
            self.calls.append(self.call(child, x))
            x = self.calls[-1].output
        return x

    def backward(self, gy: Value) -> Value:
        for call in reversed(self.calls):
            gy = call.backward(gy)
        return gy
