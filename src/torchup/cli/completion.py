"""The scripts that make shells complete torchup's command line, and what PowerShell asks; click does the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from click.shell_completion import ShellComplete, add_completion_class, get_completion_class

from torchup.host import RealHost

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

VARIABLE = "_TORCHUP_COMPLETE"  # the name that click gives it

# PowerShell hands over the parsed command line; elements go line by line, so that no quoting is needed.
_POWERSHELL = """\
Register-ArgumentCompleter -Native -CommandName %(prog_name)s -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = $commandAst.CommandElements | Select-Object -Skip 1 | ForEach-Object { $_.Extent.Text }
    $env:COMP_WORDS = $words -join "`n"
    $env:COMP_WORD = $wordToComplete
    $env:%(complete_var)s = 'powershell_complete'
    try {
        %(prog_name)s | ForEach-Object {
            $value, $help = $_ -split "`t", 2
            if ($value) {
                [System.Management.Automation.CompletionResult]::new($value, $value, 'ParameterValue', $help)
            }
        }
    } finally {
        foreach ($name in 'COMP_WORDS', 'COMP_WORD', '%(complete_var)s') {
            Remove-Item "Env:$name" -ErrorAction SilentlyContinue
        }
    }
}
"""


class PowerShellComplete(ShellComplete):
    """click knows bash, zsh and fish; this is PowerShell 5.1 and newer. Files and folders it completes by itself."""

    name = "powershell"
    source_template = _POWERSHELL

    def get_completion_args(self) -> tuple[list[str], str]:
        """The words before the one at the cursor, and that one."""
        environ = RealHost().environ()
        words = [word for word in environ.get("COMP_WORDS", "").split("\n") if word]
        incomplete = environ.get("COMP_WORD", "")
        return (words[:-1] if incomplete and words[-1:] == [incomplete] else words), incomplete

    def complete(self) -> str:
        """One line an answer; where a path is wanted none, which leaves it to PowerShell."""
        found = self.get_completions(*self.get_completion_args())
        return "\n".join(self.format_completion(item) for item in found if item.type == "plain")

    def format_completion(self, item: CompletionItem) -> str:
        """Value and tool tip; a tool tip must not be empty."""
        return f"{item.value}\t{item.help or item.value}"


def script(shell: str) -> str:
    """The script that makes ``bash``, ``zsh``, ``fish`` or ``powershell`` complete torchup's command line."""
    know_powershell()
    found = get_completion_class(shell)
    if found is None:
        raise ValueError(shell)
    # Not bash's own `source`, which starts a bash to see how old it is.
    return ShellComplete.source(found(click.Command("torchup"), {}, "torchup", VARIABLE))


def know_powershell() -> None:
    """Teach click PowerShell, which it does not know."""
    add_completion_class(PowerShellComplete)
