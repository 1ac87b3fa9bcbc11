"""What a pasted report says: text of any mixture of tools and prose -> `Facts`."""

from torchup.reports.report_parser import parse_report

__all__ = ["parse_report"]
