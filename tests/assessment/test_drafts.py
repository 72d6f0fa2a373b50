from __future__ import annotations

from antidistill.assessment.drafts import Drafts
from antidistill.assessment.filling import Filling
from antidistill.assessment.observation import Observation
from tests.assessment.traffic import START


def use(drafts: Drafts, tenant: int, anchor: int = 7, end: int = 9) -> None:
    drafts.note(Observation(f"acct-{tenant}", tenant, START, status=200), Filling(anchor, False, True, 0, end))


def taken(drafts: Drafts, end: int = 9) -> dict[int, tuple[str, int]]:
    return {tenant: (draft.account, draft.uses) for tenant, draft in drafts.take(Filling(7, True, True, 0, end)).items()}


def test_uses_are_counted_by_tenant_and_taken_once():
    drafts = Drafts()
    for tenant in (1, 2, 1):
        use(drafts, tenant)
    assert taken(drafts) == {1: ("acct-1", 2), 2: ("acct-2", 1)}
    assert taken(drafts) == {}


def test_wording_that_ends_otherwise_is_another():
    drafts = Drafts()
    use(drafts, 1, end=8)
    assert taken(drafts) == {}


def test_drafts_are_bounded():
    drafts = Drafts(limit=10)
    for anchor in range(100):
        for tenant in range(5):
            use(drafts, tenant, anchor)
    assert len(drafts) == 10
    assert {len(uses) for uses in drafts._wordings.values()} == {2}
