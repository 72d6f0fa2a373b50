"""One canonical form for texts that differ only in case, width, spacing, invisible characters or numbers."""

from __future__ import annotations

import re
import unicodedata

HEAD, TAIL = 2000, 1000
"""Characters kept from the beginning and from the end of a long text: templates stand at the edges."""

_NUMBER = re.compile(r"\d+")
_UNSPACED = re.compile(
    "(["
    "\u0e00-\u0eff"  # Thai, Lao
    "\u0f00-\u0fff"  # Tibetan
    "\u1000-\u109f"  # Burmese
    "\u1780-\u17ff"  # Khmer
    "\u2e80-\u312f"  # radicals, punctuation, kana, bopomofo
    "\u31a0-\u9fff"  # kana extensions, CJK
    "\uf900-\ufaff\U00020000-\U0003ffff"
    "])"
)


def normalise(text: str) -> str:
    """Writes a text in canonical form: words in lower case, one space between them, every number as `0`.

    Compatible characters are folded (NFKC) and invisible ones dropped, so that neither a full-width letter nor a
    zero-width space makes a new text. Scripts that put no space between words count every character as a word.
    Costs the same for any length beyond `HEAD + TAIL` characters, and is idempotent for texts within it.
    """
    if len(text) > HEAD + TAIL:
        text = f"{text[:HEAD]} {text[-TAIL:]}"
    text = text.lower() if text.isascii() else _fold(text)
    return " ".join(_NUMBER.sub("0", text).split())


def _fold(text: str) -> str:
    visible = "".join(filter(_shows, text))
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", visible).casefold())
    return _UNSPACED.sub(r" \1 ", folded)


def _shows(character: str) -> bool:
    return unicodedata.category(character) != "Cf"
