"""What is left of rows counts as if all of them were held."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.planning.sightings import Sightings

IDS = st.sampled_from([str(number) for number in range(12)])
ROWS = st.lists(st.tuples(IDS, st.integers(0, 2), st.integers(0, 3)), max_size=6)
"""Of each row the id, what it says, and its number."""
PASSES = st.lists(st.lists(ROWS, max_size=4), min_size=1, max_size=4)


def contradiction(numbers: set[int]) -> int:
    return 100 + sum(1 << number for number in numbers)


@given(PASSES, st.sampled_from([0, 1000]))
def test_the_last_pass_that_shows_an_id_counts(passes: list[list[list[tuple[str, int, int]]]], besides: int) -> None:
    """Ids stand twice in a pass or in several, in rows that are alike or not; and many others stand once."""
    sightings = Sightings()
    counted: dict[str, int] = {}
    for number, pages in enumerate(passes):
        others = [(f"{number} {each}", each, 1) for each in range(besides)]
        rows: dict[str, set[tuple[int, int]]] = {}
        for page in [*pages, others]:
            sightings.add([row[0] for row in page], [hash(row[1:]) for row in page], [row[2] for row in page])
            for task_id, *says in page:
                rows.setdefault(task_id, set()).add((says[0], says[1]))
        assert sightings.shown(counted) == {hash(task_id) for task_id in counted.keys() & rows.keys()}
        differing = {task_id for task_id, seen in rows.items() if len(seen) > 1}
        counted |= {task_id: next(iter(seen))[1] for task_id, seen in rows.items()}
        counted |= {task_id: contradiction({each for _, each in rows[task_id]}) for task_id in differing}
        assert sightings.end_pass(contradiction) == (len(rows), {hash(task_id) for task_id in differing})
        assert Counter(sightings.numbers) == Counter(counted.values())
    assert sightings.among([*counted, "never seen"]) == counted
    assert sightings.among([]) == {}


def test_columns_that_differ_in_length_are_refused() -> None:
    with pytest.raises(ValueError, match="length"):
        Sightings().add(["1", "2"], [1], [1, 1])
