"""One canonical form for texts that differ only in case, width, spacing, invisible characters or numbers."""

from __future__ import annotations

import re
import unicodedata

HEAD, TAIL = 2000, 1000
"""Characters kept from the beginning and from the end of a long text: templates stand at the edges."""

_LONGEST = 2 * (HEAD + TAIL)
_NUMBER = re.compile(r"\d+")
_PLAIN = "".join(["0" if chr(code).isdecimal() else chr(code).lower() for code in range(128)])
_INVISIBLE = re.compile(
    "["
    "\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f"
    "]+"
)
"""Format characters (Unicode 15, category Cf)."""
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
    text = _edges(text, HEAD + TAIL)
    return " ".join((_plain(text) if text.isascii() else _NUMBER.sub("0", _fold(text))).split())


def _edges(text: str, longest: int) -> str:
    return f"{text[:HEAD]} {text[-TAIL:]}" if len(text) > longest else text


def _plain(text: str) -> str:
    """Lower case and numbers as `0`, for ASCII."""
    text = text.translate(_PLAIN)
    while "00" in text:
        text = text.replace("00", "0")
    return text


def _fold(text: str) -> str:
    # Some characters fold to eighteen: what a text of them costs has a bound, too.
    folded = unicodedata.normalize("NFKC", _edges(unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)), _LONGEST).casefold())
    return " ".join(_UNSPACED.split(folded))
