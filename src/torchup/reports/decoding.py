"""Bytes of a report file -> text, or the kind of a file that is not text."""

from __future__ import annotations

from enum import StrEnum

from torchup.patterns import lazy_pattern

_SAMPLE = 4_000  # bytes that show which encoding it is
_SHARE_OF_ZEROS = 4  # UTF-16 of Latin text has a zero in every second byte; a quarter leaves room for Chinese
_READABLE_SHARE = 10  # of so many characters at most one may be strange
_MARKS = {
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
    b"\xef\xbb\xbf": "utf-8-sig",
}
_WORD = lazy_pattern(r"[^\W\d_]{2,}")


class Content(StrEnum):
    """What a file is, as far as a report is concerned."""

    TEXT = "text"
    EMPTY = "empty"
    PICTURE = "picture"
    DOCUMENT = "document"  # PDF, a word processor's file
    ARCHIVE = "archive"
    BINARY = "binary"


# The first bytes of what people attach instead of text. ZIP covers wheels and word processors' files too.
_BEGINNINGS: tuple[tuple[bytes, Content], ...] = (
    (b"\x89PNG\r\n", Content.PICTURE),
    (b"\xff\xd8\xff", Content.PICTURE),  # JPEG
    (b"GIF8", Content.PICTURE),
    (b"BM", Content.PICTURE),
    (b"II*\x00", Content.PICTURE),  # TIFF, either byte order
    (b"MM\x00*", Content.PICTURE),
    (b"%PDF-", Content.DOCUMENT),
    (b"\xd0\xcf\x11\xe0", Content.DOCUMENT),  # older word processors
    (b"PK\x03\x04", Content.ARCHIVE),
    (b"\x1f\x8b", Content.ARCHIVE),  # gzip
    (b"BZh", Content.ARCHIVE),
    (b"\xfd7zXZ", Content.ARCHIVE),
    (b"7z\xbc\xaf", Content.ARCHIVE),
    (b"Rar!", Content.ARCHIVE),
    (b"\x28\xb5\x2f\xfd", Content.ARCHIVE),  # zstd
    (b"\x7fELF", Content.BINARY),
    (b"MZ", Content.BINARY),  # a Windows program
)
_LETTERS_TOO = {b"BM", b"MZ", b"BZh", b"GIF8"}  # words may begin like this; then control characters decide


def recognise(raw: bytes) -> Content:
    """What a file is by its first bytes; `Content.TEXT` where somebody may have written or printed it."""
    if not raw.strip(b"\x00 \t\r\n"):
        return Content.EMPTY
    for beginning, content in _BEGINNINGS:
        if raw.startswith(beginning) and (beginning not in _LETTERS_TOO or _is_binary(raw)):
            return content
    if raw[:4] == b"RIFF" and raw[8:12] == b"WEBP":
        return Content.PICTURE
    if raw[4:12] in {b"ftypheic", b"ftypheix", b"ftypavif", b"ftypmif1"}:
        return Content.PICTURE
    return Content.BINARY if _is_binary(raw) else Content.TEXT


def _is_binary(raw: bytes) -> bool:
    """Whether the sample is not text in the encoding that suits it best."""
    sample = raw[:_SAMPLE]
    text = decode(sample).removesuffix("\ufffd")  # the sample may end within a character
    return _strange(text) * _READABLE_SHARE > len(text)


def decode(raw: bytes) -> str:
    """Text of a report file: UTF-8, UTF-16 of PowerShell's ``>``, or GB18030; what does not fit is replaced."""
    for mark, encoding in _MARKS.items():
        if raw.startswith(mark):
            return raw.decode(encoding, "replace").removeprefix("\ufeff")
    wide = _utf_16_without_mark(raw[:_SAMPLE])
    if wide is not None:
        return raw.decode(wide, "replace")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        cut = len(raw) - error.start < 4 and error.reason == "unexpected end of data"  # noqa: PLR2004  # bytes of a character
        return raw.decode("utf-8", "replace") if cut or not _looks_chinese(raw) else _chinese(raw)


def _utf_16_without_mark(sample: bytes) -> str | None:
    """The byte order of UTF-16 whose mark was lost: the zeros of Latin letters and line ends lie on one side."""
    odd, even = sample[1::2].count(0), sample[::2].count(0)
    if max(odd, even) * _SHARE_OF_ZEROS <= len(sample) // 2 or min(odd, even) * _SHARE_OF_ZEROS > max(odd, even):
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


def _chinese(raw: bytes) -> str:
    text = raw.decode("gb18030", "replace")
    plain = raw.decode("utf-8", "replace")
    return text if text.count("\ufffd") <= plain.count("\ufffd") // 2 else plain


def _looks_chinese(raw: bytes) -> bool:
    return sum(byte >= 0x80 for byte in raw[:_SAMPLE]) >= 4  # noqa: PLR2004  # two characters at least


def _strange(text: str) -> int:
    return sum(c == "\ufffd" or not (c.isprintable() or c in "\n\r\t\x1b\f\b\ufeff") for c in text)


def has_words(text: str) -> bool:
    """Whether a person wrote or a program printed this text: it has words, and few unprintable characters."""
    return _strange(text) * _READABLE_SHARE < len(text) and len(_WORD.findall(text, 0, 100_000)) >= 2  # noqa: PLR2004  # one may be chance
