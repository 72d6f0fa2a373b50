"""The runs, on traffic small enough to wait for."""

from __future__ import annotations

from pathlib import Path
from random import Random

import msgspec
import pytest

from antidistill.model import Assessment, Evidence
from benchmarks.assessment.__main__ import COMMANDS, main
from benchmarks.assessment.ablation import Trial, flags, gain_table, without
from benchmarks.assessment.attackers import Level, campaign
from benchmarks.assessment.generator import labels, lines, stream, written
from benchmarks.assessment.labels import Label
from benchmarks.assessment.ladder import climb
from benchmarks.assessment.memory import hot_table
from benchmarks.assessment.ours import shipped
from benchmarks.assessment.scale import OPERATORS, Size, Watch, sources, written_elsewhere
from benchmarks.assessment.source import Sent
from benchmarks.assessment.tables import console
from benchmarks.assessment.verdict import Verdict
from benchmarks.assessment.words import Grammar

SMALL = Size(exchanges=400, attackers=40, honest=40, days=0.5, seed=1)
SHARDS = Level(name="shards", trick="templates over twelve accounts", accounts=12, each=25)


def traffic() -> list[Sent]:
    """Everything that a small provider sees."""
    return list(stream(sources(SMALL), SMALL.seed))


def test_a_sharded_campaign_is_seen_and_nobody_else() -> None:
    step = climb(SHARDS, honest=40, days=1.0, scale=1.0, seed=1)
    assert step.attackers.accounts == 12
    assert step.attackers.flagged >= 10
    assert step.attackers.first < 0.5
    assert (step.honest, step.flagged, step.framed) == (40, 0, "")


def test_framing_tells_what_became_of_the_victim() -> None:
    level = Level(name="framing", trick="", accounts=4, each=4, framing=True)
    assert climb(level, honest=20, days=0.5, scale=1.0, seed=1).framed in {"spared", "flagged", "linked"}


def test_the_ladder_prints_the_levels_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    main(["ladder", "--honest", "20", "--days", "0.5", "--scale", "0.1", "--levels", "L4"])
    printed = capsys.readouterr().out
    assert "L4: split over five keys" in printed
    assert "L8" not in printed


def test_a_release_moves_a_campaign_and_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sent = list(stream(campaign(SHARDS, Grammar(1), Random(1), 4.0, lambda account: False), 1))
    log, known = tmp_path / "log.jsonl", tmp_path / "accounts.labels.jsonl"
    log.write_bytes(b"".join(written(one) for one in lines(sent)))
    known.write_bytes(b"".join(msgspec.json.encode(label) + b"\n" for label in labels(sent)))
    main(["pivot", str(log), "--labels", str(known), "--release", "shards:2"])
    *_, known_for, first, evidence, delay, _ = [cell.strip() for cell in capsys.readouterr().out.splitlines()[-2].split("│")]
    assert float(known_for) > 0
    assert float(first) <= float(evidence)
    assert 0 <= float(delay) <= 1


def test_the_loop_sees_all_traffic_without_failure() -> None:
    watch, sent = Watch(1_000), traffic()
    assert list(watch.run(sent)) == [len(sent)]
    assert len(watch.tables()) == 3
    assert watch.assessor.failures == 0
    assert watch.ledger.requests.total() == len(sent)
    assert len(watch.ledger.extraction) == sum(count for count, _, _ in OPERATORS)


def test_traffic_of_another_process_is_the_same() -> None:
    assert list(written_elsewhere(SMALL)) == traffic()


def test_memory_is_told_by_account(capsys: pytest.CaptureFixture[str]) -> None:
    console().print(hot_table(40))
    assert "everything that grew" in capsys.readouterr().out


def test_an_assessment_without_a_signal_has_less_risk_and_fewer_families() -> None:
    before = assessed("a", sharing=("coordination", 3.0), sweep=("content", 3.0), dispatch=("temporal", 1.5))
    after = without(before, "sweep")
    assert after.risk < before.risk
    assert set(after.families) == {"coordination", "temporal"}
    assert without(before, "unknown").evidence == before.evidence


def test_a_gain_is_what_is_lost_without_the_signal() -> None:
    known = {name: Label(name, kind, "c", None, 30) for name, kind in (("a", "attack"), ("b", "attack"), ("c", "benign"))}
    worst = {
        "a": assessed(
            "a", sharing=("coordination", 3.0), company=("coordination", 3.0), sweep=("content", 3.0), dispatch=("temporal", 1.5)
        ),
        "c": assessed("c", sweep=("content", 1.0)),
    }
    trial = Trial(worst, known, shipped())
    assert flags(shipped(), worst["a"])
    assert trial.whole.flagged == {"a"}
    assert trial.without["sweep"].flagged == set()
    assert trial.without["sharing"].auroc == trial.whole.auroc == 0.5
    assert gain_table(trial).row_count == 4


def test_the_ablation_prints_every_cohort(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log, folder = files(tmp_path)
    main(["ablation", str(log), "--labels", str(folder), "--min-requests", "1"])
    printed = capsys.readouterr().out
    assert "honest: people" in printed
    assert "shards: shards" in printed


def test_detectors_are_compared_in_one_table(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numpy", reason="the published detectors need numpy (group bench)")
    monkeypatch.setattr("benchmarks.assessment.mmd.DRAWS", 5)
    log, folder = files(tmp_path)
    rows = tmp_path / "accounts.jsonl"
    rows.write_text('{"account": "shards-0", "score": 0.9, "flagged": true}\n')
    main([str(log), "--labels", str(folder), "--accounts", str(rows)])
    printed = capsys.readouterr().out
    assert all(name in printed for name in ("PRADA", "SEAT", "MMD", "antidistill", "honest: people"))


def test_without_labels_only_shares_flagged_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    compare = pytest.importorskip("benchmarks.assessment.compare", reason="the published detectors need numpy (group bench)")
    console().print(compare.flagged_table({"MMD": {"a": Verdict(1.0, True)}}, ["a", "b"]))
    assert "50.0% (1/2)" in capsys.readouterr().out


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main([name, "--help"])
    assert stop.value.code == 0
    assert COMMANDS[name].split()[0] in capsys.readouterr().out


def assessed(account: str, **signals: tuple[str, float]) -> Assessment:
    """An assessment that rests on these signals."""
    evidence = tuple(Evidence(name, family, weight, "") for name, (family, weight) in signals.items())  # type: ignore[arg-type]
    return without(Assessment(account, 1.0, 0.0, evidence=evidence), "")


def files(folder: Path) -> tuple[Path, Path]:
    """A log and its labels."""
    sent = traffic()
    log = folder / "log.jsonl"
    log.write_bytes(b"".join(written(one) for one in lines(sent)))
    (folder / "accounts.labels.jsonl").write_bytes(b"\n".join(msgspec.json.encode(label) for label in labels(sent)))
    return log, folder
