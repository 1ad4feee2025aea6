from pathlib import Path

import pytest

from pulsar_cam.errors import InvalidOption
from pulsar_cam.option_file import read_option_file


def test_no_more_is_read_than_is_wanted(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_bytes(b"abcdef")
    assert read_option_file("token_file", file, 4) == b"abcd"


@pytest.mark.parametrize(
    ("name", "problem"), [("missing", "No such file"), (".", "directory"), ("a\0b", "a file cannot have this name")]
)
def test_what_cannot_be_read_is_told_with_its_parameter(tmp_path: Path, name: str, problem: str) -> None:
    with pytest.raises(InvalidOption, match=f"`ca_file` .*: cannot be read: .*{problem}"):
        read_option_file("ca_file", tmp_path / name, 1)
