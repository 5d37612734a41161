"""What a batch has done so far: ``batch.json`` in its folder of outputs."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from t7convert.errors import OutputError
from t7convert.files import replace_text

NAME = "batch.json"
_VERSION = 1


@dataclass
class Record:
    """The rows of a batch, by the outputs' paths below its folder.

    A row has ``source``, ``kind``, ``options`` (a digest), ``status`` (pending, done, failed,
    skipped) and what ``batch_job.run_job`` returned.
    """

    folder: Path
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    _saved: float = 0.0
    _cost: float = 0.0

    @classmethod
    def read(cls, folder: Path) -> Record:
        """Return the record that stands in ``folder``, or an empty one.

        Raises:
            OutputError: if there is something else of that name.
        """
        path = folder / NAME
        if not path.exists():
            return cls(folder)
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["version"] != _VERSION:
                raise ValueError(f"version {content['version']}, expected {_VERSION}")
            return cls(folder, dict(content["outputs"]))
        except (ValueError, KeyError, TypeError) as error:
            raise OutputError(f"{path}: is no record of t7convert batch: {error!r}") from error

    def save(self, *, now: bool = False) -> None:
        """Write the record whole or not at all; after each file, but not all the time."""
        start = time.monotonic()
        if not now and start - self._saved < 20 * self._cost:
            return
        content = {"version": _VERSION, "outputs": self.rows}
        replace_text(self.folder / NAME, json.dumps(content, indent=1) + "\n", force=True)
        self._saved = time.monotonic()
        self._cost = self._saved - start

    def previous(self, name: str, kind: str, options: str) -> dict[str, Any] | None:
        """Return the row of an output that was made in the same way, None if there is none."""
        row = self.rows.get(name)
        if row is None or row.get("status") not in ("done", "skipped"):
            return None
        return row if (row["kind"], row["options"]) == (kind, options) else None


def digest(options: dict[str, Any]) -> str:
    """Return what tells options apart; plugins by their contents."""
    plain = dict(options)
    plain["plugins"] = [
        hashlib.sha256(Path(plugin).read_bytes()).hexdigest() if Path(plugin).is_file() else plugin
        for plugin in plain.get("plugins", ())
    ]
    text = json.dumps(plain, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
