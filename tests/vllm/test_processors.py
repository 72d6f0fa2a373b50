"""Both processors against a faithful copy of the interfaces that vLLM documents; vLLM itself is not needed."""

from __future__ import annotations

import importlib
import sys
from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import Enum, auto
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from antidistill.keyring import Keyring  # noqa: E402
from antidistill.watermark.keys import MarkKeys  # noqa: E402
from antidistill.watermark.orders import Order, Orders  # noqa: E402
from antidistill.watermark.sampled import detect_tokens  # noqa: E402

KEY = "5a" * 32
KEYRING = Keyring([bytes.fromhex(KEY)])
ORDERS = Orders(KEYRING)
TOKENS = 500
CPU = torch.device("cpu")


class MoveDirectionality(Enum):
    UNIDIRECTIONAL = auto()
    SWAP = auto()


@dataclass(frozen=True)
class BatchUpdate:
    batch_size: int
    removed: list
    added: list
    moved: list


class V1(ABC):
    @classmethod
    def validate_params(cls, sampling_params):
        return None

    @abstractmethod
    def __init__(self, vllm_config, device, is_pin_memory): ...

    @abstractmethod
    def apply(self, logits): ...

    @abstractmethod
    def is_argmax_invariant(self): ...

    @abstractmethod
    def update_state(self, batch_update): ...


class V2(ABC):
    def __init__(self, vllm_config, req_states):
        return None

    @classmethod
    def validate_params(cls, sampling_params):
        return None

    def add_request(self, req_idx, sampling_params):
        return True

    def apply_staged_writes(self):
        return None

    @abstractmethod
    def apply(self, logits, ctx): ...


@pytest.fixture
def vllm(monkeypatch):
    """A package with vLLM's two interfaces, where vLLM has them."""
    places = {
        "vllm.v1.sample.logits_processor": {"LogitsProcessor": V1, "BatchUpdate": BatchUpdate, "MoveDirectionality": MoveDirectionality},
        "vllm.v1.worker.gpu.sample.logits_processor.interface": {
            "LogitsProcessor": V2,
            "LogitsContext": SimpleNamespace,
            "LogitsProcRequestState": SimpleNamespace,
        },
    }
    for name, members in places.items():
        parts = name.split(".")
        for end in range(1, len(parts) + 1):
            path = ".".join(parts[:end])
            monkeypatch.setitem(sys.modules, path, sys.modules.get(path) or ModuleType(path))
        vars(sys.modules[name]).update(members)
    monkeypatch.setenv("ANTIDISTILL_MASTER_KEY", KEY)
    monkeypatch.delenv("VLLM_USE_V2_MODEL_RUNNER", raising=False)
    yield
    for name in ("antidistill.vllm.v1", "antidistill.vllm.v2"):
        sys.modules.pop(name, None)


@pytest.fixture
def v1(vllm):
    return importlib.import_module("antidistill.vllm.v1").WatermarkProcessor(None, CPU, False)


@pytest.fixture
def v2(vllm):
    states = SimpleNamespace(device=CPU, max_num_reqs=4, vocab_size=TOKENS)
    return importlib.import_module("antidistill.vllm.v2").WatermarkProcessor(None, states)


def params(account):
    return SimpleNamespace(extra_args={"antidistill": ORDERS.seal(Order(account, 3, 2.0))} if account else None)


def found(text, account):
    return detect_tokens([text], account, MarkKeys.ring(KEYRING), [3]).log10_p


DRAWN = torch.Generator().manual_seed(0)


def draw(logits):
    return torch.multinomial(torch.softmax(logits, -1), 1, generator=DRAWN)[:, 0].tolist()


def test_v1_marks_each_request_for_its_account_while_the_batch_changes(v1):
    texts: dict[str | None, list[int]] = {"a": [], "b": [], None: []}
    v1.update_state(BatchUpdate(3, [], [(index, params(who), [1, 2], texts[who]) for index, who in enumerate(texts)], []))
    order = list(texts)
    for step in range(200):
        if step == 80:  # "a" and the unmarked one change places
            v1.update_state(BatchUpdate(3, [], [], [(0, 2, MoveDirectionality.SWAP)]))
            order = [order[2], order[1], order[0]]
        if step == 140:  # "b" leaves, and the last row moves into the gap
            v1.update_state(BatchUpdate(2, [1], [], [(2, 1, MoveDirectionality.UNIDIRECTIONAL)]))
            order = [order[0], order[2]]
        v1.update_state(None)
        for who, token in zip(order, draw(v1.apply(torch.zeros(len(order), TOKENS))), strict=True):
            texts[who].append(token)
    assert {len(text) for text in texts.values()} == {140, 200}
    assert found(texts["a"], "a") < -6
    assert found(texts["b"], "b") < -4
    assert all(found(text, other) > -3 for text, other in ((texts["a"], "b"), (texts["b"], "a"), (texts[None], "a"), (texts[None], "b")))


def test_v1_leaves_rows_without_an_order_untouched(v1):
    v1.update_state(BatchUpdate(2, [], [(1, params("a"), [1], [])], []))
    logits = v1.apply(torch.zeros(2, TOKENS))
    assert not logits[0].any()
    assert logits[1].any()


def test_v1_without_orders_does_nothing(v1):
    logits = torch.zeros(1, TOKENS)
    v1.update_state(BatchUpdate(1, [], [(0, params(None), [1], [])], []))
    assert v1.apply(logits) is logits
    assert not v1.is_argmax_invariant()


def context(slots, previous):
    return SimpleNamespace(
        expanded_idx_mapping=torch.tensor(slots), idx_mapping_np=np.array(sorted(set(slots))), input_ids=torch.tensor(previous)
    )


def test_v2_marks_rows_in_any_order(v2):
    assert v2.add_request(3, params("a"))
    assert v2.add_request(1, params("b"))
    assert not v2.add_request(0, params(None))
    texts, generator = {3: [5], 1: [5], 0: [5]}, np.random.default_rng(0)
    for _ in range(200):
        slots = generator.permutation(list(texts)).tolist()
        for slot, token in zip(
            slots, draw(v2.apply(torch.zeros(3, TOKENS), context(slots, [texts[slot][-1] for slot in slots]))), strict=True
        ):
            texts[slot].append(token)
    assert found(texts[3], "a") < -6
    assert found(texts[1], "b") < -6
    assert min(found(texts[0], "a"), found(texts[0], "b"), found(texts[3], "b")) > -3


def test_v2_marks_every_draft_after_the_token_that_was_fed(v2):
    v2.add_request(2, params("a"))
    drafts = v2.apply(torch.zeros(3, TOKENS), context([2, 2, 2], [7, 8, 9]))
    for row, previous in zip(drafts, (7, 8, 9), strict=True):
        assert torch.equal(row, v2.apply(torch.zeros(1, TOKENS), context([2], [previous]))[0])


def test_v2_forgets_who_had_a_slot_before(v2):
    v2.add_request(2, params("a"))
    assert not v2.add_request(2, params(None))
    logits = torch.zeros(1, TOKENS)
    assert not v2.apply(logits, context([2], [7])).any()


def test_both_mark_alike(v1, v2):
    v1.update_state(BatchUpdate(1, [], [(0, params("a"), [7], [])], []))
    v2.add_request(0, params("a"))
    assert torch.equal(v1.apply(torch.zeros(1, TOKENS)), v2.apply(torch.zeros(1, TOKENS), context([0], [7])))


def test_the_wrong_runner_is_told_which_processor_it_wants(vllm, monkeypatch):
    monkeypatch.setenv("VLLM_USE_V2_MODEL_RUNNER", "1")
    with pytest.raises(ImportError, match=r"antidistill\.vllm\.v2"):
        importlib.import_module("antidistill.vllm.v1")


def test_a_vllm_without_the_interface_is_named(monkeypatch):
    for name in [name for name in sys.modules if name.startswith("vllm.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "vllm", ModuleType("vllm"))
    for version in ("v1", "v2"):
        with pytest.raises(ImportError, match="this vLLM has no"):
            importlib.import_module(f"antidistill.vllm.{version}")


def test_both_refuse_what_cannot_be_an_order(v1, v2):
    for processor in (v1, v2):
        with pytest.raises(ValueError, match="leave it out"):
            processor.validate_params(SimpleNamespace(extra_args={"antidistill": 7}))
