"""What a check sets and gives back: arithmetic, values, devices; the stream between its sides."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import t7convert
from t7convert.errors import SelectionError
from t7convert.parity.precision import exact_arithmetic, pick_device, preserved
from t7convert.parity.streams import Stream
from tests.conftest import FIXTURES

BASIC = next((FIXTURES / "nets/sharesnet-basic").glob("model.t7*"))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_low_precision_on_the_cpu(dtype: str) -> None:
    assert t7convert.verify(BASIC, dtype=dtype).ok


def test_arithmetic_settings_are_exact_inside_and_restored() -> None:
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    before = (cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32, matmul.allow_tf32)
    cudnn.benchmark, cudnn.allow_tf32, matmul.allow_tf32 = True, True, True
    try:
        with exact_arithmetic():
            assert (cudnn.benchmark, cudnn.deterministic) == (False, True)
            assert (cudnn.allow_tf32, matmul.allow_tf32) == (False, False)
            assert torch.are_deterministic_algorithms_enabled()
        with pytest.raises(KeyError), exact_arithmetic():
            raise KeyError
        assert (cudnn.benchmark, cudnn.allow_tf32, matmul.allow_tf32) == (True, True, True)
        assert not torch.are_deterministic_algorithms_enabled()
    finally:
        cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32, matmul.allow_tf32 = before


def test_devices() -> None:
    has_cuda = torch.cuda.is_available()

    assert pick_device("cpu") == torch.device("cpu")
    assert has_cuda or pick_device("auto").type in ("cpu", "mps")
    if not has_cuda:
        with pytest.raises(SelectionError, match="no CUDA device"):
            pick_device("cuda")
    with pytest.raises(SelectionError, match="is no device"):
        pick_device("abacus")


def test_preserved_gives_back_values_dtypes_and_buffers() -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    before = {key: value.clone() for key, value in network.state_dict().items()}
    with preserved(network), torch.no_grad():
        network.double()
        network[0].weight.zero_()

    assert all(
        torch.equal(before[k], v) and before[k].dtype == v.dtype
        for k, v in network.state_dict().items()
    )


def test_preserved_gives_back_what_modules_share() -> None:
    """Casting gives each module a running mean of its own (siamese towers share one)."""
    network = nn.Sequential(nn.BatchNorm1d(2), nn.BatchNorm1d(2))
    shared = network[1].running_mean = network[0].running_mean
    with preserved(network):
        network.double()(torch.ones(3, 2, dtype=torch.float64))

    assert network[0].running_mean is network[1].running_mean is shared
    assert shared.tolist() == [0, 0]


def test_streams_hand_over_in_order_and_end_early() -> None:
    def work(stream: Stream) -> str:
        for number in range(3):
            stream.put("a", np.full(5, number))
        return "done"

    with Stream(work) as stream:
        assert [stream.take("a", n)[0] for n in range(3)] == [0, 1, 2]
        with pytest.raises(KeyError):
            stream.take("b", 0)
        stream.join()
        assert stream.result == "done"


def test_a_stream_that_nobody_reads_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("t7convert.parity.streams.LIMIT", 10)

    def work(stream: Stream) -> None:
        while True:
            stream.put("a", np.zeros(100))

    with Stream(work) as stream:
        stream.take("a", 3)
    assert type(stream.error).__name__ == "StoppedError"
