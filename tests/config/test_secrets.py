"""Secrets never stand in YAML; where one does, it is not repeated."""

from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.config.model import Configuration, Credentials, Secret
from reconciler.diagnostics import Diagnostic

TARGET = "version: 1\ntargets:\n  hw:\n    provider: huaweicloud\n    region: cn-north-4\n"
SECRET = "wJalrXUtnFEMI"
WHERE = "(write {env: NAME} or {file: PATH}; and renew it if it was committed)"


def test_where_secrets_are_read_from(accepted: Callable[..., Configuration]) -> None:
    text = TARGET + "    credentials: {access_key_id: {env: AK}, secret_access_key: {file: keys/sk}}\n"
    assert accepted({"conf/reconciler.yaml": text}).targets["hw"].credentials == Credentials(
        secrets={"access_key_id": Secret(env="AK"), "secret_access_key": Secret(file=Path("conf/keys/sk"))}
    )


def test_profile(accepted: Callable[..., Configuration]) -> None:
    assert accepted(TARGET + "    credentials: {profile: prod}\n").targets["hw"].credentials == Credentials("prod")


@pytest.mark.parametrize(
    ("credentials", "message"),
    [
        (
            f"credentials: {{secret_access_key: {SECRET}}}",
            f"6:38 error: a secret must not stand in the configuration {WHERE}",
        ),
        (f"credentials: {{token: [{SECRET}]}}", f"6:26 error: a secret must not stand in the configuration {WHERE}"),
        ("credentials: {token: 12345}", f"6:26 error: a secret must not stand in the configuration {WHERE}"),
        (f"credentials: {SECRET}", "6:18 error: must be a mapping, but is text"),
        (f"credentials: {{token: {{value: {SECRET}}}}}", "6:27 error: unknown key `value`"),
        (
            f"credentials: {{token: {{env: A, file: {SECRET}}}}}",
            "6:26 error: needs exactly one of the keys `env` and `file` (write {env: NAME} or {file: PATH})",
        ),
        (
            "credentials: {token: {}}",
            "6:26 error: needs exactly one of the keys `env` and `file` (write {env: NAME} or {file: PATH})",
        ),
        (f"credentials: {{token: {{env: '{SECRET}/+'}}}}", "6:32 error: must be the name of an environment variable"),
        (f"credentials: {{profile: p, token: {{env: {SECRET}}}}}", "6:31 error: unknown key `token`"),
        (
            f"secret_access_key: {SECRET}",
            (
                "6:5 error: unknown key `secret_access_key`"
                " (it belongs under `credentials`, as secret_access_key: {env: NAME} or {file: PATH})"
            ),
        ),
        (
            f"credentials:\n      token: |\n        {SECRET}\n",
            f"7:14 error: a secret must not stand in the configuration {WHERE}",
        ),
        (f"credentials: {{token: {SECRET}, token: {{env: A}}}}", None),
        (f"credentials: {{token: {SECRET}", None),
        (f"token: {SECRET}: {SECRET}", None),
        (f"endpoints: {{mpc: 'https://user:{SECRET}@h'}}", None),
        (f"x: 1\n    token: >-\n      {SECRET}\n    <<: 5\n", None),
    ],
)
def test_a_secret_is_not_repeated(
    validate: Callable[..., tuple[Configuration | None, tuple[Diagnostic, ...]]],
    mistakes: Callable[..., list[str]],
    credentials: str,
    message: str | None,
) -> None:
    configuration, diagnostics = validate(TARGET + f"    {credentials}\n")
    assert configuration is None
    assert SECRET not in repr(diagnostics)
    if message:
        assert mistakes(TARGET + f"    {credentials}\n") == [f"reconciler.yaml:{message}"]


def test_not_even_its_length_is_told(
    validate: Callable[..., tuple[Configuration | None, tuple[Diagnostic, ...]]],
) -> None:
    _, diagnostics = validate(TARGET + f"    credentials: {{token: {SECRET}}}\n")
    assert [(one.excerpt, one.excerpt_length) for one in diagnostics] == [("", 1)]


def test_a_password_in_the_backend(
    validate: Callable[..., tuple[Configuration | None, tuple[Diagnostic, ...]]], accepted: Callable[..., Configuration]
) -> None:
    text = "version: 1\nsettings: {backend: 'postgresql://u:%s@h/d'}\n"
    _, diagnostics = validate(text % SECRET)
    assert [one.message for one in diagnostics] == ["a password must not stand in the configuration"]
    assert SECRET not in repr(diagnostics)
    assert accepted(text % "${PW}", PW=SECRET).settings.backend == f"postgresql://u:{SECRET}@h/d"


@pytest.mark.parametrize(
    ("backend", "message"),
    [
        (f"postgresql://u:{SECRET}@${{HOST}}/d", "a password must not stand in the configuration"),
        (f"postgresql://u:${{PW:-{SECRET}}}@h/d", "a password must not stand in the configuration"),
        (f"postgresql://u:${{PW}}@{SECRET}@h/d", "a password must not stand in the configuration"),
        (f"postgresql://u@h/d?password={SECRET}", "a password must not stand in the configuration"),
        (f"${{DB:-postgresql://u@h/d?sslpassword={SECRET}}}", "a password must not stand in the configuration"),
        ("postgresql://u@h/d?sslmode=require&password=${S}", "a password must not stand in the configuration"),
        ("${URL_Q}", "`password` must not stand in the query of a URL"),
        ("postgresql://u:${S}/x@h/d", "the URL has an `@` in a place that it cannot have"),
        ("postgresql://u:${AT}@h/d", "the URL has an `@` in a place that it cannot have"),
        ("postgresql://u:${HASH}@h/d", "the URL has an `@` in a place that it cannot have"),
        ("${URL_AT}", "the URL has an `@` in a place that it cannot have"),
        ("postgresql://u@h:54x2/d", "the port of the database is not a number from 1 to 65535"),
        ("postgresql://u@h:65536/d", "the port of the database is not a number from 1 to 65535"),
        ("postgresql://u@h:0/d", "the port of the database is not a number from 1 to 65535"),
        ("postgresql://u@h:${S}/d", "the port of the database is not a number from 1 to 65535"),
        ("postgresql://u@h/d?port=x", "the port of the database is not a number from 1 to 65535"),
        ("postgresql://u@h/d?port=0", "the port of the database is not a number from 1 to 65535"),
        ("postgresql://u@h/d?port=5432,${S}", "the port of the database is not a number from 1 to 65535"),
        ("postgresql:///d?host=h:65536", "the port of the database is not a number from 1 to 65535"),
        ("postgresql://u@h1,h2/d?port=1,2,3", "option `port` must list as many as `host`"),
        ("postgresql://u@h1,h2/d?port=1,2", "option `port` must list as many as `host`"),
        ("postgresql:///d?host=h1,h2&port=1", "option `port` must list as many as `host`"),
        ("postgresql:///d?host=h1:1,h2:2", "option `host` must be a list of hosts"),
        ("postgresql:///d?host=h1:1&port=2", "option `host` must be a list of hosts"),
        ("postgresql://h/d?hostaddr=h", "option `hostaddr` must be a list of addresses"),
        ("postgresql://h1,h2/d?hostaddr=10.0.0.1", "option `hostaddr` must list as many as there are hosts"),
        ("postgresql://u@[h/d", "not a URL that can be read"),
        ("postgresql://u@h/d?sslmod=require", "the URL has an option that PostgreSQL does not have"),
        ("postgresql://u@h/d?sslmode=maybe", "option `sslmode` must be one of disable, allow, prefer, require,"),
        ("postgresql://u@h/d?connect_timeout=soon", "option `connect_timeout` must be a whole number"),
        ("postgresql://u@h/d?connect_timeout=", "option `connect_timeout` must be a whole number"),
        ("postgresql://u@h/d?sslmode=disable&sslmode=require", "option `sslmode` stands twice in the URL"),
        ("postgresql://u@h/d#x", "the URL must not have a part after `#`"),
    ],
)
def test_a_backend_that_cannot_be(
    validate: Callable[..., tuple[Configuration | None, tuple[Diagnostic, ...]]], backend: str, message: str
) -> None:
    variables = {
        "S": SECRET,
        "AT": f"a@{SECRET}",
        "HASH": f"a#{SECRET}",
        "URL_Q": f"postgresql://u@h/d?password={SECRET}",
        "URL_AT": f"postgresql://u:a@{SECRET}@h/d",
    }
    configuration, diagnostics = validate(f"version: 1\nsettings: {{backend: '{backend}'}}\n", **variables)
    assert configuration is None
    assert [one.message[: len(message)] for one in diagnostics] == [message]
    assert SECRET not in repr(diagnostics)


@pytest.mark.parametrize(
    "backend",
    [
        "postgresql://u:${PW}@h:5432/d?sslmode=verify-full&sslrootcert=/etc/ca.pem&connect_timeout=5",
        "postgresql+psycopg://u@[::1]/d?options=-c%20search_path%3Dx",
        "postgresql:///d?host=/run/postgresql",
        "postgresql:///d?host=h1,::1,/run/postgresql&port=5432,,5433",
        "postgresql://h1,h2/d?port=5432&hostaddr=10.0.0.1,fe80::1%25eth0",
        "postgresql:///d?host=h1:5432",
        "postgresql://u%40corp@h/d",
    ],
)
def test_a_backend_that_can_be(accepted: Callable[..., Configuration], backend: str) -> None:
    text = f"version: 1\nsettings: {{backend: '{backend}'}}\n"
    assert accepted(text, PW="p%40w").settings.backend == backend.replace("${PW}", "p%40w")
    assert set(accepted(text).settings.unset) == ({"backend"} if "${PW}" in backend else set())
