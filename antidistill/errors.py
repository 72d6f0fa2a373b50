"""Errors, each carrying the evidence that a caller needs to act on it."""

from __future__ import annotations

from dataclasses import dataclass


class AntiDistillError(Exception):
    """Base of every error that antidistill raises on purpose."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a policy file.

    Attributes:
        code: Stable code, `AD001` and up; `docs/policy.md` lists them.
        message: What is wrong, and what to write instead.
        line: Line in the file, from 1; 0 where there is no place to point at.
        column: Column in the line, from 1.
        warning: True for advice that does not stop the policy from loading.
    """

    code: str
    message: str
    line: int = 0
    column: int = 0
    warning: bool = False


class PolicyError(AntiDistillError):
    """A policy that cannot be used; every mistake found is in `problems`."""

    def __init__(self, source: str, problems: tuple[Problem, ...]) -> None:
        self.source = source
        self.problems = problems
        super().__init__("\n".join(describe(source, problem) for problem in problems))


class KeyringError(AntiDistillError):
    """A master key that is missing where one is needed, or cannot be read. Never holds key material."""


class LexiconError(AntiDistillError):
    """A lexicon that is not there or has mistakes; the message names each by file and line."""


class PluginError(AntiDistillError):
    """A plugin that is unknown, named twice, or fails to import."""


class StoreError(AntiDistillError):
    """A store that does not answer, or answers nonsense."""


class SnapshotError(AntiDistillError):
    """A snapshot that cannot be used: of another key or version, damaged, or of nothing that can be kept."""


def describe(source: str, problem: Problem) -> str:
    """Writes a problem the way compilers do: `policy.yaml:7:36 AD012 message`."""
    place = f":{problem.line}:{problem.column}" if problem.line else ""
    return f"{source}{place} {problem.code} {problem.message}"
