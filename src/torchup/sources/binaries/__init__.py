"""What a compiled library says of itself: libraries it needs, symbols it lacks, GPUs it has code for.

Pure: bytes in, values out. The bytes are untrusted: every count and offset is checked against what is there, every
list has a limit, and what does not hold together reads as "not said".
"""

from torchup.sources.binaries.library import read_library, read_linked

__all__ = ["read_library", "read_linked"]
