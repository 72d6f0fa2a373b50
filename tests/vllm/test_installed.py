"""Both processors in vLLM's own loaders, batches and parameters, where it is installed. No engine runs: that wants a device."""

from __future__ import annotations

import os
from types import SimpleNamespace

import numpy as np
import pytest

os.environ.setdefault("VLLM_TARGET_DEVICE", "cpu")
torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("vllm", reason="vLLM is not installed")

from vllm import SamplingParams  # noqa: E402
from vllm.exceptions import VLLMValidationError  # noqa: E402
from vllm.v1.sample import logits_processor as v1  # noqa: E402
from vllm.v1.worker.gpu.sample.logits_processor import interface as v2  # noqa: E402

from antidistill.keyring import Keyring  # noqa: E402
from antidistill.watermark.keys import MarkKeys  # noqa: E402
from antidistill.watermark.orders import Order, Orders  # noqa: E402
from antidistill.watermark.sampled import detect_tokens  # noqa: E402

KEY = "5a" * 32
KEYRING = Keyring([bytes.fromhex(KEY)])
TOKENS = 500
CPU = torch.device("cpu")
CONFIG = SimpleNamespace(speculative_config=None, scheduler_config=SimpleNamespace(max_num_seqs=8))


@pytest.fixture(autouse=True)
def master_key(monkeypatch):
    monkeypatch.setenv("ANTIDISTILL_MASTER_KEY", KEY)


def params(account):
    return SamplingParams(extra_args={"antidistill": Orders(KEYRING).seal(Order(account, 3, 2.0))} if account else None)


def found(text, account):
    return detect_tokens([text], account, MarkKeys.ring(KEYRING), [3]).log10_p


def sampled(logits, generator):
    return torch.multinomial(torch.softmax(logits, -1), 1, generator=generator)[:, 0].tolist()


def test_v1_is_loaded_by_name_and_marks_while_the_batch_changes():
    processors = v1.build_logitsprocs(CONFIG, CPU, False, False, ("antidistill.vllm.v1:WatermarkProcessor",))
    marking = next(each for each in processors.non_argmax_invariant if type(each).__module__ == "antidistill.vllm.v1")
    builder, generator = v1.BatchUpdateBuilder(), torch.Generator().manual_seed(0)
    order: list[str | None] = ["a", "b", None]
    texts: dict[str | None, list[int]] = {who: [] for who in order}
    builder.added.extend((index, params(who), [1, 2], texts[who]) for index, who in enumerate(order))
    for step in range(200):
        if step == 80:
            builder.moved.append((0, 2, v1.MoveDirectionality.SWAP))
            order = [None, "b", "a"]
        update = builder.get_and_reset(len(order))
        for each in processors.all:
            each.update_state(update)
        for who, token in zip(order, sampled(marking.apply(torch.zeros(len(order), TOKENS)), generator), strict=True):
            texts[who].append(token)
    assert found(texts["a"], "a") < -6
    assert found(texts["b"], "b") < -6
    assert min(found(texts["a"], "b"), found(texts["b"], "a"), found(texts[None], "a"), found(texts[None], "b")) > -3


def test_vllm_refuses_what_cannot_be_an_order():
    with pytest.raises(VLLMValidationError, match="leave it out"):
        v1.validate_logits_processors_parameters(["antidistill.vllm.v1:WatermarkProcessor"], SamplingParams(extra_args={"antidistill": 7}))


def test_v2_marks_rows_in_any_order():
    from antidistill.vllm.v2 import WatermarkProcessor

    state = dict.fromkeys(("all_token_ids", "prompt_len", "prefill_len", "total_len"))
    processor = WatermarkProcessor(CONFIG, v2.LogitsProcRequestState(device=CPU, max_num_reqs=4, vocab_size=TOKENS, **state))
    assert [processor.add_request(slot, params(who)) for slot, who in ((3, "a"), (1, "b"), (0, None))] == [True, True, False]
    texts, rng, generator = {3: [5], 1: [5], 0: [5]}, np.random.default_rng(0), torch.Generator().manual_seed(0)
    for _ in range(200):
        slots = rng.permutation(list(texts)).tolist()
        rows = torch.tensor(slots)
        context = v2.LogitsContext(
            expanded_idx_mapping=rows,
            idx_mapping=rows,
            idx_mapping_np=np.array(slots),
            expanded_local_pos=torch.zeros(3, dtype=torch.int64),
            input_ids=torch.tensor([texts[slot][-1] for slot in slots]),
            pos=torch.tensor([len(texts[slot]) - 1 for slot in slots]),
            seq_lens_upper_bound_np=np.array([len(texts[slot]) for slot in slots]),
        )
        processor.apply_staged_writes()
        for slot, token in zip(slots, sampled(processor.apply(torch.zeros(3, TOKENS), context), generator), strict=True):
            texts[slot].append(token)
    assert found(texts[3], "a") < -6
    assert found(texts[1], "b") < -6
    assert min(found(texts[0], "a"), found(texts[0], "b"), found(texts[3], "b")) > -3
