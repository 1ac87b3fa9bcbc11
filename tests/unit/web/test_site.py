"""Putting the page together: pinned pieces, small archives, one document a language, a server for one machine."""

from __future__ import annotations

import base64
import html
import io
import json
import re
import tarfile
import threading
import zipfile
import zlib

import pytest
from msgspec.structs import replace

from torchup import i18n
from torchup.cli import main
from torchup.envs.owned import owned
from torchup.errors import InstallError, UsageError
from torchup.host import RealHost
from torchup.host.serving import FolderServer, serving
from torchup.web import pieces
from torchup.web.archives import members, unzipped, zipped
from torchup.web.document import PAGES, POLICY, page
from torchup.web.links import RAW_DEFLATE, fragment
from torchup.web.own import installed_wheel, own_wheel
from torchup.web.question import Question
from torchup.web.site import Site


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home of torchup without anything in it."""
    monkeypatch.setenv("TORCHUP_HOME", str(tmp_path / "home"))
    return tmp_path


@pytest.mark.parametrize("language", PAGES)
def test_a_document_is_complete_without_scripts_of_its_own(language):
    """Texts, labels and choices stand in it; there is no inline script, style or handler, and no other host."""
    text = page(language, megabytes=7.1)
    assert not re.search(r"<script(?! type=\"module\" src)|<style|\son\w+=|https?://", text)
    assert POLICY in html.unescape(text)
    assert "RTX 4090" in text
    assert f'lang="{"zh-CN" if language == "zh" else "en"}"' in text
    said = json.loads(html.unescape(re.search(r'data-texts="([^"]*)"', text)[1]))
    assert "{percent}" in said["loading"]
    assert i18n.current() == "en"


def test_every_field_of_the_form_is_one_of_the_question():
    """A name in the document is a field that Python takes."""
    names = set(re.findall(r'<(?:input|select|textarea)[^>]* name="([^"]+)"', page("en", megabytes=7.1)))
    assert names <= set(Question.__struct_fields__)
    assert {"os", "gpu", "driver", "manager", "mirror", "paste", "asked", "cpu"} <= names


def test_torchup_goes_in_without_its_worker():
    """The page's own wheel holds the rooms and nothing that runs elsewhere; made twice, it is the same bytes."""
    names = set(unzipped(own_wheel()))
    assert {"torchup/web/page.py", "torchup/doctor/engine.py", "torchup/catalog/data/gpus.json"} <= names
    assert not any(name.startswith("torchup/worker/") or name.endswith((".pyc", ".toml", ".po")) for name in names)
    assert own_wheel() == own_wheel()


def test_a_pure_package_goes_in_with_its_licence():
    """What is installed is packed as a wheel that says what it is, less what is compiled."""
    for package, module in (("packaging", "version"), ("markupsafe", "_native"), ("jinja2", "environment")):
        version, wheel = installed_wheel(RealHost(), package)
        names = set(unzipped(wheel))
        assert f"{package}/{module}.py" in names
        assert any("LICENSE" in name and version in name for name in names)
        assert not any(name.endswith((".so", ".pyd")) for name in names)


def test_archives_come_back_as_they_went_in():
    """What is zipped is unzipped the same; an npm package gives the files asked for, and says what it lacks."""
    contents = {"a/b.txt": b"x" * 1000, "c": b""}
    assert unzipped(zipped(contents)) == contents
    assert zipfile.ZipFile(io.BytesIO(zipped(contents))).testzip() is None
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as archive:
        info = tarfile.TarInfo("package/a.mjs")
        info.size = 3
        archive.addfile(info, io.BytesIO(b"abc"))
    assert members(target.getvalue(), ["a.mjs"]) == {"a.mjs": b"abc"}
    with pytest.raises(KeyError):
        members(target.getvalue(), ["b.mjs"])


def test_a_link_is_what_the_script_reads():
    """The pasted text is packed as browsers unpack it; fields stand readable beside it."""
    link = fragment("doctor", paste="héllo\n" * 50, gpu="RTX 4090")
    assert link.startswith("#doctor?gpu=RTX+4090&z=")
    packed = link.partition("z=")[2]
    assert zlib.decompress(base64.urlsafe_b64decode(packed + "=="), RAW_DEFLATE).decode() == "héllo\n" * 50


def test_pieces_are_checked(home):
    """A folder without the pinned files, or with others, is refused with the commands that bring them."""
    with pytest.raises(UsageError, match="does not exist") as missing:
        pieces.from_folder(RealHost(), str(home))
    assert "npm pack" in str(missing.value.hint)
    for piece in pieces.load_runtime().piece:
        (home / piece.file).write_bytes(b"something else")
    with pytest.raises(UsageError, match="SHA-256"):
        pieces.from_folder(RealHost(), str(home))


def test_offline_says_how_to_bring_them(home, capsys):
    """Without the pieces `torchup web --offline` contacts nobody and names the commands; its JSON needs --write."""
    assert main(["web", "--offline"]) == 7
    assert "npm pack pyodide" in capsys.readouterr().err
    assert main(["web", "--json"]) == 2


def test_pieces_are_fetched_once_and_held_to_their_hash(home, monkeypatch):
    """From a server on this machine: fetched, kept, not asked for again; wrong bytes are no piece."""
    (home / "served").mkdir()
    (home / "served" / "a.tgz").write_bytes(b"content")
    real = pieces.load_runtime()
    with serving(str(home / "served"), 0, {}) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        digest = RealHost().sha256(str(home / "served" / "a.tgz"))
        one = replace(real.piece[0], file="a.tgz", url=f"{server.url}a.tgz", sha256=digest, size=7)
        monkeypatch.setattr(pieces, "load_runtime", lambda: replace(real, piece=(one,)))
        told = []
        found = pieces.fetched(RealHost(), told.append)
        assert RealHost().read_bytes(found["pyodide"]) == b"content"
        assert told
        (home / "served" / "a.tgz").unlink()
        assert pieces.fetched(RealHost(), told.append, offline=True) == found
        assert [place.kind for place in owned(RealHost())] == ["downloaded files"]
        (home / "served" / "b.tgz").write_bytes(b"c0ntent")
        bad = replace(one, file="b.tgz", url=f"{server.url}b.tgz", sha256="0" * 64)
        monkeypatch.setattr(pieces, "load_runtime", lambda: replace(real, piece=(bad,)))
        with pytest.raises(InstallError, match="hash mismatch") as failed:
            pieces.fetched(RealHost(), told.append)
        assert "--from" in str(failed.value.hint)
        server.shutdown()


def test_the_command_serves_until_it_is_stopped(home, monkeypatch, capsys):
    """`torchup web` says where the page is, ends with Ctrl-C, and names another way where a port is taken."""
    site = Site(folder=str(home), files=1, bytes=1, compressed=1, version="torchup-0")
    monkeypatch.setattr("torchup.cli.web.from_folder", lambda *_: {})
    monkeypatch.setattr("torchup.cli.web.write_site", lambda *_: site)
    monkeypatch.setattr(FolderServer, "serve_forever", _interrupted)
    assert main(["web", "--from", "x", "--no-open"]) == 0
    assert re.search(r"http://127\.0\.0\.1:\d+/ ", capsys.readouterr().err)
    with serving(str(home), 0, {}) as server:
        assert main(["web", "--from", "x", "--no-open", "--port", str(server.server_address[1])]) == 2
    assert "leave out --port" in capsys.readouterr().err


def _interrupted(server):
    raise KeyboardInterrupt


def test_the_server_answers_this_machine_only(tmp_path):
    """The folder's files with the policy; no listing, nothing above the folder, no name that was made to point here."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "a.mjs").write_text("1")
    (tmp_path / "secret").write_text("no")
    with serving(str(tmp_path / "site"), 0, {"Content-Security-Policy": POLICY}) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        assert server.server_address[0] == "127.0.0.1"
        served = RealHost().fetch(f"{server.url}a.mjs")
        assert served.headers["content-security-policy"] == POLICY
        assert served.headers["content-type"] == "text/javascript"
        for path, host, status in (("", None, 404), ("../secret", None, 404), ("a.mjs", "evil.example:80", 403)):
            refused = RealHost().fetch(server.url + path, headers={"Host": host} if host else {})
            assert refused.status == status, path
        server.shutdown()
