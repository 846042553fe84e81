"""The kinds of tasks of Huawei Cloud: what differs between them is a row here.

Source: MPC API reference (api-mpc, mpc_04_0018 and following, DeleteRemuxTask, DeleteTranscodingTaskByConsole) and
the models of huaweicloudsdkmpc 3.1.219, which know more kinds than the pages do.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.simulator.tasks import Phase, Spellings

SUCCEEDED = Spellings(("WAITING",), ("PROCESSING",), ("SUCCEEDED",), ("FAILED",), ("CANCELED",))
TRANSCODING_WORDS = Spellings(("WAITING",), ("TRANSCODING",), ("SUCCEEDED",), ("FAILED",), ("CANCELED",))
SUCCEED = Spellings(("WAITING", "INIT"), ("PROCESSING",), ("SUCCEED",), ("FAILED",), ("CANCELED",))
EDITING_WORDS = Spellings(("WAITING",), ("PROCESSING",), ("SUCCEED",), ("FAILED",), ("CANCEL",))
# The asset task list has no word for a cancelled row; the simulator takes it out of the list.
ASSET_TASK_WORDS = Spellings(("WAITING",), ("PROCESSING",), ("SUCCEED",), ("FAILED",), ("CANCELED",))


def _filters(spellings: Spellings, **renamed: str) -> Mapping[str, str]:
    """Status values that a list accepts, mapped to the word that the items carry."""
    words = [word for phase in Phase for word in spellings.of(phase)]
    return {renamed.get(word, word): word for word in words}


@dataclass(frozen=True, slots=True)
class MpcKind:
    """One kind of MPC task.

    `fields` are the names that an item may carry besides id, status and times. `filters` maps the values of the
    status parameter to those in items. `no_task`: an unknown id may be answered by an item of status NO_TASK.
    `progress` names the field with the percentage, `completed_code` the error code of a task that succeeded.
    """

    name: str
    path: str
    envelope: str
    spellings: Spellings
    filters: Mapping[str, str]
    fields: frozenset[str]
    id_name: str = "task_id"
    integer_id: bool = False
    truncated: bool = False
    no_task: bool = False
    start_time: bool = False
    cancel_refusal: str = "MPC.10202"
    record_path: str = ""
    list_parameters: frozenset[str] = frozenset()
    required: tuple[str, ...] = ("input", "output")
    answers_item: bool = False
    progress: str = ""
    completed_code: str = ""


_IO = frozenset({"input", "output", "description"})
_ERRORS = frozenset({"error_code", "user_data"})

TRANSCODING = MpcKind(
    name="huaweicloud.mpc.transcoding",
    path="transcodings",
    envelope="task_array",
    spellings=TRANSCODING_WORDS,
    filters={**_filters(TRANSCODING_WORDS), "NEED_TO_BE_AUDIT": "NEED_TO_BE_AUDIT"},
    fields=_IO
    | _ERRORS
    | {"progress", "trans_template_id", "output_file_name", "tips", "transcode_detail", "thumbnail_output"}
    | {"thumbnail_outputname", "pic_info", "thumbnails_info", "image_sprite_info", "av_parameters"}
    | {"additional_manifests", "metadata"},
    integer_id=True,
    truncated=True,
    no_task=True,
    cancel_refusal="MPC.10212",
    record_path="transcodings/task",
    progress="progress",
)
PACKAGING = MpcKind(
    name="huaweicloud.mpc.packaging",
    path="remux",
    envelope="tasks",
    spellings=SUCCEED,
    filters=_filters(SUCCEED),
    fields=_IO | _ERRORS | {"output_param", "complete_ratio", "output_metadata"},
    start_time=True,
    record_path="remux/task",
    list_parameters=frozenset({"input_bucket", "input_object"}),
    progress="complete_ratio",
)
SNAPSHOT = MpcKind(
    name="huaweicloud.mpc.snapshot",
    path="thumbnails",
    envelope="task_array",
    spellings=SUCCEEDED,
    filters=_filters(SUCCEEDED),
    fields=_IO | {"output_file_name", "user_data", "thumbnail_info"},
    truncated=True,
    no_task=True,
    answers_item=True,
)
ANIMATED_GIF = MpcKind(
    name="huaweicloud.mpc.animated_gif",
    path="animated-graphics",
    envelope="tasks",
    spellings=SUCCEED,
    filters=_filters(SUCCEED, PROCESSING="PREPROCESSING"),
    fields=_IO | _ERRORS | {"output_param"},
    start_time=True,
    completed_code="MPC.10218",
)
METADATA_EXTRACTION = MpcKind(
    name="huaweicloud.mpc.metadata_extraction",
    path="extract-metadata",
    envelope="tasks",
    spellings=SUCCEED,
    filters=_filters(SUCCEED, PROCESSING="PREPROCESSING"),
    fields=_IO | _ERRORS | {"metadata"},
    start_time=True,
    answers_item=True,
    required=("input",),
)
EDITING = MpcKind(
    name="huaweicloud.mpc.editing",
    path="editing/jobs",
    envelope="jobs",
    spellings=SUCCEED,
    filters=_filters(SUCCEED, PROCESSING="PREPROCESSING"),
    fields=frozenset({"output", "description", "edit_type", "edit_task_req", "output_file_info", "task_id"}) | _ERRORS,
    id_name="job_id",
    start_time=True,
    required=("edit_type",),
)
ENHANCEMENT = MpcKind(
    name="huaweicloud.mpc.enhancement",
    path="enhancements",
    envelope="task_array",
    spellings=SUCCEEDED,
    filters=_filters(SUCCEEDED),
    fields=_IO | {"output_file_name"},
    truncated=True,
    no_task=True,
)
CHANNEL_MERGE = MpcKind(
    name="huaweicloud.mpc.channel_merge",
    path="audio/services/merge_channels/task",
    envelope="task_array",
    spellings=SUCCEEDED,
    filters=_filters(SUCCEEDED),
    fields=frozenset({"output", "description", "audio_files", "output_filename"}),
    truncated=True,
    no_task=True,
    required=("multi_audio",),
)
TRACK_RESET = MpcKind(
    name="huaweicloud.mpc.track_reset",
    path="audio/services/reset_tracks/task",
    envelope="task_array",
    spellings=SUCCEEDED,
    filters=_filters(SUCCEEDED),
    fields=_IO | {"output_filename", "tracks_info"},
    truncated=True,
    no_task=True,
    required=("audio_file",),
)

MPC_KINDS = (
    TRANSCODING,
    PACKAGING,
    SNAPSHOT,
    ANIMATED_GIF,
    METADATA_EXTRACTION,
    EDITING,
    ENHANCEMENT,
    CHANNEL_MERGE,
    TRACK_RESET,
)

VOD_EDITING = "huaweicloud.vod.editing"
VOD_TRANSCODING = "huaweicloud.vod.transcoding"

SPELLINGS: Mapping[str, Spellings] = {
    **{kind.name: kind.spellings for kind in MPC_KINDS},
    VOD_EDITING: EDITING_WORDS,
    VOD_TRANSCODING: ASSET_TASK_WORDS,
}

FIELDS: Mapping[str, frozenset[str]] = {
    **{kind.name: kind.fields for kind in MPC_KINDS},
    VOD_EDITING: frozenset({"asset_id", "progress"}),
    VOD_TRANSCODING: frozenset({"asset_id", "type", "transcode_result"}),
}
