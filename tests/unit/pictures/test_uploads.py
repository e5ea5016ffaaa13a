"""Uploaded pictures are encoded again; what could do harm is refused with a sentence."""

import io
import struct
import zlib

import pytest
from PIL import Image, TiffImagePlugin

from hubs.errors import InvalidInput
from hubs.pictures.uploads import MOST_BYTES, SQUARE, WIDE, accept


def encoded(size: tuple[int, int] = (300, 200), form: str = "PNG", colour: str = "#7a1020", **more: object) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, form, **more)  # type: ignore[arg-type]
    return buffer.getvalue()


def claiming(width: int, height: int) -> bytes:
    """Return a small PNG file whose header claims a size."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b""))
    parts = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("size", [SQUARE, WIDE])
def test_a_picture_becomes_webp_of_a_fixed_size(form: str, size: tuple[int, int]) -> None:
    picture = Image.open(io.BytesIO(accept(encoded(form=form), size).content))
    assert picture.format == "WEBP"
    assert picture.size == size


def test_metadata_is_removed() -> None:
    exif = Image.Exif()
    exif[0x010F] = "Otter Camera"
    gps = exif.get_ifd(0x8825)
    gps[2] = (TiffImagePlugin.IFDRational(61), TiffImagePlugin.IFDRational(1), TiffImagePlugin.IFDRational(2))
    data = encoded(form="JPEG", exif=exif, icc_profile=b"otter profile", comment=b"otter comment")
    assert b"Otter Camera" in data
    content = accept(data).content
    picture = Image.open(io.BytesIO(content))
    assert not picture.getexif()
    assert not {"exif", "icc_profile", "xmp", "comment"} & set(picture.info)
    assert b"otter" not in content.lower()


def test_a_photo_is_turned_upright() -> None:
    photo = Image.new("RGB", (200, 200), "red")
    photo.paste("blue", (0, 0, 200, 100))
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    buffer = io.BytesIO()
    photo.save(buffer, "PNG", exif=exif)
    picture = Image.open(io.BytesIO(accept(buffer.getvalue()).content)).convert("RGB")
    red, _green, blue = picture.getpixel((128, 20))  # type: ignore[misc]
    assert red > blue


@pytest.mark.parametrize("size", [(5000, 5000), (60_000, 60_000), (2**31 - 1, 2**31 - 1)])
def test_a_picture_with_too_many_pixels_is_refused_before_it_is_decoded(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def decoded(*_arguments: object) -> None:
        raise AssertionError("the picture was decoded")

    monkeypatch.setattr(Image.Image, "convert", decoded)
    with pytest.raises(InvalidInput, match="16 megapixels"):
        accept(claiming(*size))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no picture",
        b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        encoded(form="GIF"),
        encoded(form="BMP"),
        encoded(form="TIFF"),
        encoded(form="WEBP")[:40],
        encoded(form="JPEG")[:200],
        claiming(100, 100),
        claiming(0, 100),
    ],
)
def test_other_files_and_broken_ones_are_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput, match="PNG, JPEG or WebP"):
        accept(data)


def test_a_large_file_is_refused() -> None:
    with pytest.raises(InvalidInput, match="more than one megabyte"):
        accept(encoded() + bytes(MOST_BYTES))


def test_a_tiny_picture_is_refused() -> None:
    with pytest.raises(InvalidInput, match="too small"):
        accept(encoded((8, 300)))


def test_equal_pictures_have_equal_digests() -> None:
    assert accept(encoded()).digest == accept(encoded()).digest
    assert accept(encoded()).digest != accept(encoded(colour="#123456")).digest
