"""`torchup bench --nnodes`: a node says that it waits, and does not wait for a host that nobody knows."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

from torchup.bench import layout
from torchup.bench.request import BenchRequest
from torchup.cli import distributed
from torchup.cli.session import Session
from torchup.errors import BenchError, UsageError
from torchup.model import verbatim

TWO = layout.Layout(nodes=2, node_rank=1, address="localhost", port=29400)


class Noting(Session):
    """A session whose notes are kept."""

    def note(self, value):
        """Keep it."""
        self.__dict__.setdefault("notes", []).append(str(value))


def test_an_unknown_host_is_a_usage_error_at_once():
    """The name is looked up before torch is started; the hint says what to give."""
    with pytest.raises(UsageError, match=r"nowhere\.invalid"):
        distributed.check_rendezvous(layout.Layout(nodes=2, address="nowhere.invalid"))
    distributed.check_rendezvous(TWO)
    distributed.check_rendezvous(layout.Layout())


def test_a_node_says_that_it_waits():
    """At once, then again and again with the seconds, and no more when the others are there."""
    session = Noting()
    with distributed.meeting(session, TWO, every=0.05) as met:
        time.sleep(0.3)
        met.set()
        said = len(session.notes)
        time.sleep(0.2)
    assert "waiting for all 2 nodes to connect to localhost:29400 (0 of" in session.notes[0]
    assert said > 2
    assert len(session.notes) <= said + 1


def test_a_node_that_nobody_joins_gives_up_with_the_reason(monkeypatch):
    """After the limit the error says that they did not meet; before it the error is the group's own."""
    failed = BenchError(verbatim("the group failed"))
    with pytest.raises(BenchError, match="the group failed"), distributed.meeting(Noting(), TWO):
        raise failed
    monkeypatch.setattr(distributed, "MEETING", 0.0)
    with (
        pytest.raises(BenchError, match="not all of the 2 nodes connected to localhost:29400"),
        distributed.meeting(Noting(), TWO),
    ):
        raise failed


def test_one_node_waits_for_nobody():
    """Processes of one machine meet by themselves."""
    session = Noting()
    with distributed.meeting(session, layout.Layout(processes=2), every=0.01):
        time.sleep(0.05)
    assert "notes" not in session.__dict__


@pytest.mark.parametrize("devices", [("foo",), ("foo:1",), ("cuda", "foo")])
def test_an_unknown_device_is_named_with_the_kinds(devices):
    """The error names the device that is not there, the hint every kind that is."""
    with pytest.raises(UsageError, match="`foo`") as refused:
        distributed.device_kind(devices, ("cuda", "cpu"))
    assert str(refused.value.hint) == "use --device with one of: cuda, cpu"


def test_two_kinds_of_device_are_named():
    """Both stand in the error, for one must go."""
    with pytest.raises(UsageError, match="one kind of device, not cuda, cpu"):
        distributed.device_kind(("cuda", "cpu"), ("cuda", "cpu"))


@pytest.mark.parametrize(("asked", "noted"), [((), True), (("cpu",), False)])
def test_the_kind_that_torchup_chose_is_noted(monkeypatch, asked, noted):
    """With several kinds and no --device, a note names the chosen one and the others."""
    devices = [SimpleNamespace(device=name) for name in ("cuda:0", "cuda:1", "cpu")]
    monkeypatch.setattr(distributed, "survey_environment", lambda *_: SimpleNamespace(devices=devices))
    monkeypatch.setattr(distributed, "detect_machine", lambda _: None)
    measured = []
    monkeypatch.setattr(distributed, "run_distributed", lambda *_, device, **__: measured.append(device) or ())
    session = Noting()
    request = BenchRequest(workload="mnist", devices=asked)
    distributed.measure_distributed(session, "python", layout.Layout(processes=2), request, lambda _: None)
    assert measured == [asked[0] if asked else "cuda"]
    assert any("measuring on cuda; " in note and "(cpu)" in note for note in session.notes) == noted


def test_a_process_of_a_group_says_which_it_is(monkeypatch):
    """What torchrun or Slurm started is one rank of many: no number of processes is made up for its node."""
    known = SimpleNamespace(devices=[SimpleNamespace(device="cpu")])
    monkeypatch.setattr(distributed, "survey_environment", lambda *_: known)
    monkeypatch.setattr(distributed, "detect_machine", lambda _: None)
    monkeypatch.setattr(distributed, "run_distributed", lambda *_, **__: ())
    joined = layout.Layout(mode=layout.LayoutMode.JOIN, variables={"RANK": "3", "WORLD_SIZE": "8"})
    session = Noting()
    distributed.measure_distributed(session, "python", joined, BenchRequest(), lambda _: None)
    assert session.notes == ["this process is rank 3 of 8 (device: cpu)"]


@pytest.mark.parametrize(
    ("devices", "processes", "kind"),
    [
        (("cuda",), 2, "cuda"), (("cuda:0", "cuda:1"), 2, "cuda"), (("cuda:0",), 1, "cuda"), ((), 2, "cuda"),
        (("cuda:1",), 1, None), (("cuda:0", "cuda:1"), 4, None), (("cuda:0",), 2, None), (("cpu", "cuda"), 2, None),
    ],
)  # fmt: skip
def test_devices_with_a_number_are_those_of_the_processes(devices, processes, kind):
    """Each process uses the device of its own number: a number that would not be used is refused."""
    if kind is not None:
        assert distributed.device_kind(devices, ("cuda", "cpu"), processes=processes) == kind
        return
    with pytest.raises(UsageError, match="local rank"):
        distributed.device_kind(devices, ("cuda", "cpu"), processes=processes)


def test_an_option_of_one_process_is_refused_before_torch_is_started(monkeypatch):
    """Several processes run no recipes and sweep nothing: whatever asks for it is named."""
    monkeypatch.setattr(distributed, "survey_environment", lambda *_: pytest.fail("torch was started"))
    request = BenchRequest(recipes=("script",), sweep={"batch": (1, 2)}, until=0.1, workers=2)
    with pytest.raises(UsageError, match="--recipe, --sweep, --until, --workers"):
        distributed.measure_distributed(Noting(), "python", layout.Layout(processes=2), request, lambda _: None)
