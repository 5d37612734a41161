"""Mutated files: each must be read or be a T7FormatError, in bounded time and memory.

    python -m tests.format.fuzz [COUNT] [SEED]

Prints how many were read and refused, the slowest, and the most memory that one took.
"""

from __future__ import annotations

import random
import sys
import time
import tracemalloc
from collections import Counter
from pathlib import Path
from typing import Any

from t7convert.errors import T7FormatError
from t7convert.format import open_file
from t7convert.format.objects import LuaObject, LuaStorage, LuaTable, LuaTensor

#: A mutant may take this many times its size, and this much beside.
FACTOR, BESIDE = 30, 200_000
SECONDS = 5.0
ODD = [b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\x80", b"\0\0\0\0", b"\1\0\0\0"]


def seeds() -> list[bytes]:
    """Return the small files that are mutated."""
    folder = Path(__file__).resolve().parents[2] / "fixtures"
    paths = sorted(folder.glob("formats*/*.t7"))
    return [data for data in map(Path.read_bytes, paths) if len(data) < 5000]


def mutant(data: bytes, choice: random.Random) -> bytes:
    """Return ``data`` damaged in one to four places."""
    changed = bytearray(data)
    for _ in range(choice.randint(1, 4)):
        if not changed:
            break
        at = choice.randrange(len(changed))
        what = choice.randrange(7)
        if what == 0:
            changed[at] = choice.randrange(256)
        elif what == 1:
            changed[at] ^= 1 << choice.randrange(8)
        elif what == 2:
            at -= at % 4
            changed[at : at + 4] = choice.choice(ODD)
        elif what == 3:
            del changed[at : at + choice.randint(1, 16)]
        elif what == 4:
            other = choice.randrange(len(changed))
            changed[at:at] = changed[other : other + choice.randint(1, 32)]
        elif what == 5:
            del changed[at:]
        else:
            changed[at : at + 8] = choice.randbytes(8)
    return bytes(changed)


def read_everything(roots: list[Any]) -> None:
    """Read every payload that can be reached, as views."""
    seen: set[int] = set()
    todo = list(roots)
    while todo:
        value = todo.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, LuaTable):
            todo += [*value.keys(), *value.values()]
        elif isinstance(value, LuaObject):
            todo += [*value.header, value.payload]
        elif isinstance(value, (LuaTensor, LuaStorage)):
            value.numpy()
            todo.append(getattr(value, "storage", None))


def attempt(data: bytes) -> str:
    """Read one file; tell what became of it. Anything but a T7FormatError goes through."""
    try:
        with open_file(data) as opened:
            read_everything(opened.objects)
    except T7FormatError:
        return "refused"
    return "read"


def observed(data: bytes) -> tuple[str, float, int]:
    """Return what became of a file, the seconds that it took, and the most memory."""
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    start = time.perf_counter()
    outcome = attempt(data)
    taken = time.perf_counter() - start
    return outcome, taken, tracemalloc.get_traced_memory()[1] - before


def run(count: int, seed: int) -> tuple[Counter[str], float, float]:
    """Try ``count`` mutants; return the outcomes, the longest time and the most memory
    that one took above ten times its size.

    Raises:
        AssertionError: naming the mutant that took too long or too much.
    """
    choice, originals = random.Random(seed), seeds()
    for data in originals:
        attempt(data)  # what is imported and cached once is no mutant's doing
    outcomes: Counter[str] = Counter()
    slowest = worst = 0.0
    tracemalloc.start()
    try:
        for number in range(count):
            data = mutant(choice.choice(originals), choice)
            outcome, taken, memory = observed(data)
            allowed = FACTOR * len(data) + BESIDE
            if memory >= allowed or taken >= SECONDS:
                # once more: Python itself grows a table now and then
                outcome, taken, memory = observed(data)
            outcomes[outcome] += 1
            slowest, worst = max(slowest, taken), max(worst, memory - 10 * len(data))
            assert taken < SECONDS, f"mutant {number} of seed {seed} took {taken:.1f} s"
            assert memory < allowed, f"mutant {number} of seed {seed} took {memory:,} bytes"
    finally:
        tracemalloc.stop()
    return outcomes, slowest, worst


if __name__ == "__main__":
    arguments = [int(each) for each in sys.argv[1:]]
    found = run(*(arguments + [100_000, 1][len(arguments) :]))
    memory = f"at most {found[2]:,.0f} bytes above 10 times the file"
    sys.stdout.write(f"{dict(found[0])}, slowest {found[1]:.3f} s, {memory}\n")
