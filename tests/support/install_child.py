"""A process that installs, rolls back or removes, and is hit by a signal at one chosen moment.

Run as ``python install_child.py JOB`` with a JSON object: ``action`` (install, look, adopt, rollback, remove),
``plan``, ``name``, ``path``, ``hit`` (before which changing operation, counted from 1), ``signal`` (KILL or INT),
``exchange`` (false: a system without atomic exchange). Prints the operations it did; exits with torchup's exit code.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time

from support.plans import importing
from torchup.encoding import from_builtins
from torchup.envs import registry
from torchup.errors import ExitCode, TorchupError
from torchup.host import RealHost
from torchup.install import engine
from torchup.model import Plan

CHANGING = ("write_text", "make_dirs", "rename", "exchange", "remove", "run")


class HitHost(RealHost):
    """The real machine; a signal arrives just before the ``hit``-th changing operation."""

    def __init__(self, job: dict) -> None:
        self.job, self.count, self.log = job, 0, []

    def about_to(self, name: str) -> None:
        """Count an operation; at the chosen one the signal comes."""
        self.count += 1
        self.log.append(name)
        if self.count == self.job.get("hit"):
            os.kill(os.getpid(), getattr(signal, f"SIG{self.job.get('signal', 'KILL')}"))
            time.sleep(0.01)  # the interpreter runs handlers between instructions

    def exchange(self, first: str, second: str) -> bool:
        """As the system does, unless this one cannot."""
        self.about_to("exchange")
        return super().exchange(first, second) if self.job.get("exchange", True) else False


def _counted(name: str):
    def operation(self, *arguments, **options):
        self.about_to(name)
        return getattr(RealHost, name)(self, *arguments, **options)

    return operation


for _name in CHANGING:
    if _name != "exchange":
        setattr(HitHost, _name, _counted(_name))


def main() -> int:
    """Do the job."""
    job = json.loads(sys.argv[1])
    host = HitHost(job)
    try:
        if job["action"] == "install":
            plan = from_builtins(job["plan"], Plan)
            engine.install(host, plan, job["name"], path=job.get("path"), verify=importing(RealHost()))
        elif job["action"] == "look":
            registry.find(host, job["name"])
        elif job["action"] == "adopt":
            registry.adopt(host, job["path"], job["name"])
        elif job["action"] == "rollback":
            registry.roll_back(host, job["name"])
        else:
            registry.remove(host, job["name"])
    except TorchupError as error:
        sys.stderr.write(f"{error}\n")
        return int(error.exit_code)
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    finally:
        sys.stdout.write(json.dumps(host.log))
    return 0


if __name__ == "__main__":
    sys.exit(main())
