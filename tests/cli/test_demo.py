from __future__ import annotations

import asyncio
import contextlib
import gzip
import io
import itertools
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import pytest
from ruamel.yaml import YAML
from starlette.types import Message, Receive, Scope, Send

import antidistill
from antidistill.cli import demo, main
from antidistill.cli.demo.gateway import Gateway
from antidistill.cli.demo.grammar import Grammar
from antidistill.cli.demo.keep import LOG, Keepsake
from antidistill.cli.demo.population import GROUPS, Ask, customers
from antidistill.cli.demo.show import POLICY
from tests.logs import Row, read

HONEST = {group.name for group in GROUPS if group.honest}


class Shown(NamedTuple):
    status: int
    report: str
    kept: Path

    def table(self, heading: str) -> dict[str, list[str]]:
        """The rows of the table under a heading, by group."""
        lines = itertools.dropwhile(lambda line: heading not in line, self.report.splitlines())
        rows = itertools.islice(lines, 4, 4 + len(GROUPS))
        return {group.name: row.removeprefix(f" {group.name}").split() for group, row in zip(GROUPS, rows, strict=True)}

    def events(self) -> list[Row]:
        return read(self.kept / "events.jsonl")


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    """The demo, run once for real."""
    kept = tmp_path_factory.mktemp("demo") / "kept"
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        status = main(["demo", "--seconds", "14", "--keep", str(kept)])
    return Shown(status, out.getvalue(), kept)


# --- the show --------------------------------------------------------------------------------------------------------


def test_the_demo_runs(shown):
    assert shown.status == 0
    assert "ended in another error" not in shown.report


def test_everybody_is_served_in_shadow_mode(shown):
    for calls, answered, *_ in shown.table("Shadow mode").values():
        assert int(calls) == int(answered) > 0


def test_honest_accounts_come_out_unharmed(shown):
    assert "None of 21: no flag, no refusal." in shown.report
    for name in HONEST:
        calls, answered, slowed, refused, waiting, turned_away = map(int, shown.table("Enforce mode")[name])
        assert (answered, slowed, refused, waiting, turned_away) == (calls, 0, 0, 0, 0)


def test_the_campaign_is_found_and_gets_less(shown):
    assert shown.table("Shadow mode")["campaign"][-3:] == ["12", "of", "12"]
    assert int(shown.table("Enforce mode")["campaign"][-1]) > 0


def test_the_loud_account_meets_its_quota(shown):
    assert int(shown.table("Enforce mode")["loud sweep"][-1]) > 0


def test_nothing_is_enforced_in_shadow_mode(shown):
    restricted = [event["enforced"] for event in shown.events() if event["effect"] == "restrict"]
    assert restricted == sorted(restricted)


def test_what_is_kept_can_be_replayed(shown, tmp_path, capsys):
    log, policy = shown.kept / "traffic.jsonl.gz", shown.kept / "policy.yaml"
    assert main(["replay", str(log), "--policy", str(policy), "--accounts", str(tmp_path / "accounts.jsonl")]) == 0
    assert "broken lines      0" in capsys.readouterr().out
    assert {one["account"] for one in read(tmp_path / "accounts.jsonl")} == {customer.name for customer in customers()}


def test_no_credential_is_kept(shown):
    for path in shown.kept.iterdir():
        data = path.read_bytes()
        assert b"sk-demo" not in (gzip.decompress(data) if path.suffix == ".gz" else data)


# --- that it is not staged -------------------------------------------------------------------------------------------


def test_the_policy_is_the_built_in_one_but_for_limits_and_times():
    ours, built_in = (
        YAML().load(files(antidistill).joinpath(name).read_text()) for name in ("cli/demo/policy.yaml", "policy/default.yaml")
    )
    assert [(rule["id"], rule["when"]) for rule in ours["rules"]] == [(rule["id"], rule["when"]) for rule in built_in["rules"]]
    assert [(quota["id"], quota["per"], quota["unit"]) for quota in ours["quotas"]] == [
        (quota["id"], quota["per"], quota["unit"]) for quota in built_in["quotas"]
    ]
    assert set(ours) - set(built_in) == {"assessment"}


def asked(account: str, calls: int = 60) -> list[str]:
    (asks,) = (customer.asks for customer in customers() if customer.name == account)
    return [ask.messages[-1]["content"] for ask in itertools.islice(asks, calls)]


def runs(texts: list[str], words: int) -> set[tuple[str, ...]]:
    return {tuple(text.split()[start : start + words]) for text in texts for start in range(len(text.split()) - words + 1)}


def test_people_do_not_share_wording():
    assert not runs(asked("chat-person-1"), 8) & runs(asked("chat-person-2"), 8)


def test_the_campaign_shares_wording_and_no_subject():
    one, other = asked("campaign-1"), asked("campaign-2")
    assert runs(one, 12) & runs(other, 12)
    assert not set(one) & set(other)


def test_every_customer_has_a_key_and_an_address_of_its_own():
    people = customers()
    assert len({customer.key for customer in people}) == len({customer.address for customer in people}) == len(people)


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_the_same_seed_asks_the_same(group):
    def first(asks: Iterator[Ask]) -> list[Ask]:
        return list(itertools.islice(asks, 20))

    assert first(group.asks(5)) == first(group.asks(5)) != first(group.asks(6))


def test_sentences_are_text():
    assert all(len(Grammar(seed).sentence().split()) >= 5 for seed in range(200))


# --- being called wrongly --------------------------------------------------------------------------------------------


def test_what_is_missing_is_named_with_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr(demo, "find_spec", lambda name: None)
    assert main(["demo"]) == 1
    assert "antidistill demo needs openai and uvicorn: pip install 'antidistill[demo]'" in capsys.readouterr().err


@pytest.mark.parametrize("seconds", ["0", "3.9", "-5", "nan", "inf", "soon", "1e9"])
def test_a_time_that_makes_no_sense_is_refused(capsys, seconds):
    with pytest.raises(SystemExit, match="2"):
        main(["demo", f"--seconds={seconds}"])
    assert "must be a number of seconds" in capsys.readouterr().err


def test_a_client_that_left_before_its_question_was_asked_leaves_nothing_to_keep(tmp_path):
    person = customers()[0]
    keepsake = Keepsake(tmp_path, POLICY)

    async def left() -> Message:
        return {"type": "http.disconnect"}

    async def answered(message: Message) -> None:
        pass

    async def host(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 500, "headers": []})

    headers = [(b"authorization", f"Bearer {person.key}".encode())]
    gateway = Gateway(host, [person], [keepsake.watch])
    asyncio.run(gateway({"type": "http", "headers": headers, "client": None}, left, answered))
    keepsake.write([])
    assert gzip.decompress((tmp_path / LOG).read_bytes()) == b""


def test_a_folder_that_cannot_be_made_is_said_at_once(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["demo", "--keep", str(tmp_path / "file" / "kept")]) == 2
    assert "Not a directory" in capsys.readouterr().err
