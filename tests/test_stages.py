"""A stage that fails costs only itself."""

from __future__ import annotations

from collections import Counter

import pytest

from antidistill.stages import Closed, Stages


def fail(text: str) -> int:
    raise ValueError(text)


def test_a_stage_that_works_gives_its_result() -> None:
    assert Stages(Counter()).run("s", 0, int, "7") == 7


def test_a_stage_that_fails_is_replaced_and_counted() -> None:
    failures: Counter[str] = Counter()
    assert Stages(failures).run("s", 5, fail, "x") == 5
    assert failures == {"s": 1}


def test_a_failure_may_close_the_door() -> None:
    with pytest.raises(Closed, match="s"):
        Stages(Counter(), closed=True).run("s", 5, fail, "x")


def test_the_log_says_where_but_not_what(caplog: pytest.LogCaptureFixture) -> None:
    Stages(Counter()).run("s", 5, fail, "a prompt")
    assert "test_stages.py" in caplog.text
    assert "a prompt" not in caplog.text


def test_only_the_first_failure_of_a_stage_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    stages = Stages(Counter())
    for _ in range(5):
        stages.run("s", 5, fail, "x")
    assert len(caplog.records) == 1
