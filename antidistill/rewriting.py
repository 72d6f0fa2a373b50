"""What rewrites the text of an answer on its way out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from antidistill.admission import Admission
from antidistill.dialects import AnswerRewriter
from antidistill.model import Call, Mark, Subject, TextTransformer
from antidistill.watermark.fingerprints import Copy
from antidistill.watermark.marker import DEPLOYMENT, Marker


class Chain:
    """Several transformers, one after the other, as one."""

    def __init__(self, parts: Sequence[TextTransformer]) -> None:
        self._parts = parts

    def feed(self, text: str) -> str:
        """Passes a piece of text through all."""
        for part in self._parts:
            text = part.feed(text)
        return text

    def flush(self) -> str:
        """Passes on what each one held back."""
        text = ""
        for part in self._parts:
            text = part.feed(text) + part.flush()
        return text


def rewriter(admission: Admission, marker: Marker | None, content_type: bytes, encoding: bytes) -> AnswerRewriter | None:
    """Makes what carries out the redaction, the transforms and the mark of an admission; None where there is nothing to do."""
    call, subject = admission.call, admission.subject
    if admission.dialect is None:
        return None
    begins = [] if call is None else _begins(admission, call, subject, marker)
    if not begins and not admission.redacted:
        return None
    return AnswerRewriter(
        admission.dialect,
        content_type,
        _chained(begins) if begins else None,
        content_encoding=encoding,
        structured=call is not None and call.structured,
        redacted=admission.redacted,
    )


def _begins(admission: Admission, call: Call, subject: Subject, marker: Marker | None) -> list[Callable[[], TextTransformer]]:
    begins: list[Callable[[], TextTransformer]] = [partial(transform.begin, call, subject) for transform in admission.transforms]
    if admission.mark is not None and marker is not None and subject.account is not None and not call.logprobs:
        begins.append(partial(_marking, marker, admission.mark, subject.account, call))
    if admission.copies is not None:
        begins.append(partial(Copy, admission.copies))
    return begins


def _chained(begins: Sequence[Callable[[], TextTransformer]]) -> Callable[[], TextTransformer]:
    return begins[0] if len(begins) == 1 else lambda: Chain([begin() for begin in begins])


def _marking(marker: Marker, mark: Mark, account: str, call: Call) -> TextTransformer:
    prompt = "\n".join([call.system, *(turn.text for turn in call.turns)])
    return marker.begin(account, mark.tier, mark.group or DEPLOYMENT, prompt)
