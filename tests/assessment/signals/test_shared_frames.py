"""Signals that read the frames an account shares with others: sharing, company, balance, dispatch, and sweep over all of them."""

from __future__ import annotations

import random

import pytest
from msgspec.structs import replace

from antidistill.assessment.signals.sharing import Sharing
from antidistill.model import Exchange, Turn
from tests.assessment.traffic import START, campaign, evidence, exchange, fill, in_order, names, people, replay, words


def solo(rng: random.Random, account: str, frame: str, count: int, start: float = START, gap: float = 40.0) -> list[Exchange]:
    return [exchange(account, fill(frame, rng), start + n * gap) for n in range(count)]


def test_a_campaign_shares():
    rng = random.Random(1)
    rows = campaign(rng, accounts=12, frames=3)
    _, published = replay(in_order(rows, people(rng)))
    for account in set(names(rows)):
        assert evidence(published, account)["sharing"] > 2.5


def test_people_share_nothing():
    rng = random.Random(1)
    honest = people(rng)
    _, published = replay(in_order(campaign(rng), honest))
    assert not any("sharing" in evidence(published, account) for account in names(honest))


def test_sharing_survives_real_customers_on_the_same_account():
    rng = random.Random(1)
    rows = campaign(rng, accounts=12, frames=3, each=8)
    cover = [
        exchange(account, words(rng, rng.randint(1, 30)), START + rng.random() * 5_000) for account in set(names(rows)) for _ in range(24)
    ]
    _, published = replay(in_order(rows, cover))
    assert all(evidence(published, account)["sharing"] > 2 for account in set(names(rows)))


def test_a_nonce_in_front_does_not_hide_a_frame():
    rng = random.Random(1)
    frame = words(rng, 16)
    rows = [exchange(f"bot-{n % 10}", f"{words(rng, 2)} {fill(frame, rng)}", START + n * 30) for n in range(120)]
    _, published = replay(rows)
    assert all(evidence(published, account)["sharing"] > 2 for account in set(names(rows)))


def test_characters_are_words_where_there_are_no_spaces():
    rng = random.Random(1)
    frame = "请把下面的问题改写成适合公开发布的表述并给出完整的推理过程和最后的答案题目是"
    value = [chr(0x4E00 + n) for n in range(2000)]
    rows = [exchange(f"bot-{n % 10}", frame + "".join(rng.choices(value, k=14)), START + n * 30) for n in range(120)]
    _, published = replay(rows)
    assert all(evidence(published, account)["sharing"] > 2 for account in set(names(rows)))


def test_an_organisation_with_many_keys_shares_nothing():
    rng = random.Random(1)
    frame = words(rng, 16)
    rows = [exchange(f"key-{n % 10}", fill(frame, rng), START + n * 30, org="org_1") for n in range(200)]
    _, published = replay(in_order(rows, people(rng)))
    assert not any({"sharing", "company", "balance", "dispatch"} & set(evidence(published, account)) for account in names(rows))


def test_pupils_with_one_worksheet_share_nothing():
    rng = random.Random(1)
    ask, sheet = words(rng, 14), [words(rng, 12) for _ in range(10)]
    rows = [exchange(f"pupil-{n % 20}", f"{ask} {sheet[n // 20]}", START + n * 20) for n in range(200)]
    _, published = replay(rows)
    assert all(evidence(published, account).get("sharing", 0) < 0.5 for account in names(rows))


def test_a_developer_who_edits_one_prompt_shares_nothing():
    rng = random.Random(1)
    prompt = words(rng, 60).split()
    rows = []
    for n in range(60):
        prompt[rng.randrange(60)] = words(rng, 1)
        rows.append(exchange("dev", " ".join(prompt), START + n * 60))
    _, published = replay(in_order(rows, people(rng)))
    assert "sharing" not in evidence(published, "dev")


def test_judges_with_common_wording_in_templates_of_their_own_share_nothing():
    rng = random.Random(1)
    rubric = words(rng, 14)
    rows = []
    for judge in range(10):
        own = words(rng, 14)
        rows += [exchange(f"judge-{judge}", f"{own} {rubric} {words(rng, 10)}", START + n * 50 + judge) for n in range(25)]
    _, published = replay(in_order(rows))
    assert not any("sharing" in evidence(published, account) for account in names(rows))


def test_a_public_prompt_that_most_try_once_shares_little():
    rng = random.Random(1)
    frame = words(rng, 16)
    rows = [
        exchange(f"visitor-{n}", text, START + n * 300 + m)
        for n in range(60)
        for m, text in enumerate([words(rng, 9), words(rng, 7), fill(frame, rng)])
    ]
    _, published = replay(rows)
    assert all(evidence(published, account).get("sharing", 0) < 0.5 for account in names(rows))


def test_whose_template_is_copied_is_not_accused():
    rng = random.Random(1)
    frame = words(rng, 16)
    victim = solo(rng, "victim", frame, 60)
    later = START + 10_000
    copies = [exchange(f"bot-{n % 10}", fill(frame, rng), later + n * 30) for n in range(150)]
    more = solo(rng, "victim", frame, 40, start=later)
    _, published = replay(in_order(victim, copies, more))
    assert evidence(published, "victim").get("sharing", 0) < 0.2
    assert evidence(published, "bot-3")["sharing"] > 2


def test_silent_accounts_are_assessed_when_others_show_what_they_did():
    rng = random.Random(1)
    frame = words(rng, 16)
    early = [exchange(f"bot-{n % 4}", fill(frame, rng), START + n * 30) for n in range(20)]
    late = [exchange(f"bot-{4 + n % 8}", fill(frame, rng), START + 20_000 + n * 30) for n in range(60)]
    _, before = replay(early, signals=(Sharing(),))
    _, after = replay(in_order(early, late), signals=(Sharing(),))
    assert evidence(after, "bot-3")["sharing"] > evidence(before, "bot-3").get("sharing", 0) + 0.5


@pytest.mark.parametrize(("frames", "kept"), [(1, False), (4, True)])
def test_company_needs_several_frames(frames, kept):
    rng = random.Random(1)
    _, published = replay(campaign(rng, accounts=12, frames=frames, each=15))
    assert ("company" in evidence(published, "bot-3")) is kept


def test_company_counts_others_only():
    _, published = replay(campaign(random.Random(1), accounts=12, frames=4, each=15))
    reason = next(piece.reason for piece in published["bot-3"].evidence if piece.signal == "company")
    assert reason.startswith("11 other tenants")


def test_an_even_load_counts():
    rng = random.Random(1)
    _, published = replay(campaign(rng, accounts=12, frames=1, each=12))
    assert evidence(published, "bot-3")["balance"] > 1


def test_an_uneven_load_does_not_count():
    rng = random.Random(1)
    frame = words(rng, 16)
    rows = [
        exchange(f"acct-{n}", fill(frame, rng), START + n * 7 + turn * 100) for n in range(12) for turn in range(2 + 300 // (n + 1) ** 2)
    ]
    _, published = replay(in_order(rows))
    assert not any("balance" in evidence(published, account) for account in names(rows))


def test_dealing_out_counts_and_stretches_do_not():
    rng = random.Random(1)
    frame = words(rng, 16)
    stretches = [exchange(f"acct-{n // 20}", fill(frame, rng), START + n * 30) for n in range(240)]
    _, dealt = replay(campaign(rng, accounts=12, frames=1, each=20))
    _, worked = replay(stretches)
    assert evidence(dealt, "bot-3")["dispatch"] > 1
    assert not any("dispatch" in evidence(worked, account) for account in names(stretches))


def test_a_shard_too_small_to_tell_is_weighed_with_all_others():
    rng = random.Random(1)
    _, published = replay(campaign(rng, accounts=20, frames=1, each=5))
    assert evidence(published, "bot-3")["sweep"] > 2


def discussed(rng: random.Random, accounts: int, talkative: int) -> list[Exchange]:
    """A campaign; on the first accounts somebody asks back after every answer."""
    rows = campaign(rng, accounts=accounts, frames=1, each=12)
    some = {f"bot-{number}" for number in range(talkative)}
    talk = [
        exchange(row.subject.account, ts=row.request.ts + 5, as_call=replace(row.call, turns=(*row.call.turns, *ASKED_BACK)))
        for row in rows
        if row.call is not None and row.subject.account in some
    ]
    return in_order(rows, talk)


ASKED_BACK = (Turn("assistant", "b"), Turn("user", "and why"))


@pytest.mark.parametrize(
    ("accounts", "talkative", "low", "high"),
    [
        pytest.param(12, 0, 0.9, 1.0, id="nobody asks back"),
        pytest.param(12, 6, 0.0, 0.0, id="half of them do"),
        pytest.param(4, 0, 0.0, 0.0, id="few tenants"),
    ],
)
def test_silence_counts(accounts, talkative, low, high):
    _, published = replay(discussed(random.Random(1), accounts, talkative))
    assert low <= evidence(published, f"bot-{accounts - 1}").get("silence", 0.0) <= high


def test_people_who_ask_back_share_nothing():
    _, published = replay(discussed(random.Random(1), 12, 6))
    assert "sharing" not in evidence(published, "bot-11")
