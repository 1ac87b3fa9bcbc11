"""Bytes of report files: encodings, and what is no text."""

from __future__ import annotations

import os
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torchup.reports import Content, decode, has_words, parse_report, recognise

CHINESE = "PyTorch版本: 2.6.0+cu124\n显卡: NVIDIA GeForce RTX 4060\nRuntimeError: CUDA error\n"


def picture():
    """A PNG of one pixel, as an encoder writes it."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0\0\0\0")) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gb18030", "gbk"])
def test_every_encoding_of_a_report_gives_the_same_facts(encoding):
    """UTF-8, UTF-16 with and without its mark, and the encodings of Chinese Windows."""
    raw = CHINESE.encode(encoding)
    assert recognise(raw) is Content.TEXT
    assert decode(raw) == CHINESE
    assert parse_report(decode(raw)).torch.version == "2.6.0"


@pytest.mark.parametrize(
    ("raw", "content"),
    [
        (picture(), Content.PICTURE),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01", Content.PICTURE),
        (b"RIFF\x10\x00\x00\x00WEBPVP8 ", Content.PICTURE),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", Content.DOCUMENT),
        (b"PK\x03\x04\x14\x00\x00\x00", Content.ARCHIVE),
        (b"\x1f\x8b\x08\x00\x00", Content.ARCHIVE),
        (b"\x7fELF\x02\x01\x01\x00", Content.BINARY),
        (bytes(range(256)) * 20, Content.BINARY),
        (b"", Content.EMPTY),
        (b" \r\n\t\n", Content.EMPTY),
        (b"\x00" * 5000, Content.EMPTY),
        (b"BMW drives, torch does not", Content.TEXT),
        (b"MZ is a unit; torch 2.6.0", Content.TEXT),
        ("torch 坏了".encode(), Content.TEXT),
        (b"\x1b[31mRuntimeError: CUDA error\x1b[0m\n", Content.TEXT),
    ],
)
def test_a_file_is_recognised_by_its_beginning(raw, content):
    """Pictures, documents, archives and programs are named as what they are; words are text."""
    assert recognise(raw) is content


def test_a_text_that_is_cut_within_a_character_stays_utf_8():
    """The limit of bytes may fall between the bytes of one character."""
    raw = CHINESE.encode() + "卡".encode()[:2]
    assert decode(raw).startswith(CHINESE)


@given(st.binary(max_size=400))
def test_any_bytes_are_recognised_and_decoded(raw):
    """No file raises, whatever it holds."""
    assert recognise(raw) in Content
    assert isinstance(decode(raw), str)


def test_noise_is_not_taken_for_words():
    """Random bytes have no words a person wrote; a few of the shortest ones spell rare Chinese characters."""
    assert not any(map(_looks_written, map(os.urandom, [500, 5000] * 50)))
    assert sum(map(_looks_written, map(os.urandom, [50] * 400))) < 20  # about 2


def _looks_written(raw):
    return recognise(raw) is Content.TEXT and has_words(decode(raw))
