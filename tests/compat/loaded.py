"""Lua objects through a file and load_lua."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import t7convert
from t7convert.compat import load_lua


def loaded(root: Any, tmp_path: Path, **options: Any) -> Any:
    """Return what load_lua makes of Lua objects."""
    t7convert.save(root, tmp_path / "file.t7", force=True)
    return load_lua(str(tmp_path / "file.t7"), **options)
