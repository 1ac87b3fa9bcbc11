"""How the end of a measuring process is said."""

from __future__ import annotations

import pytest

from torchup.bench.answers import WorkerError
from torchup.bench.child import MeasureError, payload, worker_error
from torchup.envs.worker import WorkerAnswer
from torchup.model import Said


@pytest.mark.parametrize(("code", "said"), [(-9, "terminated by signal 9"), (3, "exited with code 3")])
def test_a_signal_is_not_an_exit_code(code, said):
    """POSIX reports the signal that ended a process as a negative code."""
    with pytest.raises(MeasureError, match=said):
        payload(WorkerAnswer(data=None, returncode=code, timed_out=False, stderr=""), "result", limit=60.0)


def test_a_damaged_file_of_torchup_is_not_the_users_to_choose():
    """The hint of the user's own data would not mend it."""
    values = {"file": "x", "found": "a", "wanted": "b"}
    said = Said(code="bundled-damaged", values=values)
    error = worker_error(WorkerError(code="BundledError", said=said), "mnist")
    assert "instead of b" in str(error)
    assert "--data" not in str(error.hint)
    assert "reinstall torchup" in str(error.hint)
