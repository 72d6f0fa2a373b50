import re

import pytest

from antidistill.watermark.prose import Prose
from antidistill.watermark.tokens import SOLIDS


def free(text: str) -> list[str]:
    """Words of the text that may be changed."""
    prose = Prose()
    runs = re.findall(r"(\s*)(\S+)", text)
    verdicts = [prose.free(gap, run, SOLIDS[run], number) for number, (gap, run) in enumerate(runs)]
    return [run for (_, run), verdict in zip(runs, verdicts, strict=True) if verdict and SOLIDS[run].word >= 0]


def protected(text: str) -> bool:
    """Whether no word that contains `use` may be changed, and every `after` may."""
    words = free(text)
    return not any("use" in word for word in words) and sum("after" in word for word in words) == text.count("after")


PROTECTED = {
    "fenced code": "Do:\n```python\nuse this\n\nuse that\n```\nafter",
    "fence of tildes": "~~~\nuse\n```\nuse\n~~~\n\nafter",
    "longer fence around a shorter one": "````\n```\nuse\n```\nuse\n````\nafter",
    "fence with an info string inside a fence": "```\n```python\nuse\n```\nafter",
    "fence in a list item": "1. Do\n\n   ```sh\n   use this\n   ```\n   after",
    "deep fence in a list": "* after\n    * after\n        ```\nuse\n        ```\n* after",
    "fence that never closes": "```\nuse\n\nuse\n\n# use\nuse",
    "fence on one line": "``` use ``` after",
    "fence inside a line": "after ```use that``` after",
    "inline code": "after `use` and `git use that` after",
    "inline code with backticks inside": "after ``use ` use`` after",
    "inline code ends with its paragraph": "after `use that\nuse\n\nafter",
    "indented code": "So after:\n\n    use this\n    use that\n\nafter",
    "code indented by a tab": "So after:\n\n\tuse this\n\nafter",
    "deep text in a list": "- after\n\n      use this\n- after",
    "bare json": '{"use": "use \\" use", "b": [{"use": 1}]} after',
    "json over lines": '{\n  "a": "use }",\n  "b": "use"\n}\n\nafter',
    "json list": '["use", "that use"] after',
    "json after a word": 'after {"a": {"use": "use that"}} after',
    "json that never closes": '{"a": "use",\n\n"b": "use',
    "quotation": 'after "use this," after',
    "quotation over lines": 'after "use this\nuse" after',
    "quotation inside a quotation": "after \"so 'use' use\" after",
    "curly quotation": "after “use this” after",
    "single curly quotation": "after ‘use don’t use’ after",
    "single quotation": "after 'use don't use' after",
    "guillemets": "after «use this» after",
    "low quotation marks": "after „use this“ after",
    "quotation ends with its paragraph": 'after "use this\n\nafter',
    "quotation in brackets": 'after ("use this") after',
    "fields in quotation marks": '"use this","use that"\nafter',
    "block quote": "> use\nuse\n> use\n\nafter",
    "heading": "# use this\nafter\n###### Use\nafter",
    "label that opens a line": "**Use this:** after",
    "table": "| use | b |\n|---|---|\n| use it | c |\n\nafter",
    "table without outer bars": "a | use\n--- | ---\nlong use | use\nuse this | c\n\nafter",
    "table without outer bars or spaces": "a|use\n:--|--:\nlong use|use\nuse|c\n\nafter",
    "columns by tabs": "after\tuse\tuse this\nafter",
    "inline formula": "after $use x$ after",
    "formula that begins with a number": "after $5 + use$ after",
    "display formula": "after\n$$\nuse x\n\nuse\n$$\nafter",
    "formula in brackets": r"after \[ use x \] after \( use \) after",
    "environment": "\\begin{align}\nuse\n\nuse\n\\end{align}\nafter",
    "html tag": 'after <a class="use" title="so use"> after',
    "html block": "<div>\nuse\n</div>\n\nafter",
    "html element of raw text": "after <script>use\n\nuse</script> after",
    "html script inside a block": "<div>\n<script>use\n\nuse </script> after",
    "html comment": "after <!-- use\n\nuse --> after",
    "placeholder": "after [Use your name use] after",
    "placeholder in angle brackets": "after <use that> after",
    "link": "after [use](https://x.org/use) after",
    "link over words": 'after [use the use](https://x.org "use") after',
    "url": "after https://x.org/use?use=1 www.use.org after",
    "e-mail": "after use@use.org after",
    "path": "after /usr/use ~/use ./use C:\\use a/use after",
    "identifiers": "after use_it useIt2 x.use use() --use -use @use #use after",
    "entity": "after &use; after",
    "numbers": "after 5use 1,000use after",
    "diff": "@@ -1,2 +1,2 @@\n-use\n+ use\n\n- use\n use",
    "diff header": "diff --git use\n--- a/use use\n+++ b/use use\nafter",
    "assignment": "x = use that\nafter",
    "statement": "return use that\nimport use\nfrom x import use\nafter",
    "call in front": "print(x) use\nafter",
    "query": "SELECT use FROM use\nafter",
    "prompt of a shell": "$ git use that\n$ use\nafter",
    "key and value": "description: use that\nafter",
    "verse from its third line on": "after this\nand after that\nuse it\nuse\n\nuse this\n- after",
    "part of a very long word": "after " + "x" * 80 + "use after",
}


@pytest.mark.parametrize("text", PROTECTED.values(), ids=PROTECTED)
def test_what_is_no_prose_is_protected_and_what_follows_is_not(text):
    assert protected(text)


PROSE = {
    "sentences": "Use this. We use it, too!",
    "paragraphs": "Use.\n\nWe use it.\nWe use it.",
    "list items": "- use this\n* Use that\n1. use it\n(a) use\n• use",
    "nested list items": "- a\n    - use\n        - use",
    "emphasis": "We **use** and *use* it. _Use_ it.",
    "brackets": "We (use it) so (that we use)",
    "label in a list": "1. **Label**: use it",
    "money": "Pay $5 to use it, or $10, or $1,000.50 to use it.",
    "apostrophes": "The users' files, don't use 'em. It's the '90s; use it",
    "inches": 'A 5" screen that we use for 6" ones, use it',
    "arithmetic in a sentence": "We all know that 2 + 2 makes 4, use it",
    "a call late in a sentence": "What you want here is print() to use it",
    "dashes": "Now — use it – use it",
    "smaller than": "If a < b we use it",
    "windows line ends": "Use.\r\n\r\nWe use it.",
    "lines that are wrapped": "\n".join(["We use it where lines are wrapped behind so many words, use it"] * 4),
    "short lines with a paragraph each": "Use it.\n\nUse that.\n\nUse this.\n\nUse all.",
    "short items": "- use it\n- use that\n- use this\n- use all",
    "a line behind short lines of code": "Use it:\n```\na\nb\nc\n```\nUse it.",
    "wide gaps": "We" + " " * 300 + "use it",
}


@pytest.mark.parametrize("text", PROSE.values(), ids=PROSE)
def test_prose_is_prose(text):
    assert sum("use" in word.lower() for word in free(text)) == len(re.findall(r"(?<![^\W_])[uU]se(?![^\W_])", text))


def test_a_paragraph_and_a_list_item_begin_afresh_and_a_line_does_not():
    prose = Prose()
    seen = []
    for number, (gap, run) in enumerate(re.findall(r"(\s*)(\S+)", "One two\nthree\n\nfour\n- five six")):
        prose.free(gap, run, SOLIDS[run], number)
        seen.append((run, prose.fresh, prose.broken))
    assert [run for run, fresh, _ in seen if fresh] == ["One", "four", "five"]
    assert [run for run, _, broken in seen if broken] == ["One", "three", "four", "-"]


def test_whitespace_may_come_in_parts():
    for parts in (["\n\n    "], ["\n", "\n", "  ", "  "], ["\n\n", "", "    "]):
        prose = Prose()
        prose.free("", "Then:", SOLIDS["Then:"], 0)
        for part in parts:
            prose.space(part)
        assert not prose.free("", "use", SOLIDS["use"], 1)
