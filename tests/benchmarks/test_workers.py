from __future__ import annotations

import msgspec
import pytest

from antidistill.model import Assessment, Event
from antidistill.replay import Line
from benchmarks.assessment.feeding import BLOCK, blocks
from benchmarks.assessment.workers import found


def line(n, ts, duration):
    return Line(f"r{n}", ts, f"acct-{n}", "POST", "/v1/chat/completions", 200, duration_s=duration)


def test_exchanges_are_dealt_out_in_the_order_in_which_they_end():
    lines = [line(n, float(n), 5.0 if n % 3 == 0 else 0.5) for n in range(2 * BLOCK + 10)]
    seen: list[tuple[float, str, float]] = []
    dealt = [msgspec.json.decode(text, type=Line) for block in blocks(lines, seen) for text in block]
    ends = [one.ts + one.duration_s for one in dealt]
    assert ends == sorted(ends)
    assert {one.id for one in dealt} == {one.id for one in lines}
    assert seen == [(one.ts, one.account, one.ts + one.duration_s) for one in lines]


@pytest.mark.parametrize(("ts", "before"), [(600.0, 2), (599.0, 3)], ids=["at a tick", "upon an exchange, when it ended"])
def test_what_was_published_and_told_becomes_what_a_replay_would_have_noted(ts, before):
    seen = [(1.0, "a", 2.0), (599.0, "a", 603.0), (600.5, "a", 601.0), (604.0, "a", 605.0)]
    alert = Event("tick", ts, "a", "harvest", "alert", "observe", "assessment", True)
    findings = found(seen, [Assessment("a", ts, 0.9), Assessment("a", 1200.0, 0.4)], [alert])
    row = findings.accounts["a"].row()
    assert (row["score"], row["flagged"], row["first_flagged_ts"], row["requests_before_flag"]) == (0.9, True, ts, before)
