from __future__ import annotations

import sys
from pathlib import Path

import pytest

from antidistill.cli import main

POLICIES = Path(__file__).parent.parent / "policies"

APP = """
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route, WebSocketRoute


async def answer(request):
    return PlainTextResponse("")


async def talk(websocket):
    pass


class Rank(HTTPEndpoint):
    async def post(self, request):
        return PlainTextResponse("")


class Look(HTTPEndpoint):
    async def get(self, request):
        return PlainTextResponse("")


inner = Starlette(routes=[Route("/chat/completions", answer, methods=["POST"]), Route("/upload", answer, methods=["POST"])])
app = Starlette(
    routes=[
        Mount("/v1", inner),
        Route("/health", answer),
        Route("/rank", Rank),
        Route("/look", Look),
        WebSocketRoute("/realtime", talk),
        Mount("/files", answer),
    ]
)
guarded = Starlette(routes=[Route("/v1/messages", answer, methods=["POST"])])


class Wrapped:
    def __init__(self, app):
        self.app = app


wrapped = Wrapped(app)
looping = Starlette(routes=[])
looping.mount("/again", looping)
"""


@pytest.fixture
def app(tmp_path, monkeypatch):
    """The name of a module with apps, importable from the working directory."""
    name = f"app_of_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(APP)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return name


def test_a_good_policy_is_summed_up(capsys):
    path = str(POLICIES / "good" / "full.yaml")
    assert main(["check", path]) == 0
    assert capsys.readouterr().out == (
        f"{path} is fine: mode shadow, 4 quotas, 5 rules, 0 warnings. "
        "Shadow mode records what would be done and changes nothing; 1 of 9 quotas and rules enforce.\n"
    )


def test_without_a_policy_the_built_in_one_is_checked(capsys):
    assert main(["check"]) == 0
    assert capsys.readouterr().out.startswith("default.yaml is fine: mode shadow, ")


def test_a_bad_policy_fails_with_every_mistake(capsys, monkeypatch):
    monkeypatch.chdir(POLICIES / "bad")
    assert main(["check", "wrong-type.yaml"]) == 1
    assert capsys.readouterr().out == (POLICIES / "bad" / "wrong-type.expected").read_text()


def test_warnings_are_told_and_do_not_fail(capsys, monkeypatch):
    monkeypatch.chdir(POLICIES / "bad")
    assert main(["check", "one-family.yaml"]) == 0
    warning, summary = capsys.readouterr().out.splitlines()
    assert warning + "\n" == (POLICIES / "bad" / "one-family.expected").read_text()
    assert "1 rule, 1 warning." in summary


def test_a_policy_that_is_not_there_fails(capsys):
    assert main(["check", "nowhere.yaml"]) == 1
    assert capsys.readouterr().out.startswith("nowhere.yaml AD001 ")


UNREAD = """\
POST /v1/upload is read by no dialect
POST /rank is read by no dialect
WEBSOCKET /realtime is read by no dialect
3 routes without a dialect; with unmatched: meter, quotas on requests count them, but nothing in them is read.
"""


@pytest.mark.parametrize("name", ["app", "wrapped"])
def test_routes_that_no_dialect_reads_are_listed(name, app, capsys):
    assert main(["check", "--app", f"{app}:{name}"]) == 0
    assert capsys.readouterr().out.endswith("enforce.\n" + UNREAD)


def test_an_app_that_is_guarded_as_a_whole_is_told_so(app, capsys):
    assert main(["check", "--app", f"{app}:guarded"]) == 0
    assert capsys.readouterr().out.endswith(f"Every POST and websocket route of {app}:guarded is read by a dialect.\n")


def test_routes_of_fastapi_and_its_routers_are_found(tmp_path, monkeypatch, capsys):
    pytest.importorskip("fastapi")
    name = f"fast_of_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(
        "from fastapi import APIRouter, FastAPI\n"
        "app, router = FastAPI(), APIRouter(prefix='/v2')\n"
        "@router.post('/rerank')\ndef rerank(): ...\n"
        "@router.websocket('/live')\nasync def live(websocket): ...\n"
        "app.include_router(router, prefix='/api')\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    assert main(["check", "--app", f"{name}:app"]) == 0
    out = capsys.readouterr().out
    assert "POST /api/v2/rerank is read by no dialect" in out
    assert "WEBSOCKET /api/v2/live is read by no dialect" in out


def test_an_app_that_mounts_itself_is_walked_once(app):
    assert main(["check", "--app", f"{app}:looping"]) == 0


@pytest.mark.parametrize("target", ["no_such_module:app", "sys:no_such_app", "sys", ":app", "sys:"])
def test_an_app_that_cannot_be_found_fails_and_says_what_to_write(target, capsys):
    assert main(["check", "--app", target]) == 1
    assert "MODULE:APP" in capsys.readouterr().err


def test_an_app_that_fails_to_start_fails_without_a_traceback(tmp_path, monkeypatch, capsys):
    name = f"broken_of_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text("raise RuntimeError('no database')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    assert main(["check", "--app", f"{name}:app"]) == 1
    assert "RuntimeError: no database" in capsys.readouterr().err
