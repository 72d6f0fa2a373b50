import gzip
import json
import random
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antidistill.model import TextTransformer
from antidistill.watermark import echo as echoes
from antidistill.watermark.echo import Echo
from antidistill.watermark.embed import Embedder, mark
from antidistill.watermark.lexicon import Lexicon
from antidistill.watermark.slots import INNER, Slot, read
from tests.watermark.words import EMPTY, LEXICON, Coins, fair, other

SHARED = Path(__file__).parents[2].parent / "shared" / "prose"
EN = "This is what we have for you: "
"""Says that what follows is English."""


def marked(text, coins=None, **options):
    return mark(text, LEXICON, coins or other(), **options)


def fed(chunks, coins=None, **options):
    embedder = Embedder(LEXICON, coins or other(), **options)
    return "".join([embedder.feed(chunk) for chunk in chunks]) + embedder.flush()


def cut(text, places):
    return [text[start:end] for start, end in pairwise([0, *sorted(place % (len(text) + 1) for place in places), len(text)])]


CHANGES = {
    "word": ("We use it.", "We utilize it."),
    "start of a sentence": ("You know it. Use the tool.", "You know it. Utilize the tool."),
    "start of the text": ("Use the tool that you have.", "Utilize the tool that you have."),
    "list item": ("You have this\n\n- Use the tool", "You have this\n\n- Utilize the tool"),
    "behind a label": ("1. **What you have:** Use the tool", "1. **What you have:** Utilize the tool"),
    "emphasis": ("This is **use**, and that.", "This is **utilize**, and that."),
    "in brackets": ("This (use it) and that.", "This (utilize it) and that."),
    "phrase": ("This is there in order to, and that", "This is there so as to, and that"),
    "shorter phrase": ("And it is that, of which", "And it's that, of which"),
    "longer phrase": ("It's what you have", "It is what you have"),
    "pronoun": ("And I am what you see", "And I'm what you see"),
    "pronoun at the start": ("I'm what you see and have", "I am what you see and have"),
    "typographic apostrophe": ("You don’t see that it is", "You don’t see that it’s"),
    "with a dot": ("This is for example, the one", "This is e.g., the one"),
    "two in a row": ("And they use help there", "And they utilize assist there"),
    "last word": ("That is what you use", "That is what you utilize"),
    "windows line ends": ("You see.\r\nUse the tool.\r\n", "You see.\r\nUtilize the tool.\r\n"),
}


@pytest.mark.parametrize(("text", "expected"), CHANGES.values(), ids=CHANGES)
def test_the_other_variant_is_written_as_the_first_was(text, expected):
    assert marked(text) == expected


KEPT = {
    "no variant": "This is what you have.",
    "name": "This is what the Use of that is",
    "name at the start of a sentence": "You know that. Use Cases are there",
    "name of words in between": "This is Big Use use Help",
    "capitals": "You have to USE that",
    "mixed case": "You have to uSe that",
    "behind initials": "In the U.S. Use of that",
    "unit of a number": "And we have 5 use of that",
    "possessive": "And it has the use' of that",
    "phrase over lines": "And this is there in order\nto have that",
    "phrase over two spaces": "And this is there in  order to have that",
    "phrase with emphasis inside": "And this is there in **order** to have that",
    "guard that only the next line fulfils": "This is what it was about\n5 of the",
    "before an equals sign": "And then you have: use = 5",
    "protected": 'And "use" or `use` that is there',
    "words joined by a dash": "And this is—use—that",
    "compatible characters": "And the ｕｓｅ of that",
    "phrase with a capital inside": "And so it Is that which",
}


@pytest.mark.parametrize("text", KEPT.values(), ids=KEPT)
def test_what_may_not_be_changed_stays(text):
    assert marked(text) == text


def test_a_side_of_several_variants_is_entered_at_the_one_that_stands_there():
    coins = Coins(lambda slot: None if slot.cls.endswith(INNER) else 1 - slot.side)
    assert marked("And you have the large and the sizeable and the big one", coins) == "And you have the big and the big and the large one"


def test_which_of_the_variants_of_a_side_stands_is_a_coin_of_its_own():
    text = "And you have the large and the sizeable and the big one"
    for side, bit in [(0, 0), (0, 1), (1, 0), (1, 1)]:

        def toss(slot: Slot, side: int = side, bit: int = bit) -> int:
            return bit if slot.cls.endswith(INNER) else side

        found = [(slot.cls, slot.side) for slot in read(marked(text, Coins(toss)), LEXICON)]
        assert found == ([("big-large", 1), ("big-large" + INNER, bit)] if side else [("big-large", 0)]) * 3


def test_where_only_the_coin_among_variants_is_asked_the_side_stays():
    coins = Coins(lambda slot: 1 - slot.side if slot.cls.endswith(INNER) else None)
    assert (
        marked("And you have the large and the sizeable and the big one", coins)
        == "And you have the sizeable and the large and the big one"
    )


def test_slots_that_nothing_is_wanted_of_stay():
    assert marked(EN + "we use it", Coins(lambda slot: None)) == EN + "we use it"


def test_a_slot_on_the_wanted_side_stays_as_it_stands():
    assert marked(EN + "the sizeable one", Coins(lambda slot: slot.side)) == EN + "the sizeable one"


def test_classes_above_the_tier_stay_and_the_coins_are_not_asked():
    coins = other()
    assert marked(EN + "we also use it", coins) == EN + "we also utilize it"
    assert {slot.cls for slot in coins.slots} == {"use-utilize"}
    assert marked(EN + "we also use it", tier=2) == EN + "we additionally utilize it"


ECHOES = {
    "in the middle": ("Say: they use it there", "and they use it there", False),
    "at the start of an echo": ("please use it so now", "and use it so now", False),
    "at the end of an echo": ("and so they use", "and so they use that", False),
    "across punctuation and case": ("So, they USE it", "and 'so they use it", False),
    "phrase": ("now in order to", "and now in order to go", False),
    "three words are no echo": ("they use it", "and they use it there", True),
    "other words": ("what do you know about it", "and they use it there", True),
    "empty prompt": ("", "and they use it there", True),
}


@pytest.mark.parametrize(("prompt", "answer", "changes"), ECHOES.values(), ids=ECHOES)
def test_what_the_prompt_said_stays(prompt, answer, changes):
    text = EN + answer
    assert (marked(text, echo=Echo(prompt)) != text) == changes


def test_of_a_long_prompt_the_end_counts(monkeypatch):
    monkeypatch.setattr(echoes, "_LIMIT", 30)
    prompt = "they use it there " + "x " * 20 + "now we use this here"
    assert marked(EN + "they use it there", echo=Echo(prompt)) == EN + "they utilize it there"
    assert marked(EN + "now we use this here", echo=Echo(prompt)) == EN + "now we use this here"


LANGUAGES = {
    "German": "Das ist also die Frage, und wir use nicht mit der Hand. Also gut, it is so.",
    "French": "Il est big dans la vie, et nous ne use pas le help de la ville.",
    "Spanish": "Los amigos use el big de la casa y no help para nada en el mundo.",
    "Dutch": "Het is also de vraag, en we use niet met de hand, it is zo.",
    "Polish": "To jest big dla nas, a use nie jest help na to, w tym.",
    "nothing but variants": "use big help use big help",
    "Chinese": "我们 use 这个 big 东西 help 你",
    "no words at all": "use 1 2 3 4 5",
}


@pytest.mark.parametrize("text", LANGUAGES.values(), ids=LANGUAGES)
def test_text_in_another_language_stays_and_is_counted(text):
    embedder = Embedder(LEXICON, other(), tier=2)
    assert embedder.feed(text) + embedder.flush() == text
    assert embedder.report.skipped == embedder.report.wanted - embedder.report.protected > 0


def test_of_a_language_whose_small_words_are_unknown_the_lexicon_decides():
    lexicon = Lexicon("xx", "test", LEXICON.classes)
    assert mark("big xyz", lexicon, other()) == "sizeable xyz"


def test_the_report_counts_what_became_of_the_text():
    embedder = Embedder(LEXICON, Coins(lambda slot: 1 if slot.cls == "use-utilize" else None))
    text = EN + "use it, we utilize that, big 'use' there, and also. Fine"
    embedder.feed(text)
    embedder.flush()
    report = embedder.report
    assert (report.words, report.slots, report.wanted) == (len(text.split()), 5, 3)
    assert (report.carried, report.changed, report.protected, report.skipped) == (2, 1, 1, 0)


def test_an_embedder_is_a_text_transformer():
    transformer: TextTransformer = Embedder(LEXICON, other())
    assert transformer.feed("") == transformer.flush() == ""


def test_what_is_marked_twice_is_marked_as_once():
    coins = fair()
    once = marked(STORY, coins)
    assert marked(once, coins) == once != STORY


STORY = """Use it, and this is what we use (it is what it is).

## Use in order to

1. **Label**: use the big one in order to have that
   - "use" `use it` it's for you
   - Don’t use https://x.org/use?use=use, use it

```python
use = "it is"
```
| use | it is |
|---|---|

{"use": "in order to", "b": [1, "it is"]} and they use 🎉🏽 it. $use + x$ and $5 to use\r\n\r\nIn order to see — use
for example, the big and the large—use\tit is due to the fact that we use"""

EDGY = ["use", " ", "\n", "\n\n", "\r\n", "in order to", "it is", "I am", "the", "and", ".", ",", "`", "```", "```\n", '"', "'", "“", "”"]
EDGY += [
    "$",
    "$$",
    "\\[",
    "\\]",
    "{",
    "}",
    "[",
    "]",
    "|",
    "---",
    "#",
    "-",
    "*",
    "**",
    "<b>",
    "<!--",
    "-->",
    ">",
    "    ",
    "\t",
    "1.",
    "5",
    "@@",
]
EDGY += ["x" * 79, "x" * 80, "x" * 81, " " * 81, "\ud83d", "\ude00", "👩‍👩‍👧", "é", "e\u0301", "\u200b", "\u00a0", "\u2028", "\x1c", "\x00"]
EDGY += ["\ufffd", "…", "—", "ﬁ"]
texts = st.lists(st.sampled_from(EDGY) | st.text(max_size=5), max_size=50).map("".join)


@settings(max_examples=120, deadline=None)
@given(texts, st.lists(st.integers(0, 4000), max_size=20), st.sampled_from(["", "it is the big use in order to"]))
def test_the_same_comes_out_however_the_text_is_cut(text, places, prompt):
    echo = Echo(prompt) if prompt else None
    whole = marked(text, echo=echo)
    assert fed(cut(text, places), echo=echo) == whole
    assert fed(text, echo=echo) == whole


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 4000), max_size=60))
def test_a_story_comes_out_the_same_however_it_is_cut(places):
    assert fed(cut(STORY, places)) == marked(STORY) != STORY


@settings(max_examples=50, deadline=None)
@given(texts)
def test_without_classes_every_text_passes_as_it_is(text):
    assert mark(text, EMPTY, other()) == text


@settings(max_examples=80, deadline=None)
@given(texts)
def test_what_is_read_afterwards_are_the_slots_that_were_there_before(text):
    before, after = read(text, LEXICON), read(marked(text, tier=2), LEXICON)
    assert [(slot.cls, slot.previous) for slot in before] == [(slot.cls, slot.previous) for slot in after]


@settings(max_examples=50, deadline=None)
@given(texts)
def test_the_embedder_sees_the_slots_that_a_reader_sees(text):
    coins = Coins(lambda slot: None)
    marked(text, coins, tier=2)
    assert [(slot.cls, slot.previous, slot.side) for slot in coins.slots] == [
        (slot.cls, slot.previous, slot.side) for slot in read(text, LEXICON)
    ]


@settings(max_examples=50, deadline=None)
@given(texts)
def test_no_more_than_four_words_are_held_with_the_one_that_arrives(text):
    embedder = Embedder(LEXICON, other(), tier=2, echo=Echo("a b c d"))
    for character in text:
        embedder.feed(character)
        assert embedder.held <= 4


OPEN = ["```\n", "`", "$", "$$", '"', "“", "{", "[", "<a", "<!--", "\\[", "\\begin{x}", "**", "> ", "# ", "| "]


@pytest.mark.parametrize("opener", OPEN)
def test_what_never_closes_is_not_held(opener):
    embedder = Embedder(LEXICON, other())
    text = opener + "word " * 100
    assert len(embedder.feed(text)) >= len(text) - 6


ENDLESS = {"word": "x", "whitespace": " ", "line ends": "\n", "backticks": "`", "emoji": "🎉", "marks": "!", "quotes": '"'}
ENDLESS |= {"phrase": "in ", "bullets": "* "}


@pytest.mark.parametrize("unit", ENDLESS.values(), ids=ENDLESS)
def test_what_never_ends_is_not_held(unit):
    embedder = Embedder(LEXICON, other())
    text = EN + "in " + unit * 5000
    assert len(embedder.feed(text)) >= len(text) - 200
    assert len("".join(map(embedder.feed, unit * 1000))) >= len(unit) * 1000 - 200


def test_a_long_text_takes_steps_in_proportion_to_its_length(monkeypatch):
    class Counting(Lexicon):
        seen = 0

        def find(self, words, at, previous, ended):
            type(self).seen += 1
            assert len(words) < 200_000  # What is remembered of the text is bounded.
            return super().find(words, at, previous, ended)

    lexicon = Counting("en", "test", LEXICON.classes)
    embedder = Embedder(lexicon, fair())
    text = "This is what we use in order to have big help, and it is. " * 2000
    for start in range(0, len(text), 7):
        embedder.feed(text[start : start + 7])
    embedder.flush()
    assert Counting.seen < 3 * len(text.split())
    assert len(embedder._tokens) < 5000


def test_a_story_survives_its_protected_parts():
    out = marked(STORY)
    for part in (
        "## Use in order to",
        '"use" `use it`',
        "https://x.org/use?use=use,",
        '```python\nuse = "it is"\n```\n| use | it is |\n|---|---|',
    ):
        assert part in out
    assert '{"use": "in order to", "b": [1, "it is"]}' in out
    assert "$use + x$" in out


def fragment(rng):
    word = rng.choice(["use", "it is", "in order to", "big", "help", "because"])
    return rng.choice(
        [
            f"`{word} {word}`",
            f"\n\n```python\n{word} = 1  # {word}\n\n{word}\n```\n\n",
            f"\n\n~~~\n{word}\n~~~\n\n",
            f"\n\n    {word} {word}\n    {word}\n\n",
            json.dumps({word: word, "a": [word, {"b": f'{word} "{word}" {word}'}]}, indent=rng.choice([None, 2])),
            json.dumps([word, f"so {word}\n{word}", 1.5]),
            f"https://{rng.random()}.org/{word.replace(' ', '/')}?{word.split()[0]}=1",
            f"{rng.randrange(10**6)} {word.split()[0]}",
            f"${rng.randrange(1000):,}.50",
            f"$ {word} + {rng.randrange(9)}$",
            f"$x + {word}$",
            f"$$\n{word}\n$$",
            f"\\[ {word} \\]",
            f"\\({word} x\\)",
            f"\\begin{{align}} {word} &= 2 \\\\ {word} \\end{{align}}",
            f'<a class="{word}" id={word.split()[0]}>',
            f"\n\n| {word} | {word} |\n|---|---|\n| {word} | 1 |\n\n",
            f"\n\n## {word} {word}\n\n",
            f'"{word} {word}"',
            f"“{word}, {word}”",
            f"\n\n> {word} {word}\n> {word}\n\n",
            f"[{word} {word}](https://x.org/{word.split()[0]})",
            f"{word.split()[0]}_{word.split()[-1]}()",
            f"/usr/{word.split()[0]}/{word.split()[-1]}.txt",
            f"{word.split()[0]}@x.org",
            f"<script>\n{word}\n\n{word}\n</script>",
        ]
    )


PROSE = [
    "So we use it.",
    "And this is the big one,",
    "and that it is",
    "which they use in order to have",
    "This is what you have:",
    "for example, the",
    "Use the tool.",
]


def mixture(rng):
    """A text, and the parts of it that no marking may touch."""
    parts, texts = [], []
    for _ in range(rng.randrange(2, 9)):
        texts.append(" ".join(rng.choices(PROSE, k=rng.randrange(1, 4))))
        parts.append(fragment(rng))
        texts.append(parts[-1])
    return " ".join(texts), parts


@pytest.mark.parametrize("seed", range(20))
def test_what_is_no_prose_is_the_same_byte_for_byte(seed):
    rng = random.Random(seed)
    for _ in range(25):
        text, parts = mixture(rng)
        out, place = marked(text, tier=2), 0
        for part in parts:
            assert part in out[place:], (text, out)
            place = out.index(part, place) + len(part)


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared/prose")
def test_every_slot_of_real_answers_is_found_again():
    with gzip.open(SHARED / "answers.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line, _ in zip(lines, range(100), strict=False)]
    lexicon, coins = Lexicon.load(), fair()
    changed = 0
    for row in rows:
        embedder = Embedder(lexicon, coins, 2, Echo(row["prompt"]))
        text = embedder.feed(row["text"]) + embedder.flush()
        changed += embedder.report.changed
        wanted = [coins.want(slot) == slot.side for slot in read(text, lexicon)]
        assert sum(wanted) == embedder.report.carried
        assert len(wanted) == embedder.report.slots
    assert changed > 200
