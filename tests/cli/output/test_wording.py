"""The library speaks of parameters, the command line of options, and neither speaks like the other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import pulsar_cam
from pulsar_cam.cli import app
from pulsar_cam.cli.output.wording import with_options
from pulsar_cam.errors import InvalidOption

LIBRARY = Path(pulsar_cam.__file__).parent
OPTION = re.compile(r"(?<![\w-])--[a-z]")
# A whole command is true for everyone who reads it.
COMMAND = re.compile(r"(pulsar-cam|pip) [^']*")
OTHER_PROGRAMS = ("node/settings.py",)  # Java and Pulsar are started from here


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("watch --headless --max-age -5", "--max-age -5.0: expected milliseconds above 0, or 0 for no limit"),
        ("watch --headless --max-age 300 --every-frame", "--max-age 300.0: with --every-frame each one is shown"),
        ("watch --frames 0 --headless", "--frames 0: expected 1 or more"),
        ("watch --snapshot a.gif", "--snapshot a.gif: expected a file name"),
        ("watch --headless --metrics-host 192.0.2.1 --metrics-port 0", "--metrics-host '192.0.2.1': "),
        ("publish --duration 0 --source test-pattern:", "--duration 0.0: expected a number of seconds"),
        ("publish --duration inf --source test-pattern:", "--duration inf: expected a number of seconds"),
        ("publish --source ''", "--source '': give a camera number, a file"),
        ("publish --device 0 --source a.mp4", "--source a.mp4: give this or --device, not both"),
        ("publish --fixed --dry-run", "--dry-run: there is nothing to report with --fixed"),
        ("publish --fixed --follow-monitor", "--follow-monitor: it changes nothing with --fixed"),
        ("publish --source test-pattern: --every-frame --on-demand", "--every-frame: --on-demand leaves frames out"),
        ("create-topic --retention 5", "--retention '5': expected a whole number with its unit"),
        ("create-topic --retention-size 1MB", "--retention-size 1000000: at least 2 MiB is needed"),
        ("monitor --on-change no-such-program", "--on-change no-such-program: there is no such program"),
        ("monitor --webhook http://example.com/x", "--webhook (hidden): expected https://"),
        ("monitor --budget 0", "--budget 0.0: expected milliseconds"),
        ("node start --port 5", "--port 5: a port is 1024 to 65535"),
        ("node start --port 2000 --broker-port 2000", "--broker-port 2000: it must differ from --port"),
        ("node stop --name a/b", "--name 'a/b': letters, digits"),
        ("report - -", "FILE -: standard input can be read once"),
        (
            "watch --client-key key.pem",
            "--client-key key.pem: give the certificate that it belongs to with --client-cert",
        ),
    ],
)
def test_errors_name_the_options_of_the_typed_command(words: str, sentence: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        app([word.strip("'") for word in words.split()], standalone_mode=False)
    assert with_options(str(caught.value)).startswith(sentence)


def test_a_parameter_for_which_the_command_has_no_option_becomes_plain_words() -> None:
    with pytest.raises(InvalidOption):
        app(["report", "-", "-"], standalone_mode=False)
    assert (
        with_options("lower `quality` or `max_age_ms`, not `this one`")
        == "lower quality or max age ms, not `this one`"
    )


def test_the_way_to_give_a_token_is_the_same_for_all_commands() -> None:
    assert with_options("give one with `credentials`") == "give one with --token-file or PULSAR_CAM_TOKEN"


def texts_in(path: Path) -> Iterator[str]:
    """The strings in a module that are not docstrings, with dots where a value is put in."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "..." for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside | docstrings:
            yield node.value


@pytest.mark.parametrize("path", sorted(LIBRARY.rglob("*.py")), ids=lambda path: str(path.relative_to(LIBRARY)))
def test_the_library_names_no_options(path: Path) -> None:
    name = path.relative_to(LIBRARY).as_posix()
    if name.startswith("cli/") or name in OTHER_PROGRAMS:
        return
    assert [text for text in texts_in(path) if OPTION.search(COMMAND.sub("", text))] == []


def test_an_option_in_the_library_would_be_found(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text(
        '"""About --this."""\na = f"choose another --{1} or --name"\nb = "see \'pulsar-cam watch --json\'"\n'
    )
    found = [text for text in texts_in(module) if OPTION.search(COMMAND.sub("", text))]
    assert found == ["choose another --... or --name"]
