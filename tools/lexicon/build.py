"""Writes `antidistill/watermark/data/en.json` from `curated.json`: inflects verbs, makes guards blind, and says what is still ambiguous.

Run from the repository root: `python tools/lexicon/build.py` (needs lemminflect, MIT; nothing of it is needed at run time). `curated.json`
has the format of a lexicon file; a row with `verb` is one class for each inflection named there.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parents[2]))

import msgspec
from lemminflect import getInflection

from antidistill.watermark.blindness import faults, named, sighted, sounds_mixed
from antidistill.watermark.classes import SlotClass
from antidistill.watermark.lexicon import Lexicon
from antidistill.watermark.source import Row, slot_class

OUT: Final = Path(__file__).parents[2] / "antidistill" / "watermark" / "data" / "en.json"
HEAD: Final = {
    "version": "2",
    "licence": "Apache-2.0",
    "provenance": "Written by hand for this project (tools/lexicon/curated.json); verbs inflected with lemminflect (MIT). No corpus text.",
}


def main() -> None:
    """Builds the file, unless something in it is ambiguous."""
    curated = json.loads(Path(__file__).with_name("curated.json").read_text(encoding="utf-8"))
    lists, rows = curated["lists"], [row for written in curated["classes"] for row in inflected(written)]
    ids = [row["id"] for row in rows]
    if twice := {id_ for id_ in ids if ids.count(id_) > 1}:
        sys.exit(f"curated.json: written twice: {', '.join(sorted(twice))}")
    while close(rows, lists):
        pass
    if found := faults(read(rows, lists)):
        sys.exit("\n".join(f"{id_}: {fault}" for id_, fault in found.items()))
    OUT.write_text(document(rows, lists), encoding="utf-8")
    lexicon = Lexicon.load("en")
    near = sum(cls.tier == 1 for cls in lexicon.classes)
    print(f"{OUT}: {len(lexicon.classes)} classes, {near} of tier 1, lookahead {lexicon.lookahead}, digest {lexicon.digest[:12]}")


def inflected(written: dict[str, Any]) -> list[dict[str, Any]]:
    """The classes of one curated row: itself, or one for each inflection of its verbs."""
    if "verb" not in written:
        return [written]
    plain = {key: value for key, value in written.items() if key != "verb"}
    return [
        plain | {"id": f"{written['id']}.{form}", "sides": [[_verb(phrase, form) for phrase in side] for side in written["sides"]]}
        for form in written["verb"]
    ]


def close(rows: list[dict[str, Any]], lists: dict[str, str]) -> bool:
    """Makes guards blind to the variants of other classes; whether one had to change.

    Where a guard names one variant, the others come in; where it only has an ending that matches one, all of them go out.
    """
    classes = read(rows, lists)
    by_id = {row["id"]: row for row in rows}
    for cls in filter(sounds_mixed, classes):
        _add(by_id[cls.id], "not_before", {"a", "an"})
    seen = list(sighted(classes))
    for cls, place, other in seen:
        guard, firsts = cls.behind[place], {variant.split(" ")[0] for variant in other.variants}
        known = guard.only.words if guard.only else frozenset()
        wanted = bool(firsts & known) and not firsts & guard.never.words and not firsts <= known
        _add(by_id[cls.id], (("not_after", "not_then"), ("after", "then"))[wanted][place], firsts)
    return bool(seen)


def read(rows: list[dict[str, Any]], lists: dict[str, str]) -> tuple[SlotClass, ...]:
    """The classes as they would be loaded."""
    return named([slot_class(msgspec.convert(row, Row), lists) for row in rows])


def document(rows: list[dict[str, Any]], lists: dict[str, str]) -> str:
    """The file: one list a line, one class a line, so that a change is read as a change of lines."""
    head = "\n".join(f'"{key}": {json.dumps(value)},' for key, value in HEAD.items())
    named_lists = ",\n".join(f"  {json.dumps(name)}: {json.dumps(words)}" for name, words in sorted(lists.items()))
    classes = ",\n".join(f"  {json.dumps(row)}" for row in sorted(rows, key=lambda row: row["id"]))
    return f'{{\n{head}\n"lists": {{\n{named_lists}\n}},\n"classes": [\n{classes}\n]\n}}\n'


def _add(row: dict[str, Any], guard: str, words: set[str]) -> None:
    row[guard] = " ".join(dict.fromkeys([*row.get(guard, "").split(), *sorted(words)]))


def _verb(phrase: str, form: str) -> str:
    first, _, rest = phrase.partition(" ")
    return f"{first if form == 'vb' else getInflection(first, form.upper())[0]} {rest}".strip()


if __name__ == "__main__":
    main()
