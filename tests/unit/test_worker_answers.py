"""What several processes say on one stdout."""

from __future__ import annotations

import pytest

from torchup.envs.worker import read_answer
from torchup.host import Completed


@pytest.mark.parametrize("lines", [('{"result": 1}', '{"done": 2}'), ('{"done": 2}', '{"result": 1}')])
def test_the_result_is_found_whichever_process_ends_last(lines):
    """The answer is the object with the key asked for, not merely the last line."""
    completed = Completed(argv=("python",), returncode=0, stdout="\n".join(lines) + "\nbabble\n")
    assert read_answer(completed, "result").data == {"result": 1}
    assert read_answer(completed, "error").data is None
