"""A webhook: JSON by POST, signed over its bytes, within bounds, and never followed elsewhere."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Final

from reconciler.notifications.message import NOTIFICATION
from reconciler.providers.secret_sources import check_secrets, read_secret
from reconciler.providers.transport.answers import Redactor
from reconciler.providers.transport.caller import Caller, Draft, Retries, Tally
from reconciler.providers.transport.endpoint import service_url
from reconciler.providers.transport.pacing import Pace, Quota
from reconciler.providers.transport.route import unused_contexts
from reconciler.providers.transport.trace import Tracer
from reconciler.providers.transport.wire import Wire
from reconciler.tasks.observation import Fault, Meaning

with unused_contexts():
    import aiohttp

if TYPE_CHECKING:
    import httpx

    from reconciler.config.model import Receiver
    from reconciler.notifications.message import Notification
    from reconciler.providers.transport.surroundings import Surroundings

SIGNATURE: Final = "X-Reconciler-Signature"
SECONDS: Final = 10.0
"""Until an attempt is given up."""

_RETRIES: Final = Retries(
    frozenset({Meaning.THROTTLED, Meaning.UNAVAILABLE, Meaning.LOST, Meaning.UNREACHABLE}),
    tries=3,
    deadline=8.0,
    unreachable=8.0,
    longest=2.0,
)
"""A message has an id, so that one which came twice is known for one."""
_UNBOUNDED: Final = Quota(1000, 1.0)


class _Signature:
    """An `Auth` by a secret that stays as it is."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    async def current(self) -> bytes:
        return self._secret

    def sign(self, request: httpx.Request, credential: bytes) -> bytes:
        digest = hmac.new(credential, request.content, hashlib.sha256).hexdigest()
        request.headers[SIGNATURE] = f"sha256={digest}"
        return credential

    def refused(self, _: httpx.Response) -> bool:
        return False

    async def renewed(self, _: bytes) -> None:
        return None


async def post(message: Notification, receiver: Receiver, surroundings: Surroundings) -> Fault | None:
    """Send a message; why it did not arrive, if it did not. Raises ProviderError where it must not be, or cannot."""
    environment = surroundings.environment
    check_secrets(f"settings.notify.{receiver.name}", receiver.secrets, environment)
    service_url(receiver.url, environment, "its webhook")
    assert receiver.secret is not None  # noqa: S101 - for the type checker: no webhook is without
    secret = read_secret(receiver.secret, environment)
    redactor = Redactor([secret], receiver.masked)
    timeout = aiohttp.ClientTimeout(total=SECONDS, sock_connect=SECONDS / 2)
    wire = Wire(environment, timeout=timeout, tracer=Tracer(redactor))
    caller = Caller(auth=_Signature(secret), concurrency=1, redactor=redactor, surroundings=surroundings, wire=wire)
    try:
        headers = {"Content-Type": "application/json"}
        draft = Draft("POST", receiver.url, headers, NOTIFICATION.text(message).encode())
        pace = Pace(_UNBOUNDED, surroundings.monotonic, surroundings.sleep)
        answer = await caller.send(draft, _judged, pace=pace, retries=_RETRIES, tally=Tally())
    finally:
        await caller.close()
    return answer if isinstance(answer, Fault) else None


def _judged(response: httpx.Response) -> bool | Fault:
    status = response.status_code
    if 200 <= status < 300:
        return True
    if status == 429:
        return Fault(Meaning.THROTTLED, "it takes no more for now", http_status=status)
    if status >= 500:
        return Fault(Meaning.UNAVAILABLE, "it is out of order", http_status=status)
    if 300 <= status < 400:
        return Fault(Meaning.PERMANENT, "it leads elsewhere, where nothing is sent", http_status=status)
    return Fault(Meaning.PERMANENT, "it refused the message", http_status=status)
