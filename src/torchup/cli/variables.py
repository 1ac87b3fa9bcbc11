"""The environment variables that torchup reads, for help and reference."""

from __future__ import annotations

from torchup.model import message

VARIABLES = {
    "TORCHUP_HOME": message(
        "cli.variable.home",
        "Folder for torchup's data, cache, configuration and logs (default: the system's standard folders)",
    ),
    "TORCHUP_LANG": message("cli.variable.lang", "Language of messages: en or zh (default: from the locale)"),
    "TORCHUP_MIRROR": message(
        "cli.variable.mirror", "Mirror to install from: a name from `torchup mirror list` or a URL (default: none)"
    ),
    "TORCHUP_WHEELHOUSE": message(
        "cli.variable.wheelhouse", "Folder of wheels, used after all other sources (default: none)"
    ),
    "TORCHUP_ENV": message(
        "cli.variable.env", "Name of the environment to work on (default: `env` in torchup.toml, else `default`)"
    ),
    "TORCHUP_PROBE_TIMEOUT": message(
        "cli.variable.probe-timeout", "Time limit for one query to the machine, in seconds (default: 10)"
    ),
    "NO_COLOR": message("cli.variable.no-color", "Any value that is not empty disables colour"),
    "COLUMNS": message(
        "cli.variable.columns", "Width of text reports in columns (default: the terminal's; without a terminal: 80)"
    ),
}
