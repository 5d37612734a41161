"""``torch.save`` that leaves a whole file or none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from t7convert.errors import OutputError
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
            reason = str(error).splitlines()[0]
            problem = f"could not be written, is the disk full? {reason}"
            raise OutputError(f"{target}: {problem}") from error
