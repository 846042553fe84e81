"""All files or none, and never over what is there."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.exceptions import ReconcilerError, UsageError
from reconciler.scaffold.writing import write_all

FILES = {"README.md": "read\n", "policies/a.yaml": "a\n", "policies/deep/b.yaml": "b\n"}


def _tree(directory: Path) -> dict[str, str | None]:
    """Every path below `directory`, with the text of files."""
    return {
        path.relative_to(directory).as_posix(): path.read_text(encoding="utf-8") if path.is_file() else None
        for path in directory.rglob("*")
    }


def _texts(directory: Path) -> dict[str, str]:
    return {name: text for name, text in _tree(directory).items() if text is not None}


@pytest.mark.parametrize("place", [".", "new", "new/below"])
def test_all_files_are_written_and_directories_made(tmp_path: Path, place: str) -> None:
    write_all(tmp_path / place, FILES)
    assert _texts(tmp_path / place) == FILES


def test_what_else_is_there_stays(tmp_path: Path) -> None:
    for name in (".git/config", "policies/other.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("mine", encoding="utf-8")
    write_all(tmp_path, FILES)
    assert _texts(tmp_path) == FILES | {".git/config": "mine", "policies/other.yaml": "mine"}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(taken=st.sets(st.sampled_from(sorted(FILES)), min_size=1))
def test_what_is_in_the_way_is_named_and_nothing_is_written(
    tmp_path_factory: pytest.TempPathFactory, taken: set[str]
) -> None:
    place = tmp_path_factory.mktemp("taken")
    for name in taken:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text("mine", encoding="utf-8")
    before = _tree(place)
    with pytest.raises(UsageError) as refused:
        write_all(place, FILES)
    assert refused.value.message.endswith(f"already has {', '.join(name for name in FILES if name in taken)}")
    assert "nothing was written" in refused.value.hint
    assert _tree(place) == before


@pytest.mark.parametrize("kind", ["file", "link to a directory", "broken link"])
def test_what_stands_where_a_directory_must_be_is_in_the_way(tmp_path: Path, kind: str) -> None:
    """A link is not followed: it would lead out of the repository."""
    place, elsewhere = tmp_path / "repository", tmp_path / "elsewhere"
    place.mkdir()
    elsewhere.mkdir()
    if kind == "file":
        (place / "policies").write_text("mine", encoding="utf-8")
    else:
        (place / "policies").symlink_to(elsewhere if kind == "link to a directory" else tmp_path / "nowhere")
    with pytest.raises(UsageError, match=r"already has policies$"):
        write_all(place, FILES)
    assert [path.name for path in place.iterdir()] == ["policies"]
    assert list(elsewhere.iterdir()) == []


def test_a_broken_link_is_in_the_way_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "README.md").symlink_to(tmp_path / "nowhere")
    with pytest.raises(UsageError, match=r"already has README\.md"):
        write_all(tmp_path, FILES)
    assert not (tmp_path / "nowhere").exists()


def test_a_file_is_no_directory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match="is no directory"):
        write_all(tmp_path / "file", FILES)


def test_a_file_that_cannot_be_written_takes_the_others_with_it(tmp_path: Path) -> None:
    with pytest.raises(ReconcilerError, match="cannot write") as failed:
        write_all(tmp_path / "new" / "below", FILES | {"x" * 300: "too long a name"})
    assert failed.value.hint == "nothing was written"
    assert list(tmp_path.iterdir()) == []


class _Interrupted(dict[str, str]):
    """Files of which the last never comes: somebody presses Ctrl-C."""

    def items(self) -> Iterator[tuple[str, str]]:  # type: ignore[override]  # an iterator is all that is used
        yield from super().items()
        raise KeyboardInterrupt


def test_an_interruption_leaves_nothing_but_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "policies").mkdir()
    with pytest.raises(KeyboardInterrupt):
        write_all(tmp_path, _Interrupted(FILES))
    assert _tree(tmp_path) == {"policies": None}


def test_what_somebody_else_puts_there_meanwhile_is_neither_overwritten_nor_taken_away(tmp_path: Path) -> None:
    class Raced(dict[str, str]):
        def items(self) -> Iterator[tuple[str, str]]:  # type: ignore[override]  # as above
            for name, text in super().items():
                if name == "policies/deep/b.yaml":
                    (tmp_path / "policies" / "deep").mkdir()
                    (tmp_path / name).write_text("theirs", encoding="utf-8")
                yield name, text

    with pytest.raises(ReconcilerError, match="cannot write"):
        write_all(tmp_path, Raced(FILES))
    assert _texts(tmp_path) == {"policies/deep/b.yaml": "theirs"}
