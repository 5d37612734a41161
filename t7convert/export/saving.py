"""``torch.save`` that leaves a whole file or none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from t7convert.errors import OutputError, first_line
from t7convert.files import replacing


def save_torch(content: Any, target: Path, *, force: bool = False) -> None:
    """Write ``content`` as a ``.pt`` file.

    Raises:
        OutputError: if the target exists and ``force`` is false, or the disk is full.
    """
    with replacing(target, force=force) as beside:
        try:
            torch.save(content, beside)
        except RuntimeError as error:  # what torch makes of a full disk
            problem = f"could not be written, is the disk full? {first_line(error)}"
            raise OutputError(f"{target}: {problem}") from error
