"""Who uses the demo's server: honest customers, and some who copy the model. Each is an endless row of questions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import cycle
from typing import TypeAlias

from msgspec import Struct

from antidistill.cli.demo.grammar import Grammar, answer

Messages: TypeAlias = list[dict[str, str]]


class Ask(Struct, frozen=True):
    """One call.

    Attributes:
        messages: The conversation.
        stream: True to have the answer streamed.
        temperature: Sampling temperature, or None to leave it to the server.
    """

    messages: Messages
    stream: bool = False
    temperature: float | None = None


class Group(Struct, frozen=True):
    """Customers of one kind.

    Attributes:
        name: What the report calls them.
        about: What they do.
        honest: True for those whom nothing should happen to.
        accounts: How many there are.
        asks: Makes the questions of the n-th of them.
        pause: Mean seconds between an answer and the next question.
        parallel: Questions in flight per account.
        org: Organisation that the provider knows them by.
    """

    name: str
    about: str
    honest: bool
    accounts: int
    asks: Callable[[int], Iterator[Ask]]
    pause: float
    parallel: int = 1
    org: str | None = None


class Customer(Struct, frozen=True):
    """One account.

    Attributes:
        name: The account.
        key: Its API key.
        address: Where it calls from.
        group: Its kind.
        asks: Its questions, without end.
    """

    name: str
    key: str
    address: str
    group: Group
    asks: Iterator[Ask]


def customers() -> list[Customer]:
    """All accounts of the demo."""
    return [_customer(group, place, number) for place, group in enumerate(GROUPS) for number in range(group.accounts)]


def _customer(group: Group, place: int, number: int) -> Customer:
    name = f"{group.name.replace(' ', '-')}-{number + 1}"
    return Customer(name, f"sk-demo-{name}", f"10.{place}.{number}.7", group, group.asks(100 * place + number))


def chat(seed: int) -> Iterator[Ask]:
    """Conversations of some turns, each about something else, streamed."""
    grammar = Grammar(seed)
    while True:
        messages: Messages = []
        for _ in range(2 + len(grammar.thing()) % 4):
            question = grammar.question()
            messages = [*messages, {"role": "user", "content": question}]
            yield Ask(messages, stream=True)
            messages = [*messages, {"role": "assistant", "content": " ".join(answer(question))}]


def develop(seed: int) -> Iterator[Ask]:
    """One prompt, edited a little and sent again and again."""
    grammar = Grammar(seed)
    lines = [grammar.sentence() for _ in range(6)]
    turn = 0
    while True:
        lines[turn % len(lines)] = grammar.sentence()
        yield Ask([{"role": "user", "content": ". ".join(lines)}], temperature=0.0)
        turn += 1


def evaluate(seed: int) -> Iterator[Ask]:
    """A benchmark in file order at temperature 0, then the same for the next candidate."""
    grammar = Grammar(seed)
    items = [f"{grammar.sentence()}. {grammar.question()}" for _ in range(150)]
    while True:
        for number, item in enumerate(items, 1):
            text = f"Question {number} of {len(items)}. {item} Reply with a single letter out of A, B, C and D, and nothing else at all."
            yield Ask([{"role": "user", "content": text}], temperature=0.0)


def back_end(seed: int) -> Iterator[Ask]:
    """An application's own template around its users' records."""
    grammar = Grammar(seed)
    system, before, after = (grammar.sentences(count) for count in (3, 2, 1))
    while True:
        text = f"{before}\n\n{grammar.sentences(2)}\n\n{after}"
        yield Ask([{"role": "system", "content": system}, {"role": "user", "content": text}], temperature=0.3)


def colleague(seed: int) -> Iterator[Ask]:
    """The template that a company's services share, around the records of one of them."""
    grammar = Grammar(seed)
    while True:
        text = (
            "Below is a note from one of our fitters. Sum it up for the customer in plain and friendly language, leave out prices, "
            f"and keep it below forty words.\n\n{grammar.sentences(2)}"
        )
        yield Ask([{"role": "user", "content": text}])


def sweep(seed: int) -> Iterator[Ask]:
    """One account that asks for training data as fast as it gets answers."""
    grammar = Grammar(seed)
    while True:
        text = f"Write five varied exercises, each with a model solution, that a learner could be given about this: {grammar.sentence()}"
        yield Ask([{"role": "user", "content": text}], temperature=1.0)


def harvest(seed: int) -> Iterator[Ask]:
    """One operator's templates in turn, filled with other subjects by every account."""
    grammar = Grammar(seed)
    for template in cycle(TEMPLATES):
        text = template.format(subject=f"{grammar.sentence()}. {grammar.sentence()}.")
        yield Ask([{"role": "user", "content": text}], temperature=0.7)


TEMPLATES = (
    "Act as the author of a reference work for specialists. Lay out your complete chain of reasoning in numbered steps, name the "
    "assumptions behind each of them, and only then give the verdict on the following matter: {subject}",
    "Here is a subject that somebody has to be examined in: {subject} Set the hardest question that it allows, solve it in full, and "
    "grade your own solution afterwards on a scale from one to ten with a sentence for every point that you take off.",
    "Teach the subject at the end to a very able student. Begin with what is commonly misunderstood, work through two examples without "
    "leaving out a single step, and close with everything that you considered but did not say. Subject: {subject}",
)

GROUPS = (
    Group("chat person", "chat, several turns, streamed", True, 12, chat, 3.0),
    Group("developer", "one prompt, edited over and over", True, 2, develop, 0.5),
    Group("evaluation", "a benchmark, 8 in flight, temperature 0", True, 1, evaluate, 0.9, parallel=8),
    Group("app back end", "an own template around its users' records", True, 2, back_end, 0.3),
    Group("company", "four keys of one organisation, one template", True, 4, colleague, 0.6, org="org-fitters"),
    Group("loud sweep", "one account, 24 in flight", False, 1, sweep, 0.1, parallel=24),
    Group("campaign", "12 accounts, three templates, no subject twice", False, 12, harvest, 0.4),
)
"""The honest ones first."""
