"""What `import pulsar_cam` offers: pinned by name, loaded when asked for, and clear where it is used wrongly."""

from __future__ import annotations

import asyncio
import inspect
import math
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import pulsar_cam
from pulsar_cam.errors import EncodeError, InvalidOption, PulsarCamError

NOWHERE = "http://127.0.0.1:9"
NAMES = (
    "Adapt Admin Consumer DecodeError Delivery EncodeError Endpoint Frame Frames InvalidOption NameInUse "
    "NodeUnreachable NotAuthenticated NotAuthorized OAuth2 Packet Producer PublishPlan PublishStats Publisher "
    "PullConsumer PulsarCamError Reader Receipt Sink Source SourceError SubscriptionType Token TokenFile Topic "
    "TopicNotFound TopicPattern Viewer WatchPlan WatchStats "
    "Window __version__ decode encode frames open_source packet_of publish publisher tls_context watch"
)
HEAVY = ("numpy", "cv2", "websockets", "httpx")
IMAGE = np.zeros((48, 64, 3), np.uint8)


def test_the_names_are_these() -> None:
    assert " ".join(sorted(pulsar_cam.__all__)) == NAMES


@pytest.mark.parametrize("name", pulsar_cam.__all__)
def test_each_name_is_there_and_has_a_docstring(name: str) -> None:
    value = getattr(pulsar_cam, name)
    assert name in dir(pulsar_cam)
    assert isinstance(value, str) or inspect.getdoc(value)


def test_the_reference_has_each_name() -> None:
    page = (Path(__file__).parents[1] / "docs" / "reference.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^::: pulsar_cam\.(\w+)$", page, re.MULTILINE)) == {*pulsar_cam.__all__} - {"__version__"}


def test_a_wrong_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'pulsar_cam' has no attribute 'frmaes'"):
        _ = pulsar_cam.frmaes


def test_nothing_is_loaded_before_it_is_asked_for() -> None:
    program = (
        "import sys, pulsar_cam; print([m for m in ('numpy', 'cv2', 'websockets', 'httpx') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "[]\n"


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: pulsar_cam.frames("a b"),
        lambda: pulsar_cam.frames("front-door", "localhost:8080"),
        lambda: pulsar_cam.frames("front-door", subscription=""),
        lambda: pulsar_cam.frames("front-door", max_age_ms=0),
        lambda: pulsar_cam.frames("front-door", max_age_ms=math.nan),
        lambda: pulsar_cam.frames("front-door", every_frame=True),
        lambda: pulsar_cam.frames("front-door", every_frame=True, subscription="a", max_age_ms=500),
        lambda: pulsar_cam.publisher("a b"),
        lambda: pulsar_cam.publisher("front-door", plan=pulsar_cam.PublishPlan(quality=0)),
        lambda: pulsar_cam.Endpoint.of("http://camera.example:8080", credentials=pulsar_cam.Token("secret")),
    ],
)
def test_a_wrong_value_is_a_sentence_about_a_parameter(wrong: object) -> None:
    assert callable(wrong)
    with pytest.raises(InvalidOption) as raised:
        wrong()
    assert "--" not in str(raised.value)
    assert raised.value.parameter.isidentifier()


def loop_over_frames() -> None:
    next(iter(pulsar_cam.frames("front-door", NOWHERE)))


def loop_over_frames_asynchronously() -> None:
    async def main() -> None:
        async for _ in pulsar_cam.frames("front-door", NOWHERE):
            pass

    asyncio.run(main())


def publish_an_image() -> None:
    with pulsar_cam.publisher("front-door", NOWHERE) as camera:
        camera.send(IMAGE)


def publish_an_image_asynchronously() -> None:
    async def main() -> None:
        async with pulsar_cam.publisher("front-door", NOWHERE) as camera:
            await camera.send(IMAGE)

    asyncio.run(main())


@pytest.mark.parametrize(
    "program", [loop_over_frames, loop_over_frames_asynchronously, publish_an_image, publish_an_image_asynchronously]
)
def test_without_a_node_there_is_a_sentence(program: object) -> None:
    assert callable(program)
    with pytest.raises(pulsar_cam.NodeUnreachable) as raised:
        program()
    assert NOWHERE.removeprefix("http://") in str(raised.value)
    assert "--" not in str(raised.value)


@pytest.mark.parametrize(
    ("image", "what"),
    [
        (np.zeros((48, 64)), "float64 of shape"),
        (np.zeros((48, 64), np.uint8), "uint8 of shape"),
        (np.zeros((0, 64, 3), np.uint8), "empty"),
        (np.zeros((48, 64, 4), np.uint8), r"\(48, 64, 4\)"),
        ([[1]], "list"),
        (None, "NoneType"),
    ],
)
def test_what_is_not_an_image_is_refused_where_it_is_sent(image: object, what: str) -> None:
    with pytest.raises(EncodeError, match=what):
        pulsar_cam.publisher("front-door", NOWHERE).send(image)  # type: ignore[arg-type]


def test_a_publisher_outside_its_block_says_so() -> None:
    with pytest.raises(PulsarCamError, match="`with` block"):
        pulsar_cam.publisher("front-door", NOWHERE).send(IMAGE)
