"""A second computation beside the first, its outputs handed over one by one.

The network and the reference run side by side, so that a large network's outputs are compared as
they appear and never are all in memory.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable
from types import TracebackType
from typing import Any

from t7convert.parity.compare import leaves

#: Outputs that may wait to be compared, in bytes.
LIMIT = 16 << 20


class StoppedError(Exception):
    """Raised in the computation when nobody wants its outputs any more."""


class Stream:
    """Runs ``work(stream)`` in a thread; ``work`` calls :meth:`put`, the owner :meth:`take`.

    Attributes:
        result: what ``work`` returned, after :meth:`join`.
        error: what it raised, after :meth:`join`.
    """

    def __init__(self, work: Callable[[Stream], Any]) -> None:
        self.result: Any = None
        self.error: BaseException | None = None
        self._work = work
        self._items: dict[tuple[str, int], Any] = {}
        self._counts: dict[str, int] = defaultdict(int)
        self._held = 0
        self._wanted = self._closed = self._done = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Stream:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()

    def _run(self) -> None:
        try:
            self.result = self._work(self)
        except BaseException as error:  # handed to the owner, who decides
            self.error = error
        with self._changed:
            self._done = True
            self._changed.notify_all()

    def put(self, path: str, value: Any) -> None:
        """Hand over the next output of the module at ``path``; waits while many lie unread."""
        with self._changed:
            self._items[path, self._counts[path]] = value
            self._counts[path] += 1
            self._held += _bytes(value)
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._held <= LIMIT or self._wanted or self._closed)
            if self._closed:
                raise StoppedError

    def take(self, path: str, number: int) -> Any:
        """Return the output of call ``number`` of the module at ``path``; waits for it.

        Raises:
            KeyError: if the computation ended without that call.
        """
        key = (path, number)
        with self._changed:
            self._wanted = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: key in self._items or self._done)
            self._wanted = False
            value = self._items.pop(key)
            self._held -= _bytes(value)
            self._changed.notify_all()
            return value

    def join(self) -> None:
        """Wait for the end; outputs that nobody took are thrown away."""
        with self._changed:
            self._wanted = True
            self._changed.notify_all()
        self._thread.join()
        self._items.clear()


def _bytes(value: Any) -> int:
    return sum(array.nbytes for _, array in leaves(value))
