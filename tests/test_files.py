"""What becomes of the files that a policy names when it changes, or when they are gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from antidistill import PolicyError, load_policy
from antidistill.files import Files
from antidistill.keyring import Keyring
from antidistill.text.seeds import build


def test_filters_of_seeds_come_and_go_with_the_policy(tmp_path: Path) -> None:
    build(lambda: ["a text of five words"], tmp_path / "seeds.bin")
    files, named = Files(Keyring([bytes(16)]), lambda: 0.0), {"version": 1, "assessment": {"seeds": [str(tmp_path / "seeds.bin")]}}
    files.adopt(load_policy(named, {}))
    assert files.seeds is not None
    assert files.seeds.knows("a text of five words")
    files.adopt(load_policy({"version": 1}, {}))
    assert files.seeds is None


def test_a_filter_that_is_gone_by_then_leaves_the_one_so_far(tmp_path: Path) -> None:
    for name in ("one", "two"):
        build(lambda: ["a text of five words"], tmp_path / name)
    files = Files(Keyring([bytes(16)]), lambda: 0.0)
    one, two = (load_policy({"version": 1, "assessment": {"seeds": [str(tmp_path / name)]}}, {}) for name in ("one", "two"))
    files.adopt(one)
    (tmp_path / "two").unlink()
    with pytest.raises(PolicyError, match=r"AD052 .*two: cannot be read"):
        files.adopt(two)
    assert files.seeds is not None
