"""Static files, compressed once, under addresses that change with their content.

Installed, all addresses contain a hash of the files, and browsers keep what they have for a year. An address with
another hash, which a page or fragment from before an upgrade contains, gets the present file and is not kept.
"""

import gzip
import mimetypes
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import brotli  # type: ignore[import-untyped]
from flask import Flask, Response, abort, request
from werkzeug.security import safe_join

from hubs import urls

#: Lifetimes by whether the address names the present content.
_FOR_A_YEAR, _REVALIDATE = "public, max-age=31536000, immutable", "public, max-age=0, must-revalidate"
#: Types of files that compression makes smaller, and the least size in bytes for which it pays.
_COMPRESSIBLE, _SMALL = frozenset({".css", ".js", ".svg", ".json", ".txt", ".md", ".html", ".xml"}), 500
_BROTLI, _GZIP = "br", "gzip"


class _Generated(NamedTuple):
    """A file that is read from its form in the bundle, or where that is outdated from its sources."""

    read: Callable[[Path], bytes]
    sources: Callable[[Path], list[Path]]
    bundled: str


_GENERATED = {
    urls.STYLE_SHEET: _Generated(urls.read_style_sheet, urls.style_sources, urls.MINIFIED_STYLE_SHEET),
    urls.SCRIPT: _Generated(urls.read_script, urls.script_sources, urls.SCRIPT),
}


@dataclass(frozen=True)
class StaticFile:
    """A file with its compressed forms by content coding; ``modified`` is the time that the file system gives."""

    body: bytes
    codings: dict[str, bytes]
    content_type: str
    etag: str
    modified: int


def compressed(path: Path, body: bytes) -> dict[str, bytes]:
    """Return the compressed forms of a file by content coding; none where compression does not pay."""
    if path.suffix not in _COMPRESSIBLE or len(body) < _SMALL:
        return {}
    return {_BROTLI: brotli.compress(body, quality=11), _GZIP: gzip.compress(body, 9, mtime=0)}


class StaticFiles:
    """Reads the files of a folder when they are first requested, and again when they change."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, StaticFile] = {}
        self._lock = threading.Lock()

    def get(self, name: str) -> StaticFile | None:
        """Return a file by its path in the folder; None if there is none."""
        paths = self._paths(name)
        if not paths or not all(path.is_file() for path in paths):
            return None
        modified = max(path.stat().st_mtime_ns for path in paths)
        known = self._files.get(name)
        if known is not None and known.modified == modified:
            return known
        with self._lock:  # compressing takes a tenth of a second: do it once for the requests of a first page
            known = self._files.get(name)
            if known is None or known.modified != modified:
                body = _GENERATED[name].read(self._folder) if name in _GENERATED else paths[0].read_bytes()
                known = self._files[name] = _file(Path(name), body, modified)
        return known

    def _paths(self, name: str) -> list[Path]:
        """Return the files that the response for a name is made of; none for a name outside of the folder."""
        if name in _GENERATED:
            bundled = self._folder / _GENERATED[name].bundled
            return [*_GENERATED[name].sources(self._folder), *([bundled] if bundled.is_file() else [])]
        safe = safe_join(str(self._folder), name)
        return [Path(safe)] if safe else []


def _file(path: Path, body: bytes, modified: int) -> StaticFile:
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    is_text = kind.startswith("text/") or kind in ("application/javascript", "application/json", "image/svg+xml")
    content_type = f"{kind}; charset=utf-8" if is_text else kind
    return StaticFile(body, compressed(path, body), content_type, urls.digest(body), modified)


def register(app: Flask) -> None:
    """Serve the static folder of ``app`` from memory, also under addresses with a hash."""
    files = StaticFiles(Path(app.static_folder or ""))

    def serve(filename: str, version: str = "") -> Response:
        file = files.get(filename)
        if file is None:
            abort(404)
        coding = request.accept_encodings.best_match(file.codings) if file.codings else None
        response = Response(file.codings[coding] if coding else file.body, content_type=file.content_type)
        if coding:
            response.headers["Content-Encoding"] = coding
        if file.codings:
            response.vary.add("Accept-Encoding")
        # A tag for each coding: a cache must not answer one with the other.
        response.set_etag(f"{file.etag}-{coding}" if coding else file.etag)
        is_current = bool(version) and version == urls.static_version()
        response.headers["Cache-Control"] = _FOR_A_YEAR if is_current else _REVALIDATE
        response.make_conditional(request)
        return response

    app.view_functions["static"] = serve
    app.add_url_rule("/static/v-<version>/<path:filename>", endpoint="static", view_func=serve)


def write(source: Path, target: Path) -> int:
    """Write the files with their compressed forms (``.br``, ``.gz``) beside them; return how many files there are.

    A server such as nginx serves them from there (``gzip_static``).
    """
    bodies = {path.relative_to(source): path.read_bytes() for path in sorted(source.rglob("*")) if path.is_file()}
    bodies |= {Path(name): generated.read(source) for name, generated in _GENERATED.items()}
    for path, body in bodies.items():
        copy = target / path
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(body)
        for coding, content in compressed(path, body).items():
            copy.with_name(f"{copy.name}.{'gz' if coding == _GZIP else coding}").write_bytes(content)
    return len(bodies)
