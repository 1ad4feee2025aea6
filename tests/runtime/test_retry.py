"""When to try again, and how long to wait."""

from __future__ import annotations

import itertools

import pytest

from pulsar_cam.errors import BadMessage, ConnectionLost, NameInUse, NotAuthorized, RequestRejected
from pulsar_cam.runtime.retry import FIRST_DELAY_S, MAX_DELAY_S, backoff, is_transient


@pytest.mark.parametrize(
    ("error", "transient"),
    [
        (ConnectionLost("ws://localhost:8080", "code 1001"), True),
        (NameInUse("subscription 'a'", "in use"), True),
        (RequestRejected("publish", 503, "starting"), True),
        (RequestRejected("publish", 400, "bad"), False),
        (NotAuthorized("publish"), False),
        (BadMessage("no JSON"), False),
        (ConnectionResetError(), False),
        (KeyboardInterrupt(), False),
    ],
)
def test_only_errors_of_ours_that_say_so_are_transient(error: BaseException, transient: bool) -> None:
    assert is_transient(error) is transient


def test_waits_double_up_to_the_cap_and_are_at_least_half_of_it() -> None:
    nominal = [min(FIRST_DELAY_S * 2**attempt, MAX_DELAY_S) for attempt in range(1000)]
    waits = list(itertools.islice(backoff(), len(nominal)))
    assert all(most / 2 <= wait <= most for wait, most in zip(waits, nominal, strict=True))


def test_clients_that_start_together_do_not_stay_together() -> None:
    assert len({next(backoff()) for _ in range(20)}) > 1
