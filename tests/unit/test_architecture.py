"""The house stays as docs/architecture.md draws it: floors of imports, budgets of lines, who may know Invoke."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from statistics import median

import pytest

from tests.unit.fakes.apps import ROOT

FLOORS = [
    {"ground", "engine"},
    {"app"},
    {"images", "containers"},
    {"dev", "verify"},
    {"release", "housekeeping"},
]
"""The rooms of docktasks/, from the lowest floor up. `ground` are the modules that are in no room."""

FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}

KNOW_INVOKE = {"docktasks.runner", "docktasks.collection", "docktasks.app.session"}
"""Modules that import Invoke, in addition to those called `tasks`."""

MAX_FLOORS = 7
MAX_ROOMS = 8
MAX_TOP_LEVEL_ENTRIES = 18
MAX_MODULE_LINES = 250
MAX_TASKS_LINES = 150
MAX_TEST_LINES = 400
MAX_DOCKERFILE_LINES = 80
MAX_FUNCTION_LINES = 30
MAX_MEDIAN_BODY_LINES = 6
MAX_ROOM_LINES = 1_000
MAX_LINES = {"verify": 4_200}
"""Lines of a room that may have more than MAX_ROOM_LINES."""
MAX_LINES_IN_ALL = 10_750
"""Lines of docktasks/. The goal is 8,500."""


def tracked(*patterns: str) -> list[Path]:
    """The files that git tracks, or that are new, by patterns such as docktasks/*.py."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.splitlines() if (ROOT / name).is_file()]


def name_of(path: Path) -> str:
    """A module's dotted name."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@cache
def trees() -> dict[str, ast.Module]:
    """The syntax tree of every module of docktasks/, by its dotted name."""
    return {name_of(path): ast.parse(path.read_text()) for path in tracked("docktasks/**/*.py", "docktasks/*.py")}


def imported_names(tree: ast.AST) -> Iterator[str]:
    """Every name that a module imports, also inside functions and for types only."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imported_modules(tree: ast.AST) -> set[str]:
    """The modules of docktasks/ that a module imports, or imports names from."""
    return {
        name if name in trees() else name.rpartition(".")[0]
        for name in imported_names(tree)
        if name.partition(".")[0] == "docktasks"
    }


def room_of(module: str) -> str:
    """The room that a module is in, or ground."""
    parts = module.split(".")
    folder = ROOT / "docktasks" / parts[1] if len(parts) > 1 else ROOT
    return parts[1] if folder.is_dir() and len(parts) > 1 else "ground"


def functions() -> Iterator[tuple[str, ast.FunctionDef]]:
    """Every function of docktasks/, with a name for messages."""
    for module, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                yield f"{module}.{node.name}", node


def body_lines(function: ast.FunctionDef) -> int:
    """The lines of a function's body, without its docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def line_count(path: Path) -> int:
    """The lines of a file, blank lines and comments included."""
    return len(path.read_text().splitlines())


def test_every_room_is_drawn() -> None:
    """A new folder of docktasks/ gets a floor in this test, and a row in docs/architecture.md."""
    rooms = {room_of(module) for module in trees()} - {"ground"}
    assert rooms == FLOOR_OF.keys() - {"ground"}
    assert len(rooms) <= MAX_ROOMS
    page = (ROOT / "docs/architecture.md").read_text()
    assert [room for room in sorted(rooms) if f"| `{room}/` |" not in page] == []


def test_imports_run_down() -> None:
    """A module imports from its own room, and from rooms on lower floors."""
    for module, tree in trees().items():
        room = room_of(module)
        allowed = {other for other, floor in FLOOR_OF.items() if floor < FLOOR_OF.get(room, 0)} | {room, "ground"}
        imported = {room_of(other): other for other in imported_modules(tree) if other != "docktasks"}
        assert imported.keys() <= allowed, f"{module} imports {imported}"


def test_modules_import_each_other_in_no_circle() -> None:
    """Modules can be read one after the other, and stand on few floors."""
    graph = {module: imported_modules(tree) - {module} for module, tree in trees().items()}
    done: set[str] = set()
    while ready := {module for module, imported in graph.items() if module not in done and imported <= done}:
        done |= ready
    assert graph.keys() - done == set()


def test_rooms_stand_on_few_floors() -> None:
    """The longest way down from the root's tasks.py, counting each room and each module of the ground floor as one."""

    def node_of(module: str) -> str:
        return module if room_of(module) == "ground" else room_of(module)

    below: dict[str, set[str]] = {}
    for module, tree in trees().items():
        others = {node_of(other) for other in imported_modules(tree)}
        below.setdefault(node_of(module), set()).update(others - {node_of(module), "docktasks"})

    @cache
    def floor(node: str) -> int:
        return 1 + max((floor(other) for other in below[node]), default=0)

    assert 1 + max(map(floor, below)) <= MAX_FLOORS  # and tasks.py stands on all of them


def test_no_module_is_imported_by_a_name_made_at_run_time() -> None:
    """A reader, an IDE and mypy can follow every import."""
    for module, tree in trees().items():
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        names = [ast.unparse(call.func) for call in calls if not (call.args and isinstance(call.args[0], ast.Constant))]
        assert not [name for name in names if name.endswith(("import_module", "__import__"))], module


def test_only_the_tasks_know_invoke() -> None:
    """The logic can be called by anything else, too."""
    users = {
        module
        for module, tree in trees().items()
        if any(name.partition(".")[0] == "invoke" for name in imported_names(tree))
    }
    assert {user for user in users if not user.endswith(".tasks")} == KNOW_INVOKE


@pytest.mark.parametrize("path", tracked("docktasks/*.py", "benchmarks/*.py", "tasks.py"), ids=name_of)
def test_product_code_imports_nothing_from_the_tests(path: Path) -> None:
    """The tests import the product, never the other way round."""
    assert not [name for name in imported_names(ast.parse(path.read_text())) if name.split(".")[0] == "tests"]


@pytest.mark.parametrize("room", sorted(FLOOR_OF.keys()))
def test_room_has_few_lines(room: str) -> None:
    """A room that outgrows its budget holds two ideas."""
    lines = sum(line_count(path) for path in tracked("docktasks/*.py") if room_of(name_of(path)) == room)
    assert lines <= MAX_LINES.get(room, MAX_ROOM_LINES)


def test_code_has_few_lines_in_all() -> None:
    """What is added is paid for by what is deleted."""
    assert sum(map(line_count, tracked("docktasks/*.py"))) <= MAX_LINES_IN_ALL


@pytest.mark.parametrize("path", tracked("docktasks/*.py", "tasks.py"), ids=name_of)
def test_module_has_few_lines(path: Path) -> None:
    """A module fits in the head."""
    assert line_count(path) <= (MAX_TASKS_LINES if path.name == "tasks.py" else MAX_MODULE_LINES)


@pytest.mark.parametrize("path", tracked("tests/**/*.py"), ids=name_of)
def test_test_module_has_few_lines(path: Path) -> None:
    """A long test module is split by what it tests."""
    assert line_count(path) <= MAX_TEST_LINES


@pytest.mark.parametrize("name", ["Dockerfile", "Dockerfile.dev"])
def test_dockerfile_has_few_lines(name: str) -> None:
    """The lesson is visible at a glance."""
    assert line_count(ROOT / name) <= MAX_DOCKERFILE_LINES


def test_functions_are_short() -> None:
    """No body is over the limit, and half of them have a few lines."""
    lengths = {name: body_lines(function) for name, function in functions()}
    assert {name: length for name, length in lengths.items() if length > MAX_FUNCTION_LINES} == {}
    assert median(lengths.values()) <= MAX_MEDIAN_BODY_LINES


def test_top_level_shows_the_card_of_the_project() -> None:
    """Few entries, each named in docs/architecture.md."""
    entries = {path.relative_to(ROOT).parts[0] for path in tracked()}
    page = (ROOT / "docs/architecture.md").read_text()
    assert len(entries) <= MAX_TOP_LEVEL_ENTRIES
    assert [entry for entry in sorted(entries) if f"`{entry}" not in page] == []
