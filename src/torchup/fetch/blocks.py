"""Which parts of a file are there: blocks, the runs of them that workers take, and the journal. Pure.

A file is fetched in blocks of `BLOCK` bytes. A block counts as there when its last byte was written; the journal says
so in one line a block, and every `MARK` bytes how far a begun one is. So a process that is killed at any moment loses
at most that much a connection.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

BLOCK = 4 * 1024 * 1024  # bytes
MARK = 1024 * 1024  # bytes; what may be fetched twice after a kill, a connection
_LINE = re.compile(r"([0-9]{1,8})(?:\+([0-9]{1,7}))?")
RUN = 16  # blocks that a worker asks for in one request at most: the server is asked once every 64 MB


@dataclass
class Blocks:
    """The blocks of one file of ``size`` bytes.

    ``filled``: bytes that are there of a begun block, from its first on; ``marked``: those that the journal tells.
    """

    size: int
    done: set[int] = field(default_factory=set)
    taken: set[int] = field(default_factory=set)
    filled: dict[int, int] = field(default_factory=dict)
    marked: dict[int, int] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """Number of blocks."""
        return -(-self.size // BLOCK)

    @property
    def complete(self) -> bool:
        """Whether all are there."""
        return len(self.done) == self.count

    @property
    def begun(self) -> bool:
        """Whether anything is there."""
        return bool(self.done or self.filled)

    @property
    def bytes_done(self) -> int:
        """Bytes that are there, begun blocks included."""
        begun = sum(count for block, count in self.filled.items() if block not in self.done)
        return sum(self.length(block) for block in self.done) + begun

    def length(self, block: int) -> int:
        """Bytes of a block; the last one is shorter."""
        return min(BLOCK, self.size - block * BLOCK)

    def front(self) -> int:
        """Bytes from the beginning that are there without a gap."""
        block = 0
        while block in self.done:
            block += 1
        return min(block * BLOCK, self.size)

    def take(self, workers: int) -> range | None:
        """The next run of blocks that are neither stored nor being fetched; ``None``: there is none now.

        Runs get shorter towards the end, so that all workers end together.
        """
        free = (block for block in range(self.count) if block not in self.done and block not in self.taken)
        first = next(free, None)
        if first is None:
            return None
        left = self.count - len(self.done) - len(self.taken)
        stop, limit = first + 1, first + max(1, min(RUN, left // (2 * workers)))
        while stop < min(self.count, limit) and stop not in self.done and stop not in self.taken:
            stop += 1
        run = range(first, stop)
        self.taken.update(run)
        return run

    def give_back(self, run: range) -> None:
        """A worker ends with a run, done or not."""
        self.taken.difference_update(run)

    def missing(self, run: range) -> tuple[int, int] | None:
        """The bytes of a run that are still to come: first, and the one after the last; ``None``: it is done."""
        block = next((block for block in run if block not in self.done), None)
        if block is None:
            return None
        stop = block
        while stop < run.stop and stop not in self.done:
            stop += 1
        return block * BLOCK + self.filled.get(block, 0), min(stop * BLOCK, self.size)

    def add(self, offset: int, count: int) -> list[int]:
        """Note ``count`` bytes written at ``offset``; the blocks that this completes."""
        ended = []
        while count > 0:
            block = offset // BLOCK
            inside = min(count, (block + 1) * BLOCK - offset)
            if block not in self.done:
                # a server that sends all from the beginning again passes what is there already
                self.filled[block] = max(self.filled.get(block, 0), offset + inside - block * BLOCK)
                if self.filled[block] >= self.length(block):
                    self.done.add(block)
                    self.filled.pop(block)
                    ended.append(block)
            offset, count = offset + inside, count - inside
        return ended

    def marks(self) -> list[tuple[int, int]]:
        """The begun blocks that have grown by `MARK` bytes since they were last told, with what is there of them."""
        grown = [(block, count) for block, count in self.filled.items() if count - self.marked.get(block, 0) >= MARK]
        self.marked.update(grown)
        return grown


def journal_line(block: int, count: int | None = None) -> str:
    """A line of a journal: a block is there, or so many bytes of it."""
    return f"{block}\n" if count is None else f"{block}+{count}\n"


def journal_head(size: int, name: str, tag: str | None = None) -> str:
    """First line of a journal; ``name`` is the file's, ``tag`` what its server calls this version of it."""
    return json.dumps({"torchup": 1, "size": size, "block": BLOCK, "name": name, "tag": tag}) + "\n"


def journal_name(text: str) -> str | None:
    """The name of the file that a journal is about."""
    return _of_head(text, "name")


def journal_tag(text: str) -> str | None:
    """The version of the file that a journal is about."""
    return _of_head(text, "tag")


def _of_head(text: str, key: str) -> str | None:
    try:
        value = json.loads(text.partition("\n")[0])[key]
    except (ValueError, TypeError, KeyError):
        return None
    return value if isinstance(value, str) else None


def read_journal(text: str, size: int | None) -> Blocks | None:
    """The blocks that a journal lists; ``None``: there is no journal, or it is for another size.

    A last line that a kill cut short is left out, as is anything that is not of the form of `journal_line`.
    """
    head, _, rest = text.partition("\n")
    try:
        facts = json.loads(head)
        known = int(facts["size"])
    except (ValueError, TypeError, KeyError):
        return None
    if facts.get("block") != BLOCK or known <= 0 or (size is not None and size != known):
        return None
    blocks = Blocks(known)
    lines = rest.split("\n")[:-1]  # what stands behind the last line end was cut short
    for line in lines:
        match = _LINE.fullmatch(line)
        block, count = (int(match[1]), int(match[2] or 0)) if match is not None else (blocks.count, 0)
        if block < blocks.count and match is not None and match[2] is None:
            blocks.done.add(block)
        elif block < blocks.count and 0 < count < blocks.length(block):
            blocks.filled[block] = max(count, blocks.filled.get(block, 0))
    blocks.filled = {block: count for block, count in blocks.filled.items() if block not in blocks.done}
    blocks.marked = dict(blocks.filled)
    return blocks
