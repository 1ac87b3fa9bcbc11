"""The audit of 2026-11-30: each row that was wrong, by an answer that it changes, as a user asks for it."""

from __future__ import annotations

import json

import pytest

from torchup.catalog import load_catalog
from torchup.cli import main
from torchup.compat.target import served_by

CATALOG = load_catalog()


def plan(capsys, assumed, *arguments):
    """(exit code, data or the error's text, codes of the advice) of an offline plan for an imagined machine."""
    code = main(["plan", "--offline", "--json", "--assume", assumed, *arguments])
    answer = json.loads(capsys.readouterr().out)
    data = answer["data"]
    advice = {notice["code"] for notice in data["advice"]} if data else set()
    return code, data or " ".join(message["text"] for message in answer["messages"]), advice


@pytest.mark.parametrize(
    ("assumed", "estimated"),
    [
        ("os=linux,gpu=RTX 5090,driver=620.70.06", False),
        ("os=win11,gpu=RTX 5090,driver=620.70", True),
        ("os=linux,gpu=RX 7900 XTX", True),
    ],
)
def test_a_size_that_nobody_measured_is_called_an_estimate(capsys, assumed, estimated):
    """A size read out of a wheel's metadata is about right; what stands on another row's size says so."""
    assert plan(capsys, assumed)[1]["build"]["size_estimated"] is estimated
    assert main(["plan", "--offline", "--assume", assumed]) == 0
    assert ("(estimate)" in capsys.readouterr().out) is estimated


def test_torchaudio_stands_beside_cu132(capsys):
    """1, 9: 2.11.1 of PyPI, as a range, and so is torchvision 0.29.2."""
    code, data, _ = plan(capsys, "os=linux,gpu=RTX 5090,driver=620.70.06")
    assert (code, data["build"]["torch"], data["build"]["variant"]) == (0, "2.15.0", "cu132")
    assert data["build"]["companions"] == {"torchvision": "0.29.2", "torchaudio": "2.11.1"}
    assert {"torchvision>=0.29.2", "torchaudio>=2.11.1"} <= set(data["packages"])
    assert data["missing_companions"] == []


@pytest.mark.parametrize("assumed", ["cc=13.0", "os=linux,cc=13.0,driver=620.70.06", "os=win11,cc=13.0,driver=620.70"])
def test_no_ptx_is_promised_to_a_newer_architecture(capsys, assumed):
    """2: the wheels of CUDA 12.8 and newer have no PTX, so 13.0 is refused with the reason."""
    code, said, _ = plan(capsys, f"os=linux,{assumed}" if assumed.startswith("cc") else assumed)
    assert code == 3
    assert "13.0" in said
    for row in CATALOG.rows:
        if row.arch and row.arch.ptx and row.variant >= "cu128":
            assert row.arch.basis in {"measured", "wheel"}, row


def test_rocm_7_2_of_2_14_and_real_sizes():
    """3, 4, 10: rocm7.2 of 2.14 is there; sizes are those with all that a build requires."""
    size = {key: row.size_bytes / 1e9 for key, row in CATALOG.by_key.items()}
    assert ("2.14.1", "rocm7.2", "linux_x86_64") in CATALOG.by_key
    assert size["2.14.1", "rocm7.14", "linux_x86_64"] == pytest.approx(8.6, abs=0.1)
    assert size["2.15.0", "cu132", "linux_x86_64"] == pytest.approx(3.0, abs=0.1)
    assert size["2.15.0", "cu132", "linux_aarch64"] == pytest.approx(3.2, abs=0.1)
    assert size["2.12.1", "cu130", "linux_x86_64"] == pytest.approx(2.7, abs=0.1)
    assert size["2.10.0", "cu128", "linux_x86_64"] == pytest.approx(4.1, abs=0.1)
    assert size["2.15.0", "cpu", "macos_arm64"] == pytest.approx(0.149, abs=0.02)


def test_amds_channel_has_rocm_10(capsys):
    """5: Windows gets 2.13.0+rocm10.0.0 with the extra of its one device; new targets are there."""
    code, data, _ = plan(capsys, "os=win11,gpu=RX 7900 XTX")
    assert code == 0
    assert data["packages"][0] == "torch[device-gfx1100]==2.13.0+rocm10.0.0"
    assert data["build"]["companions"]["torchaudio"] == "2.11.0.2"
    assert plan(capsys, "os=linux,gpu=MI455X")[1]["build"]["variant"] == "rocm10.0.0"


@pytest.mark.parametrize(
    ("driver", "windows", "cuda"),
    [
        ("620.70.06", False, "13.5"),
        ("615.71.09", False, "13.4"),
        ("616.92", True, "13.4"),
        ("610.43.02", False, "13.3"),
    ],
)
def test_new_driver_branches_serve_their_cuda(driver, windows, cuda):
    """6: R620 serves 13.5, R615 13.4."""
    assert served_by(driver, windows, CATALOG) == cuda


def test_python_3_15_of_2_14(capsys):
    """8: on PyTorch's index 2.14 has 3.15 too, on macOS, where PyPI's wheel is taken, it has not."""
    code, data, _ = plan(capsys, "os=linux,gpu=GTX 1080,driver=580.95.05", "--python", "3.15")
    assert (code, data["build"]["torch"], data["build"]["variant"]) == (0, "2.14.1", "cu126")
    assert "3.15" not in CATALOG.by_key["2.14.1", "cpu", "macos_arm64"].pythons


def test_an_interpreter_that_companions_exclude_is_not_used(capsys, tmp_path):
    """9: torchvision does not install under Python 3.14.1."""
    machine = {
        "os": "linux",
        "arch": "x86_64",
        "pythons": [{"path": "/p", "version": "3.14.1"}, {"path": "/q", "version": "3.12.3"}],
    }
    (tmp_path / "m.json").write_text(json.dumps(machine))
    assert main(["plan", "--offline", "--json", "--machine", str(tmp_path / "m.json")]) == 0
    assert json.loads(capsys.readouterr().out)["data"]["python"] == "3.12"


@pytest.mark.parametrize(
    ("jetson", "python", "build", "index"),
    [
        ("36.4.3", "3.10.12", "2.10.0+cu126", "jp6/cu126"),
        ("39.2", "3.12.3", "2.9.1+cu130", "sbsa/cu130"),
    ],
)
def test_jetson_routes(capsys, jetson, python, build, index):
    """11: an Orin takes the index of its JetPack, and JetPack 7.2 is never sent back to 6."""
    assumed = f"os=linux,arch=aarch64,gpu=Jetson AGX Orin,driver=595.10,jetson={jetson},python={python},glibc=2.39"
    code, data, _ = plan(capsys, assumed + (",cuda=12.6" if jetson.startswith("36") else ",cuda=13.2"))
    assert code == 0
    assert f"{data['build']['torch']}+{data['build']['variant']}" == build
    assert data["build"]["index_url"].endswith(index)


@pytest.mark.parametrize(
    ("jetson", "gpu", "python", "code", "said"),
    [
        ("35.4.1", "Jetson AGX Orin", "3.8.10", 0, "jp/v512/pytorch/torch-2.1.0a0"),
        ("35.4.1", "Jetson Xavier NX", "3.8.10", 0, "jp/v512/pytorch/torch-2.1.0a0"),
        ("35", "Jetson AGX Orin", "3.8.10", 0, "jp/v512/pytorch/torch-2.1.0a0"),
        ("35.4.1", "Jetson AGX Orin", "3.10.12", 0, "jp/v512/pytorch/torch-2.1.0a0"),
        ("35.1.0", "Jetson AGX Orin", "3.8.10", 3, "L4T"),
        ("32.7.1", "Jetson Nano", "3.6.9", 3, "Jetson Nano (5.3)"),
    ],
)
def test_jetpack_5_has_a_route(capsys, jetson, gpu, python, code, said):
    """11: NVIDIA's one file for JetPack 5.1 and newer, by address, under Python 3.8; older boards are told why not."""
    assumed = f"os=linux,arch=aarch64,gpu={gpu},jetson={jetson},python={python},glibc=2.31"
    found, data, advice = plan(capsys, assumed)
    assert found == code
    assert said in (data["packages"][0] if code == 0 else data)
    if code == 0:
        assert (data["python"], data["build"]["variant"], data["uses_gpu"]) == ("3.8", "cu114", True)
        assert {"plan.advice.system-packages", "plan.advice.inferred"} <= advice
        assert not {"plan.advice.assumed-driver", "plan.advice.last-branch"} & advice
        assert data["sources"][-1]["name"] == "pypi"  # for everything but torch


def test_jetpack_5_with_another_python_says_which_one_fits(capsys):
    """11: a Python that was asked for and has no such wheel is the reason."""
    assumed = "os=linux,arch=aarch64,gpu=Jetson AGX Orin,jetson=35.4.1,python=3.8.10,glibc=2.31"
    code, said, _ = plan(capsys, assumed, "--python", "3.10")
    assert code == 3
    assert "3.8" in said


def test_conda_takes_the_tegra_variant_on_a_jetson(capsys):
    """11: CUDA 12.9 for sm_87, asked for by arm-variant."""
    assumed = "os=linux,arch=aarch64,gpu=Jetson AGX Orin,driver=540.4,cuda=12.6,jetson=36.4,glibc=2.35"
    code, data, _ = plan(capsys, assumed, "--installer", "conda")
    assert (code, data["build"]["variant"]) == (0, "cu129")
    assert "arm-variant=*=tegra" in data["conda"]["specs"]


def test_cu134_is_gone(capsys):
    """12: nobody saw such a build for Linux."""
    code, said, _ = plan(capsys, "os=linux,gpu=RTX 5090,driver=620.70.06", "--variant", "cu134")
    assert code == 3
    assert "cu134" in said


def test_unsourced_rows_say_so(capsys):
    """16: what is inferred or general knowledge is marked as unsure in the answer that rests on it."""
    assert "plan.advice.inferred" in plan(capsys, "os=linux,gpu=RX 7900 XTX")[2]
    assert "plan.advice.unsure-name" in plan(capsys, "os=linux,gpu=H20,driver=580.95.05")[2]
    measured = plan(capsys, "os=linux,gpu=RTX 5090,driver=580.95.05")[2]
    assert not {"plan.advice.inferred", "plan.advice.unsure-name"} & measured


@pytest.mark.parametrize(
    ("assumed", "code", "advice"),
    [
        ("os=linux,gpu=RTX 4090", 0, "plan.advice.assumed-driver"),
        ("os=linux,gpu=GTX 1080", 0, "plan.advice.assumed-driver"),
        ("os=linux,gpu=RTX 4090,driver=none", 3, None),
        ("os=macos 15.5,gpu=m2", 0, None),
    ],
)
def test_imagined_machines(capsys, assumed, code, advice):
    """An unsaid driver is a current one, and the plan says so; an absent one is absent."""
    found, _, said = plan(capsys, assumed)
    assert found == code
    assert ("plan.advice.assumed-driver" in said) is (advice is not None)


def test_no_advice_to_an_older_macos(capsys):
    """A macOS 15.5 with conda is not told to take 15.0."""
    assert "plan.advice.macos" not in plan(capsys, "os=macos 15.5,gpu=m2", "--installer", "conda")[2]


@pytest.mark.parametrize(
    ("assumed", "has"),
    [
        ("os=win11,gpu=RTX 3070 Ti Laptop GPU,cuda=11.7", "2.7.1+cu118"),
        ("os=linux,gpu=Arc A770", "2.15.0+xpu"),
        ("os=linux,gpu=RX 7900 XTX", "2.14.1+rocm7.14"),
    ],
)
def test_conda_says_who_has_a_build(capsys, assumed, has):
    """Where conda-forge would leave the GPU unused: exit 3, and the build that uv would take."""
    code, said, _ = plan(capsys, assumed, "--installer", "conda")
    assert code == 3
    assert has in said
    assert "< 528.33" not in said  # a CUDA version is never compared with a driver's


def test_the_macos_build_is_mps_in_text_and_json(capsys):
    """The same name for people and programs."""
    assert plan(capsys, "gpu=m2,os_version=26.0")[1]["build"]["variant"] == "mps"
    assert main(["plan", "--offline", "--assume", "gpu=m2,os_version=26.0"]) == 0
    assert "+mps" in capsys.readouterr().out


def test_no_advice_to_a_macos_whose_torch_conda_does_not_have(capsys):
    """The newest wheel's macOS says nothing of conda's builds, which are older."""
    assert "plan.advice.macos" in plan(capsys, "os=macos 14.5,gpu=m1")[2]
    assert "plan.advice.macos" not in plan(capsys, "os=macos 14.5,gpu=m1", "--installer", "conda")[2]


@pytest.mark.parametrize("assumed", ["os=macos", "os=win11", "arch=aarch64"])
def test_the_disk_of_this_machine_is_not_that_of_another(capsys, assumed):
    """Who names another system means another machine, whose free space is not known."""
    assert main(["plan", "--offline", "--cpu", "--assume", assumed]) == 0
    assert "GB free" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("filters", "has", "lacks"),
    [(["--torch", "99"], CATALOG.newest_torch, "cu118"), (["--torch", "2.15", "--variant", "cu118"], "cu132", "cu118")],
)
def test_the_catalogue_offers_what_the_other_filters_leave(capsys, filters, has, lacks):
    """No variant that the release does not have, and for a release that is not there the releases."""
    assert main(["catalog", "show", *filters]) == 2
    hint, _, other = capsys.readouterr().err.partition("hint:")[2].partition(";")
    assert has in hint
    assert lacks not in hint
    assert not other or f"catalog show --variant {lacks}" in other


@pytest.mark.parametrize("assumed", ["jetson=36.4,gpu=Jetson Orin Nano", "gpu=Jetson Orin Nano,jetson=R36.4.3"])
def test_a_jetson_is_arm_whatever_this_machine_is(capsys, assumed):
    """Its wheels come from the index of its JetPack."""
    code, data, _ = plan(capsys, assumed)
    assert code == 0
    assert "jetson" in data["build"]["index_url"]
