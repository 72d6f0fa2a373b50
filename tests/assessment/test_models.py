from __future__ import annotations

import pytest

from antidistill.assessment.models import YOUNG, Models
from antidistill.assessment.observation import Observation
from tests.assessment.traffic import START

DAY = 86_400.0


def asked(model: str, ts: float, tenant: int = 1, status: int = 200) -> Observation:
    return Observation("acct", tenant, ts, status=status, model=model)


def released(at: float) -> Models:
    """Models of a host that had one from the start and brought another one out, which two tenants have tried."""
    models = Models()
    for row in (asked("old", START), asked("new", at, 1), asked("new", at, 2)):
        release = models.release(row)
        assert release is None or not release.public
    return models


def test_a_model_is_new_for_three_days():
    models = released(START + 2 * DAY)
    assert models.release(asked("new", START + 2 * DAY + 3600, 3)) == (3600, True)
    assert models.release(asked("new", START + 2 * DAY + YOUNG + 1, 4)) is None


def test_a_model_that_two_tenants_ask_for_may_be_private():
    assert released(START + 2 * DAY).release(asked("new", START + 2 * DAY + 60, 2)) == (60, False)


@pytest.mark.parametrize(
    ("at", "row"),
    [
        pytest.param(2 * DAY, asked("old", START + 2 * DAY, 3), id="a model that was there"),
        pytest.param(DAY / 2, asked("new", START + DAY / 2, 3), id="met on the first day"),
        pytest.param(2 * DAY, asked("new", START + 2 * DAY, 3, status=404), id="not answered"),
        pytest.param(2 * DAY, asked("", START + 2 * DAY, 3), id="no model named"),
    ],
)
def test_others_are_not_new(at, row):
    assert released(START + at).release(row) is None


def test_made_up_models_are_bounded():
    models = Models()
    for number in range(5_000):
        models.release(asked(f"model-{number}", START + 2 * DAY * number, number))
    assert len(models._since) == len(models._askers) == 512
