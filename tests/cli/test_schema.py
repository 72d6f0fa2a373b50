from __future__ import annotations

import json

from antidistill.cli import main
from antidistill.policy import schema


def test_the_schema_is_printed_as_json(capsys):
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out) == schema()
