"""Prompts read as a frame and what fills it.

A frame is found, not configured: a run of shingles that were used before, at the beginning or the end of a prompt whose rest is
new. It is known by the hash of its outermost shingle, so that no frame ever merges with another.
"""

from __future__ import annotations

import re
from typing import NamedTuple

SHORTEST = 8
"""Shingles in a row that make a frame: twelve words. Shorter ones are turns of phrase."""

_NEAR = 4
_SHARED = re.compile(rf".{{0,{_NEAR}}}?(3{{{SHORTEST},}})")
_KNOWN = re.compile(rf".{{0,{_NEAR}}}?([123]{{{SHORTEST},}})")
_NEW_SHINGLES = 3
_NEW_SHARE = 0.4
_OWN_SHARE = 0.25


class Filling(NamedTuple):
    """A prompt read as a frame and what fills it.

    Attributes:
        anchor: Hash of the frame's outermost shingle.
        shared: True where several tenants use the frame, False where this one repeats itself.
        new: True where the rest of the prompt is a value not seen before.
        value: Hash that stands for the rest: the same for most values that are nearly equal (MinHash, Broder 1997).
        end: Hash of the frame's innermost shingle: frames that begin alike end otherwise.
    """

    anchor: int
    shared: bool
    new: bool
    value: int
    end: int = 0


def read(skeleton: tuple[int, ...], marks: str) -> Filling | None:
    """Finds the frame of a prompt, or None. Pure.

    Args:
        skeleton: Shingles of the prompt.
        marks: What `Sightings.see` said of them.
    """
    new, shared = marks.count("0"), marks.count("3")
    run = _edge(marks, _SHARED)
    # A tenant's own wording around common wording is the tenant's template, not a shared one.
    if run is not None and marks.count("1") <= _OWN_SHARE * shared:
        value = min((shingle for shingle, mark in zip(skeleton, marks, strict=True) if mark != "3"), default=0)
        fresh = new >= max(_NEW_SHINGLES, _NEW_SHARE * (len(marks) - shared))
        return Filling(skeleton[run[0]], True, fresh, value, skeleton[run[1]])
    run = _edge(marks, _KNOWN)
    return None if run is None else Filling(skeleton[run[0]], False, new >= _NEW_SHINGLES, 0, skeleton[run[1]])


def _edge(marks: str, run: re.Pattern[str]) -> tuple[int, int] | None:
    """Places of the outermost and the innermost shingle of the longer run at either edge."""
    head, tail = run.match(marks), run.match(marks[::-1])
    if head is not None and (tail is None or len(head[1]) >= len(tail[1])):
        return head.start(1), head.end(1) - 1
    return None if tail is None else (len(marks) - 1 - tail.start(1), len(marks) - tail.end(1))
