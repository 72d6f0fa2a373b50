"""Text for the demo: sentences from a small word grammar. No corpus, no model."""

from __future__ import annotations

from random import Random
from zlib import crc32


def _split(text: str) -> list[str]:
    """A list of phrases, written as text to keep it readable."""
    return text.split("|")


NOUNS = _split(
    "ladder|kettle|invoice|orchard|bicycle|harbour|notebook|lantern|pension|blanket|compass|engine|window|garden|"
    "ticket|basket|mirror|violin|chimney|passport|hammer|island|recipe|curtain|magnet|bottle|saddle|pillow|battery|"
    "fountain|gutter|hedge|jacket|kitchen|lease|mattress|napkin|oven|parcel|quilt|radiator|stapler|tenant|umbrella|"
    "vaccine|wallet|yacht|zipper|anchor|beehive|candle|dentist|elbow|ferry|glacier|hinge|insect|jigsaw|kayak|"
    "locker|meadow|nozzle|ointment|pigeon|quarry|railway|sandal|tunnel|uniform|valve|whistle"
)
ADJECTIVES = _split(
    "rusty|gentle|crooked|annual|damp|hollow|borrowed|narrow|silent|brittle|copper|dusty|eager|faded|greasy|heavy|"
    "icy|jolly|knotted|loose|muddy|noisy|orange|patient|quick|rural|salty|tidy|upper|velvet|wooden|yellow|ancient|"
    "bitter|cheap|distant|empty|fragile|golden|humble"
)
VERBS = _split(
    "repairs|paints|carries|forgets|sells|measures|borrows|cleans|hides|lifts|melts|orders|packs|quotes|rents|"
    "shakes|trims|unlocks|washes|balances|compares|describes|explains|folds|gathers|heats|inspects|joins|keeps|"
    "labels|moves|numbers|opens|plans|replaces|sorts|tests"
)
PLACES = _split(
    "under water|near the station|before lunch|in winter|at night|behind the barn|after rain|across town|on Sundays|"
    "without tools|by hand|from memory|upstairs|in Lisbon|during lessons|for guests|with children|on paper|at sea|"
    "indoors|along the canal|since March"
)
NAMES = _split(
    "Ada|Bruno|Chloe|Dmitri|Elif|Farah|Goran|Hana|Ivo|Jun|Kofi|Leila|Milo|Nadia|Otto|Priya|Quinn|Rosa|Sven|Tariq|Uma|Vera|Wim|Yara"
)
OPENERS = _split("well|honestly|quick question|so|hi|listen|one more thing|okay|sorry|right|hmm|please")
ASKS = _split("why|how come|what if|can you tell whether|is it true that|do you think|when|who says that|guess how")


class Grammar:
    """Makes text; the same seed makes the same text."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._pick = self._random.choice

    def thing(self) -> str:
        """Two or three words that name something."""
        return f"{self._pick(ADJECTIVES)} {self._pick(NOUNS)}" + (f" {self._pick(PLACES)}" if self._random.random() < 0.5 else "")

    def sentence(self) -> str:
        """A statement, which means nothing. Never more than two words in a row are the same in all of them."""
        shape = self._random.randrange(5)
        if shape == 0:
            return f"{self._pick(NAMES)} {self._pick(VERBS)} the {self.thing()}"
        if shape == 1:
            return f"my {self.thing()} {self._pick(VERBS)} {self._pick(ADJECTIVES)} {self._pick(NOUNS)}s {self._pick(PLACES)}"
        if shape == 2:
            return f"{self._pick(PLACES)} a {self._pick(NOUNS)} {self._pick(VERBS)} every {self.thing()}"
        if shape == 3:
            count = self._random.randrange(2, 90)
            return f"{self._pick(NAMES)} and {self._pick(NAMES)} have {count} {self._pick(ADJECTIVES)} {self._pick(NOUNS)}s"
        return f"no {self.thing()} {self._pick(VERBS)} {self._pick(NAMES)}'s {self._pick(NOUNS)}"

    def sentences(self, count: int) -> str:
        """Several statements."""
        return ". ".join(self.sentence() for _ in range(count)) + "."

    def question(self) -> str:
        """What a person asks in a chat."""
        opener = f"{self._pick(OPENERS)}, " if self._random.random() < 0.4 else ""
        context = f"{self.sentence()}. " if self._random.random() < 0.5 else ""
        return f"{opener}{context}{self._pick(ASKS)} {self.sentence()}?"


def answer(prompt: str) -> list[str]:
    """The words that the model answers: always the same to the same prompt."""
    grammar = Grammar(crc32(prompt.encode()))
    return grammar.sentences(2 + crc32(prompt.encode()) % 4).split()
