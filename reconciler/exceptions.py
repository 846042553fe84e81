"""Everything the project raises on purpose.

ReconcilerError                 exit 1
|-- UsageError                  exit 64  bad flag or argument, an unknown run, approval impossible
|-- InvalidError                exit 65
|   |-- InvalidConfiguration             carries all diagnostics
|   |   `-- InvalidTests                 likewise, of test files
|   `-- InvalidPlan                      a plan file torn, altered or of another format
|-- RefusedError                exit 4   a guard or an approval refuses
|-- StalePlanError              exit 5   plan or approval expired, or made from other policies, protections, targets
|-- LockedError                 exit 6   another apply holds the account; backends tell LeaseHeld and LeaseLost apart
|-- BackendError                exit 1   journal or history cannot be opened, read or written
|-- IntentRefused, NoOpenIntent          refusals of the journal (backends.entries), which end the calls of a run
`-- ProviderError               exit 1   carries a Fault: what the cloud, or the way to it, answered
    `-- CredentialsError                 no credentials found, or rejected; names what was tried
"""

from __future__ import annotations

import traceback
from enum import IntEnum
from pathlib import PurePath
from typing import TYPE_CHECKING

from reconciler.diagnostics import Severity
from reconciler.redaction import presentable
from reconciler.tasks.observation import Fault, Meaning

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.diagnostics import Diagnostic


class ExitCode(IntEnum):
    """Exit codes of every command. Where several apply, the first of 130/143, 64, 65, 1, 6, 5, 4, 3, 2, 0 wins."""

    OK = 0
    ERROR = 1
    CHANGES = 2
    PARTIAL = 3
    REFUSED = 4
    STALE = 5
    LOCKED = 6
    USAGE = 64
    INVALID = 65
    INTERRUPTED = 130
    TERMINATED = 143

    @classmethod
    def weightiest(cls, *codes: ExitCode) -> ExitCode:
        """The one that wins."""
        return min(codes, key=_WEIGHTS.index)


_WEIGHTS = tuple(map(ExitCode, (130, 143, 64, 65, 1, 6, 5, 4, 3, 2, 0)))


class ReconcilerError(Exception):
    """A failure with a message for the user: what happened, where, what to do; what is presentable of it."""

    exit_code = ExitCode.ERROR

    def __init__(self, message: str, hint: str = "") -> None:
        self.message, self.hint = presentable(message), presentable(hint)
        super().__init__(self.message)


class UsageError(ReconcilerError):
    exit_code = ExitCode.USAGE


class InvalidError(ReconcilerError):
    exit_code = ExitCode.INVALID


class InvalidConfiguration(InvalidError):  # noqa: N818 - reads as what it is: a value with facts
    """A configuration that cannot be used; `diagnostics` holds every mistake found."""

    what = "the configuration is invalid"

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        count = len(diagnostics)
        super().__init__(f"{self.what}: {count} {'mistake' if count == 1 else 'mistakes'}")
        self.diagnostics = tuple(diagnostics)

    @property
    def first(self) -> str:
        """The message, with the first of the mistakes and where it is: for one line."""
        found = next((one for one in self.diagnostics if one.severity is Severity.ERROR), None)
        return f"{self.message}, such as {found.location}: {found.message}" if found else self.message


class InvalidTests(InvalidConfiguration):
    what = "the policy tests are invalid"


class InvalidPlan(InvalidError):  # noqa: N818 - as above
    pass


class RefusedError(ReconcilerError):
    exit_code = ExitCode.REFUSED


class StalePlanError(ReconcilerError):
    exit_code = ExitCode.STALE


class LockedError(ReconcilerError):
    exit_code = ExitCode.LOCKED


class BackendError(ReconcilerError):
    pass


class ProviderError(ReconcilerError):
    """A request that did not bring what was asked for."""

    def __init__(self, fault: Fault, hint: str = "") -> None:
        super().__init__(str(fault), hint)
        self.fault = fault


class CredentialsError(ProviderError):
    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(Fault(Meaning.CREDENTIALS, message), hint)


def innermost(error: BaseException) -> BaseException:
    """What is behind `error`: the cause of the cause, and of a group that which was raised first."""
    return _chain(error)[-1]


def _chain(error: BaseException) -> list[BaseException]:
    behind = error.exceptions[0] if isinstance(error, BaseExceptionGroup) else error.__cause__
    return [error] if behind is None else [error, *_chain(behind)]


def bug(error: BaseException) -> str:
    """What an exception that nobody expected was and where it was raised, such as "KeyError at rows.py:80 in _row".

    Without its text, which may hold values, and these secrets.
    """
    chain = _chain(error)
    frames = [frame for one in chain for frame in traceback.extract_tb(one.__traceback__)[-1:]]
    places = [f" at {PurePath(frame.filename).name}:{frame.lineno} in {frame.name}" for frame in frames]
    return "".join([type(chain[-1]).__name__, *places[-1:]])


def traceback_lines(error: BaseException) -> list[str]:
    """The way to `error`, and on to what is behind it, without any value."""
    lines = [*"".join(traceback.format_tb(error.__traceback__)).splitlines(), type(error).__name__]
    for behind in error.exceptions if isinstance(error, BaseExceptionGroup) else filter(None, [error.__cause__]):
        lines += ["because of:", *traceback_lines(behind)]
    return lines
