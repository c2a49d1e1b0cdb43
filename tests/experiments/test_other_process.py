"""The same calls in another process: what comes back, what cannot be taken along, and what becomes of a child that dies or hangs."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import time
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pytest
import requests

from pytest_agentready.experiments import other_process
from pytest_agentready.experiments.other_process import There, elsewhere
from pytest_agentready.experiments.other_side import canonical
from pytest_agentready.world import Response
from pytest_agentready.world.granted import Grant, granted
from tests.examining import as_tool

APPROVED: dict[str, bool] = {}
CURRENT_USER: ContextVar[str] = ContextVar("current_user")
MAIL = {"to": "ada@example.com", "body": "It is on its way."}


def approve(to: str, body: str) -> None:
    APPROVED[f"{to}:{hash(body)}"] = True


def send(to: str, body: str) -> str:
    if not APPROVED.pop(f"{to}:{hash(body)}", False):
        return "refused"
    return str(requests.post("https://mail.example.com/send", json={"to": to, "body": body}, timeout=5).json()["id"])


def tags() -> list[str]:
    return list({"red", "green", "blue", "white", "black"})


def whoever() -> str:
    return CURRENT_USER.get()


def process() -> int:
    return os.getpid()


def today() -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.gmtime())


def hang() -> None:
    while True:
        pass


class Desk:
    def book(self, seat: str) -> str:
        return f"{seat} for {os.getpid()}"


desk = Desk()
short = functools.partial(send, "ada@example.com")


def with_a_grant(function: Any) -> Any:
    function.grant = lambda **arguments: arguments["to"]
    return function


@with_a_grant
def post(to: str) -> str:
    return to


def there(call: Any, arguments: dict[str, Any], **facts: Any) -> There:
    return elsewhere(as_tool(call, {"args": arguments, **facts}), arguments)


def test_it_is_another_process_with_another_hash_seed_and_one_for_all_tools() -> None:
    first, second = there(process, {}), there(process, {})
    assert first.runs[0].value == second.runs[0].value != os.getpid()
    tool = as_tool(tags, {})
    orders = {elsewhere(tool, {}, hash_seed=seed).texts[0] for seed in (1, 2, 1)}
    assert len(orders) == 2


def write_down(text: str) -> str:
    with open(os.path.join(os.environ["NOTES"], "note.txt"), "a") as file:
        file.write(text)
    return subprocess.run(["true"], check=True).args[0]  # type: ignore[no-any-return]


@pytest.mark.skipif(os.name != "posix", reason="POSIX")
def test_it_may_do_what_a_run_may_do_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTES", str(tmp_path))
    with granted(Grant(programs=("true",), own=(str(tmp_path),)).of_an_examination()):
        found = there(write_down, {"text": "tea"})
    (run,) = found.runs
    assert run.value == "true"
    assert {(effect.kind, effect.refused) for effect in run.local_effects} == {("file", False), ("process", False)}
    assert list(tmp_path.iterdir()) == []


def test_the_confirmation_comes_first_and_what_it_keeps_comes_back() -> None:
    backend = {"POST https://mail.example.com/send": lambda request: {"id": len(request.body)}}  # a closure stays here, and is asked
    found = there(send, MAIL, confirm=approve, backend=backend)
    assert found.obstacle == ""
    assert found.texts[1] == "'54'"
    ((kept,), ()) = found.kept
    assert kept.place.endswith(".APPROVED")
    assert kept.item.startswith("'ada@example.com:")
    assert str(hash(MAIL["body"])) not in kept.item
    assert found.runs[1].requests[0].status == 200
    assert not APPROVED


def test_what_one_call_keeps_there_is_gone_before_the_next_tool_comes() -> None:
    assert there(send, MAIL, confirm=approve).runs[1].requests
    assert there(send, MAIL).texts == ("'refused'",)


def test_an_answer_that_is_no_json_comes_as_it_is() -> None:
    backend = {"POST https://mail.example.com/send": Response(503, body="<html>")}
    assert there(send, MAIL, confirm=approve, backend=backend).runs[1].requests[0].status == 503


def test_a_backend_that_raises_is_named() -> None:
    def broken(request: object) -> object:
        raise LookupError("no such mail")

    found = there(send, MAIL, confirm=approve, backend={"POST https://mail.example.com/send": broken})
    assert "the backend does not work: its 'POST https://mail.example.com/send' raised LookupError: no such mail" in found.obstacle


def test_the_user_of_a_context_variable_goes_along() -> None:
    token = CURRENT_USER.set("ada")
    try:
        assert there(whoever, {}, user=CURRENT_USER).texts == ("'ada'",)
    finally:
        CURRENT_USER.reset(token)


def test_nothing_is_imported_for_a_user_whom_a_module_at_hand_holds_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "zz_gate.py").write_text("from contextvars import ContextVar\nCURRENT = ContextVar('current')\n")
    (tmp_path / "an_agent.py").write_text("from zz_gate import CURRENT\n")
    (tmp_path / "zz_tools.py").write_text(
        "import sys\nfrom zz_gate import CURRENT\ndef look() -> list[str]:\n    return [CURRENT.get(), str('an_agent' in sys.modules)]\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    import an_agent  # type: ignore[import-not-found]
    import zz_tools  # type: ignore[import-not-found]

    token = an_agent.CURRENT.set("ada")
    assert there(zz_tools.look, {}, user=an_agent.CURRENT).texts == ("['ada', 'False']",)
    an_agent.CURRENT.reset(token)
    for name in ("an_agent", "zz_tools", "zz_gate"):
        del sys.modules[name]


def test_the_environment_and_the_directory_are_those_of_this_moment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SHOP", "oslo")
    monkeypatch.chdir(tmp_path)
    assert there(os.getcwd, {}).texts == (repr(str(tmp_path)),)
    assert there(os.getenv, {"key": "SHOP"}).texts == ("'oslo'",)


def test_the_dates_are_those_of_here() -> None:
    moment = 1_900_000_000.0
    assert elsewhere(as_tool(today, {}), {}, began=moment).texts == ("'2030-03-17 17:46'",)


def test_a_part_of_an_object_and_a_partial_have_names_too() -> None:
    assert there(desk.book, {"seat": "12A"}).texts[0].startswith("'12A for ")
    assert there(short, {"body": "x"}).texts == ("'refused'",)
    assert there(post.grant, {"to": "ada"}).texts == ("'ada'",)


def test_what_no_module_holds_cannot_be_imported_and_the_remedy_is_named() -> None:
    def local() -> None: ...

    found = there(local, {})
    assert found.obstacle.startswith("the tool is made inside another function, where another process cannot import it")
    assert "tool='shop.tools:send_email'" in found.obstacle
    assert "confirm=" in there(send, MAIL, confirm=lambda **_: None).obstacle


def test_a_partial_that_holds_what_cannot_be_taken_along_is_told_of_with_the_reason() -> None:
    found = there(functools.partial(send, lambda: "ada"), {"body": "x"})
    assert "a partial that no other process can be given, for what it holds (" in found.obstacle
    assert "lambda" in found.obstacle


def test_arguments_that_cannot_be_taken_along_are_an_obstacle() -> None:
    assert "its arguments cannot be taken to another process" in there(send, {"to": "ada", "body": (part for part in "x")}).obstacle


def test_a_child_that_dies_is_an_obstacle_and_the_next_call_has_a_new_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import os\nif 'LEAVE' in os.environ:\n    os._exit(7)\ndef look() -> None: ...\n"
    (tmp_path / "leaving_tools.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    import leaving_tools  # type: ignore[import-not-found]

    monkeypatch.setenv("LEAVE", "1")
    assert there(leaving_tools.look, {}).obstacle == "the other process ended by itself, with exit code 7"
    del sys.modules["leaving_tools"]
    monkeypatch.delenv("LEAVE")
    assert there(process, {}).obstacle == ""


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    assert there(process, {}).obstacle == ""
    child = other_process._child(other_process.SEED)
    monkeypatch.setattr(child, "_patience", 0.3)


def test_a_child_that_hangs_is_ended(impatient: None) -> None:
    child = other_process._child(other_process.SEED)
    assert there(hang, {}).obstacle == "the other process did not answer for 0.3 s, and was ended"
    assert child._process.returncode == -9


def test_a_module_of_another_folder_takes_the_place_of_one_of_the_same_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "some_shop_tools.py").write_text(f"def where() -> str:\n    return {folder!r}\n")
        monkeypatch.syspath_prepend(tmp_path / folder)
        sys.modules.pop("some_shop_tools", None)
        import some_shop_tools  # type: ignore[import-not-found]

        assert there(some_shop_tools.where, {}).texts == (repr(folder),)
    del sys.modules["some_shop_tools"]


def test_a_module_that_raises_in_the_child_alone_is_an_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shy_tools.py").write_text(
        "import os\nif 'SHY' in os.environ:\n    raise SystemExit('not here')\ndef look() -> None: ...\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    import shy_tools  # type: ignore[import-not-found]

    monkeypatch.setenv("SHY", "1")
    assert there(shy_tools.look, {}).obstacle == "in another process it raises SystemExit: not here"
    del sys.modules["shy_tools"]


def test_the_child_ends_with_the_session(tmp_path: Path) -> None:
    code = (
        "from tests.experiments.test_other_process import there, process\n"
        "from pytest_agentready.experiments import other_process\n"
        "there(process, {}); print(other_process._child(1)._process.pid)"
    )
    run = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert run.stderr == ""
    with pytest.raises(ProcessLookupError):
        os.kill(int(run.stdout), 0)


def test_the_order_of_a_list_is_told_and_that_of_a_set_is_not() -> None:
    assert canonical([2, 1]) != canonical([1, 2])
    assert canonical({"b", "a"}) == "{'a', 'b'}"
    assert canonical({"at": object()}) == "{'at': <object object>}"
