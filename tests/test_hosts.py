"""Hosts as their users run them: FastAPI, and what vLLM's loader asks of a middleware."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import httpx2
import openai
import pytest
from fastapi import BackgroundTasks, Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import StreamingResponse
from fastapi.security import HTTPBearer
from pydantic import BaseModel
from starlette.authentication import AuthCredentials, AuthenticationBackend, SimpleUser
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse

from antidistill import AntiDistillMiddleware
from antidistill.model import Exchange
from tests.models import WORDS, chat_answer, chat_chunks
from tests.wire import App, served

CHAT = "/v1/chat/completions"
ASK: Any = [{"role": "user", "content": "hello"}]
CALL = {"model": "m", "messages": ASK}
ONE_EACH = {
    "version": 1,
    "mode": "enforce",
    "quotas": [{"id": "one", "per": "account", "limit": "1/day", "burst": 1, "unit": "requests"}],
}


def headers(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def post(url: str, key: str = "good", path: str = CHAT, **more: Any) -> httpx2.Response:
    return httpx2.post(url + path, json={**CALL, **more}, headers=headers(key))


# --- FastAPI ---------------------------------------------------------------------------------------------------------

KEYS = {"good", "better"}
bearer = HTTPBearer()


class Body(BaseModel):
    model: str
    messages: list[dict[str, str]]
    stream: bool = False


def authenticate(credentials: Annotated[Any, Depends(bearer)]) -> None:
    if credentials.credentials not in KEYS:
        raise HTTPException(401, "Invalid API key")


def fastapi_server() -> FastAPI:
    """Chat completions as people write them: validated, authenticated by a dependency, with a lifespan and a task afterwards."""

    @asynccontextmanager
    async def live(app: FastAPI) -> AsyncIterator[None]:
        app.state.log = ["started"]
        yield
        app.state.log.append("ended")

    app = FastAPI(lifespan=live)

    @app.post(CHAT, dependencies=[Depends(authenticate)], response_model=None)
    async def chat(body: Body, tasks: BackgroundTasks) -> Response | dict[str, Any]:
        tasks.add_task(app.state.log.append, "answered")
        if body.stream:
            return StreamingResponse(iter(chat_chunks(body.model, WORDS)), media_type="text/event-stream")
        return chat_answer(body.model, WORDS)

    @app.get("/whoami")
    async def whoami(request: Request) -> dict[str, Any]:
        return {"account": request.state.antidistill["account"]}

    return app


def guarded(policy: Any = None, **options: Any) -> FastAPI:
    app = fastapi_server()
    app.add_middleware(AntiDistillMiddleware, policy=policy, **options)
    return app


@pytest.mark.parametrize(
    ("key", "body"),
    [("good", {}), ("good", {"stream": True}), ("bad", {}), ("good", {"messages": 7}), ("good", {"model": None})],
    ids=["json", "sse", "unauthorised", "unprocessable", "half-filled"],
)
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_fastapi_in_shadow_mode_answers_as_it_does_alone(key: str, body: dict[str, Any], packed: bool) -> None:
    apps = [fastapi_server(), fastapi_server()]
    for app in apps:
        if packed:
            app.add_middleware(GZipMiddleware, minimum_size=10)
    apps[1].add_middleware(AntiDistillMiddleware)
    answers = []
    for app in apps:
        with served(app) as url:
            answers.append(post(url, key, **body))
    bare, watched = answers
    assert (watched.status_code, watched.content) == (bare.status_code, bare.content)
    assert {**watched.headers, "date": ""} == {**bare.headers, "date": ""}


def test_fastapi_s_lifespan_and_background_tasks_run() -> None:
    app = guarded()
    with served(app) as url:
        post(url)
    assert app.state.log == ["started", "answered", "ended"]


def test_openai_s_client_meets_a_quota_on_fastapi_as_its_own_error() -> None:
    with served(guarded(ONE_EACH)) as url, openai.OpenAI(api_key="good", base_url=f"{url}/v1", max_retries=0) as client:
        assert client.chat.completions.create(model="m", messages=ASK).choices[0].message.content == " ".join(WORDS)
        with pytest.raises(openai.RateLimitError):
            client.chat.completions.create(model="m", messages=ASK)


def test_a_key_that_fastapi_rejects_is_no_account() -> None:
    with served(guarded(ONE_EACH)) as url:
        assert [post(url, key).status_code for key in ("bad", "bad", "good", "good", "better")] == [401, 401, 200, 429, 200]


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("stream", [False, True], ids=["json", "sse"])
def test_the_usage_that_fastapi_reports_is_what_is_counted(stream: bool, packed: bool) -> None:
    seen: list[Exchange] = []
    app = fastapi_server()
    if packed:
        app.add_middleware(GZipMiddleware, minimum_size=10)
    guard = AntiDistillMiddleware(app)
    guard.guard._learn = seen.append  # type: ignore[assignment]
    with served(guard) as url:
        post(url, stream=stream)
    usage = seen[0].answer.usage
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens, usage.estimated) == (5, len(WORDS), False)


def test_an_endpoint_reads_the_account_from_its_request_state() -> None:
    with served(guarded()) as url:
        account = httpx2.get(f"{url}/whoami", headers=headers("good")).json()["account"]
    assert account.startswith("acct_")


class Sessions(AuthenticationBackend):
    """Knows users by a cookie."""

    async def authenticate(self, conn: HTTPConnection) -> tuple[AuthCredentials, SimpleUser] | None:
        name = conn.cookies.get("session")
        return (AuthCredentials(), SimpleUser(name)) if name else None


def test_authentication_that_is_added_after_us_names_the_account() -> None:
    app = guarded(ONE_EACH)
    app.add_middleware(AuthenticationMiddleware, backend=Sessions())  # what is added last is outermost
    with served(app) as url:
        asks = [
            httpx2.post(url + CHAT, json=CALL, headers={**headers("good"), "cookie": f"session={name}"}) for name in ("ada", "ada", "bob")
        ]
    assert [answer.status_code for answer in asks] == [200, 429, 200]


def test_a_preflight_is_answered_by_cors_that_is_added_after_us() -> None:
    app = guarded({"version": 1, "mode": "enforce", "unmatched": "deny"})
    app.add_middleware(CORSMiddleware, allow_origins=["https://chat.example"], allow_methods=["POST"], allow_headers=["*"])
    ask = {"origin": "https://chat.example", "access-control-request-method": "POST"}
    with served(app) as url:
        answer = httpx2.options(url + CHAT, headers=ask)
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, "https://chat.example")


def test_behind_a_root_path_the_routes_are_found() -> None:
    app = guarded({"version": 1, "mode": "enforce", "unmatched": "deny"})
    with served(app, root_path="/tenant") as url:
        assert post(url).status_code == 200  # uvicorn puts the root path before the path


@pytest.mark.parametrize(("rewritten", "org"), [(False, "acme"), (True, None)], ids=["peer-kept", "peer-rewritten-by-uvicorn"])
def test_trusted_proxies_need_the_peer_that_uvicorn_hides_behind_proxy_headers(rewritten: bool, org: str | None) -> None:
    seen: list[Exchange] = []
    identity = {"trusted_proxies": ["127.0.0.1"], "attributes": {"org": "header:x-org-id"}}
    guard = AntiDistillMiddleware(fastapi_server(), policy={"version": 1, "identity": identity})
    guard.guard._learn = seen.append  # type: ignore[assignment]
    with served(guard, proxy_headers=rewritten) as url:
        httpx2.post(url + CHAT, json=CALL, headers={**headers("good"), "x-forwarded-for": "203.0.113.9", "x-org-id": "acme"})
    assert seen[0].subject.attributes.get("org") == org


# --- vLLM ------------------------------------------------------------------------------------------------------------


def load_like_vllm(app: FastAPI, path: str) -> None:
    """What `--middleware` does with an import path: classes are added without arguments, coroutine functions wrapped."""
    module, _, name = path.rpartition(".")
    found: Any = getattr(import_module(module), name)
    if inspect.isclass(found):
        app.add_middleware(found)  # type: ignore[arg-type]
    elif inspect.iscoroutinefunction(found):
        app.middleware("http")(found)
    else:
        raise ValueError(f"{path} is neither a class nor a coroutine function")


class VllmAuthentication:
    """Like vLLM's: bearer only, and only below /v1."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        known = dict(scope.get("headers", ())).get(b"authorization") == b"Bearer good"
        if scope["type"] == "http" and scope["path"].startswith("/v1") and not known:
            await JSONResponse({"error": "Unauthorized"}, 401)(scope, receive, send)
        else:
            await self.app(scope, receive, send)


@pytest.fixture
def vllm_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    (tmp_path / "policy.yaml").write_text(
        "version: 1\nmode: enforce\nquotas: [{id: one, per: account, limit: 1/day, burst: 1, unit: requests}]\n"
    )
    monkeypatch.setenv("ANTIDISTILL_POLICY", str(tmp_path / "policy.yaml"))
    app = FastAPI()
    app.post(CHAT)(lambda: chat_answer("m", WORDS))
    app.add_middleware(VllmAuthentication)
    load_like_vllm(app, "antidistill.vllm.Middleware")
    return app


def test_vllm_s_loader_mounts_us_outside_its_authentication(vllm_server: FastAPI) -> None:
    with served(vllm_server) as url:
        assert [post(url, key).status_code for key in ("bad", "bad", "bad", "good", "good")] == [401, 401, 401, 200, 429]


def test_vllm_s_side_door_without_a_key_can_be_closed() -> None:
    app = FastAPI()
    app.post("/invocations")(lambda: chat_answer("m", WORDS))
    rules = [{"id": "no-side-door", "when": {"request.path": "/invocations"}, "then": ["deny"]}]
    app.add_middleware(AntiDistillMiddleware, policy={"version": 1, "mode": "enforce", "rules": rules})
    with served(app) as url:
        assert post(url, path="/invocations").status_code == 403
