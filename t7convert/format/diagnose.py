"""What a file is that is no .t7, and what to do about it."""

from __future__ import annotations

import re

from t7convert.errors import NotTorch7Error

_OPEN_TORCH = "it is a PyTorch file already: open it with torch.load"
_UNPACK = "unpack it and pass the .t7 file inside"
_AGAIN = "download the file itself, and compare its size with what the page says"

#: First bytes, what they mean, what to do.
_MAGIC: tuple[tuple[bytes, str, str], ...] = (
    (
        b"version https://git-lfs",
        "a Git LFS pointer",
        "it only names the model's bytes: run `git lfs pull` in the repository, or download the "
        "file from its page",
    ),
    (b"version https://hawser", "a Git LFS pointer", "run `git lfs pull` in the repository"),
    (b"/annex/objects", "a git-annex pointer", "run `git annex get` in the repository"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file (Keras?)", "open it with h5py or Keras"),
    (b"\x93NUMPY", "a numpy array", "open it with numpy.load"),
    (b"MATLAB 5.0", "a MATLAB file", "open it with scipy.io.loadmat"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", _UNPACK),
    (b"Rar!\x1a\x07", "a RAR archive", _UNPACK),
    (b"PK\x05\x06", "an empty zip archive", _AGAIN),
    (b"\x28\xb5\x2f\xfd", "Zstandard-compressed data", _UNPACK),
    (b"\x1f\x9d", "compressed data (.Z)", _UNPACK),
    (b"\x04\x22\x4d\x18", "LZ4-compressed data", _UNPACK),
    (b"\x89PNG", "a PNG image", "pass the model instead"),
    (b"\xff\xd8\xff", "a JPEG image", "pass the model instead"),
    (b"%PDF", "a PDF document", "pass the model instead"),
    (b"\x7fELF", "a program", "pass the model instead"),
    (b"\x1bL", "Lua bytecode", "it holds code and no model: pass the file that torch.save wrote"),
)
#: How a .t7 file begins: a tag of 0 to 8 as an int of either byte order, or as text.
_BEGINS = re.compile(rb"[\x00-\x08]\0\0\0|\0\0\0[\x00-\x08]|\s*[0-8]\s")
_MARKUP = re.compile(rb"\s*(?:<!--.*?-->\s*)*<(?:!doctype|html|head|body|\?xml|error)", re.I | re.S)
_LEGACY_MAGIC = b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"


def identify(head: bytes, size: int, name: str) -> NotTorch7Error | None:
    """Return the error for a file that is plainly something else, None where it may be a .t7.

    Args:
        head: the file's first 4,096 bytes, or all of them.
        size: how long the file is.
        name: what to call it.
    """
    found = _kind(head, size)
    return NotTorch7Error(*found, file=name) if found else None


def _kind(head: bytes, size: int) -> tuple[str, str] | None:
    if size == 0:
        return "an empty file", "the download or the copy failed: get the file again"
    if not head.strip(b"\0") and size > 64:
        return "a file of zeros", "the download or the copy failed: get the file again"
    if size < 4 or _BEGINS.match(head):
        return None
    for magic, kind, remedy in _MAGIC:
        if head.startswith(magic):
            return kind, remedy
    if _MARKUP.match(head):
        return (
            "an HTML or XML page",
            "a server sent a page in place of the file (moved, missing, or asking to log in): "
            + _AGAIN,
        )
    return _container(head) or _text(head) or _unknown(head)


def _container(head: bytes) -> tuple[str, str] | None:
    if head.startswith(b"PK\x03\x04"):
        return "a PyTorch checkpoint (zip)", _OPEN_TORCH
    if head[257:262] == b"ustar" or _is_tar(head):
        names = {head[start : start + 100].rstrip(b"\0") for start in range(0, len(head), 512)}
        if names & {b"sys_info", b"pickle", b"storages", b"tensors"}:
            return "a PyTorch checkpoint (tar, before 0.1.11)", _OPEN_TORCH
        return "a tar archive", _UNPACK
    if head[:1] == b"\x80" and head[1:2] in b"\x02\x03\x04\x05" and len(head) > 2:
        if _LEGACY_MAGIC in head[:32]:
            return "a PyTorch checkpoint (legacy pickle)", _OPEN_TORCH
        return "a Python pickle", "open it with pickle, if you trust where it comes from"
    if head[8:9] == b"{" and 2 <= int.from_bytes(head[:8], "little") < 1 << 32:
        return "a safetensors file", "open it with safetensors.torch.load_file"
    if head[4:8] == b"TFL3":
        return "a TensorFlow Lite model", "open it with TensorFlow"
    if re.match(rb"\x08[\x01-\x20]\x12[\x00-\x40]", head) or b"onnx" in head[:64]:
        return "an ONNX model", "open it with onnx or onnxruntime"
    return None


def _is_tar(head: bytes) -> bool:
    """Tell whether a tar header without its magic (as before POSIX) has the right checksum."""
    if len(head) < 512:
        return False
    field = head[148:156].strip(b" \0")
    if not re.fullmatch(rb"[0-7]{1,7}", field):
        return False
    return sum(head[:148]) + 8 * 32 + sum(head[156:512]) == int(field, 8)


def _text(head: bytes) -> tuple[str, str] | None:
    if re.search(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]", head):
        return None
    first = head.strip().split(b"\n")[0][:60].decode("utf-8", "replace").strip()
    if re.match(rb"\s*[\[{]", head):
        return "a JSON or text file", f"it begins with {first!r}: pass the model instead"
    return "a plain text file", f"it begins with {first!r}, which may describe a model: {_AGAIN}"


def _unknown(head: bytes) -> tuple[str, str]:
    begins = head[:8].hex(" ")
    return f"data of an unknown kind (its first bytes are {begins})", (
        "a .t7 file begins with a tag of 0 to 8: check where the file comes from"
    )
