from __future__ import annotations

import math
from random import Random
from zlib import crc32

import pytest
from msgspec.structs import replace

from antidistill.watermark.audit import audit
from tests.watermark.synthetic import EPOCH, KEYS, answers, marked, slot

EPOCHS = (EPOCH - 1, EPOCH)


def student(random, leaning, count=1500, group="campaign"):
    """Outputs of a model that follows the group's coins in a share of its places."""
    mark = KEYS[0].mark("any", EPOCH, group=group)
    for text in answers(random, count, 12, tier=2):
        yield [
            replace(place, side=side)
            if (side := mark.want(place)) is not None and random.random() < leaning and group_place(place)
            else place
            for place in text
        ]


def group_place(place):
    return KEYS[0].layer(place.cls, 2) == "R"


def alone(texts):
    return ((text, ()) for text in texts)


def test_a_model_trained_on_marked_answers_gives_itself_away():
    found = audit(alone(student(Random(1), 0.5)), ["campaign", "deployment"], KEYS, EPOCHS)
    assert (found.group, found.epoch, found.tests) == ("campaign", EPOCH, 4)
    assert found.log10_p < -6
    assert found.z > 5


@pytest.mark.parametrize("seed", range(4))
def test_a_model_that_never_saw_them_does_not(seed):
    found = audit(alone(student(Random(seed), 0.0)), ["campaign", "deployment"], KEYS, EPOCHS)
    assert found.p_value > 0.001


def test_another_groups_mark_is_no_evidence():
    assert audit(alone(student(Random(2), 0.5, group="rival")), ["campaign"], KEYS, EPOCHS).p_value > 0.001


def test_keys_never_issued_are_distributed_as_the_null_says():
    found = audit(alone(student(Random(3), 0.5)), ["campaign"], KEYS, EPOCHS, controls=300)
    assert abs(found.control_mean) < 4 / math.sqrt(300)
    assert 0.8 < found.control_deviation < 1.2


def choosy(texts):
    """The texts of writers who prefer one side of a class after some words, and the other after others."""
    return [[replace(place, side=place.side ^ crc32(f"{place.cls} {place.previous}".encode()) & 1) for place in text] for text in texts]


def test_a_reference_shows_what_a_few_marked_answers_taught():
    random, mark = Random(8), KEYS[0].mark("any", EPOCH, group="campaign")
    texts = [marked(text, mark) if random.random() < 0.15 else text for text in choosy(answers(random, 1500, tier=2))]
    found = audit(alone(texts), ["campaign"], KEYS, EPOCHS, choosy(answers(random, 3000, tier=2)))
    assert found.reference == 3000
    assert found.log10_p < -6 < audit(alone(texts), ["campaign"], KEYS, EPOCHS).log10_p


@pytest.mark.parametrize("seed", range(4))
def test_beside_a_reference_a_model_that_never_saw_them_shows_nothing(seed):
    reference = answers(Random(100 + seed), 3000, 12, tier=2)
    assert audit(alone(student(Random(seed), 0.0)), ["campaign"], KEYS, EPOCHS, reference).p_value > 0.001


def test_marked_answers_in_the_reference_make_no_evidence():
    found = audit(alone(student(Random(10), 0.0)), ["campaign"], KEYS, EPOCHS, list(student(Random(11), 0.9)))
    assert (found.p_value, found.z < 0) == (1.0, True)


def test_a_wrong_key_is_as_seldom_believed_as_its_p_value_says():
    texts, reference = list(student(Random(12), 0.12, 400)), answers(Random(13), 400, 12, tier=2)
    wrong = [audit(alone(texts), [f"wrong {number}"], KEYS, EPOCHS[:1], reference, 0).p_value for number in range(40)]
    assert sum(p <= 0.1 for p in wrong) <= 10
    assert 8 <= sum(p <= 0.4 for p in wrong) <= 26


def test_a_habit_however_often_repeated_is_one_coin():
    outputs = alone([[slot("class 1", "the", 1, tier=2, habit=True)]] * 5000)
    assert audit(outputs, ["campaign"], KEYS, EPOCHS).p_value > 0.2


def test_what_the_prompt_says_is_not_the_models_habit():
    texts = list(student(Random(4), 0.9, 400))
    repeating = audit(((text, text) for text in texts), ["campaign"], KEYS, EPOCHS)
    assert (repeating.seeds, repeating.p_value) == (0, 1.0)


def test_a_variant_counts_once_an_output():
    texts = list(student(Random(5), 0.3, 300))
    once = audit(alone(texts), ["campaign"], KEYS, EPOCHS)
    assert audit(alone(text * 5 for text in texts), ["campaign"], KEYS, EPOCHS) == once


def test_the_order_of_outputs_does_not_matter():
    texts = list(student(Random(6), 0.3, 300))
    assert audit(alone(texts[::-1]), ["campaign"], KEYS, EPOCHS).z == pytest.approx(audit(alone(texts), ["campaign"], KEYS, EPOCHS).z)


NOTHING = {"no outputs": ([], ["campaign"]), "no slots": ([[]], ["campaign"]), "no groups": ([[slot(tier=2)]], [])}


@pytest.mark.parametrize(("texts", "groups"), NOTHING.values(), ids=NOTHING)
def test_where_there_is_nothing_to_test_there_is_no_evidence(texts, groups):
    found = audit(alone(texts), groups, KEYS, EPOCHS)
    assert (found.p_value, found.z, found.epoch) == (1.0, 0.0, None)
    assert found.outputs == len(texts)


def test_places_of_the_account_say_nothing_about_training():
    texts = [[place for place in text if not group_place(place)] for text in answers(Random(7), 50)]
    assert audit(alone(texts), ["campaign"], KEYS, EPOCHS).seeds == 0
