from __future__ import annotations

import pytest

from antidistill import __version__
from antidistill.cli import main


def test_the_version_is_told(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out == f"antidistill {__version__}\n"


def test_every_command_is_in_the_help(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    out = capsys.readouterr().out
    assert "check" in out
    assert "schema" in out


def test_a_command_is_wanted():
    with pytest.raises(SystemExit, match="2"):
        main([])
