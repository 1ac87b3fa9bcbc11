"""Containers, clusters and environment variables, by the signs of their tools and by people's words."""

from __future__ import annotations

import pytest

from torchup.reports import parse_report


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("$ docker run --gpus all img", "docker"),
        ("root@3f2a9c1b7d5e:/workspace# python t.py", "docker"),
        ("it runs in a docker container", "docker"),
        ("容器里 nvidia-smi 正常", "docker"),
        ("Windows with Docker Desktop, then docker run x", "docker-desktop"),
        ("$ podman run --device nvidia.com/gpu=all img", "podman"),
        ("Proxmox, unprivileged LXC container", "lxc"),
        ("$ pct enter 101", "lxc"),
        ("inside distrobox", "distrobox"),
        ("$ kubectl exec -it pod -- nvidia-smi", "kubernetes"),
        ("      nvidia.com/gpu: 1", "kubernetes"),
        ("a pod on k8s", "kubernetes"),
        ("$ apptainer exec --nv img.sif python t.py", "apptainer"),
        ("in a Singularity container", "apptainer"),
        ("no docker here", None),
        ("I do not use a docker container", None),
        ("outside of the docker container it works", None),
        ("a plain machine", None),
    ],
)
def test_a_container_is_named_by_its_kind(text, kind):
    """And no container where the words take it back."""
    system = parse_report(text).system
    assert (system.container, system.container_kind) == (kind is not None, kind)


@pytest.mark.parametrize(
    ("text", "scheduler"),
    [
        ("#SBATCH --partition=gpu", "slurm"),
        ("$ srun nvidia-smi", "slurm"),
        ("SLURM_JOB_ID=12", "slurm"),
        ("#PBS -l select=1", "pbs"),
        ("$ bsub -gpu num=1 python t.py", "lsf"),
        ("on the login node it fails", "cluster"),
        ("登录节点", "cluster"),
        ("without slurm", None),
        ("a laptop", None),
    ],
)
def test_a_cluster_is_named_by_its_scheduler(text, scheduler):
    """By its directives, commands and variables, or as some cluster."""
    assert parse_report(text).system.scheduler == scheduler


@pytest.mark.parametrize(
    "line",
    [
        "export CUDA_VISIBLE_DEVICES=0,1",
        "$ CUDA_VISIBLE_DEVICES=0,1 python t.py",
        "set CUDA_VISIBLE_DEVICES=0,1",
        "C:\\>set CUDA_VISIBLE_DEVICES=0,1",
        "setx CUDA_VISIBLE_DEVICES 0,1",
        '$env:CUDA_VISIBLE_DEVICES="0,1"',
        "PS C:\\> $env:CUDA_VISIBLE_DEVICES = '0,1'",
        'os.environ["CUDA_VISIBLE_DEVICES"] = "0,1"',
        'os.environ.setdefault("CUDA_VISIBLE_DEVICES", "0,1")',
        "%env CUDA_VISIBLE_DEVICES=0,1",
        "set -x CUDA_VISIBLE_DEVICES 0,1",
        "setenv CUDA_VISIBLE_DEVICES 0,1",
        "ENV CUDA_VISIBLE_DEVICES=0,1",
        "ENV CUDA_VISIBLE_DEVICES 0,1",
        "docker run -e CUDA_VISIBLE_DEVICES=0,1 img",
        "docker run --env CUDA_VISIBLE_DEVICES=0,1 img",
        "      - CUDA_VISIBLE_DEVICES=0,1",
        '      CUDA_VISIBLE_DEVICES: "0,1"',
        '- name: CUDA_VISIBLE_DEVICES\n  value: "0,1"',
        'Environment="CUDA_VISIBLE_DEVICES=0,1"',
        "CUDA_VISIBLE_DEVICES=0,1",
    ],
)
def test_a_variable_is_read_in_every_way_of_setting_it(line):
    """Shells, Python, notebooks, Dockerfiles, compose, Kubernetes, units."""
    assert parse_report(line).environment == {"CUDA_VISIBLE_DEVICES": "0,1"}


@pytest.mark.parametrize(
    "line",
    [
        "For debugging consider passing CUDA_LAUNCH_BLOCKING=1",
        "try setting PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True to avoid fragmentation",
        "please set the environment variable `VLLM_LOGGING_LEVEL=DEBUG` to turn on verbose logging",
        "if CUDA_HOME==None:",
    ],
)
def test_what_a_message_advises_is_not_set(line):
    """Programs recommend variables; the user has not set them."""
    assert parse_report(line).environment == {}


@pytest.mark.parametrize(
    "question",
    [
        "$ echo $CUDA_VISIBLE_DEVICES", '$ echo "${CUDA_VISIBLE_DEVICES}"', "$ printenv CUDA_VISIBLE_DEVICES",
        "C:\\>echo %CUDA_VISIBLE_DEVICES%", "PS C:\\> $env:CUDA_VISIBLE_DEVICES",
        "PS C:\\> echo $env:CUDA_VISIBLE_DEVICES",
    ],
)  # fmt: skip
@pytest.mark.parametrize("answer", ["-1", "3,4", "GPU-8a5d"])
def test_a_variable_that_a_shell_was_asked_for_has_the_value_below(question, answer):
    """In every shell's way to ask."""
    assert parse_report(f"{question}\n{answer}\n").environment == {"CUDA_VISIBLE_DEVICES": answer}


@pytest.mark.parametrize("below", ["", "$ nvidia-smi", "me@box:~$ pip list", "I saw nothing there."])
def test_an_empty_answer_gives_no_value(below):
    """What stands below is the next prompt, or a sentence."""
    assert parse_report(f"$ echo $CUDA_VISIBLE_DEVICES\n{below}\n").environment == {}
