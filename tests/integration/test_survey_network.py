"""The survey behind a company's proxy: its address, certificate authority and trusted hosts, as pip is told of them."""

from __future__ import annotations

import shutil

import pytest

from support.index_server import Fault, IndexServer
from support.sources import IsolatedHost
from support.torch_index import make_certificates, serving
from torchup.catalog import load_catalog
from torchup.host import RealHost
from torchup.model import Machine, Os, Request
from torchup.sources.surveyor import survey

pytestmark = pytest.mark.slow
LINUX = Machine(os=Os.LINUX, arch="x86_64")


class BehindProxy(IsolatedHost):
    """Every address is asked for, which a proxy of this machine answers."""

    def fetch(self, url, **options):
        """Leave it to the proxy; without one nothing may be contacted."""
        assert options.get("proxy")
        return RealHost.fetch(self, url, **options)


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    """(proxy, authority): a proxy that opens TLS with a certificate of its own, as such companies' do."""
    if shutil.which("openssl") is None:
        pytest.skip("certificates are made with openssl")
    authority, chain = make_certificates(tmp_path_factory.mktemp("certificates"))
    with serving(load_catalog(), chain) as proxy:
        yield proxy, authority


def look(tmp_path, company, **environ):
    """Survey through the proxy; the sources by name, and the offers."""
    host = BehindProxy(tmp_path, {"PIP_PROXY": company[0], **environ})
    result = survey(host, LINUX, Request(cpu=True), load_catalog())
    return {source.name: source for source in result.sources}, result.offers


def test_the_proxy_and_its_authority_are_used(tmp_path, company):
    """PyTorch's index and PyPI answer through the proxy, with the authority that `cert` names."""
    sources, offers = look(tmp_path, company, PIP_CERT=str(company[1]))
    assert sources["pytorch-index:cpu"].reachable
    assert sources["pypi"].reachable
    assert {offer.source for offer in offers} == {"pytorch-index:cpu", "pypi"}


def test_an_unknown_authority_is_the_reason_that_is_told(tmp_path, company):
    """Without `cert` nothing is trusted, and the user reads why."""
    sources, offers = look(tmp_path, company)
    assert offers == ()
    assert "certificate is not trusted" in str(sources["pytorch-index:cpu"].detail)


def test_a_trusted_host_is_trusted_and_no_other(tmp_path, company):
    """`trusted-host` switches the check off for that host alone."""
    sources, _ = look(tmp_path, company, PIP_TRUSTED_HOST="download.pytorch.org")
    assert sources["pytorch-index:cpu"].reachable
    assert sources["pypi"].reachable is False


def test_a_redirect_to_another_host_loses_the_login():
    """Credentials stay with the host that they are for."""
    with IndexServer() as first, IndexServer() as second:
        first.fault("a", Fault(redirect=second.url("b")))
        first.fault("c", Fault(redirect=first.url("d")))
        for path in ("a", "c"):
            RealHost().fetch(first.url(path), headers={"Authorization": "Basic eDp5"})
        assert "authorization" not in second.requests[0][1]
        assert all("authorization" in headers for _, headers in first.requests)
