"""What receivers know: written, read, forgotten, and each receiver by itself."""

from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from reconciler.backends.backend import Backend
from reconciler.backends.connect import connect
from reconciler.backends.notices import Matter, Subject, Told, read_told, write_told
from reconciler.backends.schema import notices
from reconciler.config.model import Event
from reconciler.exceptions import BackendError
from tests.backends.conftest import lead_back

DAY = 86_400_000
LISTING = Subject(Event.FAILED, Matter.LISTING, "prod", "huaweicloud.mpc.packaging")
ABOVE = Subject(Event.ABOVE, Matter.MATCHES, policy="none-waits", extent="sha256:00")


def test_what_was_told_is_read_again(backend: Backend) -> None:
    told = {LISTING: Told("", 5), ABOVE: Told("sha256:11", 7)}
    write_told(backend, "ops", told, (), 10)
    assert read_told(backend, "ops") == told
    assert read_told(backend, "chat") == {}
    write_told(backend, "ops", {LISTING: Told("", 5)}, [ABOVE], 20)
    assert read_told(backend, "ops") == {LISTING: Told("", 5)}


def test_many_at_once(backend: Backend) -> None:
    many = {Subject(Event.FAILED, Matter.LISTING, f"t{number}"): Told("", 1) for number in range(2_000)}
    write_told(backend, "ops", many, (), 1)
    write_told(backend, "ops", {}, many, 2)
    assert read_told(backend, "ops") == {}


def test_what_no_run_sees_any_more_is_forgotten(backend: Backend) -> None:
    write_told(backend, "ops", {LISTING: Told("", 1), ABOVE: Told("", 1)}, (), 1)
    write_told(backend, "ops", {ABOVE: Told("", 1)}, (), 31 * DAY)
    assert read_told(backend, "ops") == {ABOVE: Told("", 1)}


def test_a_database_of_an_earlier_version_gets_the_table(url: str) -> None:
    backend = connect(url)
    with backend.writing() as connection:
        there = {column["name"]: column["nullable"] for column in inspect(connection).get_columns("notices")}
        lead_back(connection, 4)
    backend = connect(url)
    with backend.reading() as connection:
        assert {column["name"]: column["nullable"] for column in inspect(connection).get_columns("notices")} == there
        keys = inspect(connection).get_pk_constraint("notices")["constrained_columns"]
    assert keys == [column.name for column in notices.primary_key]
    write_told(backend, "ops", {LISTING: Told("", 1)}, (), 1)
    assert read_told(backend, "ops") == {LISTING: Told("", 1)}


@pytest.mark.parametrize("column", [column.name for column in notices.columns if column.name != "receiver"])
@pytest.mark.parametrize("value", [b"\xff", "\x1b[31m", -1, 1.5])
def test_whatever_stands_in_the_table_is_read_or_called_corrupt(tmp_path: Path, column: str, value: object) -> None:
    backend = connect(f"sqlite:///{tmp_path}/history.db")
    write_told(backend, "ops", {LISTING: Told("", 1)}, (), 1)
    with backend.writing() as connection:
        connection.execute(text(f"UPDATE notices SET {column} = :value"), {"value": value})  # noqa: S608 - ours
    with suppress(BackendError):
        read_told(backend, "ops")
