"""A loopback server that plays Google Drive and a plain mirror, with every fault in turn."""

from __future__ import annotations

import hashlib
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

Behaviour = Callable[["Handler"], None]


def t7_bytes(count: int = 1000, first: float = 0.5) -> bytes:
    """Return a .t7: a FloatTensor of ``count`` numbers, as Torch7 writes it."""

    def text(value: str) -> bytes:
        return struct.pack("<i", len(value)) + value.encode()

    def torch_object(index: int, name: str) -> bytes:
        return struct.pack("<ii", 4, index) + text("V 1") + text(name)

    numbers = b"".join(struct.pack("<f", first + number) for number in range(count))
    return (
        torch_object(1, "torch.FloatTensor")
        + struct.pack("<iqqq", 1, count, 1, 1)
        + torch_object(2, "torch.FloatStorage")
        + struct.pack("<q", count)
        + numbers
    )


@dataclass
class Site:
    """What the server answers, per path: a list of behaviours, the last of which repeats."""

    url: str = ""
    pages: dict[str, list[Behaviour]] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def on(self, path: str, *behaviours: Behaviour) -> str:
        """Answer ``path`` so, and return its address."""
        self.pages[path] = list(behaviours)
        return f"{self.url}{path}"

    def next_behaviour(self, path: str) -> Behaviour:
        with self.lock:
            behaviours = self.pages.get(path, [status(404)])
            return behaviours.pop(0) if len(behaviours) > 1 else behaviours[0]

    def asked(self, path: str) -> list[dict[str, str]]:
        """Return the headers of every request for ``path``."""
        return [headers for asked, headers in self.requests if asked == path]


class Handler(BaseHTTPRequestHandler):
    """Hands each request to the site's next behaviour."""

    protocol_version = "HTTP/1.1"
    site: Site

    def do_GET(self) -> None:  # the name is http.server's
        path = urlsplit(self.path).path
        with self.site.lock:
            self.site.requests.append((path, {k.lower(): v for k, v in self.headers.items()}))
        self.close_connection = True
        with suppress(BrokenPipeError, ConnectionResetError):  # the client may have had enough
            self.site.next_behaviour(path)(self)

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""

    def head(self, code: int, **headers: object) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.send_header("Connection", "close")
        self.end_headers()


@contextmanager
def serving() -> Iterator[Site]:
    """Run a server on a free port of 127.0.0.1."""
    site = Site()
    handler = type("SiteHandler", (Handler,), {"site": site})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.block_on_close = False
    site.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield site
    finally:
        site.closing.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


def etag_of(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:16]}"'


def _range(handler: Handler, body: bytes, etag: str) -> int:
    text = handler.headers.get("Range", "")
    if not text or handler.headers.get("If-Range", etag) != etag:
        return 0
    return int(text.removeprefix("bytes=").partition("-")[0])


def file(
    body: bytes,
    *,
    kind: str = "application/octet-stream",
    cut: int | None = None,
    pause: float = 0.0,
    chunk: int = 0,
    etag: str | None = None,
    honest: bool = True,
    **more: object,
) -> Behaviour:
    """Answer with ``body``, with ranges; ``cut`` closes the connection after so many bytes.

    ``honest=False`` sends the rest of *this* body although ``If-Range`` names another one.
    """
    tag = etag_of(body) if etag is None else etag

    def behave(handler: Handler) -> None:
        start = _range(handler, body, tag or "none")
        if not honest:
            text = handler.headers.get("Range", "bytes=0-")
            start = int(text.removeprefix("bytes=").partition("-")[0])
        headers: dict[str, object] = {"Content_Type": kind, "Content_Length": len(body) - start}
        headers |= more
        if tag:
            headers["ETag"] = tag
        if start:
            headers["Content_Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
        handler.head(206 if start else 200, **headers)
        part = body[start:]
        if cut is not None:
            part = part[:cut]
        step = chunk or len(part) or 1
        for position in range(0, len(part), step):
            handler.wfile.write(part[position : position + step])
            handler.wfile.flush()
            if pause and handler.site.closing.wait(pause):
                return

    return behave


def no_ranges(body: bytes, *, cut: int | None = None) -> Behaviour:
    """Answer with the whole body whatever range is asked for, but with an ETag."""

    def behave(handler: Handler) -> None:
        handler.head(200, Content_Length=len(body), ETag=etag_of(body))
        handler.wfile.write(body[:cut])

    return behave


def status(code: int, **headers: object) -> Behaviour:
    """Answer with a bare status."""

    def behave(handler: Handler) -> None:
        handler.head(code, Content_Length=0, **headers)

    return behave


def page(html: str, code: int = 200) -> Behaviour:
    """Answer with an HTML page."""
    body = html.encode()

    def behave(handler: Handler) -> None:
        handler.head(code, Content_Type="text/html; charset=utf-8", Content_Length=len(body))
        handler.wfile.write(body)

    return behave


def redirect(url: str) -> Behaviour:
    """Send the client elsewhere."""
    return status(302, Location=url)


def until_closed(body: bytes) -> Behaviour:
    """Answer without a length: the end of the connection is the end of the file."""

    def behave(handler: Handler) -> None:
        handler.head(200, Content_Type="application/octet-stream")
        handler.wfile.write(body)

    return behave


def endless(start: bytes, *, most: int = 64 << 20) -> Behaviour:
    """Answer without an end (bounded by ``most``), in chunks without a length."""

    def behave(handler: Handler) -> None:
        handler.head(200, Transfer_Encoding="chunked")
        sent, block = 0, start
        while sent < most and not handler.site.closing.is_set():
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(block), block))
            sent += len(block)
            block = bytes(1 << 16)

    return behave


def trickle(body: bytes, *, pause: float, most: float = 20.0) -> Behaviour:
    """Answer byte by byte, at most for ``most`` seconds."""

    def behave(handler: Handler) -> None:
        handler.head(200, Content_Length=len(body), ETag=etag_of(body))
        end = time.monotonic() + most
        for position in range(len(body)):
            handler.wfile.write(body[position : position + 1])
            handler.wfile.flush()
            if time.monotonic() > end or handler.site.closing.wait(pause):
                return

    return behave


def silent(seconds: float = 20.0) -> Behaviour:
    """Accept the request and say nothing."""

    def behave(handler: Handler) -> None:
        handler.site.closing.wait(seconds)

    return behave
