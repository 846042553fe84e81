"""What Apprise reaches: chats, mail and much more. It is in the extra `notify`.

https://appriseit.com/library/
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final

from reconciler.engine.interruption import Threads
from reconciler.exceptions import ReconcilerError
from reconciler.providers.secret_sources import check_secrets, read_secret

if TYPE_CHECKING:
    from reconciler.config.model import Receiver
    from reconciler.notifications.message import Notification
    from reconciler.providers.transport.surroundings import Surroundings

SECONDS: Final = 10
"""Until Apprise gives up on a service."""


async def tell(message: Notification, receiver: Receiver, surroundings: Surroundings) -> tuple[bool, str]:
    """Hand a message to Apprise: whether it arrived anywhere, and why not everywhere. Raises ReconcilerError.

    What Apprise itself says is not repeated: its words may hold the tokens of its URLs.
    """
    check_secrets(f"settings.notify.{receiver.name}", receiver.secrets, surroundings.environment)
    assert receiver.apprise is not None  # noqa: S101 - for the type checker: one of the two is there
    urls = read_secret(receiver.apprise, surroundings.environment, blanks=True)
    text = "\n".join(message.lines)
    services = await asyncio.wrap_future(Threads().submit(_services, urls))
    # A thread for each, which nobody waits for: those of Apprise itself would keep the program from its end.
    sent = {Threads().submit(_arrives, service, message.title, text) for service in services}
    done, late = await asyncio.wait(set(map(asyncio.wrap_future, sent)), timeout=SECONDS)
    arrived = sum(1 for one in done if one.exception() is None and one.result())
    for one in late:
        one.cancel()
    why = "" if arrived == len(services) else f"Apprise delivered it to {arrived} of {len(services)} services"
    return arrived > 0, why


def _services(urls: str) -> list[Any]:
    """An object of Apprise for each service."""
    try:
        import apprise  # noqa: PLC0415 - of an extra, and slow to import
    except ImportError:
        raise ReconcilerError("Apprise is not installed", "pip install 'media-reconciler[notify]'") from None
    _silence()
    asset = apprise.AppriseAsset(
        app_id="reconciler",
        plugin_paths=[],
        async_mode=False,
        service_timeout=0,
        http_redirects=False,
        interpret_emojis=False,
    )
    services = apprise.Apprise(asset=asset)
    # A list is separated by commas or blanks, as in the variable of Apprise's own command.
    if not services.add(urls) or not len(services):
        raise ReconcilerError("some of its URLs are none that Apprise knows")
    return [apprise.Apprise(service, asset=asset) for service in services]


def _arrives(service: Any, title: str, text: str) -> bool:  # noqa: ANN401 - of an extra, which need not be there
    return bool(service.notify(body=text, title=title, body_format="text", interpret_escapes=False))


def _silence() -> None:
    """Without a handler, Python would write its warnings to stderr, whatever is in them."""
    for name in ("apprise", "urllib3"):
        logger = logging.getLogger(name)
        logger.propagate = False
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())
