"""A large .t7 to .safetensors, and shrink, beside cp and a SHA-256 of the parameters' bytes.

    python benchmarks/stream.py [--megabytes N] [--rounds N]

makes a flattened network with gradients of N megabytes with the writer, and prints medians, ratios
and the peak resident memory above that of the imports (Linux), each in a fresh process; times are
those after the imports.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from t7convert.format import LuaObject, LuaStorage, LuaTable, LuaTensor, save
from t7convert.format.objects import ArrayPayload

WIDTH = 2048

RUN = """
import resource, sys, time
from pathlib import Path
import t7convert.outputs, t7convert.commands.shrinking
if sys.argv[1] == "safetensors":
    import t7convert.export.outputs
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
start = time.perf_counter()
if sys.argv[1] == "safetensors":
    t7convert.outputs.write_kind(sys.argv[2], sys.argv[3], "safetensors", force=True)
else:
    source, target = Path(sys.argv[2]), Path(sys.argv[3])
    t7convert.commands.shrinking.shrink(source, target, gradients=True, force=True)
taken = time.perf_counter() - start
print(taken, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, file=sys.stderr)
"""


def network(megabytes: int) -> LuaObject:
    """Return linear layers whose parameters lie in one storage, and their gradients in another."""
    layers = max(1, megabytes * 1_000_000 // (2 * 4 * WIDTH * WIDTH))
    count = layers * WIDTH * WIDTH
    rng = np.random.default_rng(0)
    values = rng.standard_normal(count, dtype=np.float32)
    weights = LuaStorage("torch.FloatStorage", count, ArrayPayload(values))
    gradients = LuaStorage("torch.FloatStorage", count, ArrayPayload(np.zeros(count, np.float32)))
    shape = (WIDTH, WIDTH)
    modules = LuaTable()
    for layer in range(layers):
        place = ((WIDTH, 1), layer * WIDTH * WIDTH)
        modules[layer + 1] = LuaObject(
            "nn.Linear",
            LuaTable(
                {
                    "weight": LuaTensor("torch.FloatTensor", shape, *place, weights),
                    "gradWeight": LuaTensor("torch.FloatTensor", shape, *place, gradients),
                }
            ),
        )
    return LuaObject("nn.Sequential", LuaTable({"modules": modules}))


def timed(action: Callable[[], object]) -> float:
    """Return the wall time of a call."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def digest(path: Path, count: int) -> None:
    """Hash the first ``count`` bytes of a file."""
    state = hashlib.sha256()
    with path.open("rb") as file:
        while count > 0 and (chunk := file.read(min(1 << 20, count))):
            state.update(chunk)
            count -= len(chunk)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model, out = Path(folder) / "model.t7", Path(folder) / "out"
        save(network(options.megabytes), model)
        size = model.stat().st_size
        print(f"{size / 1e6:.0f} MB, half of it parameters")
        kinds = ("safetensors", "shrink")
        times: dict[str, list[float]] = {name: [] for name in ("cp + sha256", *kinds)}
        peaks: dict[str, list[int]] = {kind: [] for kind in kinds}
        for _ in range(options.rounds):
            floor = timed(lambda: shutil.copyfile(model, out))
            times["cp + sha256"].append(floor + timed(lambda: digest(model, size // 2)))
            for kind in kinds:
                command = [sys.executable, "-c", RUN, kind, str(model), str(out)]
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                taken, peak = done.stderr.split()[-2:]
                times[kind].append(float(taken))
                peaks[kind].append(int(peak) * 1024)
        floor = statistics.median(times["cp + sha256"])
        for name, values in times.items():
            median = statistics.median(values)
            memory = f"  {statistics.median(peaks[name]) / 1e6:5.0f} MB" if name in peaks else ""
            print(f"{name:<14}{median:7.2f} s  {median / floor:5.2f}{memory}")


if __name__ == "__main__":
    main()
