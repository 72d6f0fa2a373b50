"""The house keeps its own rules."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import antidistill

ROOT = Path(__file__).parent.parent


def test_rooms_import_only_from_the_floors_below() -> None:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_changelog_tells_of_this_version() -> None:
    assert f"## [{antidistill.__version__}]" in (ROOT / "CHANGELOG.md").read_text()


def test_the_public_names_are_there_and_documented() -> None:
    for name in antidistill.__all__:
        assert getattr(antidistill, name).__doc__, f"{name} has no docstring"


def test_importing_the_library_loads_no_extra_dependency() -> None:
    script = "import sys, antidistill; print([m for m in ('rich', 'openai', 'uvicorn', 'redis', 'numpy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
