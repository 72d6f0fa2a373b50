from __future__ import annotations

import pytest

from antidistill.dialects import BUILT_IN, OpenAIChat, Routes
from antidistill.errors import PluginError


@pytest.fixture(scope="module")
def routes():
    return Routes(BUILT_IN)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1/chat/completions", "openai.chat"),
        ("/chat/completions", "openai.chat"),
        ("/openai/deployments/gpt/chat/completions", "openai.chat"),
        ("/prefix/v1/messages", "anthropic.messages"),
        ("/v1/responses", "openai.responses"),
        ("/v1/completions", "openai.completions"),
        ("/v1/embeddings", "openai.embeddings"),
        ("//v1///chat//completions", "openai.chat"),
        ("/v1/chat/completions/", "openai.chat"),
        ("/v1/messages///", "anthropic.messages"),
    ],
)
def test_a_path_finds_its_dialect(routes, path, name):
    assert routes.match("POST", path).name == name


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/v1",
        "completions",
        "/responses/abc/cancel",
        "/messages",
        "/v1/messages/count_tokens",
        "/xcompletions",
        "/v1/models",
    ],
)
def test_a_path_that_only_resembles_one_finds_nothing(routes, path):
    assert routes.match("POST", path) is None


@pytest.mark.parametrize("method", ["GET", "OPTIONS", "WEBSOCKET", "post"])
def test_only_post_calls_a_model(routes, method):
    assert routes.match(method, "/v1/chat/completions") is None


class Longer(OpenAIChat):
    name = "longer"
    suffixes: tuple[str, ...] = ("/batch/chat/completions",)


class Rival(OpenAIChat):
    name = "rival"


def test_the_longest_suffix_wins():
    chat, longer = OpenAIChat(), Longer()
    routes = Routes([chat, longer])
    assert routes.match("POST", "/v1/batch/chat/completions") is longer
    assert routes.match("POST", "/v1/chat/completions") is chat


def test_two_dialects_on_one_path_are_refused():
    with pytest.raises(PluginError, match=r"openai\.chat and rival both claim paths that end in /chat/completions"):
        Routes([OpenAIChat(), Rival()])


def test_no_dialects_match_nothing():
    assert Routes([]).match("POST", "/v1/chat/completions") is None
