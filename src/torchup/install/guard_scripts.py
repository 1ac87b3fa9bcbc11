"""The guard's lines in activation scripts of venv, virtualenv and uv, and in pip's console script. Pure text."""

from __future__ import annotations

import re

from torchup.model import Value

MARK = "torchup guard"


class Script(Value, frozen=True, kw_only=True):
    """What a shell's activation script gets: lines before ``anchor`` inside its deactivation, lines at its end."""

    anchor: str  # regular expression of the line in `deactivate` that forgets VIRTUAL_ENV; empty: another file
    restore: str
    activate: str  # {url} is filled in


_SH = Script(
    anchor=r"^    unset VIRTUAL_ENV$",
    restore="""\
    # torchup guard
    if [ -n "${_TORCHUP_GUARD+_}" ] ; then
        PIP_CONSTRAINT="$_OLD_TORCHUP_PIP"
        UV_CONSTRAINT="$_OLD_TORCHUP_UV"
        export PIP_CONSTRAINT UV_CONSTRAINT
        if [ -z "$PIP_CONSTRAINT" ] ; then unset PIP_CONSTRAINT ; fi
        if [ -z "$UV_CONSTRAINT" ] ; then unset UV_CONSTRAINT ; fi
        unset _TORCHUP_GUARD _OLD_TORCHUP_PIP _OLD_TORCHUP_UV
    fi
""",
    activate="""\
# torchup guard: pip and uv keep torch as it was verified
_OLD_TORCHUP_PIP="${PIP_CONSTRAINT-}"
_OLD_TORCHUP_UV="${UV_CONSTRAINT-}"
PIP_CONSTRAINT="${PIP_CONSTRAINT:+$PIP_CONSTRAINT }{url}"
UV_CONSTRAINT="${UV_CONSTRAINT:+$UV_CONSTRAINT }{url}"
export PIP_CONSTRAINT UV_CONSTRAINT
_TORCHUP_GUARD=1
""",
)
_FISH = Script(
    anchor=r"^    set -e VIRTUAL_ENV$",
    restore="""\
    # torchup guard
    if set -q _TORCHUP_GUARD
        set -e PIP_CONSTRAINT
        set -e UV_CONSTRAINT
        test -n "$_OLD_TORCHUP_PIP"; and set -gx PIP_CONSTRAINT $_OLD_TORCHUP_PIP
        test -n "$_OLD_TORCHUP_UV"; and set -gx UV_CONSTRAINT $_OLD_TORCHUP_UV
        set -e _TORCHUP_GUARD _OLD_TORCHUP_PIP _OLD_TORCHUP_UV
    end

""",
    activate="""\

# torchup guard: pip and uv keep torch as it was verified
set -g _OLD_TORCHUP_PIP "$PIP_CONSTRAINT"
set -g _OLD_TORCHUP_UV "$UV_CONSTRAINT"
set -gx PIP_CONSTRAINT (string trim "$PIP_CONSTRAINT {url}")
set -gx UV_CONSTRAINT (string trim "$UV_CONSTRAINT {url}")
set -g _TORCHUP_GUARD 1
""",
)
_CSH = Script(
    anchor=r"unsetenv VIRTUAL_ENV;",
    restore=(
        "test $?_TORCHUP_GUARD != 0 && unsetenv PIP_CONSTRAINT; test $?_TORCHUP_GUARD != 0 && unsetenv UV_CONSTRAINT; "
        'test $?_OLD_TORCHUP_PIP != 0 && setenv PIP_CONSTRAINT "$_OLD_TORCHUP_PIP" && unset _OLD_TORCHUP_PIP; '
        'test $?_OLD_TORCHUP_UV != 0 && setenv UV_CONSTRAINT "$_OLD_TORCHUP_UV" && unset _OLD_TORCHUP_UV; '
        "unset _TORCHUP_GUARD; "
    ),
    activate="""\

# torchup guard: pip and uv keep torch as it was verified
if ($?PIP_CONSTRAINT) then
    set _OLD_TORCHUP_PIP="$PIP_CONSTRAINT"
    setenv PIP_CONSTRAINT "$PIP_CONSTRAINT {url}"
else
    setenv PIP_CONSTRAINT "{url}"
endif
if ($?UV_CONSTRAINT) then
    set _OLD_TORCHUP_UV="$UV_CONSTRAINT"
    setenv UV_CONSTRAINT "$UV_CONSTRAINT {url}"
else
    setenv UV_CONSTRAINT "{url}"
endif
set _TORCHUP_GUARD=1
""",
)
# Nushell forgets what an overlay set when the overlay is hidden.
_NU = Script(
    anchor=r"^    load-env \$new_env$",
    restore="""\
    # torchup guard: pip and uv keep torch as it was verified
    let new_env = ($new_env | merge {
        PIP_CONSTRAINT: ($"($env.PIP_CONSTRAINT? | default '') {url}" | str trim)
        UV_CONSTRAINT: ($"($env.UV_CONSTRAINT? | default '') {url}" | str trim)
    })
""",
    activate="",
)
_XONSH = Script(
    anchor=r"^__xonsh__\.xontrib\.virtualenv\.activate\(\)$",
    restore="",
    activate="""\

# torchup guard: pip and uv keep torch as it was verified
__xonsh__.xontrib.virtualenv.managed_vars += ("PIP_CONSTRAINT", "UV_CONSTRAINT")
for _name in ("PIP_CONSTRAINT", "UV_CONSTRAINT"):
    _before = str(__xonsh__.env.get(_name, ""))
    __xonsh__.xontrib.virtualenv._override(_name, f"{_before} {url}".strip())
del _name, _before
""",
)
_POWERSHELL = Script(
    anchor=r"^    if \(.*VIRTUAL_ENV\) \{$",
    restore="""\
    # torchup guard
    if (Test-Path variable:global:_TORCHUP_GUARD) {
        $env:PIP_CONSTRAINT = $global:_TORCHUP_GUARD[0]
        $env:UV_CONSTRAINT = $global:_TORCHUP_GUARD[1]
        Remove-Variable "_TORCHUP_GUARD" -Scope global
    }

""",
    activate="""\

# torchup guard: pip and uv keep torch as it was verified
$global:_TORCHUP_GUARD = @("$env:PIP_CONSTRAINT", "$env:UV_CONSTRAINT")
$env:PIP_CONSTRAINT = "$env:PIP_CONSTRAINT {url}".Trim()
$env:UV_CONSTRAINT = "$env:UV_CONSTRAINT {url}".Trim()
""",
)
_BAT = Script(
    anchor="",
    restore="",
    activate="""\
@REM torchup guard: pip and uv keep torch as it was verified
@set "_OLD_TORCHUP_PIP=%PIP_CONSTRAINT%"
@set "_OLD_TORCHUP_UV=%UV_CONSTRAINT%"
@set "PIP_CONSTRAINT={url}"
@set "UV_CONSTRAINT={url}"
""",
)
DEACTIVATE_BAT = """\
@REM torchup guard
@set "PIP_CONSTRAINT=%_OLD_TORCHUP_PIP%"
@set "UV_CONSTRAINT=%_OLD_TORCHUP_UV%"
@set _OLD_TORCHUP_PIP=
@set _OLD_TORCHUP_UV=
"""
SCRIPTS = {
    "activate": _SH,
    "activate.csh": _CSH,
    "activate.fish": _FISH,
    "activate.nu": _NU,
    "activate.xsh": _XONSH,
    "activate.ps1": _POWERSHELL,
    "Activate.ps1": _POWERSHELL,
    "activate.bat": _BAT,
}
_PIP_END = re.compile(rb"^(\s*)sys\.exit\((\w+)\(\)\)\s*$", re.MULTILINE)


def guarded(script: Script, content: str, url: str) -> str:
    """An activation script with the guard's lines; one that has them, or whose form is not known, as it is."""
    found = re.search(script.anchor, content, re.MULTILINE) if script.anchor else None
    if MARK in content or (script.anchor and found is None):
        return content
    address = url.replace("%", "%%") if script is _BAT else url
    at = found.start() if found is not None else 0
    restored = content[:at] + script.restore.replace("{url}", address) + content[at:]
    return restored.rstrip("\n") + "\n" + script.activate.replace("{url}", address)


def guarded_pip(content: bytes, words: str) -> bytes | None:
    """The console script of pip, ending with the guard's sentence after a failure; ``None``: another form."""
    found = _PIP_END.search(content)
    if found is None or MARK.encode() in content:
        return None
    indent, call = found[1].decode(), found[2].decode()
    lines = (
        f"{indent}code = {call}()  # {MARK}",
        f"{indent}if code and 'install' in sys.argv:",
        f"{indent}    sys.stderr.write({words + chr(10)!a})",
        f"{indent}sys.exit(code)",
        "",
    )
    return content[: found.start()] + "\n".join(lines).encode() + content[found.end() :]
