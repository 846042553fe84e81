"""Who is calling, and for which project: AK/SK signatures and IAM tokens."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from secrets import token_urlsafe
from typing import NoReturn

from reconciler.simulator.accounts import HuaweicloudAccount
from reconciler.simulator.clock import VirtualClock
from reconciler.simulator.huaweicloud import signature
from reconciler.simulator.huaweicloud.errors import refusal
from reconciler.simulator.wire import WireRequest

TOKEN_LIFETIME = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Token:
    """An IAM token, good for one project until `expires_at` (real time plus what the clock was advanced)."""

    account: HuaweicloudAccount
    project: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Grant:
    """Who is calling. `project` is set where a token limits the call to one."""

    account: HuaweicloudAccount
    project: str = ""


class Authorization:
    """Checks requests against the accounts and the tokens issued."""

    def __init__(self, accounts: Iterable[HuaweicloudAccount], clock: VirtualClock) -> None:
        self._accounts = {account.access_key_id: account for account in accounts}
        self._clock = clock
        self._tokens: dict[str, Token] = {}

    def login(self, user: object, password: object, domain: object) -> HuaweicloudAccount | None:
        """The account of an IAM user, None for a wrong name or password."""
        for account in self._accounts.values():
            known = (account.iam_user, account.iam_password, account.iam_domain)
            if account.iam_user and known == (user, password, domain):
                return account
        return None

    def issue(self, account: HuaweicloudAccount, project: str) -> tuple[str, Token]:
        """A new token for one project."""
        token = Token(account, project, self._clock.wall() + TOKEN_LIFETIME)
        text = token_urlsafe(48)
        self._tokens[text] = token
        return text, token

    def expire_tokens(self) -> None:
        """Make every token issued so far invalid, as topping up an account in arrears does."""
        self._tokens.clear()

    def grant(self, request: WireRequest) -> Grant:
        """Who is calling; raises Refusal. A token wins over a signature, as at the real gateway."""
        text = request.header("x-auth-token")
        if text:
            token = self._tokens.get(text)
            if token is None or token.expires_at <= self._clock.wall():
                raise refusal("APIGW.0307")
            return Grant(token.account, token.project)
        return Grant(self._signer(request))

    def _signer(self, request: WireRequest) -> HuaweicloudAccount:
        claimed = signature.claim(request)
        if claimed is None:
            _refuse("the Authorization header is absent or malformed")
        account = self._accounts.get(claimed.access_key_id)
        if account is None:
            _refuse("ak not exist")
        at = signature.signed_at(request)
        if at is None:
            _refuse("X-Sdk-Date is absent or malformed")
        if abs(datetime.now(UTC) - at) > signature.MAXIMUM_SKEW:
            raise refusal("APIGW.0303")
        if request.header("x-security-token") != account.security_token:
            _refuse("the security token is absent or wrong")
        reason = signature.fault(request, claimed, account.secret_access_key)
        if reason is not None:
            _refuse(reason)
        return account


def _refuse(reason: str) -> NoReturn:
    raise refusal("APIGW.0301", reason)
