"""A node that is busy with its own registration is known by its log."""

from __future__ import annotations

from pathlib import Path

import pytest

from pulsar_cam.node.registration import is_looping
from pulsar_cam.node.settings import LOG_FILE

# As Pulsar 4.0.8 wrote them, in a start that went on like this for 150 s.
TURN = """\
2026-11-23T03:49:07,608+0000 [metadata-store-1-1] INFO  o.a.p.m.c.impl.ResourceLockImpl - \
Lock on resource /ledgers/available/127.0.0.1:29012 was invalidated. state Valid
2026-11-23T03:49:07,608+0000 [metadata-store-1-1] INFO  o.a.p.m.impl.AbstractMetadataStore - \
Deleted path: /ledgers/available/127.0.0.1:29012 (v. Optional[0])
2026-11-23T03:49:07,609+0000 [metadata-store-1-1] INFO  o.a.p.m.c.impl.ResourceLockImpl - \
Acquired resource lock on /ledgers/available/127.0.0.1:29012
"""


def log_of(folder: Path, text: str) -> None:
    """Have the node of this folder log something."""
    (folder / LOG_FILE).parent.mkdir()
    (folder / LOG_FILE).write_text("the beginning\n" + text)


@pytest.mark.parametrize("turns", [0, 1, 3, 20])
def test_a_start_that_needs_some_turns_is_well(tmp_path: Path, turns: int) -> None:
    log_of(tmp_path, TURN * turns)
    assert not is_looping(tmp_path)


@pytest.mark.parametrize("turns", [21, 20_000])
def test_a_start_that_does_nothing_else_is_told(tmp_path: Path, turns: int) -> None:
    log_of(tmp_path, TURN * turns)
    assert is_looping(tmp_path)


def test_without_a_log_there_is_nothing_to_tell(tmp_path: Path) -> None:
    assert not is_looping(tmp_path)
