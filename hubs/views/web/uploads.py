"""Forms with pictures: their size limit, and reading the chosen files."""

from flask import Flask, request

from hubs.errors import InvalidInput
from hubs.pictures.uploads import MOST_BYTES, SQUARE, Encoded, accept
from hubs.views.web.context import app_context, rate_limit_key

#: Views whose forms carry pictures.
VIEWS = ("me.save", "hub_settings.save")
#: Largest form with pictures, in bytes. It is larger than a picture may be: photos that are too large still get an
#: answer beside the field, and what else was typed is kept.
MOST_FORM_BYTES = 8_000_000
#: Suffix of the checkbox that removes a picture.
REMOVE_SUFFIX = "-remove"


def register(app: Flask) -> None:
    """Let the forms of `VIEWS` be larger than others; call this before a hook that reads forms."""
    app.before_request(_raise_limit)
    app.teardown_request(_close_files)


def read(name: str, wrong: dict[str, str], size: tuple[int, int] = SQUARE) -> tuple[bool, Encoded | None]:
    """Return whether the picture ``name`` is to change, and the new one; None removes it.

    A file that cannot be accepted is no change; ``wrong`` gets the sentence for it.
    """
    upload = request.files.get(name)
    if upload is None or not upload.filename:
        return name + REMOVE_SUFFIX in request.form, None
    app_context().upload_limiter.take("upload", rate_limit_key())
    try:
        return True, accept(upload.stream.read(MOST_BYTES + 1), size)
    except InvalidInput as error:
        wrong[name] = str(error)
        return False, None


def _close_files(_error: BaseException | None) -> None:
    # Large files are kept on disk until they are closed. A request without a form has not parsed any.
    if request.endpoint in VIEWS:
        request.close()


def _raise_limit() -> None:
    if request.endpoint in VIEWS:
        request.max_content_length = MOST_FORM_BYTES
