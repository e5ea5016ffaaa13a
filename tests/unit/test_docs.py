"""The documentation names what exists: files, modules, operations of the API, targets of the Makefile."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from hubs.app import create_app
from hubs.settings import load

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "deploy" / "README.md",
]
#: A page of the past: it names files that have moved since.
CURRENT = [path for path in DOCUMENTS if path.name != "CHANGELOG.md"]
TOP = sorted(path.name for path in ROOT.iterdir() if path.is_dir() and path.name not in ("build", "dist", "var"))
#: A path from the top of the tree, with at least one folder.
PATH = re.compile(rf"(?<![\w./<-])((?:{'|'.join(map(re.escape, TOP))})/[\w./*<>-]*[\w*/>])")
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")
#: A link to a heading: the file, empty for the same one, and the heading's anchor.
ANCHOR = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)#([^)\s]+)\)")
MODULE = re.compile(r"`(hubs(?:\.(?!(?:po|env|db|conf|service|toml)\b)[a-z_]\w*)+)")
#: A file inside `hubs/`, named without it.
SHORT = re.compile(r"(?<![\w./])`([a-z_]+/[\w/]+\.(?:py|js|html))`")
#: What a document says to be in a file.
NAMED = re.compile(r"`([A-Za-z_]+)`(?: and `([a-z]+)`)? in `(hubs/[\w/]+\.\w+)`")
#: The same, with the name in parentheses behind the file.
NAMED_BEHIND = re.compile(r"`(hubs/[\w/]+\.\w+)`\s+\(`([A-Za-z_]+)`\)")
PLACEHOLDER = re.compile(r"<\w+>")


def _in(path: Path, pattern: re.Pattern[str]) -> set[str]:
    return set(pattern.findall(path.read_text()))


def _exists(folder: Path, name: str) -> bool:
    name = PLACEHOLDER.sub("*", name).rstrip("/")
    return any(folder.glob(name)) if "*" in name else (folder / name).exists()


@pytest.mark.parametrize("document", CURRENT, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_that_a_document_names_exist(document: Path) -> None:
    missing = {name for name in _in(document, PATH) if not _exists(ROOT, name)}
    missing |= {
        name for name in _in(document, SHORT) if not (ROOT / name).exists() and not (ROOT / "hubs" / name).exists()
    }
    assert not missing


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_of_a_document_lead_somewhere(document: Path) -> None:
    assert not {name for name in _in(document, LINK) if not (document.parent / name).exists()}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_to_headings_of_a_document_lead_to_one(document: Path) -> None:
    for name, anchor in _in(document, ANCHOR):
        target = document.parent / name if name else document
        assert target.suffix != ".md" or anchor in _anchors(target), f"{name}#{anchor}"


def _anchors(document: Path) -> set[str]:
    """Return the anchors of a document's headings, as GitHub and the site make them."""
    text = re.sub(r"^```.*?^```", "", document.read_text(), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ +(.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", CURRENT, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_that_a_document_names_exist(document: Path) -> None:
    missing = set()
    for dotted in _in(document, MODULE):
        parts = dotted.split(".")
        # What is no module is a function or a class's attribute of one.
        if not any(_is_module(".".join(parts[:end])) for end in (len(parts), len(parts) - 1) if end > 1):
            missing.add(dotted)
    assert not missing


def _is_module(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False


@pytest.mark.parametrize("document", CURRENT, ids=lambda path: str(path.relative_to(ROOT)))
def test_contents_that_a_document_attributes_to_a_file_are_there(document: Path) -> None:
    named = [(name, file) for *names, file in NAMED.findall(document.read_text()) for name in names if name]
    named += [(name, file) for file, name in NAMED_BEHIND.findall(document.read_text())]
    missing = [(name, file) for name, file in named if not re.search(rf"\b{name}\b", (ROOT / file).read_text())]
    assert not missing


def test_documents_name_paths_at_all() -> None:
    assert len(NAMED.findall((ROOT / "README.md").read_text())) > 10
    assert len(_in(ROOT / "README.md", PATH)) > 10
    assert len(_in(ROOT / "docs" / "design.md", PATH)) > 30


def test_the_api_page_lists_every_operation(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "api.md").read_text()
    block = re.search(r"```text\n(.*?)```", text, re.DOTALL)
    assert block is not None
    listed = {(verb, line.split()[-1]) for line in block[1].splitlines() for verb in line.split()[:-1]}
    client: FlaskClient = create_app(load({"HUBS_DATA_DIR": str(tmp_path)})).test_client()
    paths = client.get("/api/v1/openapi.json").get_json()["paths"]
    offered = {
        (verb.upper(), path.removeprefix("/api/v1"))
        for path, operations in paths.items()
        for verb in operations
        if verb != "parameters"
    }
    assert listed == offered


def test_targets_that_a_document_names_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {name for path in DOCUMENTS for name in re.findall(r"(?:`|^)make ([a-z]+)", path.read_text(), re.MULTILINE)}
    assert named - targets == set()
    assert {"run", "test", "lock"} <= named


def test_each_picture_of_the_design_stands_beside_ours_and_all_are_small() -> None:
    folder = ROOT / "docs" / "screens"
    files = sorted(path.name for path in folder.iterdir())
    ours = {name for name in files if not name.startswith("design-")}
    assert {f"design-{name}" for name in ours} == set(files) - ours
    assert sorted(re.findall(r"\(screens/([\w-]+\.webp)\)", (ROOT / "docs" / "screens.md").read_text())) == files
    assert sum((folder / name).stat().st_size for name in files) < 3_000_000
