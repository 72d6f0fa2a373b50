from __future__ import annotations

import os

import pytest

from antidistill.errors import PolicyError
from antidistill.policy import PolicyFile

GOOD, OTHER, BAD = "version: 1\n", "version: 1\nmode: enforce\n", "version: 1\nmode: 7\n"


class Folder:
    """A policy file, what was reported about it, and a way to change it so that its times change too."""

    def __init__(self, path):
        self.path = path / "policy.yaml"
        self.reports = []
        self.ticks = 0
        self.write(GOOD)

    def write(self, text):
        self.path.write_text(text)
        self.ticks += 1
        os.utime(self.path, (self.ticks, self.ticks))

    def watch(self):
        return PolicyFile(self.path, {}, 0.0, self.reports.append)


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


def test_a_file_that_does_not_change_is_not_read_again(folder):
    assert folder.watch().poll(1.0) is None


def test_a_file_that_changes_is_taken_up_once(folder):
    file = folder.watch()
    folder.write(OTHER)
    assert file.poll(1.0).mode == "enforce"
    assert file.poll(2.0) is None
    assert file.policy.mode == "enforce"


def test_a_mistake_leaves_the_last_good_policy_and_is_reported_once(folder):
    file = folder.watch()
    folder.write(BAD)
    assert (file.poll(1.0), file.poll(2.0)) == (None, None)
    assert file.policy.mode == "shadow"
    assert [report.problems[0].code for report in folder.reports] == ["AD014"]


def test_a_mistake_that_is_corrected_is_taken_up(folder):
    file = folder.watch()
    folder.write(BAD)
    file.poll(1.0)
    folder.write(OTHER)
    assert file.poll(2.0).mode == "enforce"


def test_a_file_that_vanishes_is_reported_once_and_taken_up_when_it_returns(folder):
    file = folder.watch()
    folder.path.unlink()
    assert (file.poll(1.0), file.poll(2.0)) == (None, None)
    assert [report.problems[0].code for report in folder.reports] == ["AD001"]
    folder.write(OTHER)
    assert file.poll(3.0).mode == "enforce"


def test_a_link_that_moves_to_another_file_counts_as_a_change(tmp_path):
    for name, text in (("old", GOOD), ("new", OTHER)):
        (tmp_path / name).write_text(text)
        os.utime(tmp_path / name, (5, 5))
    link = tmp_path / "policy.yaml"
    link.symlink_to("old")
    file = PolicyFile(link, {}, 0.0, lambda _: None)
    (tmp_path / "next").symlink_to("new")
    os.replace(tmp_path / "next", link)
    file.poll(1.0)
    assert file.policy.mode == "enforce"


def test_what_expires_is_told_by_the_time_of_the_poll(folder):
    file = folder.watch()
    folder.write("version: 1\nexempt: [{account: a, until: 2026-01-01, because: b}]\n")
    assert [problem.code for problem in file.poll(1_795_000_000.0).warnings] == ["AD061"]


def test_a_file_that_cannot_be_used_at_the_start_is_an_error(folder):
    folder.write(BAD)
    with pytest.raises(PolicyError):
        folder.watch()
