from __future__ import annotations

import json

import msgspec

from antidistill.model import Assessment, Event
from antidistill.replay import Line
from benchmarks.assessment.feeding import BLOCK, blocks
from benchmarks.assessment.workers import found


def line(n, ts, duration):
    return Line(f"r{n}", ts, f"acct-{n}", "POST", "/v1/chat/completions", 200, duration_s=duration)


def test_exchanges_are_dealt_out_in_the_order_in_which_they_end():
    lines = [line(n, float(n), 5.0 if n % 3 == 0 else 0.5) for n in range(2 * BLOCK + 10)]
    seen: list[tuple[float, str]] = []
    dealt = [msgspec.json.decode(text, type=Line) for block in blocks(lines, seen) for text in block]
    ends = [one.ts + one.duration_s for one in dealt]
    assert ends == sorted(ends)
    assert {one.id for one in dealt} == {one.id for one in lines}
    assert seen == [(one.ts, one.account) for one in lines]


def test_what_was_published_and_told_becomes_what_a_replay_would_have_noted():
    alert = Event("tick", 600.0, "a", "harvest", "alert", "observe", "assessment", True)
    findings = found([(1.0, "a"), (599.0, "a"), (600.0, "a")], [Assessment("a", 600.0, 0.9), Assessment("a", 1200.0, 0.4)], [alert])
    row = findings.accounts["a"].row()
    assert json.loads(msgspec.json.encode(row)) == row | {"families": [], "evidence": []}
    assert (row["score"], row["flagged"], row["first_flagged_ts"], row["requests_before_flag"]) == (0.9, True, 600.0, 2)
