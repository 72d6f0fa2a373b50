from __future__ import annotations

from antidistill.assessment.table import Table, pack
from antidistill.model import Assessment, Campaign, Evidence

MANY = 1 << 13
ONE = Assessment("one", 1.0, 0.9, ("content",), (Evidence("sweep", "content", 2.0, "why"),), 7, 0.5, Campaign("campaign_1", 0.9, 3))


def packed(*assessments):
    return [data for _, data in pack(assessments)]


def test_an_assessment_arrives_as_it_was_sent():
    table = Table(10)
    assert table.take(1, packed(ONE)) == [ONE]
    assert table.get("one") == ONE
    assert table.get("other") is None


def test_the_latest_one_counts():
    table = Table(10)
    table.take(2, packed(ONE, Assessment("one", 2.0, 0.1)))
    assert table.all() == [Assessment("one", 2.0, 0.1)]


def test_a_version_that_goes_back_begins_anew():
    table = Table(10)
    table.take(5, packed(ONE))
    table.take(1, packed(Assessment("other", 1.0, 0.5)))
    assert [found.account for found in table.all()] == ["other"]


def test_where_there_is_too_much_the_least_risk_goes():
    table = Table(3)
    for n in range(10):
        table.take(n + 1, packed(Assessment(f"acct-{n}", 1.0, 1 - n / 10)))
    assert {found.account for found in table.all()} == {"acct-0", "acct-1", "acct-2"}


def test_in_many_stripes_room_is_made_too():
    table = Table(MANY)
    for n in range(2 * MANY):
        table.take(n + 1, packed(Assessment(f"acct-{n}", 1.0, n % 10 / 10)))
    found = [assessment.risk for assessment in table.all()]
    assert 0.8 * MANY < len(found) <= MANY
    assert sum(risk >= 0.8 for risk in found) == sum(n % 10 >= 8 for n in range(2 * MANY))


def test_what_cannot_be_read_is_counted():
    table = Table(3)
    assert table.take(1, [b"\xc1", b"", *packed(ONE)]) == [ONE]
    assert table.broken == 2
