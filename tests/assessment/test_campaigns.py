from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from antidistill.assessment.campaigns import MEMORY, STRONG, steady
from antidistill.assessment.frame import Frame, Standing
from antidistill.assessment.groups import linked, pooled
from antidistill.model import Assessment, Call, Campaign, Evidence, Exchange, Family, Turn
from tests.assessment.traffic import HOUR, START, campaign, exchange, fill, in_order, learnt, names, people, pool, replay, words


def groups(published: dict[str, Assessment]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for account, assessment in published.items():
        if assessment.campaign is not None:
            found.setdefault(assessment.campaign.id, set()).add(account)
    return found


def frame(anchor: int, *accounts: str) -> Frame:
    made = Frame(anchor, 0.0)
    made.accounts = dict.fromkeys(accounts, 0)
    return made


def linked_anchors(*frames: Frame) -> list[set[int]]:
    return [{one.anchor for one in group} for group in linked(frames)]


def member(**weights: float) -> list[Evidence]:
    families: dict[str, Family] = {"sharing": "coordination", "company": "coordination", "sweep": "content"}
    return [Evidence(signal, families[signal], weight, "") for signal, weight in weights.items()]


def test_the_accounts_of_a_campaign_belong_together():
    rng = random.Random(1)
    rows = campaign(rng, accounts=12, frames=3, each=15)
    _, published = replay(in_order(rows, people(rng)))
    assert list(groups(published).values()) == [set(names(rows))]


def test_a_campaign_is_told_with_its_size_and_risk():
    _, published = replay(campaign(random.Random(1), accounts=12, frames=3, each=15))
    found = published["bot-3"].campaign
    assert found is not None
    assert found.accounts == 12
    assert 0.8 < found.risk < 1


@pytest.mark.parametrize(
    ("risk", "accounts", "told"),
    [
        pytest.param(0.905, 15, False, id="a little of both"),
        pytest.param(0.91, 12, True, id="risk"),
        pytest.param(0.9, 16, True, id="more accounts"),
        pytest.param(0.9, 8, True, id="fewer accounts"),
    ],
)
def test_a_campaign_is_told_anew_where_it_changed_noticeably(risk, accounts, told):
    before, after = Campaign("c", 0.9, 12), Campaign("c", risk, accounts)
    assert steady(before, after) is (after if told else before)
    assert steady(None, after) is after


@pytest.mark.parametrize(("later", "known"), [(HOUR, 12), (MEMORY + 7 * HOUR, 0)], ids=["an hour later", "a month later"])
def test_a_campaign_is_remembered_when_other_traffic_washes_over_its_wording(later, known):
    rows = campaign(random.Random(1), accounts=12, frames=3, each=15)
    assessor, _ = replay(rows)
    for washed in assessor._crowd.frames.strong(STRONG):
        washed.standing = Standing()
    now = max(row.request.ts for row in rows) + later
    assessor._campaigns.search(assessor._crowd, assessor._profiles.get, assessor._latest.get, now=now)
    assert len(assessor._campaigns._members) == known


def test_all_accounts_of_a_large_campaign_are_found_though_frames_remember_some():
    rows = campaign(random.Random(1), accounts=400, frames=3, each=9)
    assessor, published = replay(rows)
    assert all(len(frame.accounts) <= 256 for frame in assessor._crowd.frames.strong(STRONG))
    assert list(groups(published).values()) == [set(names(rows))]


def test_two_campaigns_stay_two():
    rng = random.Random(1)
    one, other = campaign(rng, prefix="one", each=15), campaign(rng, prefix="two", each=15)
    _, published = replay(in_order(one, other))
    assert sorted(map(sorted, groups(published).values())) == [sorted(set(names(one))), sorted(set(names(other)))]


def test_an_honest_account_that_uses_a_frame_once_does_not_belong():
    rng = random.Random(1)
    rows = campaign(rng, accounts=12, frames=1, each=15)
    text = rows[0].call.prompt if rows[0].call else ""
    stray = [exchange("stray", words(rng, 20), START + 9_000 + n) for n in range(20)]
    stray.append(exchange("stray", f"{' '.join(text.split()[:16])} {words(rng, 8)}", START + 9_020))
    _, published = replay(in_order(rows, stray))
    assert list(groups(published).values()) == [set(names(rows))]


def test_an_organisation_is_no_campaign():
    rng = random.Random(1)
    template = words(rng, 16)
    rows = [exchange(f"key-{n % 10}", fill(template, rng), START + n * 30, org="org_1") for n in range(200)]
    _, published = replay(rows)
    assert groups(published) == {}


def test_a_campaign_keeps_its_name_as_it_grows():
    rng = random.Random(1)
    rows = campaign(rng, accounts=24, frames=3, each=15)
    small = [row for row in rows if int(row.subject.account.split("-")[1]) < 12]  # type: ignore[union-attr]
    later = [exchange(str(row.subject.account), row.call.turns[0].text, row.request.ts + 40_000) for row in rows if row.call]
    sizes: dict[str, set[int]] = {}

    def publish(assessments: Sequence[Assessment]) -> None:
        for assessment in assessments:
            if assessment.campaign is not None:
                sizes.setdefault(assessment.campaign.id, set()).add(assessment.campaign.accounts)

    learnt(in_order(small, later), publish)
    (only,) = sizes.values()
    assert {12, 24} <= only


def test_the_name_of_a_campaign_depends_on_the_seed():
    rows = campaign(random.Random(1), each=15)
    assert set(groups(replay(rows, seed=1)[1])) != set(groups(replay(rows, seed=2)[1]))


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        pytest.param([], [], id="none"),
        pytest.param([frame(1, *"abcd"), frame(2, *"abcd")], [{1, 2}], id="the same accounts"),
        pytest.param([frame(1, *"abcdefgh"), frame(2, *"abcd")], [{1, 2}], id="the smaller one's accounts"),
        pytest.param([frame(1, *"abcdefgh"), frame(2, *"hijklmno")], [{1}, {2}], id="one account in common"),
        pytest.param([frame(1, *"ab"), frame(2, *"ab")], [{1}, {2}], id="two accounts are too few"),
        pytest.param([frame(1, *"abcd"), frame(2, *"abcdefgh"), frame(3, *"efgh")], [{1, 2, 3}], id="in a chain"),
    ],
)
def test_frames_with_most_accounts_in_common_are_linked(frames, expected):
    assert linked_anchors(*frames) == expected


def test_many_frames_of_the_same_accounts_are_linked_in_no_time():
    accounts = [f"acct-{n}" for n in range(256)]
    assert len(linked([frame(anchor, *accounts) for anchor in range(2048)])[0]) >= 16


def test_a_few_weak_members_do_not_hide_a_group():
    strong = member(sharing=3.0, company=3.0, sweep=3.0)
    assert pooled([strong] * 7 + [[]] * 3) == pooled([strong] * 10)


def test_a_few_strong_members_do_not_make_one():
    assert pooled([member(sharing=3.0, company=3.0, sweep=3.0)] * 3 + [[]] * 7) == pytest.approx(0.001)


def test_no_members_are_no_campaign():
    assert pooled([]) == pytest.approx(0.001)


def test_accounts_that_share_no_wording_but_take_over_from_one_another_are_a_campaign():
    rng = random.Random(1)
    rows = pool(rng)
    _, published = replay(in_order(rows, people(rng)))
    assert list(groups(published).values()) == [set(names(rows))]
    found = published["pool-3"].campaign
    assert found is not None
    assert found.risk >= 0.8


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(pool(random.Random(1), org="org_1"), id="keys of one organisation"),
        pytest.param(pool(random.Random(1), accounts=2), id="somebody with two accounts"),
        pytest.param(pool(random.Random(1), refused=0.01), id="single coincidences"),
        pytest.param(pool(random.Random(1), wait=90.0), id="nobody takes over at once"),
    ],
)
def test_honest_refusals_make_no_campaign(rows):
    assert groups(replay(rows)[1]) == {}


def test_three_refusals_in_a_hundred_are_enough_for_a_pool_of_many():
    rows = pool(random.Random(1), accounts=30, refused=0.03)
    assert max(map(len, groups(replay(rows)[1]).values())) >= 15


def test_a_class_that_is_refused_makes_no_campaign():
    rng = random.Random(1)
    sheet = [words(rng, 20) for _ in range(8)]
    rows = [
        exchange(f"pupil-{rng.randrange(25)}", rng.choice(sheet), START + n * 8, status=429 if rng.random() < 0.1 else 200)
        for n in range(600)
    ]
    assert groups(replay(rows)[1]) == {}


@pytest.mark.parametrize(("handovers", "sure"), [(0, False), (2, False), (5, True)])
def test_a_pool_is_as_sure_as_it_hands_over_often(handovers, sure):
    assert (pooled([[Evidence("unattended", "temporal", 1.0, "")]] * 6, 6, handovers) >= 0.8) == sure


def test_a_pool_keeps_its_name_while_it_grows():
    rows = pool(random.Random(1), each=80)
    named: list[str] = []

    def publish(assessments: Sequence[Assessment]) -> None:
        named.extend(found.campaign.id for found in assessments if found.campaign is not None)

    learnt(rows, publish)
    assert len(set(named)) == 1


RELEASE = START + 2 * 86_400


def turning(account: str, models: Sequence[str]) -> list[Exchange]:
    """One request to each model, a minute apart, ten minutes after a release."""
    return [
        exchange(account, ts=RELEASE + 600 + n * 60, as_call=Call("openai.chat", model, turns=(Turn("user", f"hello {n}"),)))
        for n, model in enumerate(models)
    ]


def pivots(rows: Sequence[Exchange]) -> dict[str, float]:
    """When each account was first said to turn to a new model."""
    found: dict[str, float] = {}

    def publish(assessments: Sequence[Assessment]) -> None:
        for assessment in assessments:
            if any(piece.signal == "release_pivot" for piece in assessment.evidence):
                found.setdefault(assessment.account, assessment.ts)

    learnt(rows, publish)
    return found


def test_a_known_campaign_that_turns_to_a_new_model_is_told_two_ticks_after_its_first_request_at_most():
    rows = campaign(random.Random(1), accounts=12, frames=3, each=15)
    clock = [exchange("somebody", ts=RELEASE + n * 60) for n in range(120)]
    later = in_order(clock, turning("bot-3", ["new"]), turning("stranger", ["m", "m", "m", "m", "m", "new", "new"]))
    found = pivots([*rows, *later])
    assert set(found) == {"bot-3"}
    assert found["bot-3"] - (RELEASE + 600) <= 600


def test_a_member_that_only_tries_a_new_model_turns_nowhere():
    rows = campaign(random.Random(1), accounts=12, frames=3, each=15)
    assert pivots([*rows, *turning("bot-3", ["new", *["m"] * 9])]) == {}
