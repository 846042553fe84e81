"""What an editor says about a key, and where it marks a mistake."""

import pytest

from tests.editor.language_server import Complaint
from tests.editor.texts import CURSOR, PROVIDERS, Opened, at_cursor, match, policy, protection, target


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"settings:\n  plan{CURSOR}_ttl: 5h", ["How long a saved plan is good for", "Default: 24h", "6h"]),
        (f"targets:\n  t:\n    provider: huaweicloud\n    reg{CURSOR}ion: x-y", ["Region of the project"]),
        (f"policies:\n  p:\n    resource: huaweicloud.mpc.pack{CURSOR}aging", ["a video put into another container"]),
        (match(f"creat{CURSOR}ed_at: {{older_than: 5h}}"), ["When the task was created", "older_than: 6h"]),
        (match(f"created_at: {{older{CURSOR}_than: 5h}}"), ["Longer ago than this duration", "30d"]),
        (match(f"sta{CURSOR}tus: pending"), ["Normalised status", "Waits in the queue; it can be canceled"]),
        (match(f"provider_status: INI{CURSOR}T"), ["Status as the vendor spells it", "Means pending"]),
        (policy(f"ens{CURSOR}ure: absent"), ["How many tasks may match", "absent"]),
        (policy(f"ensure: {{at_most: 1, ke{CURSOR}ep: newest}}"), ["Which tasks of a group stay. Default: newest"]),
    ],
)
def test_a_key_says_what_it_is_for(opened: Opened, text: str, shown: list[str]) -> None:
    whole, line, column = at_cursor(text)
    hover = opened(whole).hover(line, column).replace("\\", "")
    assert [part for part in shown if part not in hover] == []


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("version: 2\n", 1, "Value must be 1."),
        ("targets: {}\n", 1, 'Missing property "version".'),
        ("version: 1\ntragets: {}\n", 2, "Property tragets is not allowed."),
        ("version: 1\nsettings:\n  concurrency: 0\n", 3, "Value is below the minimum of 1."),
        ("version: 1\nsettings:\n  plan_ttl: 5x\n", 3, "must be a duration such as 90s, 15m, 6h or 7d"),
        (
            "version: 1\ntargets:\n  t: {provider: azure}\n",
            3,
            'Value is not accepted. Valid values: "' + '", "'.join(sorted(PROVIDERS)) + '".',
        ),
        ("version: 1\ntargets:\n  t: {provider: aws}\n", 3, 'Missing property "region".'),
        (target("region: x-y\ninventory: {}"), 6, "Property inventory is not allowed."),
        (target("region: nowhere"), 5, "must be the id of a region, such as cn-north-4"),
        (target("region: x-y\ncredentials: {token: abc}"), 6, "must be {env: NAME} or {file: PATH}"),
        (
            target("region: x-y\ncredentials: {token: {env: A, file: b}}"),
            6,
            "Object has more properties than limit of 1.",
        ),
        (target("region: x-y\nrate_limits:\n  mpc: 5/day"), 7, "must be a rate such as 100/min, 50/s or 1000/h"),
        ("version: 1\ntargets:\n  T: {provider: huaweicloud, region: x-y}\n", 3, "must be a name for a target"),
        (policy("match: all\nensure: none"), 6, 'Value is not accepted. Valid values: "absent".'),
        (policy("match: all\nensure: absent\nlimit: 5"), 7, "Property limit is not allowed."),
        (policy("match: all", "huaweicloud.mpc.foo"), 4, "Value is not accepted."),
        (policy("ensure: {at_most: 1, per: [upload_url]}\nmatch: all"), 5, "Value is not accepted."),
        (match("upload_url: x"), 6, "Property upload_url is not allowed."),
        (match("status: runing"), 6, 'Valid values: "pending", "running", "succeeded", "failed", "canceled".'),
        (match("status:\n  - pending\n  - runing"), 8, "Value is not accepted."),
        (match("provider_status: pending"), 6, '"INIT", "WAITING"'),
        (match("status: {glob: p*}"), 6, "Property glob is not allowed."),
        (match("progress: {older_than: 6h}"), 6, "Property older_than is not allowed."),
        (match("created_at: 6h"), 6, "a timestamp takes operators: older_than, newer_than, before, after, exists"),
        (match("created_at: {glob: x}"), 6, "a timestamp takes operators: older_than"),
        (match("created_at: {older_than: 6}"), 6, 'Incorrect type. Expected "string".'),
        (match("any:\n  - not:\n      nothing: 1"), 8, "Property nothing is not allowed."),
        (match("id: {missing: true}"), 6, "Object has fewer properties than the required number of 2"),
        (match("id: {exists: true, missing: true}"), 6, "must not stand beside missing"),
        (match("id: {file: ids.txt, missing: true}"), 6, "must not stand beside missing"),
        (match("id: {file: ids.txt, ne: a}"), 6, "Object has more properties than limit of 1."),
        (policy("ensure: {absent: true, per: [id]}\nmatch: all"), 5, "Property per is not allowed."),
        (policy("match: all", "[huaweicloud.mpc.foo]"), 4, "Value is not accepted."),
        (protection("aliyun.*", "asset_id: x"), 6, "Property asset_id is not allowed."),
        (protection("aliyun.vod.*", "input.bucket: x"), 6, "Property input.bucket is not allowed."),
    ],
)
def test_a_mistake_is_marked_in_its_line(opened: Opened, text: str, line: int, message: str) -> None:
    """`line` counts from 1 in the text as written here, without the line that leads to the schema."""
    found = opened(text).complaints()
    assert [complaint for complaint in found if complaint.line == line + 1 and message in complaint.message], found


def test_a_schema_that_is_not_there_is_a_complaint(opened: Opened) -> None:
    """So that the absence of complaints elsewhere means that the schema was found."""
    (complaint,) = opened("# yaml-language-server: $schema=schemas/nothing.json\nversion: 1\n").complaints()
    assert isinstance(complaint, Complaint)
    assert "nothing.json" in complaint.message


def test_the_form_of_other_editors_leads_to_the_schema_too(opened: Opened) -> None:
    """IntelliJ reads this line only."""
    found = opened("# $schema: schemas/reconciler.schema.json\nversion: 2\n").complaints()
    assert [complaint.message for complaint in found] == ["Value must be 1."]
