"""The code follows docs/architecture.md: the direction of imports, the numbers of lines, the users of Invoke."""

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
    {"ship", "fleet"},
]
"""The rooms (folders) of docktasks/, from the lowest floor up. `ground` stands for the modules in no folder."""

FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}

KNOW_INVOKE = {
    f"docktasks.app.{name}" for name in ("runner", "collection", "strict_parser", "completion", "session", "manifest")
}
"""Modules that import Invoke, in addition to those called `tasks` and to the command."""

COMMAND = "docktasks.__main__"
"""The command hello-dock. It is on the top floor, as the root's tasks.py is, which it loads."""

NO_NOUNS = {"alone", "each", "found", "given", "it", "left", "made", "one", "place", "said", "told", "wanted"}
"""Words that no variable has as its name. A name is the noun that it holds."""

MAX_FLOORS = 8
MAX_ROOMS = 10
MAX_TOP_LEVEL_ENTRIES = 18
MAX_MODULE_LINES = 250
MAX_TASKS_LINES = 160
"""The limit of each tasks.py, which parses, calls and prints. The logic is in other modules."""
MAX_TEST_LINES = 400
MAX_DOCKERFILE_LINES = 80
MAX_LINE_CHARS = 120
MAX_FUNCTION_LINES = 30
MAX_MEDIAN_BODY_LINES = 6
MAX_ROOM_LINES = 1_000
MAX_LINES = {
    "app": 2_885, "dev": 1_481, "fleet": 1_527, "ground": 1_871, "images": 1_645, "release": 1_673, "ship": 1_929,
    "verify": 8_982,
}  # fmt: skip
"""The limits of rooms that may have more lines than MAX_ROOM_LINES. The goal for verify is 4,000."""
MAX_LINES_IN_ALL = 24_729
"""For all modules of docktasks/ together. The goal is 8,500. Docstrings that stand alone are not cut for it."""


def tracked(*patterns: str) -> list[Path]:
    """Return the files that git tracks, and new ones, that match patterns such as docktasks/*.py."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.splitlines() if (ROOT / name).is_file()]


def name_of(path: Path) -> str:
    """Return a module's dotted name."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@cache
def trees() -> dict[str, ast.Module]:
    """Return the syntax tree of every module of docktasks/ but the command, by its dotted name."""
    paths = {name_of(path): path for path in tracked("docktasks/**/*.py", "docktasks/*.py")}
    return {name: ast.parse(path.read_text()) for name, path in paths.items() if name != COMMAND}


def imported_names(tree: ast.AST) -> Iterator[str]:
    """Yield every name that a module imports, also inside functions and for types only."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imported_modules(tree: ast.AST) -> set[str]:
    """Return the modules of docktasks/ that a module imports, or imports names from."""
    return {
        name if name in trees() else name.rpartition(".")[0]
        for name in imported_names(tree)
        if name.partition(".")[0] == "docktasks"
    }


def room_of(module: str) -> str:
    """Return the room of a module; `ground` for a module in no folder."""
    parts = module.split(".")
    folder = ROOT / "docktasks" / parts[1] if len(parts) > 1 else ROOT
    return parts[1] if folder.is_dir() and len(parts) > 1 else "ground"


def functions() -> Iterator[tuple[str, ast.FunctionDef]]:
    """Yield every function of docktasks/, with its dotted name for messages."""
    for module, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                yield f"{module}.{node.name}", node


def body_lines(function: ast.FunctionDef) -> int:
    """Return the number of lines of a function's body, without its docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def line_count(path: Path) -> int:
    """Return the number of lines of a file, blank lines and comments included."""
    return len(path.read_text().splitlines())


def test_every_room_has_a_floor_and_a_description() -> None:
    """A new folder of docktasks/ gets a floor in this test, and a row in docs/architecture.md."""
    rooms = {room_of(module) for module in trees()} - {"ground"}
    assert rooms == FLOOR_OF.keys() - {"ground"}
    assert len(rooms) <= MAX_ROOMS
    page = (ROOT / "docs/architecture.md").read_text()
    assert [room for room in sorted(rooms) if f"| `{room}/` |" not in page] == []


def test_imports_lead_to_lower_floors() -> None:
    """A module imports from its own room, and from rooms on lower floors."""
    for module, tree in trees().items():
        room = room_of(module)
        allowed = {other for other, floor in FLOOR_OF.items() if floor < FLOOR_OF.get(room, 0)} | {room, "ground"}
        imported = {room_of(other): other for other in imported_modules(tree) if other != "docktasks"}
        assert imported.keys() <= allowed, f"{module} imports {imported}"


def test_modules_import_each_other_in_no_circle() -> None:
    """A reader can start with the modules that import nothing, and read the others after them."""
    graph = {module: imported_modules(tree) - {module} for module, tree in trees().items()}
    done: set[str] = set()
    while ready := {module for module, imported in graph.items() if module not in done and imported <= done}:
        done |= ready
    assert graph.keys() - done == set()


def test_longest_chain_of_imports_is_short() -> None:
    """The chain starts at the root's tasks.py. A room counts as one, and so does each module of the ground floor."""

    def node_of(module: str) -> str:
        return module if room_of(module) == "ground" else room_of(module)

    below: dict[str, set[str]] = {}
    for module, tree in trees().items():
        others = {node_of(other) for other in imported_modules(tree)}
        below.setdefault(node_of(module), set()).update(others - {node_of(module), "docktasks"})

    @cache
    def floor(node: str) -> int:
        return 1 + max((floor(other) for other in below[node]), default=0)

    assert 1 + max(map(floor, below)) <= MAX_FLOORS  # 1 for the root's tasks.py


def test_no_module_is_imported_by_a_name_made_at_run_time() -> None:
    """A reader, an IDE and mypy can follow every import."""
    for module, tree in trees().items():
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        names = [ast.unparse(call.func) for call in calls if not (call.args and isinstance(call.args[0], ast.Constant))]
        assert not [name for name in names if name.endswith(("import_module", "__import__"))], module


def test_only_the_tasks_know_invoke() -> None:
    """Other programs can call the logic without Invoke."""
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


@pytest.mark.parametrize("path", tracked("*.py"), ids=name_of)
def test_variables_are_nouns(path: Path) -> None:
    """A reader knows what a variable holds without a look at its first use."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    names = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    names |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    assert names & NO_NOUNS == set()


@pytest.mark.parametrize("room", sorted(FLOOR_OF.keys()))
def test_room_has_few_lines(room: str) -> None:
    """A room that is larger has more than one subject, and should be split."""
    lines = sum(line_count(path) for path in tracked("docktasks/*.py") if room_of(name_of(path)) == room)
    assert lines <= MAX_LINES.get(room, MAX_ROOM_LINES)


def test_code_has_few_lines_in_all() -> None:
    """New code needs other code to be deleted."""
    assert sum(map(line_count, tracked("docktasks/*.py"))) <= MAX_LINES_IN_ALL


@pytest.mark.parametrize("path", tracked("docktasks/*.py", "tasks.py"), ids=name_of)
def test_module_has_few_lines(path: Path) -> None:
    """A reader can remember a module of this size."""
    assert line_count(path) <= (MAX_TASKS_LINES if path.name == "tasks.py" else MAX_MODULE_LINES)


@pytest.mark.parametrize("path", tracked("tests/**/*.py"), ids=name_of)
def test_test_module_has_few_lines(path: Path) -> None:
    """A long test module is split by what it tests."""
    assert line_count(path) <= MAX_TEST_LINES


@pytest.mark.parametrize("path", tracked("*Dockerfile*"), ids=lambda path: str(path.relative_to(ROOT)))
def test_dockerfile_is_short(path: Path) -> None:
    """A learner can read the whole file at a glance, and in a window of usual width."""
    lines = path.read_text().splitlines()
    assert len(lines) <= MAX_DOCKERFILE_LINES
    assert [line for line in lines if len(line) > MAX_LINE_CHARS] == []


def test_functions_are_short() -> None:
    """No body is over the limit, and half of them have a few lines."""
    lengths = {name: body_lines(function) for name, function in functions()}
    assert {name: length for name, length in lengths.items() if length > MAX_FUNCTION_LINES} == {}
    assert median(lengths.values()) <= MAX_MEDIAN_BODY_LINES


def test_top_level_has_few_documented_entries() -> None:
    """docs/architecture.md has a row for each file and folder of the top level."""
    entries = {path.relative_to(ROOT).parts[0] for path in tracked()}
    page = (ROOT / "docs/architecture.md").read_text()
    assert len(entries) <= MAX_TOP_LEVEL_ENTRIES
    assert [entry for entry in sorted(entries) if f"`{entry}" not in page] == []
