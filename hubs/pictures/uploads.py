"""Uploaded pictures: refused if they could do harm, and encoded again, which drops everything but the pixels."""

import hashlib
import io
import threading
import warnings
from dataclasses import dataclass

from PIL import Image, ImageOps

from hubs.errors import InvalidInput
from hubs.i18n import _

#: Largest file in bytes, and most pixels of a picture.
MOST_BYTES, MOST_PIXELS = 1_000_000, 16_000_000
#: Formats that are decoded. SVG is a document with scripts, not a picture.
FORMATS = ("PNG", "JPEG", "WEBP")
#: Sizes to which pictures are cut, in pixels.
SQUARE, WIDE = (256, 256), (1600, 400)
#: Smallest side of a picture, in pixels.
LEAST_SIDE = 16
#: Decoded pictures take up to 128 MB of memory each, so few are decoded at the same time.
_decoding = threading.Semaphore(2)


@dataclass(frozen=True)
class Encoded:
    """A picture as we store it: WebP of a fixed size, without metadata."""

    content: bytes

    @property
    def digest(self) -> str:
        """A hash of the content."""
        return hashlib.blake2b(self.content, digest_size=16).hexdigest()


def accept(data: bytes, size: tuple[int, int] = SQUARE) -> Encoded:
    """Return an uploaded file as we store it, cut to ``size`` around its centre.

    :raises InvalidInput: with a sentence for the person who chose the file.
    """
    if len(data) > MOST_BYTES:
        raise InvalidInput(_("The file has more than one megabyte; please choose a smaller picture."))
    try:
        with warnings.catch_warnings(), _decoding:
            # The library only warns about sizes that are smaller than its own limit, and ours is checked below.
            warnings.simplefilter("ignore")
            return _encode(data, size)
    except InvalidInput:
        raise
    except Image.DecompressionBombError:
        raise _too_many_pixels() from None
    except Exception as error:  # a decoder that reads a broken or hostile file may raise anything
        raise InvalidInput(_("This file cannot be read; please choose a picture in PNG, JPEG or WebP.")) from error


def _encode(data: bytes, size: tuple[int, int]) -> Encoded:
    with Image.open(io.BytesIO(data), formats=FORMATS) as source:
        # Only the header has been read: a small file can claim to be a huge picture, which must not be decoded.
        if source.width * source.height > MOST_PIXELS:
            raise _too_many_pixels()
        if min(source.size) < LEAST_SIDE:
            raise InvalidInput(_("The picture is too small; each side needs at least 16 pixels."))
        upright = ImageOps.exif_transpose(source)
        picture = ImageOps.fit(upright.convert("RGBA"), size, Image.Resampling.LANCZOS)
    # A new picture, to which only pixels are copied: neither camera, place nor colour profile.
    clean = Image.new("RGBA", size)
    clean.paste(picture)
    buffer = io.BytesIO()
    clean.save(buffer, "WEBP", quality=86, method=4)
    return Encoded(buffer.getvalue())


def _too_many_pixels() -> InvalidInput:
    return InvalidInput(_("The picture has more than 16 megapixels; please make it smaller."))
