"""A plan's sources become the arguments that make uv and pip see exactly them."""

from __future__ import annotations

from torchup.install.arguments import pip_arguments, uv_arguments
from torchup.model import Build, Plan, Source

PYTORCH = Source(name="pytorch-index:cu126", url="https://p/whl/cu126", variant="cu126")
CPU = Source(name="pytorch-index:cpu", url="https://p/whl/cpu", variant="cpu")
MIRROR = Source(name="mirror:nju:cu126", url="https://m/whl/cu126", variant="cu126")
PYPI = Source(name="pypi", url="https://pypi.org/simple", general=True)
FOLDER = Source(name="find-links", url="/wheels", kind="find-links", general=True)
DOWN = Source(name="extra-index-url", url="https://down/simple", general=True, reachable=False)


def plan(*sources, variant="cu126", chosen=None):
    """A plan for a build from one of the sources."""
    return Plan(build=Build(torch="2.14.1", variant=variant, source=chosen), python="3.12", sources=sources)


def test_the_general_index_is_the_main_one_and_the_variants_comes_beside():
    """PyPI stays the default index; every index is searched, as pip does."""
    from_pytorch = plan(PYTORCH, PYPI, chosen=PYTORCH.name)
    assert uv_arguments(from_pytorch) == (
        "--index", "https://p/whl/cu126", "--default-index", "https://pypi.org/simple",
        "--index-strategy", "unsafe-best-match",
    )  # fmt: skip
    assert pip_arguments(from_pytorch) == (
        "--index-url", "https://pypi.org/simple", "--extra-index-url", "https://p/whl/cu126",
    )  # fmt: skip


def test_other_variants_and_rivals_of_the_chosen_source_are_left_out():
    """A build from the mirror does not see PyTorch's own index, nor the index of another variant."""
    arguments = pip_arguments(plan(MIRROR, PYTORCH, CPU, PYPI, chosen=MIRROR.name))
    assert arguments == ("--index-url", PYPI.url, "--extra-index-url", MIRROR.url)


def test_a_build_may_name_its_source_without_the_variant():
    """The planner says `mirror:nju` for the source `mirror:nju:cu126`; its rivals are left out all the same."""
    assert pip_arguments(plan(MIRROR, PYTORCH, PYPI, chosen="mirror:nju")) == (
        "--index-url", PYPI.url, "--extra-index-url", MIRROR.url,
    )  # fmt: skip


def test_companions_may_come_from_the_variants_index_when_torch_is_in_a_folder():
    """A general source that was chosen for torch does not shut out the variant's index."""
    arguments = pip_arguments(plan(CPU, PYTORCH, FOLDER, PYPI, variant="cpu", chosen="find-links"))
    assert CPU.url in arguments
    assert PYTORCH.url not in arguments


def test_sources_that_did_not_answer_are_left_out():
    """What is not reachable would only make the installer wait."""
    assert DOWN.url not in uv_arguments(plan(DOWN, PYPI))
    assert DOWN.url not in pip_arguments(plan(DOWN, PYPI))


def test_folders_alone_mean_no_index():
    """Without any index the installers must not fall back to PyPI."""
    assert pip_arguments(plan(FOLDER)) == ("--find-links", "/wheels", "--no-index")
    assert uv_arguments(plan(FOLDER)) == ("--find-links", "/wheels", "--no-index", "--offline")


def test_a_variants_index_alone_is_the_main_one():
    """Uv would ask PyPI for the rest, if it were not told another default."""
    assert uv_arguments(plan(PYTORCH))[:2] == ("--default-index", PYTORCH.url)
