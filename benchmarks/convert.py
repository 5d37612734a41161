"""to-pytorch beside what it can't do without: copying the file and importing torch.

    python benchmarks/convert.py [MODEL.t7] [--rounds N]

prints medians and ratios of one run, rounds interleaved. Each measurement is a fresh process.
Memory is the peak of anonymous resident pages above that of a process that only imported torch
(Linux).
Without MODEL.t7 the 164 MB sharesnet50 of ../shared/golden/full is unpacked to a temporary file.
"""

from __future__ import annotations

import argparse
import lzma
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PACKED = (
    Path(__file__).resolve().parent.parent.parent / "shared/golden/full/sharesnet50/model.t7.xz"
)

WATCH = """
import sys, threading, time
def anonymous():
    for line in open("/proc/self/status"):
        if line.startswith("RssAnon"):
            return int(line.split()[1]) * 1024
import torch
base = peak = anonymous()
running = True
def watch():
    global peak
    while running:
        peak = max(peak, anonymous())
        time.sleep(0.002)
thread = threading.Thread(target=watch)
thread.start()
import t7convert
made = t7convert.convert(sys.argv[1], sys.argv[2], force=True)
running = False
thread.join()
print(peak - base, made.parameters)
"""


def seconds(*command: str) -> float:
    """Return the wall time of a command."""
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model = options.model
        if model is None:
            model = Path(folder) / "model.t7"
            with lzma.open(PACKED) as packed, model.open("wb") as plain:
                shutil.copyfileobj(packed, plain)
        copy, out = f"{folder}/copy", f"{folder}/out.pt"
        python = sys.executable
        commands = {
            "cp": ("cp", str(model), copy),
            "import torch": (python, "-c", "import torch"),
            "t7convert inspect": (python, "-m", "t7convert", "inspect", str(model)),
            "t7convert to-pytorch": (
                *(python, "-m", "t7convert", "to-pytorch", "--force", str(model), out),
            ),
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        for round_ in range(options.rounds + 1):
            for name, command in commands.items():
                taken = seconds(*command)
                if round_:  # the first round warms the caches
                    times[name].append(taken)
        medians = {name: statistics.median(values) for name, values in times.items()}
        floor = medians["cp"] + medians["import torch"]
        for name, median in medians.items():
            print(f"{name:<22}{median * 1000:8.0f} ms  {median / floor:5.2f} of cp + import torch")
        done = subprocess.run(
            [python, "-c", WATCH, str(model), out], check=True, capture_output=True, text=True
        )
        peak, parameters = map(int, done.stdout.split())
        print(
            f"to-pytorch: peak anonymous memory {peak / 1e6:.0f} MB above import torch, "
            f"{peak / (4 * parameters):.2f} of the parameters in float32"
        )


if __name__ == "__main__":
    main()
