"""What a pasted report says: text of any mixture of tools and prose -> `Facts`."""

from torchup.reports.decoding import Content, decode, has_words, recognise
from torchup.reports.reader import parse_report

__all__ = ["Content", "decode", "has_words", "parse_report", "recognise"]
