"""Ask every source of this machine what it has, in parallel; what does not answer is skipped with its reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from torchup.errors import UsageError
from torchup.model import UNKNOWN, InstallerName, Message, Notice, Os, Secret, Source, Survey, message
from torchup.privacy import is_whole
from torchup.settings import load_settings
from torchup.sources.configured import places, read_configuration
from torchup.sources.constraints import constraint_files, constraint_lines
from torchup.sources.find_links import list_folder
from torchup.sources.index_client import Connection, Listing, PageRequest, read_pages
from torchup.sources.mirrors import about_mirror, suggested
from torchup.sources.overrides import overrides
from torchup.sources.urls import is_address, local_path, page_of, without_credentials
from torchup.sources.variants import known_variants, worth_asking

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from torchup.catalog.types import Catalog
    from torchup.host import Host
    from torchup.model import Machine, Offer, Request
    from torchup.sources.configured import Configuration
    from torchup.sources.named_places import Place

PACKAGES = ("torch", "torchvision", "torchaudio")
_SYSTEMS = {Os.LINUX: "linux", Os.WINDOWS: "win", Os.MACOS: "macosx"}
_ARCHITECTURES = {  # Machine.arch -> ends of platform tags
    "x86_64": ("x86_64", "amd64", "universal2"),
    "aarch64": ("aarch64", "arm64"),
    "arm64": ("arm64", "aarch64", "universal2"),
}


def survey(host: Host, machine: Machine, request: Request, catalog: Catalog | None) -> Survey:
    """What the sources of this machine answer for torch and its companions.

    With ``request.offline`` nothing is contacted; local folders are still read.

    Raises:
        UsageError: the mirror asked for does not exist, or its password stands on the command line.
    """
    refuse_logins(host, request)
    configuration = read_configuration(host)
    if request.installer is InstallerName.CONDA:
        from torchup.sources.conda_survey import survey_conda  # noqa: PLC0415  # only conda's users need its configuration

        return survey_conda(host, request, configuration)
    found = places(host, configuration, request, worth_asking(known_variants(catalog, machine), machine, request))
    connection, notices = connection_of(host, configuration)
    answers = ask(host, found, connection, offline=request.offline)
    files = constraint_files(host, configuration)
    sources = tuple(told(place.source, answers.get(place.source.name, ())) for place in found)
    profile = catalog.profiles.get(request.profile, ()) if catalog is not None else ()
    alive = [place for place, source in zip(found, sources, strict=True) if source.reachable is not False]
    return Survey(
        sources=sources,
        offers=_fitting((o for listings in answers.values() for listing in listings for o in listing.offers), machine),
        constraints=constraint_lines(host, files),
        constraint_files=files,
        certificate=connection.certificate,
        notices=(
            *configuration.pip.notices,
            *configuration.uv.notices,
            *notices,
            *_overridden(
                () if request.offline else alive,
                answers,
                (*profile, *request.packages),
                lambda places, packages: ask(host, places, connection, packages=packages),
            ),
            *about_mirror(request, sources),
            *_silent(sources),
            *_named_by_the_project(host, request),
            *_suggestion(host, request),
        ),
    )


def _overridden(
    found: Sequence[Place],
    answers: Mapping[str, tuple[Listing, ...]],
    names: Iterable[str],
    ask_for: Callable[[Sequence[Place], Sequence[str]], Mapping[str, tuple[Listing, ...]]],
) -> tuple[Notice, ...]:
    """What the user's further indexes would override of what torchup asks for; what was answered is not asked again."""

    def listings(places: Sequence[Place], packages: Sequence[str]) -> dict[str, tuple[Listing, ...]]:
        others = [package for package in packages if package not in PACKAGES]
        more = ask_for(places, others) if others else {}
        sources = [place.source.name for place in places]
        return {name: (*answers.get(name, ()), *more.get(name, ())) for name in sources}

    return overrides(found, names, listings)


def connection_of(host: Host, configuration: Configuration) -> tuple[Connection, tuple[Notice, ...]]:
    """How to reach the network; a certificate file that is not there is named and left out."""
    certificate = configuration.certificate
    notices: tuple[Notice, ...] = ()
    if certificate is not None and not host.exists(certificate):
        text = message(
            "sources.certificate-missing",
            "the certificate file {path}, which pip or uv is configured to use, does not exist",
            path=certificate,
        )
        notices = (Notice(code="sources.certificate-missing", level="warning", text=text),)
        certificate = None
    return Connection(
        certificate=certificate, proxy=configuration.pip.proxy, trusted_hosts=configuration.trusted_hosts
    ), notices


def ask(
    host: Host,
    found: Sequence[Place],
    connection: Connection,
    *,
    offline: bool = False,
    packages: Sequence[str] = PACKAGES,
) -> dict[str, tuple[Listing, ...]]:
    """The listings of every place that was asked, by the name of its source."""
    answers: dict[str, tuple[Listing, ...]] = {}
    requests: list[PageRequest] = []
    for place in found:
        if place.source.reachable is False or (offline and local_path(place.address) is None):
            continue
        whole = PageRequest(source=place.source.name, url=place.address)
        folder = list_folder(host, whole) if place.source.kind == "find-links" else None
        if folder is not None:
            answers[place.source.name] = (replace(folder, offers=_only(folder.offers, packages)),)
        elif place.source.kind == "find-links":
            requests.append(whole)
        else:
            requests += [
                PageRequest(source=place.source.name, url=page_of(place.address, package)) for package in packages
            ]
    for listing in read_pages(host, requests, connection):
        kept = replace(listing, offers=_only(listing.offers, packages))
        answers[listing.request.source] = (*answers.get(listing.request.source, ()), kept)
    return answers


def _only(offers: Iterable[Offer], packages: Sequence[str]) -> tuple[Offer, ...]:
    return tuple(offer for offer in offers if offer.package in packages)


# What a page's absence is called: object stores say 403 for what is not there.
NOTHING = {"sources.not-there", "sources.forbidden", "sources.no-page"}


def told(source: Source, listings: Sequence[Listing]) -> Source:
    """A source with what its answers say of it."""
    if not listings:
        return source
    if not any(listing.reachable for listing in listings):
        return replace(source, reachable=False, detail=listings[0].problem)
    if any(listing.offers for listing in listings):
        return replace(source, reachable=True)
    problem = next((one.problem for one in listings if one.problem and one.problem.code not in NOTHING), None)
    if problem is not None:  # an error page, a login page, garbage: an installer would stumble over it too
        return replace(source, reachable=False, detail=problem)
    nothing = message("sources.nothing", "this source has no wheels of {packages}", packages=", ".join(PACKAGES))
    return replace(source, reachable=True, detail=nothing)


def _fitting(offers: Iterable[Offer], machine: Machine) -> tuple[Offer, ...]:
    """Offers for the machine's system and processor; the planner holds the finer rules (glibc, Python, macOS)."""
    ends = _ARCHITECTURES.get(machine.arch.lower(), (machine.arch.lower(),))
    start = _SYSTEMS[machine.os]

    def fits(tag: str) -> bool:
        return tag == "any" or (start in tag and (tag.endswith(ends) or tag == "win32"))

    return tuple(offer for offer in offers if any(fits(tag) for tag in offer.platform_tags))


def refuse_logins(host: Host, request: Request) -> None:
    """Every user of a machine sees its command lines; what installs later reads the login from where it lies."""
    for package in request.packages:
        if "://" in package and not is_whole(package.partition("@")[2].strip()):
            raise UsageError(
                message("sources.package.login", "the address of a package must not contain a password or a token"),
                hint=message(
                    "sources.package.login.hint", "put the login into your netrc file, and leave it out of the address"
                ),
            )
    from_settings = Secret(load_settings(host).text("mirror") or "") == request.mirror
    if request.mirror and is_address(request.mirror) and not from_settings and not is_whole(request.mirror):
        raise UsageError(
            message(
                "sources.mirror.login",
                "the address of the mirror contains a password or a token, which other users can see on the "
                "command line",
            ),
            hint=message(
                "sources.mirror.login.hint",
                "put the address into TORCHUP_MIRROR or torchup.toml, or the login into your netrc file",
            ),
        )


def _silent(sources: Sequence[Source]) -> tuple[Notice, ...]:
    """The user's own indexes and folders that do not answer: what they alone have is then missing."""
    texts = [
        message(
            "sources.configured-silent",
            "{url}, from {origin}, cannot be used ({why}); torchup uses other sources",
            url=source.url,
            origin=source.origin,
            why=source.detail or UNKNOWN,
        )
        for source in sources
        if source.origin is not None and source.reachable is False and not source.name.startswith("mirror:")
    ]
    return tuple(Notice(code=text.code, level="warning", text=text) for text in texts)


def _named_by_the_project(host: Host, request: Request) -> tuple[Notice, ...]:
    """What a project's own file names: whoever wrote that file decides what code is installed."""
    settings, environ = load_settings(host), host.environ()
    if settings.path is None:
        return ()
    by_file = {key: value for key, value in settings.values.items() if not environ.get(f"TORCHUP_{key.upper()}")}
    by_file |= settings.verbs.get("up", {}) | settings.verbs.get("env create", {})
    found: list[Message] = []
    if request.mirror and is_address(request.mirror) and Secret(str(by_file.get("mirror"))) == request.mirror:
        found.append(
            message(
                "sources.mirror.by-project",
                "{file} names the index {url}. Packages from this index run with your permissions, so continue "
                "only if you trust the folder of that file",
                file=settings.path,
                url=without_credentials(request.mirror),
            )
        )
    if folder := by_file.get("wheelhouse"):
        found.append(
            message(
                "sources.wheelhouse.by-project",
                "{file} names the wheel folder {folder}. Wheels run with your permissions, so continue only if "
                "you trust that folder",
                file=settings.path,
                folder=folder,
            )
        )
    if packages := [name for name in by_file.get("with", ()) if name in request.packages]:
        found.append(
            message(
                "sources.packages.by-project",
                "{file} asks for {packages}. Packages run with your permissions, so continue only if you trust "
                "the folder of that file",
                file=settings.path,
                packages=", ".join(map(without_credentials, packages)),
            )
        )
    return tuple(Notice(code=text.code, level="warning", text=text) for text in found)


def _suggestion(host: Host, request: Request) -> tuple[Notice, ...]:
    """A mirror near to the user's locale, as a hint. It is never used by itself."""
    environ: Mapping[str, str] = host.environ()
    names = ("TORCHUP_LANG", "LC_ALL", "LC_MESSAGES", "LANG")
    near = suggested(next((environ[name] for name in names if environ.get(name)), ""))
    if request.mirror or request.offline or not near:
        return ()
    text = message(
        "sources.mirror.suggestion",
        "these mirrors have PyTorch's wheels and may be near you: {names}. Measure them with `torchup mirror "
        "test`, and use one with `--mirror NAME`",
        names=", ".join(mirror.name for mirror in near),
    )
    return (Notice(code="sources.mirror.suggestion", text=text),)
