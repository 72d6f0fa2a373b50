"""Names to classes, built in and from other distributions."""

from __future__ import annotations

import pytest

from antidistill import AntiDistillMiddleware, PluginError, PolicyError, load_policy, plugins
from antidistill.actions import ACTIONS
from tests.conftest import Install
from tests.models import model_server

NOP = """
from typing import ClassVar
from msgspec import Struct
from antidistill.model import Notice

class Nop(Struct, frozen=True):
    name: ClassVar[str] = "nop"
    kind: ClassVar[str] = "observe"
    def problems(self): return ()
    def effect(self, facts, rule): return Notice("tag", {"nop": True})
"""


def test_every_built_in_action_is_found_by_its_name() -> None:
    assert {action.name: action for action in ACTIONS} == dict(plugins.actions())


def test_a_plugin_of_another_distribution_is_found(install: Install) -> None:
    install("acme", "antidistill.actions", "nop = acme_nop:Nop", NOP)
    assert plugins.actions()["nop"].kind == "observe"


def test_a_plugin_is_not_imported_before_its_name_is_used(install: Install) -> None:
    install("acme", "antidistill.actions", "broken = acme_broken:X", "raise RuntimeError('no')")
    assert "broken" in list(plugins.actions())


def test_a_plugin_that_cannot_be_imported_is_named_with_its_owner(install: Install) -> None:
    install("acme", "antidistill.actions", "broken = acme_broken:X", "raise RuntimeError('no')")
    with pytest.raises(PluginError, match=r"'broken' of acme cannot be imported .*repair or uninstall it"):
        plugins.actions()["broken"]


def test_a_name_published_twice_is_refused(install: Install) -> None:
    install("acme", "antidistill.actions", "nop = acme_nop:Nop", NOP)
    install("zeta", "antidistill.actions", "nop = zeta_nop:Nop", NOP)
    with pytest.raises(PluginError, match=r"'nop' is taken more than once \((acme, zeta|zeta, acme)\)"):
        plugins.actions()["nop"]


def test_a_built_in_name_cannot_be_taken(install: Install) -> None:
    install("acme", "antidistill.actions", "deny = acme_nop:Nop", NOP)
    with pytest.raises(PluginError, match="antidistill itself, acme"):
        plugins.actions()["deny"]


def test_an_unknown_name_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        plugins.actions()["no-such-action"]


DIALECT = """
from antidistill.dialects import OpenAIChat

class Acme(OpenAIChat):
    name = "acme.chat"
    suffixes = ("/acme/ask",)

acme = Acme()
"""


def test_a_dialect_that_the_policy_names_reads_its_routes(install: Install) -> None:
    install("acme", "antidistill.dialects", "acme.chat = acme_dialect:acme", DIALECT)
    named = AntiDistillMiddleware(model_server(), policy={"version": 1, "dialects": ["acme.chat"]})
    route = named.guard.route("POST", "/v1/acme/ask")
    assert route is not None
    assert route.name == "acme.chat"


def test_a_dialect_that_no_policy_names_is_not_imported(install: Install) -> None:
    install("acme", "antidistill.dialects", "acme.chat = acme_dialect:acme", "raise RuntimeError('imported')")
    assert AntiDistillMiddleware(model_server()).guard.route("POST", "/v1/acme/ask") is None


def test_a_policy_that_names_a_broken_plugin_does_not_load(install: Install) -> None:
    install("acme", "antidistill.dialects", "acme.chat = acme_dialect:acme", "raise RuntimeError('imported')")
    with pytest.raises(PolicyError, match=r"AD035 .*repair or uninstall it"):
        load_policy({"version": 1, "dialects": ["acme.chat"]})
