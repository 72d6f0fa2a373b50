"""What was found, as tables, beside what others have published."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from statistics import fmean, median, stdev
from typing import TypeAlias

from benchmarks.students.finding import LENGTHS, Examination, Finding, Mark, Point, Pull, proven

Columns: TypeAlias = dict[float, list[Finding]]
"""Findings by the share of the training text that was marked."""

PUBLISHED = """\
Published, and simulated with an imposed lambda
  Pan et al., Table 2, Llama-7B student, all training text marked (p after so many tokens; n: width of context)
    KGW          n=1  2.7e-81 (3k)    n=2  8.3e-79 (30k)    n=3  1.7e-23 (1M)
    SynthID-Text n=1  1.0e-13 (3k)    n=2  1.7e-28 (30k)    n=3  0.58 (1M)      after a targeted paraphrase p >= 1.2e-2 everywhere
  radioactive-watermark, KGW, 5 % of the training text marked: .2588 green for .25 in 248k distinct tokens, p = 2.6e-24
    a clean model: p = .46 after 216k
  Layer R, z at lambda                         .02     .05     .1     .2     .4
    class alone, 90k words (185 classes)       1.7     3.5    5.4    7.6    9.4
    class + word before, 180k words            2.2     5.9   12.6     22     36
    class + word before, 900k words            4.8    12.2   23.5     42     74
  Goal: p < 1e-6 within 50,000 words of a student whose training text was all marked; at 10 %, within 500,000."""

LIMITS = """\
What these figures do not say
  Students here are small, learn from scratch and see no other text; a large one that is only tuned on answers has habits of its own.
  Small models repeat what they read more than large ones do, and n-grams most of all.
  Nobody paraphrased, filtered or normalised the training text, and outputs are free text, not answers to an examiner's questions.
  The reference is text of the same writers. Where a student writes otherwise than the reference does, the test is weaker.
  Rare words are written as one sign, and no place beside one can be learnt.
  The teacher of the green lists is an n-gram model, whose choices are freer than a large model's: more room for a mark."""


FEW = 100
"""Places with fewer than these tell nothing of lambda."""


def report(findings: Sequence[Finding]) -> str:
    """All that is to be said."""
    return "\n\n".join([measured(findings), PUBLISHED, LIMITS])


def measured(findings: Iterable[Finding]) -> str:
    """A table for every corpus, mark and student; a column for every share, over all keys."""
    groups: dict[tuple[str, str, str], Columns] = {}
    for finding in sorted(findings, key=lambda one: (one.share, one.key)):
        groups.setdefault((finding.setting, finding.mark, finding.student), {}).setdefault(finding.share, []).append(finding)
    return "\n\n".join(map(_table, groups.values()))


def learnt(mark: Mark) -> str:
    """What the marked training text itself shows, which no student will do more of."""
    return ", ".join(f"lambda {_strength([pull])} ({kind})" for kind, pull in mark.learnt(mark.taught).items() if pull.places >= FEW)


def _table(columns: Columns) -> str:
    examined = [[one.examination for one in column] for column in columns.values()]
    first = next(iter(columns.values()))[0]
    lines = [
        f"{first.mark}, student: {first.student}, {first.density:.2f} places in 100 words",
        f"  trained on: {first.setting}; {first.trained:,} words",
        _row("share of the training text marked", [f"{share:.0%}" for share in columns]),
        _row("keys", [str(len(column)) for column in columns.values()]),
        *_curves([[one.points for one in column] for column in examined]),
        _row("the same without a reference", [_cell([one.alone for one in column]) for column in examined]),
        _row("wrong key", [_cell([one.wrong for one in column]) for column in examined]),
        _row("wrong keys, mean z ± sd", [_controls(column) for column in examined]),
        *_pulls(examined),
        _row(
            "surprise in training, nats",
            map(_loss, columns.values()),
        ),
        _row("processor seconds", [f"{fmean(one.seconds for one in column):.0f}" for column in columns.values()]),
    ]
    return "\n".join(lines)


def _loss(column: Sequence[Finding]) -> str:
    losses = [one.loss for one in column if one.loss is not None]
    return f"{fmean(losses):.2f}" if losses else "-"


def _curves(columns: Sequence[Sequence[Sequence[Point]]]) -> Iterable[str]:
    for place in range(max(len(curve) for column in columns for curve in column)):
        points = [[curve[place] if place < len(curve) else None for curve in column] for column in columns]
        words = next(point.words for column in points for point in column if point)
        least = max((length for length in LENGTHS if length <= words < 1.5 * length), default=words)
        yield _row(f"z (log10 p), {least:,} words", map(_cell, points))
    yield _row("p < 1e-6 from words", [", ".join(map(_proof, column)) for column in columns])


def _proof(curve: Sequence[Point]) -> str:
    words = proven(curve)
    return "never" if words is None else f"{words / 1000:.0f}k"


def _pulls(columns: Sequence[Sequence[Examination]]) -> Iterable[str]:
    for kind in columns[0][0].pulls:
        yield _row(f"lambda, {kind}", [_strength([one.pulls.get(kind) for one in column]) for column in columns])


def _strength(pulls: Sequence[Pull | None]) -> str:
    known = [pull for pull in pulls if pull and pull.places >= FEW]
    error = math.sqrt(sum(pull.error**2 for pull in known)) / (len(known) or 1)
    return f"{fmean(pull.strength for pull in known):.3f} ± {error:.3f}" if known else "-"


def _controls(column: Sequence[Examination]) -> str:
    return f"{fmean(one.control_mean for one in column):.2f} ± {fmean(one.control_deviation for one in column):.2f}"


def _cell(points: Iterable[Point | None]) -> str:
    """Mean z and, of several keys, its standard deviation; median logarithm of p."""
    known = [point for point in points if point]
    if not known:
        return "-"
    spread = f" ± {stdev(point.z for point in known):.1f}" if len(known) > 1 else ""
    return f"{fmean(point.z for point in known):.1f}{spread} ({median(point.log10_p for point in known):.1f})"


def _row(head: str, cells: Iterable[str]) -> str:
    return f"  {head:<40}" + "".join(f"{cell:>22}" for cell in cells)
