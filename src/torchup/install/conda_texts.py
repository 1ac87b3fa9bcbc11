"""What `torchup explain` says of conda's past: channels and installers that have ended.

Sources: PyTorch's announcement (pytorch#138506), the release notes of 2.6.0, and the README of conda-forge/miniforge.
"""

from __future__ import annotations

from torchup.model import Message, message

QUESTIONS: dict[str, tuple[Message, ...]] = {
    "conda-channels-ended": (
        message("conda.question.ended", "Which conda commands for PyTorch still work?"),
        message(
            "conda.question.ended.channel",
            "The channel `pytorch` (conda install ... -c pytorch -c nvidia) has ended: its last torch is 2.5.1 "
            "from October 2024, and its last CUDA is 12.4. The command still succeeds and silently installs that "
            "old build, also from mirrors of the channel (cloud/pytorch).",
        ),
        message(
            "conda.question.ended.names",
            "`pytorch-cuda=12.4` and `cpuonly` belong to the `pytorch` channel; `cudatoolkit` ended with CUDA "
            "11. On conda-forge the packages are `pytorch-gpu` or `pytorch`, with `cuda-version=12.9` to pin a "
            "CUDA runtime.",
        ),
        message(
            "conda.question.ended.mambaforge",
            "Mambaforge was retired in January 2025 and its installers were removed: Miniforge has the same "
            "content. torchup needs neither of them, nor conda itself.",
        ),
        message(
            "conda.question.ended.defaults",
            "Anaconda's own channel (`defaults`) requires a licence in organisations with 200 or more people and "
            "has its own, older torch builds. Miniforge uses only conda-forge.",
        ),
        message(
            "conda.question.ended.today",
            "Today: `torchup up --installer conda` installs the conda-forge build for this machine; `torchup "
            "plan --installer conda` shows it first. An environment from the old channel remains usable: "
            "`torchup env adopt PATH` registers it unchanged.",
        ),
    ),
}
