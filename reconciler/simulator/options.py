"""What a simulator is told: who may call it, and what it does where the vendors' documents are silent or disagree."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from reconciler.simulator.clock import VirtualClock


class ResponseShape(StrEnum):
    """How Aliyun writes a list of strings: every shape seen in the vendor's own material."""

    ARRAY = "array"  # ["a","b"]: the type in every SDK
    COMMA_JOINED = "comma_joined"  # ["a,b"]: the samples of CancelUrlUploadJobs
    JSON_IN_ARRAY = "json_in_array"  # ["[\"a\", \"b\"]"]: the sample of GetURLUploadInfos
    QUOTED_IN_ARRAY = "quoted_in_array"  # ["['a', 'b']"]: the sibling service IMS
    BARE_STRING = "bare_string"  # "[\"a\", \"b\"]": the documents of 2021
    WRAPPED = "wrapped"  # {"JobId":["a","b"]}: the parsers of the C++ SDK
    MISSING = "missing"  # no key where the list is empty
    NULL = "null"  # null where the list is empty


class UnknownIds(StrEnum):
    """What a Huawei list answers for an id that does not exist."""

    NO_TASK = "no_task"  # an item of status NO_TASK, for the kinds that document it
    OMIT = "omit"  # no item


class Refused(StrEnum):
    """What CancelUrlUploadJobs does with a job that is no longer pending; the vendor does not say."""

    SILENT = "silent"  # it is in neither list
    ERROR = "error"  # 403 OperationDenied for the whole request


@dataclass(frozen=True, slots=True)
class Options:
    """The switches of one simulator. Quotas are requests per window in seconds, by quota group."""

    numeric_ids: bool = False
    unknown_ids: UnknownIds = UnknownIds.NO_TASK
    init_cancellable: bool = False
    response_shape: ResponseShape = ResponseShape.ARRAY
    canceled_visibility: str = "gone"
    refused: Refused = Refused.SILENT
    quotas: Mapping[str, tuple[int, float]] = field(default_factory=dict)
    cancel_reads: int = 0  # times that a job is shown as it was after AWS accepted its cancel


# MPC: productdesc-mpc/mpc_03_0018, per tenant. VOD of Huawei Cloud: 100 a minute for processing calls; nothing is
# published for editing tasks. Aliyun: help.aliyun.com document 342790, per account and action.
DOCUMENTED_QUOTAS: Mapping[str, tuple[int, float]] = {
    "mpc": (100, 60.0),
    "vod": (100, 60.0),
    "CancelUrlUploadJobs": (50, 1.0),
    "GetURLUploadInfos": (100, 1.0),
    "ListJob": (100, 1.0),
    "QueryJobList": (100, 1.0),
    "CancelJob": (100, 1.0),
}


class Quotas:
    """Counts requests per owner and quota group; a group without a limit is never full."""

    def __init__(self, limits: Mapping[str, tuple[int, float]], clock: VirtualClock) -> None:
        self._limits = limits
        self._clock = clock
        self._windows: dict[tuple[str, str], tuple[float, int]] = {}

    def admit(self, owner: str, group: str) -> float | None:
        """Count one request. None where it may pass, else the seconds until the window ends."""
        if group not in self._limits:
            return None
        most, length = self._limits[group]
        now = self._clock.monotonic()
        start, used = self._windows.get((owner, group), (now, 0))
        if now - start >= length:
            start, used = now, 0
        if used >= most:
            return length - (now - start)
        self._windows[owner, group] = (start, used + 1)
        return None


@dataclass(frozen=True, slots=True)
class HuaweicloudAccount:
    """An access key of Huawei Cloud. `projects` maps a region's name to the id of the project in it.

    An account with a `security_token` holds temporary keys: every request must carry the token. `iam_user`,
    `iam_password` and `iam_domain` are what `POST /v3/auth/tokens` accepts.
    """

    access_key_id: str
    secret_access_key: str = field(repr=False)
    security_token: str = field(default="", repr=False)
    projects: Mapping[str, str] = field(default_factory=dict)
    iam_user: str = ""
    iam_password: str = field(default="", repr=False)
    iam_domain: str = ""

    def owners(self) -> tuple[str, ...]:
        """Whose tasks this key reaches: its projects."""
        return tuple(self.projects.values())


@dataclass(frozen=True, slots=True)
class AliyunAccount:
    """An access key of Alibaba Cloud. Keys with the same `account_id` (RAM users) share tasks and quotas."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    security_token: str = field(default="", repr=False)
    account_id: str = ""

    @property
    def owner(self) -> str:
        """Whose tasks this key reaches: the main account."""
        return self.account_id or self.access_key_id

    def owners(self) -> tuple[str, ...]:
        """As `owner`, in the form that all vendors share."""
        return (self.owner,)


AWS_ACCOUNT = "111122223333"
"""The number of an AWS account that has none of its own."""


@dataclass(frozen=True, slots=True)
class AwsAccount(AliyunAccount):
    """An access key of AWS; a temporary one has a session token, here as `security_token`. Who holds the token of the
    identity provider may have a key of any role of the account."""

    web_identity_token: str = field(default="", repr=False)
    arn: str = f"arn:aws:iam::{AWS_ACCOUNT}:user/simulator"


@dataclass(frozen=True, slots=True)
class Accounts:
    """Every key that the simulator knows."""

    huaweicloud: tuple[HuaweicloudAccount, ...] = ()
    aliyun: tuple[AliyunAccount, ...] = ()
    aws: tuple[AwsAccount, ...] = ()

    def owners(self, vendor: str) -> tuple[str, ...]:
        """Whose tasks there can be in a vendor's cloud: projects of Huawei Cloud, accounts of the others."""
        accounts: tuple[HuaweicloudAccount | AliyunAccount, ...] = getattr(self, vendor)
        return tuple(dict.fromkeys(owner for account in accounts for owner in account.owners()))


DEFAULT_ACCOUNTS = Accounts(
    huaweicloud=(
        HuaweicloudAccount(
            access_key_id="SIMULATORHUAWEICLOUD",
            secret_access_key="simulator-secret-of-huaweicloud",  # noqa: S106 - opens nothing but the simulator
            projects={"cn-north-4": "0123456789abcdef0123456789abcdef"},
            iam_user="simulator",
            iam_password="simulator-password",  # noqa: S106 - likewise
            iam_domain="simulator-domain",
        ),
    ),
    aliyun=(
        AliyunAccount(
            access_key_id="SIMULATORALIYUN",
            secret_access_key="simulator-secret-of-aliyun",  # noqa: S106 - likewise
        ),
    ),
    aws=(
        AwsAccount(
            access_key_id="SIMULATORAWS",
            secret_access_key="simulator-secret-of-aws",  # noqa: S106 - likewise
            web_identity_token="simulator-web-identity-token",  # noqa: S106 - likewise
        ),
    ),
)


def default_accounts(count: int) -> Accounts:
    """As many accounts of each vendor: the first is the default one, the others bear their number, from 2 on.

    It stands behind the access key id and in the last six digits of the project's id; secrets are those of the first.
    """
    [huaweicloud], [aliyun], [aws] = DEFAULT_ACCOUNTS.huaweicloud, DEFAULT_ACCOUNTS.aliyun, DEFAULT_ACCOUNTS.aws

    def of_aws(number: int) -> AwsAccount:
        account = str(int(AWS_ACCOUNT) + number - 1)
        return replace(
            aws,
            access_key_id=f"{aws.access_key_id}{number}",
            account_id=account,
            web_identity_token=f"{aws.web_identity_token}-{number}",
            arn=aws.arn.replace(AWS_ACCOUNT, account),
        )

    def of_huaweicloud(number: int) -> HuaweicloudAccount:
        return replace(
            huaweicloud,
            access_key_id=f"{huaweicloud.access_key_id}{number}",
            projects={region: f"{project[:-6]}{number:06d}" for region, project in huaweicloud.projects.items()},
            iam_domain=f"{huaweicloud.iam_domain}-{number}",
        )

    others = range(2, count + 1)
    return Accounts(
        huaweicloud=(huaweicloud, *map(of_huaweicloud, others)),
        aliyun=(aliyun, *(replace(aliyun, access_key_id=f"{aliyun.access_key_id}{number}") for number in others)),
        aws=(aws, *map(of_aws, others)),
    )
