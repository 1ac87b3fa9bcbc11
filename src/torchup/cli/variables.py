"""The environment variables that torchup reads, for help and reference."""

from __future__ import annotations

from torchup.model import message

VARIABLES = {
    "TORCHUP_HOME": message(
        "cli.variable.home", "One folder for everything torchup keeps (data, cache, configuration, logs)"
    ),
    "TORCHUP_LANG": message("cli.variable.lang", "Language of texts: en or zh"),
    "TORCHUP_MIRROR": message(
        "cli.variable.mirror", "Mirror to install from: a name of `torchup mirror list`, or a URL"
    ),
    "TORCHUP_WHEELHOUSE": message("cli.variable.wheelhouse", "A folder of wheels, tried after every other source"),
    "TORCHUP_ENV": message("cli.variable.env", "Name of the environment to work on"),
    "TORCHUP_PROBE_TIMEOUT": message(
        "cli.variable.probe-timeout", "Seconds that one question to the machine may take (10)"
    ),
    "NO_COLOR": message("cli.variable.no-color", "Any value: no colour"),
    "COLUMNS": message("cli.variable.columns", "Width of text reports where stdout is no terminal"),
}
