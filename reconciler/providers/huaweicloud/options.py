"""What targets of Huawei Cloud may say."""

from __future__ import annotations

from types import MappingProxyType

from reconciler.provider import ACCESS_KEY_KEYS, ProviderOptions

SERVICES = ("mpc", "vod", "iam")
PROJECTS_PATH = "/v3/projects"
"""Where IAM tells the id of a project."""
WAY_OUT = "set the target's `project_id`"

KEYS = {
    **ACCESS_KEY_KEYS,
    "token": "a ready IAM token for a project of the region, in place of keys",
    "iam_user": "the IAM user who gets a token, with iam_password and iam_domain",
    "iam_password": "the password of iam_user",
    "iam_domain": "the account (domain) of iam_user",
}

OPTIONS = ProviderOptions(
    name="huaweicloud",
    properties=MappingProxyType(
        {
            "region": {
                "type": "string",
                "pattern": "^[a-z]{2,}(-[a-z0-9]+)+$",
                "patternErrorMessage": "must be the id of a region, such as cn-north-4",
                "description": "Region of the project, such as cn-north-4.",
                "examples": ["cn-north-4", "ap-southeast-3", "${HUAWEICLOUD_REGION:-cn-north-4}"],
            },
            "project_id": {
                "type": "string",
                "pattern": "^[A-Za-z0-9_-]*$",
                "patternErrorMessage": "must be the id of a project",
                "description": "Id of the region's project. Looked up through IAM where empty or absent.",
                "examples": ["${HUAWEICLOUD_SDK_PROJECT_ID:-}", "0a1b2c3d4e5f60718293a4b5c6d7e8f9"],
            },
        }
    ),
    required=("region",),
    services=SERVICES,
    credentials=KEYS,
    title="Huawei Cloud",
    # https://support.huaweicloud.com/intl/en-us/productdesc-mpc/mpc_03_0018.html; VOD's processing group alike. IAM
    # publishes none for the one look-up.
    quotas=MappingProxyType({"mpc": (100, 60.0), "vod": (100, 60.0), "iam": (10, 1.0)}),
    target="huawei-prod",
    # Those of MPC and VOD, as the vendor's SDKs list them.
    known_regions=(
        *("cn-north-1", "cn-north-4", "cn-east-2", "cn-east-3", "cn-south-1"),
        *("ap-southeast-1", "ap-southeast-2", "ap-southeast-3"),
    ),
)
