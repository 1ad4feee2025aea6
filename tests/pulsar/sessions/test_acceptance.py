"""When a session on which Pulsar accepts nothing is given up, and what is said of it."""

from __future__ import annotations

import time

import pytest

from pulsar_cam.pulsar.sessions.acceptance import Acceptance

CLOSED = "Producer already closed"


class Session:
    """A session whose seconds a test counts."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = 100.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now_s)
        self.acceptance = Acceptance()

    def refuses_for(self, seconds: float, every_s: float = 0.1) -> str:
        """Refuse messages, and return why the session is to be given up after that time."""
        for _ in range(round(seconds / every_s)):
            self.acceptance.refuse(CLOSED)
            self.now_s += every_s
        return self.reason()

    def reason(self, waits_s: float = 0.0, *, link_answers: bool = True) -> str:
        return self.acceptance.reason_to_give_up(waits_s, link_answers=link_answers)

    def stalled(self, waits_s: float = 0.0, *, link_answers: bool = True) -> str:
        return self.acceptance.why_stalled(waits_s, link_answers=link_answers)


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Session:
    return Session(monkeypatch)


def test_refusals_in_a_row_end_a_session_after_2_s_with_the_words_of_pulsar(session: Session) -> None:
    assert session.refuses_for(1.5) == ""
    assert session.stalled() == f"no message is accepted: {CLOSED}"
    assert session.refuses_for(0.6) == f"no message is accepted: {CLOSED}"


def test_two_refusals_and_those_with_an_acceptance_between_them_do_not(session: Session) -> None:
    assert session.refuses_for(20, every_s=10) == ""
    assert session.stalled() == ""
    for _ in range(10):
        session.acceptance.accept()
        assert session.refuses_for(1.5) == ""


def test_nothing_accepted_for_10_s_ends_it_if_the_link_itself_is_well(session: Session) -> None:
    assert session.reason(9) == ""
    assert session.reason(11) == "no receipt for 11 s"
    assert session.reason(39, link_answers=False) == ""
    assert session.reason(41, link_answers=False) == "no receipt for 41 s"


def test_it_is_stalled_before_that_if_the_link_itself_is_well(session: Session) -> None:
    assert session.stalled(3) == ""
    assert session.stalled(5).startswith("no receipt for 5 s")
    assert session.stalled(5, link_answers=False) == ""


def test_the_next_sessions_get_more_and_more_time_until_something_is_accepted(session: Session) -> None:
    took_s = []
    for _ in range(7):
        began_s = session.now_s
        while not (reason := session.refuses_for(0.5)):
            pass
        took_s.append(round(session.now_s - began_s))
        session.acceptance.give_up(reason)
        assert session.stalled() == reason
    assert took_s == [2, 4, 8, 16, 32, 32, 32]
    assert session.reason(39) == ""
    assert session.reason(41)
    session.acceptance.accept()
    assert session.stalled() == ""
    assert session.refuses_for(2.1)
