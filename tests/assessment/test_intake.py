from __future__ import annotations

from antidistill.assessment.intake import Intake
from tests.assessment.traffic import exchange


def test_what_is_put_in_comes_out_in_order():
    intake = Intake(100, 1000)
    for n in range(5):
        assert intake.put(exchange("acct", f"text {n}"))
    texts = [taken.call.prompt for _ in range(5) if (taken := intake.take()) is not None and taken.call is not None]
    assert texts == [f"text {n}" for n in range(5)]
    assert intake.take() is None


def test_there_is_an_end_to_it():
    intake = Intake(10, 1 << 20)
    assert sum(intake.put(exchange(f"acct-{n}")) for n in range(50)) == 10
    assert (len(intake), intake.shed) == (10, 40)


def test_a_flood_of_one_account_leaves_room_for_the_others():
    intake = Intake(1000, 1 << 20)
    for _ in range(5_000):
        intake.put(exchange("loud"))
    assert len(intake) < 400
    assert all(intake.put(exchange(f"quiet-{n}")) for n in range(100))


def test_text_is_bounded_too():
    intake = Intake(1000, 10_000)
    assert sum(intake.put(exchange(f"acct-{n}", "x" * 500)) for n in range(50)) == 10  # in the body, and in the call


def test_room_comes_back_as_exchanges_are_taken():
    intake = Intake(10, 1000)
    for n in range(200):
        assert intake.put(exchange(f"acct-{n % 3}", "x" * 45))
        assert intake.take() is not None
    assert intake.shed == 0
    assert len(intake._waiting) <= 3


def test_an_exchange_without_a_call_is_taken():
    assert Intake(10, 1000).put(exchange("acct", as_call=None))
