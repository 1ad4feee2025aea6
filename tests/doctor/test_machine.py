"""Checks of this machine."""

from __future__ import annotations

import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from pulsar_cam.doctor import machine
from pulsar_cam.sources import devices


def test_oldest_versions_are_those_of_the_project() -> None:
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    project = tomllib.loads(text)["project"]
    oldest = machine.OLDEST | {"opencv-python": machine.OLDEST_OPENCV}
    for name, version in oldest.items():
        (wanted,) = (each for each in project["dependencies"] if each.startswith(name))
        assert wanted == f"{name}>={'.'.join(map(str, version))}"
    assert project["requires-python"] == f">={'.'.join(map(str, machine.OLDEST_PYTHON))}"


def test_old_package(monkeypatch: pytest.MonkeyPatch) -> None:
    real = metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: "9.1" if name == "websockets" else real(name))
    finding = machine.versions()
    assert (finding.state, "websockets 9.1" in finding.says) == ("problem", True)
    assert finding.change.endswith("--upgrade websockets")


def test_two_builds_of_opencv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "version", lambda _name: "4.10.0.84")
    finding = machine.opencv()
    assert finding.state == "problem"
    assert "opencv-python-headless" in finding.says
    assert finding.change.startswith("pip uninstall -y opencv-python ")


def test_no_camera(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "list_cameras", list)
    finding = machine.camera(None)
    assert (finding.state, finding.says) == ("warning", "this machine has no camera")
    assert "--source test-pattern:" in finding.change


def test_a_camera_that_was_asked_for_must_work() -> None:
    finding = machine.camera("97")
    assert (finding.state, finding.says) == ("problem", "camera 97 not found")
