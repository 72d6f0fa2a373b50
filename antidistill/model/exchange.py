"""What comes in and what goes out."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from antidistill.model.words import BodyState


class Request(Struct, frozen=True, gc=False):
    """One HTTP request or websocket handshake as it arrived, before anything is made of it.

    Attributes:
        id: Identifier of the exchange, unique in a deployment.
        ts: Unix seconds at which it arrived.
        method: HTTP method; `WEBSOCKET` for a websocket handshake.
        path: Full path, as the server saw it.
        headers: Lower-cased names and values, in the order received.
        peer: Address of the socket peer, or None where the server does not tell.
        principal: The account that the host authenticated before us.
        attributes: Facts about the account that the host itself attests.
        attested: True where a trusted edge vouches for peer and headers (a replayed log).
        body: The body, or as much as was read.
        body_state: How far the body could be read.
    """

    id: str
    ts: float
    method: str
    path: str
    headers: tuple[tuple[bytes, bytes], ...] = ()
    peer: str | None = None
    principal: str | None = None
    attributes: Mapping[str, str] = {}
    attested: bool = False
    body: bytes = b""
    body_state: BodyState = "none"

    def header(self, name: bytes) -> bytes:
        """Value of the first header of that name (lower case), or nothing."""
        return next((value for key, value in self.headers if key == name), b"")


class Subject(Struct, frozen=True, gc=False):
    """Who a request is counted for.

    Attributes:
        account: Billing identity, or None where the request names none. Never holds a credential.
        others: Further accounts that the request presents secrets of. Which one the host goes by is unknown, so all are charged.
        fingerprint: Likeness of the client family (never a person).
        network: `/32` of an IPv4 or `/64` of an IPv6 address, as a keyed id.
        proven: True once the host, a trusted peer or an earlier answer confirmed the account.
        attributes: Facts about the account from trusted sources only.
    """

    account: str | None
    fingerprint: str
    network: str
    proven: bool = False
    attributes: Mapping[str, str] = {}
    others: tuple[str, ...] = ()


NOBODY = Subject(None, "", "")
"""The subject of a request that names no account."""


class Turn(Struct, frozen=True, gc=False):
    """One message of a conversation: its role and its text."""

    role: str
    text: str


class Call(Struct, frozen=True, gc=False):
    """What a dialect read from a request: the call to the model, whatever API shape it came in.

    Attributes:
        dialect: Name of the dialect, such as `openai.chat`.
        model: Model asked for, or an empty string.
        system: System text, or an empty string.
        turns: The conversation without system text, oldest first.
        stream: True where the client asked for a stream. The answer's content type decides what it gets.
        max_tokens: Output tokens allowed by the client; None where it set no usable bound.
        n: Answers asked for.
        temperature: Sampling temperature, where given.
        top_p: Nucleus, where given.
        seed: Sampling seed, where given.
        logprobs: True where log-probabilities are asked for.
        top_logprobs: Alternatives per token asked for.
        biased: True where the call carries a logit bias.
        structured: True where a JSON schema or JSON mode is asked for.
        tools: Names of the tools offered.
        sub_identity: End user that the client claims to act for: evidence, never an account.
        input_tokens: Estimate of the input, about four bytes a token.
    """

    dialect: str
    model: str = ""
    system: str = ""
    turns: tuple[Turn, ...] = ()
    stream: bool = False
    max_tokens: int | None = None
    n: int = 1
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    logprobs: bool = False
    top_logprobs: int = 0
    biased: bool = False
    structured: bool = False
    tools: tuple[str, ...] = ()
    sub_identity: str | None = None
    input_tokens: int = 0

    @property
    def prompt(self) -> str:
        """Text of the last user turn: what is asked now."""
        return next((turn.text for turn in reversed(self.turns) if turn.role == "user"), "")


class Usage(Struct, frozen=True, gc=False):
    """Tokens of an exchange; `estimated` where the host did not report them."""

    input_tokens: int = 0
    output_tokens: int = 0
    estimated: bool = False


class Answer(Struct, frozen=True, gc=False):
    """What the host answered, as far as it left the server.

    Attributes:
        status: HTTP status; 0 where no answer began.
        usage: Tokens, or None where the body was not read by a dialect.
        streamed: True for an SSE answer.
        complete: False where client or host broke it off.
        duration: Seconds from the request to the end of the answer.
        ours: True for a refusal of our own, which never reached the host.
    """

    status: int
    usage: Usage | None = None
    streamed: bool = False
    complete: bool = True
    duration: float = 0.0
    ours: bool = False


class Reply(Struct, frozen=True, gc=False):
    """A complete response of our own: status, headers, body."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


class Exchange(Struct, frozen=True, gc=False):
    """One finished exchange on its way to the assessment loop. Holds text: lives in memory only, and briefly."""

    request: Request
    subject: Subject
    call: Call | None
    answer: Answer
