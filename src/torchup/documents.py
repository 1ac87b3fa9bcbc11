"""Configuration files of strangers as plain data: TOML, YAML, INI. Pure.

The parsers of these three are not linear, so what could slow them is refused before they see it, and no error quotes
the file: a line that does not parse may hold a password.
"""

from __future__ import annotations

from typing import Any

from torchup.model import Message, Notice, message

SIZE_LIMIT = 128 * 1024  # characters; a configuration file has 1 to 20 KB
LINE_LIMIT = 2048  # of INI: configparser goes back over a line once a blank in it
# tomllib copies a dotted key once a part: 20,000 parts take 16 s. A key cannot go on in the next line.
DOT_LIMIT = 200
BRACKET_LIMIT = 200  # of YAML: PyYAML looks at every open bracket at each of its tokens; 43,000 take 68 s


class DocumentError(ValueError):
    """What came cannot be read; ``text`` says why without quoting it."""

    def __init__(self, text: Message) -> None:
        super().__init__(str(text))
        self.text = text


def unreadable(path: str, error: DocumentError) -> Notice:
    """The warning that a file of the configuration does not count."""
    text = message(
        "sources.config-unreadable",
        "{path} cannot be read as a configuration file: {detail}",
        path=path,
        detail=error.text,
    )
    return Notice(code="sources.config-unreadable", level="warning", text=text)


def read_toml(text: str) -> dict[str, Any]:
    """A TOML document; raises `DocumentError`."""
    import tomllib  # noqa: PLC0415  # few commands read a configuration

    _check_size(text)
    for number, line in enumerate(text.split("\n"), 1):
        if line.count(".") > DOT_LIMIT:
            raise DocumentError(message("document.dots", "line {line} has more than {limit} dots", line=number,
                                        limit=DOT_LIMIT))  # fmt: skip
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise DocumentError(message("decode.deep", "the data is nested too deeply")) from None
    except ValueError as error:  # also a number of more digits than Python converts
        place = str(error).rpartition("(at ")[2].removesuffix(")") if "(at " in str(error) else ""
        raise DocumentError(_no_form("TOML", place)) from None


def read_yaml(text: str) -> Any:
    """A YAML document without aliases, which could make a few lines endless; raises `DocumentError`."""
    import yaml  # noqa: PLC0415  # 20 ms that only users of conda pay

    _check_size(text)
    if text.count("[") + text.count("{") > BRACKET_LIMIT:
        raise DocumentError(
            message("document.brackets", "the file has more than {limit} brackets", limit=BRACKET_LIMIT)
        )
    try:
        for token in yaml.scan(text, yaml.SafeLoader):
            if isinstance(token, yaml.AliasToken | yaml.AnchorToken):
                raise DocumentError(
                    message("document.alias", "the file uses anchors or aliases, which torchup does not read")
                )
        return yaml.safe_load(text)
    except RecursionError:
        raise DocumentError(message("decode.deep", "the data is nested too deeply")) from None
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        raise DocumentError(_no_form("YAML", f"line {mark.line + 1}" if mark else "")) from None


def read_ini(text: str) -> dict[tuple[str, str], str]:
    """(section, key) -> value of an INI file as pip reads it; raises `DocumentError`."""
    _check_size(text)
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > LINE_LIMIT:
            raise DocumentError(message("document.line", "line {line} is longer than {limit} characters",
                                        line=number, limit=LINE_LIMIT))  # fmt: skip
    import configparser  # noqa: PLC0415  # few commands read a configuration

    parser = configparser.RawConfigParser()
    try:
        parser.read_string(text)
    except configparser.Error as error:
        broken = getattr(error, "errors", None)
        at = getattr(error, "lineno", None) or (broken[0][0] if broken else None)
        raise DocumentError(_no_form("INI", f"line {at}" if at else "")) from None
    return {(section, key): value for section in parser.sections() for key, value in parser.items(section)}


def _check_size(text: str) -> None:
    if len(text) > SIZE_LIMIT:
        raise DocumentError(message("document.size", "the file is larger than {limit} KB", limit=SIZE_LIMIT >> 10))


def _no_form(form: str, place: str) -> Message:
    if place:
        return message("document.form.at", "the file is not valid {form} ({place})", form=form, place=place[:60])
    return message("document.form", "the file is not valid {form}", form=form)
