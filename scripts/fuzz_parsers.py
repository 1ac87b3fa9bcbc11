"""Fuzz the parsers of untrusted text: no input may raise, and whatever comes out must be writable as JSON.

Usage:
  python scripts/fuzz_parsers.py --list
  python scripts/fuzz_parsers.py nvidia-smi-xml --seconds 600        # atheris (coverage-guided), Linux and macOS
  python scripts/fuzz_parsers.py nvidia-smi-xml --seconds 60 --engine hypothesis   # anywhere
  python scripts/fuzz_parsers.py nvidia-smi-xml --input FILE                 # one input again, with its traceback

Seeds are the tool outputs in tests/machines. `pip install atheris` once; it is not a dependency of the project.
A parser is added with one line in TARGETS.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random

ROOT = Path(__file__).parents[1]


class Target(NamedTuple):
    """One parser: where it is, which recorded commands or files seed it, which errors are its documented answer."""

    function: str  # "module:function"
    seeds: tuple[str, ...] = ()  # words that a recorded command line or file path must contain
    errors: tuple[str, ...] = ()  # "module:Error"
    arguments: tuple[Any, ...] = ()
    is_json: bool = True  # False: what comes out may hold more than JSON can (keys of YAML)
    is_text: bool = True  # False: the parser gets the bytes as they are


UNREADABLE = ("msgspec:DecodeError", "builtins:RecursionError", "builtins:UnicodeDecodeError")
CORPUS = ROOT / "tests" / "corpus"  # TARGET/*.txt: seeds, and every input that once was a finding
SLOWEST = 2.0  # seconds of CPU for one input: longer than a person waits after Ctrl-C

TARGETS = {
    "nvidia-smi-banner": Target("torchup.detect.nvidia_smi:parse_banner", ("nvidia-smi",)),
    "nvidia-smi-xml": Target("torchup.detect.nvidia_smi:parse_xml", ("nvidia-smi -q -x", "nvidia-smi.exe -q -x")),
    "nvidia-smi-query": Target(
        "torchup.detect.nvidia_smi:parse_query", ("--query-gpu",), (), (("name", "compute_cap"),)
    ),
    "nvidia-smi-list": Target("torchup.detect.nvidia_smi:parse_list"),
    "nvidia-kernel-module": Target("torchup.detect.nvidia_smi:parse_kernel_module", ("/proc/driver/nvidia/version",)),
    "nvml": Target("torchup.detect.nvml:parse_nvml", ("nvml_probe",)),
    "rocminfo": Target("torchup.detect.amd_tools:parse_rocminfo", ("rocminfo",)),
    "amd-smi": Target("torchup.detect.amd_tools:parse_amd_smi", ("amd-smi",)),
    "rocm-smi": Target("torchup.detect.amd_tools:parse_rocm_smi", ("rocm-smi",)),
    "kfd": Target("torchup.detect.kfd:parse_node", ("kfd/topology",)),
    "system-profiler-json": Target("torchup.detect.apple:parse_displays_json", ("SPDisplaysDataType -json",)),
    "system-profiler-text": Target("torchup.detect.apple:parse_displays_text", ("SPDisplaysDataType",)),
    "vm-stat": Target("torchup.detect.apple:parse_vm_stat", ("vm_stat",)),
    "sysctl": Target("torchup.detect.apple:parse_sysctl", ("sysctl",)),
    "cim": Target("torchup.detect.windows:parse_cim", ("powershell",)),
    "registry": Target("torchup.detect.windows:parse_registry", ("reg query",)),
    "os-release": Target("torchup.detect.linux:parse_os_release", ("/etc/os-release",)),
    "cpuinfo": Target("torchup.detect.hardware:parse_cpuinfo", ("/proc/cpuinfo",)),
    "recording": Target("torchup.host.recorded:load_recording", (), ("msgspec:DecodeError",)),
    "machine-file": Target("torchup.detect.pretend:load_machine", (), ("torchup.errors:UsageError",)),
    "index-html": Target(
        "torchup.sources.index_page:parse_html", (), ("torchup.sources.index_page:PageError",), ("https://host/p/", "s")
    ),
    "index-json": Target(
        "torchup.sources.index_page:parse_json", (), ("torchup.sources.index_page:PageError",), ("https://host/p/", "s")
    ),
    "bundle": Target("scripts.fuzz_parsers:foreign_bundle", (), (*UNREADABLE, "torchup.errors:UsageError")),
    "environment-record": Target("scripts.fuzz_parsers:environment_record", (), UNREADABLE),
    "results": Target("scripts.fuzz_parsers:result_file", (), ("torchup.results.schema:RunFileError",)),
    "toml": Target("torchup.documents:read_toml", (), ("torchup.documents:DocumentError",)),
    "yaml": Target("torchup.documents:read_yaml", (), ("torchup.documents:DocumentError",), is_json=False),
    "ini": Target("torchup.documents:read_ini", (), ("torchup.documents:DocumentError",)),
    "netrc": Target("torchup.sources.netrc:parse_netrc"),
    "lock-file": Target("torchup.install.lockfile:read_lock"),
    "wheel-directory": Target(
        "scripts.fuzz_parsers:wheel_directory", (), ("torchup.errors:UsageError",), is_text=False
    ),
    "library": Target("scripts.fuzz_parsers:library", is_text=False),
    "conda-record": Target("scripts.fuzz_parsers:conda_record"),
    "record": Target("scripts.fuzz_parsers:installed_record"),
    "redaction": Target("torchup.privacy:redact"),
    "report": Target("torchup.reports:parse_report"),
    "assume-item": Target("torchup.detect.pretend:split_item", (), ("torchup.errors:UsageError",)),
}


def foreign_bundle(text: str) -> Any:
    """A bundle's plan.json: decoded, then every field held against its form."""
    from torchup.encoding import from_json  # noqa: PLC0415  # after instrumentation
    from torchup.install.bundle_check import Bundle  # noqa: PLC0415  # same
    from torchup.plan.foreign import checked_plan  # noqa: PLC0415  # same

    return checked_plan(from_json(text, Bundle).plan, "plan.json")


def environment_record(text: str) -> Any:
    """The record inside an environment."""
    from torchup.encoding import from_json  # noqa: PLC0415  # after instrumentation
    from torchup.envs.records import Record  # noqa: PLC0415  # same

    return from_json(text, Record)


def result_file(text: str) -> Any:
    """A file of measurements."""
    from torchup.results.schema import parse_run  # noqa: PLC0415  # after instrumentation

    return parse_run(text, name="x.json")


def wheel_directory(raw: bytes) -> Any:
    """A wheel: its archive's directory, its METADATA and its RECORD."""
    from torchup.sources.index_client import Connection  # noqa: PLC0415  # after instrumentation
    from torchup.sources.wheel_file import WheelFile  # noqa: PLC0415  # same

    wheel = WheelFile(_machine(raw), "torch-2.0-py3-none-any.whl", Connection())
    members = wheel.members()
    return [wheel.metadata(), [wheel.text(member.name) for member in members[:20]], len(members)]


def library(raw: bytes) -> Any:
    """A library of a wheel: ELF, PE or Mach-O."""
    from torchup.sources.binaries.library import read_library  # noqa: PLC0415  # after instrumentation

    return read_library([raw])


def conda_record(text: str) -> Any:
    """A record of conda-meta, held against an environment that has none of its files."""
    from torchup.envs.damage import find_damage  # noqa: PLC0415  # after instrumentation

    return find_damage(_machine(text.encode(), "/e/conda-meta/pytorch-2.0-py_0.json"), "/e", deep=True)


def installed_record(text: str) -> Any:
    """The RECORD of an installed package, held against an environment that has none of its files."""
    from torchup.envs.damage import find_damage  # noqa: PLC0415  # after instrumentation

    name = "/e/lib/python3.12/site-packages/torch-2.0.dist-info/RECORD"
    return find_damage(_machine(text.encode(), name), "/e", deep=True)


def _machine(content: bytes, path: str = "") -> Any:
    """A host that is asked for nothing else."""
    return _OneFile(content, path)


class _OneFile:
    """A machine with one file in it; asked for any other, it has none."""

    def __init__(self, content: bytes, path: str) -> None:
        self._content, self._path = content, path

    def read_part(self, _: str, start: int, length: int) -> tuple[bytes, int]:
        """A piece of the file, whatever it is called."""
        return self._content[start : start + length], len(self._content)

    def read_bytes(self, path: str, limit: int | None = None) -> bytes | None:
        """The file, or nothing."""
        return self._content[:limit] if path == self._path else None

    def read_text(self, path: str, limit: int | None = None) -> str | None:
        """The same as text."""
        raw = self.read_bytes(path, limit)
        return None if raw is None else raw.decode("utf-8", "replace")

    def list_dir(self, path: str) -> tuple[str, ...] | None:
        """What leads to the file."""
        rest = self._path.removeprefix(f"{path}/")
        return (rest.partition("/")[0],) if rest != self._path else None

    def is_dir(self, path: str) -> bool:
        """Whether it leads to the file."""
        return self._path.startswith(f"{path}/")

    def exists(self, path: str) -> bool:
        """Whether it is the file, or leads to it."""
        return path == self._path or self.is_dir(path)

    def real_path(self, path: str) -> str:
        """There are no links."""
        return path

    def size(self, path: str) -> int | None:
        """The file's bytes."""
        return len(self._content) if path == self._path else None

    def access(self, path: str) -> tuple[bool, bool] | None:
        """The file may be read."""
        return (True, True) if self.exists(path) else None

    def sha256(self, path: str) -> str | None:
        """Of the file."""
        return hashlib.sha256(self._content).hexdigest() if path == self._path else None


def load(name: str) -> Any:
    """The object that ``module:name`` means."""
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)


def check_of(target: Target) -> Callable[[bytes], None]:
    """A function that feeds bytes as a tool's output would be decoded, and lets nothing but documented errors pass."""
    from torchup.encoding import to_json  # noqa: PLC0415  # after instrumentation
    from torchup.host.files import decode  # noqa: PLC0415  # only this target needs it

    function = load(target.function)
    documented = tuple(load(error) for error in target.errors)

    slowest = 0.0
    with contextlib.suppress(*documented):
        function("" if target.is_text else b"", *target.arguments)  # its imports are not the input's time

    def check(raw: bytes) -> None:
        nonlocal slowest
        given, started = decode(raw) if target.is_text else raw, time.thread_time()
        try:
            answer = function(given, *target.arguments)
        except documented:
            answer = None
        seconds = time.thread_time() - started
        if seconds > slowest:
            slowest = seconds
            print(f"slowest input so far: {seconds:.4f} s for {len(raw)} bytes", file=sys.stderr)
        assert seconds < SLOWEST, f"{seconds:.1f} s for {len(raw)} bytes"  # noqa: S101  # a finding of the fuzzer
        if isinstance(answer, dict) and any(isinstance(key, tuple) for key in answer):
            answer = list(answer.items())
        if target.is_json:
            to_json(answer)

    return check


def seeds(target: Target) -> Iterator[bytes]:
    """Outputs and files of the recorded machines that belong to a parser."""
    from torchup.host.recorded import load_recording  # noqa: PLC0415  # only this target needs it

    name = next(name for name, known in TARGETS.items() if known is target)
    yield from (path.read_bytes() for path in sorted((CORPUS / name).glob("*")))
    for path in sorted((ROOT / "tests" / "machines").glob("*/recording.json")):
        text = path.read_text("utf-8")
        if target.function.endswith("load_recording"):
            yield text.encode()
        if target.function.endswith("load_machine"):
            yield path.with_name("expected.json").read_bytes()
        recording = load_recording(text)
        for command in recording.commands:
            if any(words in " ".join(command.argv) for words in target.seeds):
                yield (command.stdout + command.stderr).encode()
        for name, content in recording.files.items():
            if content and any(words in name for words in target.seeds):
                yield content.encode()


def with_atheris(name: str, seconds: int) -> int:
    """Coverage-guided: libFuzzer mutates the seeds; its final statistics count the executions."""
    atheris = importlib.import_module("atheris")  # only maintainers have it; it has no type information
    with atheris.instrument_imports(include=["torchup"]):
        check = check_of(TARGETS[name])
    with tempfile.TemporaryDirectory() as folder:
        for number, seed in enumerate(set(seeds(TARGETS[name]))):
            Path(folder, f"seed{number}").write_bytes(seed)
        options = [
            f"-max_total_time={seconds}",
            "-print_final_stats=1",
            "-max_len=16384",
            "-timeout=20",
            "-verbosity=0",
        ]
        atheris.Setup([sys.argv[0], *options, folder], check)
        atheris.Fuzz()
    return 0


def with_hypothesis(name: str, seconds: int) -> int:
    """Seeds with pieces cut, doubled, swapped and replaced, and plain random bytes, until the time is up."""
    from hypothesis import HealthCheck, Phase, given, settings  # noqa: PLC0415  # only this target needs it
    from hypothesis import strategies as some  # noqa: PLC0415  # only this target needs it

    check, known = check_of(TARGETS[name]), sorted(set(seeds(TARGETS[name]))) or [b""]
    executed, deadline = 0, time.monotonic() + seconds

    @settings(max_examples=500, deadline=None, database=None, phases=[Phase.generate, Phase.shrink],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(some.randoms(use_true_random=True), some.binary(max_size=60), some.text(max_size=200))
    def examples(chance: Random, piece: bytes, text: str) -> None:
        nonlocal executed
        executed += 3
        check(text.encode("utf-8", "surrogatepass"))
        check(piece)
        check(mutated(chance.choice(known), piece, chance))

    while time.monotonic() < deadline:
        examples()
    print(f"{name}: {executed} executions in {seconds} s, no exception")
    return 0


def mutated(seed: bytes, piece: bytes, chance: Random) -> bytes:
    """A seed with one to five changes."""
    raw = bytearray(seed)
    for _ in range(chance.randint(1, 5)):
        at, length = chance.randint(0, len(raw)), chance.choice((0, 1, 2, 8, 64))
        kind = chance.randint(0, 3)
        if kind == 0:
            raw[at : at + length] = piece
        elif kind == 1:
            del raw[at : at + length]
        elif kind == 2:  # noqa: PLR2004  # the third of four kinds
            raw[at:at] = raw[at : at + length] * chance.choice((1, 2, 30))
        elif at < len(raw):
            raw[at] = chance.randint(0, 255)
    return bytes(raw)


def main() -> int:
    """Parse the command line and fuzz one parser."""
    sys.path.insert(0, str(ROOT))  # targets of this file are named like those of the package
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", nargs="?", choices=sorted(TARGETS))
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--engine", choices=("atheris", "hypothesis"), default="atheris")
    parser.add_argument("--input", type=Path)
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    if options.list or not options.target:
        print("\n".join(TARGETS))
        return 0
    if options.input:
        check_of(TARGETS[options.target])(options.input.read_bytes())
        return 0
    engine = with_atheris if options.engine == "atheris" else with_hypothesis
    return engine(options.target, options.seconds)


if __name__ == "__main__":
    sys.exit(main())
