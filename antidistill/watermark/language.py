"""Whether words are in a language, told by its smallest words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

_SMALL_WORDS: Final = {
    "en": "the and of to that with this you your are from which their they was were would should could been these those there what when how"
    " it's i'm don't is it for by not can will has have we be as or if at its but also more into than such while may our a an in on do so i"
    " he she his her who no all any some each one other they're you're let's about out up then",
    "cs": "je se na že pro jsou jako nebo které jsem není být",
    "da": "og det som er på til af ikke jeg har med den",
    "de": "der die das und nicht ist ein eine mit für auf dem den von zu auch sich sie ich wir werden kann oder als wie im",
    "es": "el los las que y es una un por para con del se su como más pero no lo",
    "fi": "ja on ei se että ovat kuin mutta joka tai",
    "fr": "le la les des et est une un que qui dans pour pas sur avec vous ce cette du au aux sont il je nous",
    "hu": "a az és hogy nem egy van meg vagy ez",
    "id": "yang dan di untuk dengan ini itu dari adalah pada tidak atau dapat",
    "it": "il che di e una un per non sono con del della gli le anche è nel alla",
    "nl": "het een en de niet dat op te zijn voor met ook maar je ik wordt",
    "pl": "się jest nie na w z że do jak lub oraz dla są przez",
    "pt": "o os que e é uma um para com não do da dos das em no na por mais",
    "ro": "și de la este nu un o pe cu sau din sunt pentru",
    "sv": "och att det som är på för med inte jag har den av till ett en",
    "tr": "ve bir bu için ile da de çok olarak olan",
}
_SHARE: Final = 10
"""One word in so many, at least, is a small one."""
_CERTAINTY: Final = 3
"""Small words for each one of another language."""


def hearing(language: str) -> Callable[[Sequence[str]], bool]:
    """How to tell whether folded words are in a language; always so for a language whose small words are not known."""
    if language not in _SMALL_WORDS:
        return lambda words: True
    small = {code: frozenset(words.split()) for code, words in _SMALL_WORDS.items()}
    own = small[language]
    foreign = frozenset[str]().union(*small.values()) - own

    def hear(words: Sequence[str]) -> bool:
        count = sum(map(own.__contains__, words))
        return count * _SHARE > len(words) and count > _CERTAINTY * sum(map(foreign.__contains__, words))

    return hear
