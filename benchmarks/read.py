"""Reading a .t7 file, beside torchfile and a plain read().

    python benchmarks/read.py [FILE | --objects N] [--rounds N]

With ``--objects`` the file is a list of N small tables. Without FILE, the 164 MB ShaResNet-50 of
../shared/golden/full is unpacked to a temporary file.
Each measurement runs in a process of its own; the rounds go through all of them in turn, so that
whatever else the machine does falls on all alike. Times are those of the call, without imports
and with the file in the page cache. Memory is the peak above that after the imports: ``resident``
counts mapped pages of the file, ``anonymous`` (sampled at the end) does not.
"""

from __future__ import annotations

import argparse
import importlib
import json
import lzma
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEFAULT = ROOT.parent / "shared" / "golden" / "full" / "sharesnet50" / "model.t7.xz"


def plain(path: str) -> Callable[[], object]:
    """Return a read of all bytes."""
    return Path(path).read_bytes


def native(path: str) -> Callable[[], object]:
    """Return our reading of the structure."""
    module = importlib.import_module("t7convert.format")
    return lambda: module.open_file(path)


def native_all(path: str) -> Callable[[], object]:
    """Return our reading of the structure and a copy of every parameter."""
    t7 = importlib.import_module("t7convert.format")

    def run() -> object:
        opened = t7.open_file(path)
        copies, seen, todo = [], set(), list(opened.objects)
        while todo:
            value = todo.pop()
            if id(value) in seen:
                continue
            seen.add(id(value))
            if isinstance(value, t7.LuaObject):
                todo.append(value.payload)
                if isinstance(value.payload, t7.LuaTable):
                    fields = [value.get("weight"), value.get("bias")]
                    copies += [each.copy() for each in fields if isinstance(each, t7.LuaTensor)]
            elif isinstance(value, t7.LuaTable):
                todo += list(value.values())
        return copies

    return run


def torchfile(path: str) -> Callable[[], object]:
    """Return torchfile's reading, which is of everything at once."""
    module = importlib.import_module("torchfile")
    return lambda: module.load(path, use_list_heuristic=False)


MEASURES = {
    "plain read()": plain,
    "torchfile, everything": torchfile,
    "t7convert, structure": native,
    "t7convert, structure and parameters": native_all,
}


def memory() -> dict[str, int]:
    """Return this process's peak resident and present anonymous memory in KiB."""
    status = Path("/proc/self/status").read_text()
    fields = dict(line.split(":", 1) for line in status.splitlines())
    return {name: int(fields[name].split()[0]) for name in ("VmHWM", "RssAnon")}


def measure(name: str, path: str) -> None:
    """Run one measurement and print it as JSON."""
    importlib.import_module("numpy")
    run = MEASURES[name](path)
    before = memory()
    start = time.perf_counter()
    result = run()
    taken = time.perf_counter() - start
    after = memory()
    del result
    print(
        json.dumps([taken, after["VmHWM"] - before["VmHWM"], after["RssAnon"] - before["RssAnon"]])
    )


def compare(path: str, rounds: int) -> None:
    """Measure everything in turn and print medians and ratios."""
    found: dict[str, list[list[float]]] = {name: [] for name in MEASURES}
    for _ in range(rounds):
        for name in MEASURES:
            command = [sys.executable, __file__, path, "--measure", name]
            output = subprocess.run(command, check=True, capture_output=True, cwd=ROOT).stdout
            found[name].append(json.loads(output))
    medians = {
        name: [statistics.median(c) for c in zip(*rows, strict=True)]
        for name, rows in found.items()
    }
    base = medians["torchfile, everything"][0]
    print(f"{path}: {Path(path).stat().st_size / 1e6:.1f} MB, medians of {rounds} rounds")
    print(f"{'':38}{'ms':>8}{'of torchfile':>14}{'resident MB':>13}{'anonymous MB':>14}")
    for name, (taken, resident, anonymous) in medians.items():
        ratio = f"{taken / base:.2f}"
        sizes = f"{resident / 1024:>13.1f}{anonymous / 1024:>14.1f}"
        print(f"{name:38}{taken * 1e3:>8.1f}{ratio:>14}{sizes}")


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", nargs="?")
    parser.add_argument("--objects", type=int, help="read a list of so many small tables")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--measure", choices=sorted(MEASURES), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        sys.path.insert(0, str(ROOT))
        measure(options.measure, options.file)
    elif options.file:
        compare(options.file, options.rounds)
    else:
        with tempfile.NamedTemporaryFile(suffix=".t7") as made:
            if options.objects:
                sys.path.insert(0, str(ROOT))
                entries = [{"a": number, "b": str(number)} for number in range(options.objects)]
                importlib.import_module("t7convert.format").save(entries, made.name, force=True)
            else:
                with lzma.open(DEFAULT) as packed:
                    shutil.copyfileobj(packed, made, 1 << 20)
                made.flush()
            compare(made.name, options.rounds)


if __name__ == "__main__":
    main()
