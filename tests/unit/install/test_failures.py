"""What uv and pip really printed -> what torchup says: reason, exit code, hint."""

from __future__ import annotations

import pytest

from torchup.errors import ExitCode
from torchup.host import Completed
from torchup.install.failures import explain, explain_addition
from torchup.model import Step, message

STEP = Step(argv=("uv", "pip", "install", "torch"), summary=message("x", "install torch"), timeout=60)

# Texts of uv 0.13.9 and pip 23.2, taken from this project's fault tests; addresses shortened.
REAL = {
    "install.failed.network": [
        (
            "error: Request failed after 1 retry in 1.5s\n  cause: Failed to fetch: http://x/simple/torch/\n"
            "  cause: client error (Connect)\n  cause: tcp connect error\n  cause: Connection refused (os error 111)"
        ),
        "error: Failed to fetch: http://x/torch.whl\n  cause: HTTP status client error (404 Not Found)",
        (
            "error: Failed to download `torch==2.13.0+cpu`\n  cause: Failed to write to the distribution cache\n"
            "  cause: error decoding response body\n  cause: end of file before message length reached"
        ),
        (
            "WARNING: Retrying (Retry(total=0, connect=None)) after connection broken by 'New...': /simple/\n"
            "ERROR: Could not find a version that satisfies the requirement torch (from versions: none)"
        ),
        "ERROR: HTTP error 404 while getting http://x/torch.whl",
    ],
    "install.failed.hash": [
        "error: Failed to download `torch==2.13.0+cpu`\n  cause: Hash mismatch for `torch==2.13.0+cpu`",
        "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. If you have updated ...",
    ],
    "install.failed.disk-full": [
        "error: Failed to install: torch.whl\n  cause: No space left on device (os error 28)",
        "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
    ],
    "install.failed.no-solution": [
        (
            "error: No solution found when resolving dependencies\n  Because filelock was not found in the provided "
            "package locations and all versions of torch depend on filelock, ..."
        ),
        "ERROR: Could not find a version that satisfies the requirement torch==9 (from versions: 2.12.0, 2.13.0)",
        "ERROR: Cannot install a and b because these package versions have conflicting dependencies.",
    ],
    "install.failed.archive": [
        (
            "error: No solution found when resolving dependencies\n  Because torch==2.13.0 has an invalid package "
            "format\nhint: The structure of `torch` (v2.13.0+cpu) was invalid:\n  Failed to read from zip file"
        ),
        "ERROR: Wheel 'torch' located at /x/torch-2.13.0+cpu-py3-none-any.whl is invalid.",
    ],
    "install.failed.cache": [
        "error: Failed to download `torch`\n  cause: Failed to deserialize cache entry\n  cause: invalid type"
    ],
    "install.failed.ensurepip": [
        (
            "The virtual environment was not created because ensurepip is not\navailable. On Debian/Ubuntu "
            "systems, you need to install the python3-venv package"
        )
    ],
    "install.failed.python": ["error: No interpreter found for Python 3.15 in managed installations or search path"],
    "install.failed.permission": ["error: failed to create directory `/x`: Permission denied (os error 13)"],
    "install.failed.other": ["error: something that nobody has seen before"],
}
NETWORK = {"install.failed.network"}


@pytest.mark.parametrize(("code", "words"), [(code, words) for code, texts in REAL.items() for words in texts])
def test_a_tools_words_become_a_reason_and_an_exit_code(code, words):
    """Each text is put down to its cause; the tool's own words are kept, and there is a hint."""
    error = explain(STEP, Completed(argv=STEP.argv, returncode=1, stderr=words))
    assert error.code == code
    assert error.exit_code == (ExitCode.NETWORK if code in NETWORK else ExitCode.INSTALL)
    assert words.splitlines()[-1] in str(error)
    assert str(error).startswith("could not install torch: ")
    assert error.hint is not None


def test_a_step_that_hits_its_limit_is_a_network_error():
    """A tool that never ends was waiting for somebody."""
    error = explain(STEP, Completed(argv=STEP.argv, timed_out=True))
    assert (error.code, error.exit_code) == ("install.failed.timeout", ExitCode.NETWORK)
    assert "60 s" in str(error)


@pytest.mark.parametrize(("program", "other"), [("uv", "pip"), ("/x/bin/uv", "pip"), ("/e/bin/python", "uv")])
def test_the_hint_for_an_unknown_failure_names_the_installer_that_did_not_fail(program, other):
    """The failed installer is not proposed again."""
    step = Step(argv=(program, "install"), summary=message("x", "install torch"))
    hint = explain(step, Completed(argv=step.argv, returncode=1, stderr="error: unseen")).hint
    assert f"--installer {other}`" in str(hint)


def test_a_compilation_that_hits_its_limit_is_not_the_networks_fault():
    """A compiler waits for no server: the hint is about compiling, and so is the exit code."""
    step = Step(argv=("uv",), summary=message("install.step.compile", "compile {package}", package="flash-attn"))
    error = explain(step, Completed(argv=step.argv, timed_out=True))
    assert error.exit_code == ExitCode.INSTALL
    assert "torchup wheel flash-attn" in str(error.hint)


@pytest.mark.parametrize("words", [*(words for texts in REAL.values() for words in texts), None])
def test_no_hint_for_an_added_package_names_an_option_of_an_installation(words):
    """`kernel add` and `lab` choose no installer, no folder and no mirror."""
    error = explain_addition(STEP, Completed(argv=STEP.argv, returncode=1, stderr=words or "", timed_out=not words))
    assert error.hint is not None
    assert "--" not in str(error.hint)
