"""Small files, written byte by byte, by another hand than the writer's."""

from __future__ import annotations

import struct


def integer(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}i", *values)


def long(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}q", *values)


def counted(text: bytes) -> bytes:
    return integer(len(text)) + text


def string(text: bytes) -> bytes:
    return integer(2) + counted(text)


def number(value: float) -> bytes:
    return integer(1) + struct.pack("<d", value)


def table(index: int, *pairs: bytes) -> bytes:
    return integer(3, index, len(pairs) // 2) + b"".join(pairs)


def torch(index: int, name: bytes, payload: bytes, version: bytes = b"V 1") -> bytes:
    return integer(4, index) + (counted(version) if version else b"") + counted(name) + payload


def storage(index: int, *values: float) -> bytes:
    elements = struct.pack(f"<{len(values)}f", *values)
    return torch(index, b"torch.FloatStorage", long(len(values)) + elements)


def tensor(
    index: int, size: tuple[int, ...], stride: tuple[int, ...], offset: int, on: bytes
) -> bytes:
    geometry = integer(len(size)) + long(*size, *stride, offset)
    return torch(index, b"torch.FloatTensor", geometry + on)
