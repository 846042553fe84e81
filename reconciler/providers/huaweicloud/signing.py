"""SDK-HMAC-SHA256, the signature of Huawei Cloud's API gateway.

https://support.huaweicloud.com/intl/en-us/devg-apisign/api-sign-algorithm.html
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, unquote

from reconciler.provider import AccessKey, CredentialSource, RenewingAuth

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    import httpx

__all__ = ["SignatureAuth", "authorization", "canonical_query"]

ALGORITHM = "SDK-HMAC-SHA256"
DATE_FORMAT = "%Y%m%dT%H%M%SZ"
UNAUTHORIZED = 401
SIGNED = ("content-type", "host", "x-project-id", "x-sdk-date", "x-security-token")
"""The headers that are signed where present. The gateway demands the date only; proxies may change the others."""


def canonical_query(parameters: Iterable[tuple[str, str]]) -> str:
    """The query as it is signed *and* sent: sorted as text, `%20` for a blank, only `~` beyond letters kept.

    Values of a repeated parameter are sorted as text as well. A gateway that sorts again and one that takes the
    order as it comes then agree; the vendor's SDK sorts integers as numbers, which only the second accepts.
    """
    return "&".join(sorted(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in parameters))


def authorization(key: AccessKey, method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> str:
    """The Authorization header of a request.

    `target` is the path and query as sent; `headers` are those to be signed, names in lower case, among them
    `x-sdk-date`.
    """
    path, _, query = target.partition("?")
    segments = "/".join(quote(unquote(segment), safe="~") for segment in path.split("/"))
    names = sorted(headers)
    canonical = "\n".join(
        (
            method,
            segments if segments.endswith("/") else f"{segments}/",
            canonical_query(parse_qsl(query, keep_blank_values=True)),
            "".join(f"{name}:{headers[name].strip()}\n" for name in names),
            ";".join(names),
            hashlib.sha256(body).hexdigest(),
        )
    )
    to_sign = f"{ALGORITHM}\n{headers['x-sdk-date']}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.new(key.secret.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
    return f"{ALGORITHM} Access={key.id}, SignedHeaders={';'.join(names)}, Signature={signature}"


class SignatureAuth(RenewingAuth["AccessKey"]):
    """Signs each request at the moment it is sent, with a key or with temporary credentials."""

    def __init__(self, source: CredentialSource[AccessKey], now: Callable[[], datetime]) -> None:
        super().__init__(source)
        self._now = now

    def mark(self, request: httpx.Request, credential: AccessKey) -> None:
        request.headers["X-Sdk-Date"] = self._now().strftime(DATE_FORMAT)
        request.headers.pop("X-Security-Token", None)
        if credential.security_token:
            request.headers["X-Security-Token"] = credential.security_token
        signed = {name: request.headers[name] for name in SIGNED if name in request.headers}
        target = request.url.raw_path.decode("ascii")
        request.headers["Authorization"] = authorization(credential, request.method, target, signed, request.content)

    def refused(self, response: httpx.Response) -> bool:
        return response.status_code == UNAUTHORIZED
