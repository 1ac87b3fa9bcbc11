"""Sources become the arguments that make uv and pip see exactly them."""

from __future__ import annotations

from torchup.model import Source
from torchup.sources.arguments import pip_arguments, uv_arguments

PYTORCH = Source(name="pytorch-index:cu126", url="https://p/whl/cu126", variant="cu126")
CPU = Source(name="pytorch-index:cpu", url="https://p/whl/cpu", variant="cpu")
MIRROR = Source(name="mirror:nju:cu126", url="https://m/whl/cu126", variant="cu126")
PYPI = Source(name="pypi", url="https://pypi.org/simple", general=True)
FOLDER = Source(name="find-links", url="/wheels", kind="find-links", general=True)
DOWN = Source(name="extra-index-url", url="https://down/simple", general=True, reachable=False)


def test_the_general_index_is_the_main_one_and_the_variants_comes_beside():
    """PyPI stays the default index; every index is searched, as pip does."""
    assert uv_arguments((PYTORCH, PYPI), variant="cu126", chosen=PYTORCH.name) == (
        "--index", "https://p/whl/cu126", "--default-index", "https://pypi.org/simple",
        "--index-strategy", "unsafe-best-match",
    )  # fmt: skip
    assert pip_arguments((PYTORCH, PYPI), variant="cu126", chosen=PYTORCH.name) == (
        "--index-url", "https://pypi.org/simple", "--extra-index-url", "https://p/whl/cu126",
    )  # fmt: skip


def test_other_variants_and_rivals_of_the_chosen_source_are_left_out():
    """A build from the mirror does not see PyTorch's own index, nor the index of another variant."""
    arguments = pip_arguments((MIRROR, PYTORCH, CPU, PYPI), variant="cu126", chosen=MIRROR.name)
    assert arguments == ("--index-url", PYPI.url, "--extra-index-url", MIRROR.url)


def test_companions_may_come_from_the_variants_index_when_torch_is_in_a_folder():
    """A general source that was chosen for torch does not shut out the variant's index."""
    arguments = pip_arguments((CPU, PYTORCH, FOLDER, PYPI), variant="cpu", chosen="find-links")
    assert CPU.url in arguments
    assert PYTORCH.url not in arguments


def test_sources_that_did_not_answer_are_left_out():
    """What is not reachable would only make the installer wait."""
    assert DOWN.url not in uv_arguments((DOWN, PYPI))
    assert "--index-strategy" not in uv_arguments((DOWN, PYPI))


def test_folders_alone_mean_no_index():
    """Without any index the installers must not fall back to PyPI."""
    assert uv_arguments((FOLDER,)) == pip_arguments((FOLDER,)) == ("--no-index", "--find-links", "/wheels")


def test_a_variants_index_alone_is_the_main_one():
    """Uv would ask PyPI for the rest, if it were not told another default."""
    assert uv_arguments((PYTORCH,), variant="cu126") == ("--default-index", PYTORCH.url)


def test_constraints_certificate_proxy_and_trusted_hosts_have_their_spellings():
    """Uv takes certificates and proxies from its environment, pip from options."""
    more = {"constraint_files": ("/c.txt",), "trusted_hosts": ("h",)}
    assert uv_arguments((PYPI,), **more)[2:] == ("--constraint", "/c.txt", "--allow-insecure-host", "h")
    assert pip_arguments((PYPI,), **more, certificate="/ca.pem", proxy="http://p")[2:] == (
        "--constraint", "/c.txt", "--trusted-host", "h", "--cert", "/ca.pem", "--proxy", "http://p",
    )  # fmt: skip
