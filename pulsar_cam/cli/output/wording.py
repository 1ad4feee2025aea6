"""The library speaks of parameters, the command line of options: turns one into the other.

Sentences of the library have a parameter's name in backticks, such as ```max_age_ms```. This is the only place that
knows which option of the typed command stands for it.
"""

from __future__ import annotations

import re
from typing import Any

from typer.core import TyperCommand

from ..options import OUTPUT

_TERM = re.compile(r"`([A-Za-z_][A-Za-z0-9_.]*)`")
_LINE_END = re.compile(r"(?<!\n)\n(?!\n)")
_UNIT = re.compile(r"_(ms|s|bytes)$")
# What is named otherwise here; of several, the one that the command has.
_OTHER_NAMES = {
    "audience": ("oauth2_audience",),
    "backlog_bytes": ("backlog_limit",),
    "command": ("on_change",),
    "host": ("metrics_host",),
    "path": ("webhook_file", "snapshot"),
    "port": ("metrics_port",),
    "retention_bytes": ("retention_size",),
    "uri": ("source",),
    "url": ("webhook",),
}
_TEXTS = {
    "Adapt.OFF": "--fixed",
    "credentials": "--token-file or PULSAR_CAM_TOKEN",
    "math.inf": "0",  # no limit
}

_options: dict[str, str] = {}


class Command(TyperCommand):
    """A command whose options `with_options` names while it runs, with a help that fits 80 columns."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.help = _LINE_END.sub(" ", self.help or "")  # a terminal breaks lines where it is full
        for parameter in self.params:
            if getattr(parameter, "is_flag", False) or getattr(parameter, "count", False):
                parameter.metavar = ""

    def get_help_option(self, ctx: Any) -> Any:
        """Return --help, in the group of what is printed."""
        option = super().get_help_option(ctx)
        if option and self.params:
            option.rich_help_panel, option.metavar = OUTPUT, ""
        return option

    def invoke(self, ctx: Any) -> Any:
        """Run it."""
        _options.clear()
        _options.update({parameter.name: _shown(parameter) for parameter in self.params if parameter.name})
        return super().invoke(ctx)


def _shown(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return str(parameter.metavar or parameter.name).rstrip(".")
    return str(max(parameter.opts, key=len))


def with_options(text: str) -> str:
    """Return a text of the library in which the options of the typed command stand for its parameters.

    A parameter that the command has no option for becomes plain words.
    """
    return _TERM.sub(lambda term: _option_of(term[1]), text)


def _option_of(name: str) -> str:
    names = (name, *_OTHER_NAMES.get(name, ()), _UNIT.sub("", name))
    option = next((_options[each] for each in names if each in _options), None)
    return option or _TEXTS.get(name) or name.replace("_", " ")
