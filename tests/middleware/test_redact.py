"""`redact` and `challenge`, from the policy to what the client gets."""

from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from antidistill import AntiDistillMiddleware
from tests.models import model_server
from tests.wire import Message, body_of, headers_of, http_scope, status_of, talk

ASK = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}], "logprobs": True, "top_logprobs": 5}).encode()


def policy(then: list[Any], mode: str = "enforce", **sections: Any) -> dict[str, Any]:
    return {"version": 1, "mode": mode, "rules": [{"id": "r", "when": {"request.guarded": True}, "then": then}], **sections}


def host(asked: list[bytes]) -> Starlette:
    """A host that sends log-probabilities unasked."""

    async def chat(request: Request) -> Response:
        asked.append(await request.body())
        return JSONResponse({"choices": [{"message": {"content": "yes"}, "logprobs": {"content": [{"token": "yes", "logprob": -0.1}]}}]})

    return Starlette(routes=[Route("/v1/chat/completions", chat, methods=["POST"])])


def ask(then: list[Any], mode: str = "enforce", body: bytes = ASK, **sections: Any) -> tuple[list[Message], bytes]:
    asked: list[bytes] = []
    sent = talk(AntiDistillMiddleware(host(asked), policy=policy(then, mode, **sections)), http_scope(), [body])
    return sent, b"".join(asked)


@pytest.mark.parametrize("parameters", [["logprobs"], {"fields": ["logprobs"]}], ids=["list", "mapping"])
def test_the_client_gets_no_log_probabilities_and_the_host_is_not_asked_for_any(parameters: Any) -> None:
    sent, asked = ask([{"redact": parameters}])
    assert json.loads(body_of(sent)) == {"choices": [{"message": {"content": "yes"}, "logprobs": None}]}
    assert int(headers_of(sent)[b"content-length"]) == len(body_of(sent))
    assert json.loads(asked) == {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


def test_a_cap_holds_beside_it() -> None:
    _, asked = ask([{"redact": ["logprobs"]}, {"cap": {"max_tokens": 5}}])
    assert json.loads(asked)["max_tokens"] == 5
    assert "logprobs" not in json.loads(asked)


def test_a_body_that_cannot_be_read_is_left_and_its_answer_is_not() -> None:
    sent, asked = ask([{"redact": ["logprobs"]}], body=b"{")
    assert asked == b"{"
    assert json.loads(body_of(sent))["choices"][0]["logprobs"] is None


def test_shadow_mode_redacts_nothing() -> None:
    sent, asked = ask([{"redact": ["logprobs"]}], "shadow")
    assert asked == ASK
    assert b"-0.1" in body_of(sent)


def test_what_was_redacted_is_told() -> None:
    events: list[Any] = []
    app = AntiDistillMiddleware(host([]), policy=policy([{"redact": ["logprobs"]}]), hooks=[events.append])
    talk(app, http_scope(), [ASK])
    assert [(event.action, event.effect, event.detail) for event in events] == [("redact", "restrict", {"fields": ["logprobs"]})]


def test_a_challenge_says_how_to_go_on() -> None:
    sent = talk(AntiDistillMiddleware(model_server(), policy=policy([{"challenge": {}}])), http_scope(), [ASK])
    assert status_of(sent) == 401
    assert headers_of(sent)[b"www-authenticate"].startswith(b'Bearer error="insufficient_user_authentication"')
    assert headers_of(sent)[b"x-should-retry"] == b"false"
    assert json.loads(body_of(sent))["error"]["code"] == "reauthentication_required"


def test_a_challenge_may_be_worded_by_the_operator_and_be_a_problem() -> None:
    parameters = {"status": 403, "message": "Sign in at example.com.", "authenticate": "Bearer"}
    app = AntiDistillMiddleware(model_server(), policy=policy([{"challenge": parameters}], errors="problem"))
    sent = talk(app, http_scope("/v1/messages"), [ASK])
    body = json.loads(body_of(sent))
    assert (status_of(sent), headers_of(sent)[b"www-authenticate"]) == (403, b"Bearer")
    assert headers_of(sent)[b"content-type"] == b"application/problem+json"
    assert (body["status"], body["detail"], body["error"]["type"]) == (403, "Sign in at example.com.", "authentication_error")


def test_a_challenge_of_ours_takes_no_proof_away() -> None:
    rules = [{"id": "r", "when": {"proven": True}, "then": [{"challenge": {}}]}]
    app = AntiDistillMiddleware(model_server(), policy={"version": 1, "mode": "enforce", "rules": rules})
    scope = http_scope(headers={"authorization": "Bearer sk-good"})
    assert [status_of(talk(app, dict(scope), [ASK])) for _ in range(3)] == [200, 401, 401]
