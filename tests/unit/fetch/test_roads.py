"""Downloads through what stands between: TLS, proxies, logins, addresses. Every server really listens."""

from __future__ import annotations

import random

import pytest

from support.file_server import FileServer, Manners
from support.plans import index_plan
from support.roads import LOGIN, Proxy, certificate, tls
from torchup.errors import NetworkError
from torchup.fetch import FileOrder, Patience, Place, fetch_all
from torchup.host.real import RealHost
from torchup.install.places import Reach
from torchup.model import Secret

CONTENT = random.Random(5).randbytes(700_001)  # noqa: S311  # content that no compressor shortens
QUICK = Patience(no_byte=2.0, attempts=1)


@pytest.fixture
def host(tmp_path, monkeypatch):
    """A machine with an empty cache and home, without a proxy."""
    proxies = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "PIP_PROXY")
    trust = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT")
    for name in (*proxies, *trust):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("TORCHUP_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    return RealHost()


@pytest.fixture(scope="module")
def unknown(tmp_path_factory):
    """A certificate whose issuer is unknown."""
    return certificate(tmp_path_factory.mktemp("certificate"))


def fetch(host, server, **place):
    """Fetch the file of a server as a place with these settings."""
    url = place.pop("url", server.url)
    one = Place(name="server", url=url, **place)
    wanted = FileOrder(name="x.whl", sha256=server.sha256, size=len(CONTENT), places=(one,))
    (path,) = fetch_all(host, [wanted], patience=QUICK).values()
    assert host.sha256(path) == server.sha256


def as_configured(host, url):
    """The place of an address, as pip's and uv's configuration on this machine make it."""
    return Reach(host).place(url)


def test_an_unknown_issuer_is_refused_by_name(host, unknown):
    """No byte is taken from a server whose certificate is not trusted, and the reason is given."""
    with FileServer(CONTENT, tls=tls(unknown)) as server:
        with pytest.raises(NetworkError, match=r"(?i)certificate"):
            fetch(host, server)
        assert server.sent == 0


@pytest.mark.parametrize("way", ["setting", "SSL_CERT_FILE", "pip.conf", "trusted-host"])
def test_a_company_s_issuer_is_trusted_as_configured(host, unknown, tmp_path, monkeypatch, way):
    """By pip's cert, the system's variable, and not looked at for pip's trusted hosts."""
    with FileServer(CONTENT, tls=tls(unknown)) as server:
        if way == "setting":
            return fetch(host, server, certificate=unknown[0])
        if way == "SSL_CERT_FILE":
            monkeypatch.setenv(way, unknown[0])
            return fetch(host, server)
        line = f"cert = {unknown[0]}" if way == "pip.conf" else "trusted-host = 127.0.0.1"
        (tmp_path / "pip.conf").write_text(f"[global]\n{line}\n")
        place = as_configured(host, server.url)
        return fetch(host, server, certificate=place.certificate, verify=place.verify)


def test_a_certificate_is_trusted_for_its_own_place_alone(host, unknown):
    """The next download without it is refused, although a session is kept: the library's context only ever grows."""
    with FileServer(CONTENT, tls=tls(unknown)) as server:
        fetch(host, server, certificate=unknown[0])
    with FileServer(CONTENT, tls=tls(unknown)) as server:
        place = Place(name="server", url=server.url)
        other = FileOrder(name="y.whl", sha256="0" * 64, size=len(CONTENT), places=(place,))
        with pytest.raises(NetworkError, match=r"(?i)certificate"):
            fetch_all(host, [other], patience=QUICK)


@pytest.mark.parametrize("kind", ["http", "socks"])
@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("way", ["setting", "variable"])
def test_a_proxy_with_a_password_is_passed(host, unknown, monkeypatch, kind, encrypted, way):
    """By pip's proxy setting and by the usual variables; CONNECT for TLS, the name resolved by a SOCKS proxy."""
    with Proxy(kind) as proxy, FileServer(CONTENT, tls=tls(unknown) if encrypted else None) as server:
        trusted = {"certificate": unknown[0]} if encrypted else {}
        url = server.url.replace("127.0.0.1", "localhost")
        if way == "setting":
            fetch(host, server, url=url, proxy=Secret(proxy.url()), **trusted)
        else:
            monkeypatch.setenv("HTTPS_PROXY" if encrypted else "HTTP_PROXY", proxy.url())
            fetch(host, server, url=url, **trusted)
        assert proxy.passed
        assert "localhost" in proxy.passed[0]
        assert all(line.startswith("CONNECT") for line in proxy.passed) or not encrypted or kind == "socks"
        assert not any("proxy-authorization" in headers for _, headers in server.asked)


@pytest.mark.parametrize("kind", ["http", "socks"])
def test_a_wrong_proxy_password_is_told_without_it(host, kind):
    """The reason names the refusal, never the password."""
    with Proxy(kind) as proxy, FileServer(CONTENT) as server:
        with pytest.raises(NetworkError) as told:
            fetch(host, server, proxy=Secret(proxy.url("me:Wrong7")))
        assert proxy.refused
        assert server.asked == []
        assert "Wrong7" not in str(told.value)


def test_no_proxy_leads_past_the_proxy(host, monkeypatch):
    """NO_PROXY counts."""
    with Proxy() as proxy, FileServer(CONTENT) as server:
        monkeypatch.setenv("HTTP_PROXY", proxy.url())
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        fetch(host, server)
        assert proxy.passed == []


@pytest.mark.parametrize("way", ["netrc", "index-url"])
def test_a_login_is_sent_to_its_host_alone(host, tmp_path, monkeypatch, way):
    """From netrc and from pip's index-url; a redirect to another host goes without."""
    user, _, password = LOGIN.partition(":")
    with FileServer(CONTENT, login=LOGIN) as server, FileServer(CONTENT) as other:
        if way == "netrc":
            (tmp_path / "netrc").write_text(f"machine 127.0.0.1 login {user} password {password}\n")
            (tmp_path / "netrc").chmod(0o600)
            monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
        else:
            address = server.url.replace("//", f"//{LOGIN}@")
            (tmp_path / "pip.conf").write_text(f"[global]\nindex-url = {address}\n")
        fetch(host, server, authorization=as_configured(host, server.url).authorization)
        server.manners = Manners(redirect_to=other.url.replace("127.0.0.1", "localhost"))
        (path,) = (tmp_path / "home").rglob("x.whl")
        path.unlink()
        fetch(host, server, authorization=as_configured(host, server.url).authorization)
        assert other.asked
        assert not any("authorization" in headers for _, headers in other.asked)


def test_a_redirect_to_another_host_takes_that_hosts_own_login(host, tmp_path, monkeypatch):
    """As pip does it, where the user's netrc names that very host; the entry for all hosts is sent to none."""
    user, _, password = LOGIN.partition(":")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with FileServer(CONTENT) as server, FileServer(CONTENT, login=LOGIN) as other:
        server.manners = Manners(redirect_to=other.url.replace("127.0.0.1", "localhost"))
        (tmp_path / "netrc").write_text(f"machine localhost login {user} password {password}\n")
        fetch(host, server)
        assert not any("authorization" in headers for _, headers in server.asked)
        (path,) = (tmp_path / "home").rglob("x.whl")
        path.unlink()
        (tmp_path / "netrc").write_text(f"default login {user} password {password}\n")
        before = len(other.asked)
        with pytest.raises(NetworkError, match="HTTP 401"):
            fetch(host, server)
        assert not any("authorization" in headers for _, headers in (*server.asked, *other.asked[before:]))


def test_a_redirect_out_of_tls_is_refused(host, unknown):
    """What was asked for by TLS does not come without."""
    with FileServer(CONTENT) as open_, FileServer(CONTENT, Manners(redirect_to=open_.url), tls=tls(unknown)) as server:
        with pytest.raises(NetworkError, match="without TLS"):
            fetch(host, server, certificate=unknown[0])
        assert open_.asked == []


def test_another_source_of_the_plan_is_found_when_the_first_stalls(host, tmp_path):
    """A stall in the middle of a file leads to the next source that lists it, which sends the rest alone."""
    from support.index_server import IndexServer, make_wheel  # noqa: PLC0415  # this test alone
    from torchup.install.downloading import Downloading  # noqa: PLC0415  # same
    from torchup.install.lockfile import LockedFile  # noqa: PLC0415  # same
    from torchup.model import Source  # noqa: PLC0415  # same

    files = {"big/data.txt": random.Random(6).randbytes(9 << 20).hex()}  # noqa: S311  # deflated to half
    wheel = make_wheel("big", "1.0", files=files)
    stalling = FileServer(wheel.content, Manners(stall_after=4 << 20))
    with stalling as first, IndexServer() as second:
        second.publish("simple", wheel)
        plan = index_plan(second.url("simple"))
        plan = type(plan)(
            **{name: getattr(plan, name) for name in plan.__struct_fields__}
            | {"sources": (Source(name="first", url=first.url), *plan.sources)}
        )
        locked = LockedFile(
            package="big", version="1.0", name=wheel.filename, sha256=wheel.sha256, url=first.url,
            size=len(wheel.content),
        )  # fmt: skip
        downloading = Downloading(host, plan, lambda _: None, 1)
        import torchup.install.downloading as module  # noqa: PLC0415  # same

        patient = module.fetch_all
        module.fetch_all = lambda *a, **o: patient(*a, **o, patience=Patience(no_byte=0.3))
        try:
            (path,) = downloading.fetch([locked]).values()
        finally:
            module.fetch_all = patient
        assert host.sha256(path) == wheel.sha256
        assert f"/files/{wheel.filename}" in second.paths()
        assert first.sent >= 4 << 20
