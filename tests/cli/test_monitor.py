"""Options of `monitor` that cannot work are said before anything is done."""

from __future__ import annotations

import pytest

from pulsar_cam.cli import app
from pulsar_cam.cli.output.wording import with_options
from pulsar_cam.errors import InvalidOption


@pytest.mark.parametrize(
    "words",
    [
        "--probe-sizes x",
        "--probe-sizes 1000,",
        "--probe-sizes 0",
        "--probe-sizes 1000,999999999999999999999999",
        "--budget 0",
        "--budget -1",
        "--budget nan",
        "--budget inf",
        "--interval 0",
        "--interval nan",
        "--duration 0",
        "--duration nan",
        "--topic a/b",
    ],
)
def test_wrong_usage_is_one_sentence(words: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        app(["monitor", *words.split()], standalone_mode=False)
    assert with_options(str(caught.value)).startswith(f"{words.split()[0]} ")
