"""Profiles that only the vendor's own library can use: CloudSSO, OAuth, External, a pair of RSA keys.

The library is the extra `aliyun`. It is imported when such a profile is used and not before: it reads the environment
while it is imported, and writes tokens that it renewed back into the profile, as the vendor's command does.
"""

# ruff: noqa: PLC0415 - see above

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconciler.provider import AccessKey, Ask, CredentialsError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["EXTRA", "VendorProfile", "installed"]

EXTRA = "install media-reconciler[aliyun], which brings the vendor's library for it"


def installed() -> bool:
    """Whether the vendor's library is there."""
    try:
        import alibabacloud_credentials  # noqa: F401
    except ImportError:
        return False
    return True


@dataclass(slots=True, eq=False)
class VendorProfile:
    """A profile of `path`, the vendor's JSON or INI file, handed to the vendor's library."""

    path: Path
    name: str
    _provider: Any = None

    @property
    def place(self) -> str:
        return f"{self.path} [{self.name}]"

    async def key(self, ask: Ask) -> AccessKey:
        """The key that the library has, or gets, in a thread of its own: it waits without an event loop."""
        try:
            held = await asyncio.to_thread(self._held)
        except Exception as error:  # noqa: BLE001 - whatever the library raises, its words may quote answers with keys
            raise CredentialsError(f"{self.place}: the vendor's library failed ({type(error).__name__})") from None
        token = held.get_security_token() or ""
        ask.redactor.learn((held.get_access_key_secret(), token))
        return AccessKey(held.get_access_key_id(), held.get_access_key_secret(), token)

    def _held(self) -> Any:  # noqa: ANN401 - the library ships no types
        if self._provider is None:
            from alibabacloud_credentials.provider import CLIProfileCredentialsProvider, ProfileCredentialsProvider

            _quieten()
            made = CLIProfileCredentialsProvider if self.path.suffix == ".json" else ProfileCredentialsProvider
            self._provider = made(profile_name=self.name, profile_file=str(self.path))
        return self._provider.get_credentials()


def _quieten() -> None:
    """The library writes to stderr, tracebacks and all, what it raises as well."""
    logger = logging.getLogger("credentials")
    logger.handlers.clear()
    logger.setLevel(logging.CRITICAL)
    logger.propagate = False
