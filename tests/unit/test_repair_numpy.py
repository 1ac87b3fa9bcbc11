"""NumPy exchanged in vain: the error says which NumPy is there now, and nothing that did not happen."""

from __future__ import annotations

import pytest

from support.facts import facts
from torchup.doctor.facts import Package
from torchup.errors import InstallError, VerifyError
from torchup.host import RealHost
from torchup.host.base import Completed
from torchup.jobs import repair_numpy
from torchup.jobs.diagnose import Examined


class Pip(RealHost):
    """A pip that installs as a test says: return codes, one a call after its version was asked."""

    def __init__(self, *codes):
        self.codes = list(codes)
        self.installed = []

    def run(self, argv, **_):
        """Note what is installed."""
        if "--version" in argv:
            return Completed(argv=tuple(argv), returncode=0)
        self.installed.append(argv[-1])
        return Completed(argv=tuple(argv), returncode=self.codes.pop(0))


def exchange(monkeypatch, host, before, after):
    """Exchange NumPy beside a torch that never works; ``before`` and ``after``: the versions that are seen."""
    monkeypatch.setattr(repair_numpy, "inspect_environment", lambda *_: None)
    monkeypatch.setattr(repair_numpy, "facts_of", lambda *_: with_numpy(after))
    examined = Examined(facts=with_numpy(before), python="/env/bin/python")
    questions = []
    repair_numpy.exchange_numpy(host, examined, "/env", lambda question: questions.append(str(question)) or True)
    return questions


def with_numpy(version):
    """Facts of a torch that cannot be imported, beside a NumPy or none."""
    packages = (Package(name="numpy", version=version),) if version else ()
    return facts(live=True, os="linux", torch_version="1.12.1", import_error="ImportError: x", packages=packages)


@pytest.mark.parametrize(
    ("before", "codes", "said", "installed"),
    [
        ("2.2.6", (0, 0), "NumPy 2.2.6 was restored in /env", ["numpy<2", "numpy==2.2.6"]),
        ("2.2.6", (0, 1), "NumPy 1 did not help; it is still installed in /env", ["numpy<2", "numpy==2.2.6"]),
        (None, (0,), "NumPy 1 did not help; it is still installed in /env", ["numpy<2"]),
    ],
)
def test_only_what_was_restored_is_said_to_be(monkeypatch, before, codes, said, installed):
    """An unknown version cannot be put back, and a restoring that failed restored nothing."""
    host = Pip(*codes)
    with pytest.raises(VerifyError) as caught:
        exchange(monkeypatch, host, before, "1.26.4")
    assert said in str(caught.value.text)
    assert host.installed == installed


def test_an_installer_without_words_is_not_quoted(monkeypatch):
    """Without output there is no last line to read."""
    with pytest.raises(InstallError) as caught:
        exchange(monkeypatch, Pip(1), "2.2.6", "2.2.6")
    assert caught.value.hint is None
