"""The kinds of tasks of Huawei Cloud: what differs between them is a row here.

Source: MPC API reference (api-mpc, mpc_04_0018 and following, DeleteRemuxTask, DeleteTranscodingTaskByConsole) and
the models of huaweicloudsdkmpc 3.1.219, which know more kinds than the pages do.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.simulator.store import Phase, Spellings

SUCCEEDED = Spellings(("WAITING",), ("PROCESSING",), ("SUCCEEDED",), ("FAILED",), ("CANCELED",))
TRANSCODING_WORDS = Spellings(("WAITING",), ("TRANSCODING",), ("SUCCEEDED",), ("FAILED",), ("CANCELED",))
SUCCEED = Spellings(("WAITING", "INIT"), ("PROCESSING",), ("SUCCEED",), ("FAILED",), ("CANCELED",))
EDITING_WORDS = Spellings(("WAITING",), ("PROCESSING",), ("SUCCEED",), ("FAILED",), ("CANCEL",))
# The asset task list has no word for a cancelled row; the simulator takes it out of the list.
ASSET_TASK_WORDS = Spellings(("WAITING",), ("PROCESSING",), ("SUCCEED",), ("FAILED",), ("CANCELED",))
PROGRESS = {Phase.PENDING: 0, Phase.RUNNING: 50, Phase.SUCCEEDED: 100, Phase.FAILED: 50, Phase.CANCELED: 0}
"""What the lists that tell a percentage say of a task."""


@dataclass(frozen=True, slots=True)
class MpcKind:
    """One kind of MPC task.

    `fields` are the names that an item may carry besides id, status and times. `renamed` are status values that the
    list takes otherwise than items have them, by the word of the items. `progress` names the field with the percentage,
    `completed_code` the error code of a task that succeeded. The kinds that answer a `task_array` are of one make.
    """

    name: str
    path: str
    envelope: str
    spellings: Spellings
    fields: frozenset[str]
    id_name: str = "task_id"
    integer_id: bool = False
    cancel_refusal: str = "MPC.10202"
    record_path: str = ""
    list_parameters: frozenset[str] = frozenset()
    required: tuple[str, ...] = ("input", "output")
    answers_item: bool = False
    progress: str = ""
    completed_code: str = ""
    renamed: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_array(self) -> bool:
        """Its lists say `is_truncated`, may answer an unknown id by an item of status NO_TASK, and tell no start."""
        return self.envelope == "task_array"

    @property
    def filters(self) -> Mapping[str, str]:
        """The values of the status parameter, and the words of items that they stand for."""
        words = [*(word for phase in Phase for word in self.spellings.of(phase)), *self.renamed]
        return {self.renamed.get(word, word): word for word in words}


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_IO = _names("input output description")
_ERRORS = _names("error_code user_data")
_PREPROCESSING = {"PROCESSING": "PREPROCESSING"}

# A table, which the formatter would stand on end.
# fmt: off
TRANSCODING = MpcKind(
    "huaweicloud.mpc.transcoding", "transcodings", "task_array", TRANSCODING_WORDS,
    _IO | _ERRORS | _names(
        "progress trans_template_id output_file_name tips transcode_detail thumbnail_output thumbnail_outputname "
        "pic_info thumbnails_info image_sprite_info av_parameters additional_manifests metadata"
    ),
    integer_id=True, cancel_refusal="MPC.10212", record_path="transcodings/task", progress="progress",
    renamed={"NEED_TO_BE_AUDIT": "NEED_TO_BE_AUDIT"},
)
PACKAGING = MpcKind(
    "huaweicloud.mpc.packaging", "remux", "tasks", SUCCEED,
    _IO | _ERRORS | _names("output_param complete_ratio output_metadata"),
    record_path="remux/task", list_parameters=_names("input_bucket input_object"), progress="complete_ratio",
)
MPC_KINDS = (
    TRANSCODING,
    PACKAGING,
    MpcKind("huaweicloud.mpc.snapshot", "thumbnails", "task_array", SUCCEEDED,
        _IO | _names("output_file_name user_data thumbnail_info"), answers_item=True),
    MpcKind("huaweicloud.mpc.animated_gif", "animated-graphics", "tasks", SUCCEED,
        _IO | _ERRORS | _names("output_param"), completed_code="MPC.10218", renamed=_PREPROCESSING),
    MpcKind("huaweicloud.mpc.metadata_extraction", "extract-metadata", "tasks", SUCCEED,
        _IO | _ERRORS | _names("metadata"), answers_item=True, required=("input",), renamed=_PREPROCESSING),
    MpcKind("huaweicloud.mpc.editing", "editing/jobs", "jobs", SUCCEED,
        _ERRORS | _names("output description edit_type edit_task_req output_file_info task_id"),
        id_name="job_id", required=("edit_type",), renamed=_PREPROCESSING),
    MpcKind("huaweicloud.mpc.enhancement", "enhancements", "task_array", SUCCEEDED, _IO | _names("output_file_name")),
    MpcKind("huaweicloud.mpc.channel_merge", "audio/services/merge_channels/task", "task_array", SUCCEEDED,
        _names("output description audio_files output_filename"), required=("multi_audio",)),
    MpcKind("huaweicloud.mpc.track_reset", "audio/services/reset_tracks/task", "task_array", SUCCEEDED,
        _IO | _names("output_filename tracks_info"), required=("audio_file",)),
)
# fmt: on

VOD_EDITING = "huaweicloud.vod.editing"
VOD_TRANSCODING = "huaweicloud.vod.transcoding"

SPELLINGS: Mapping[str, Spellings] = {
    **{kind.name: kind.spellings for kind in MPC_KINDS},
    VOD_EDITING: EDITING_WORDS,
    VOD_TRANSCODING: ASSET_TASK_WORDS,
}

FIELDS: Mapping[str, frozenset[str]] = {
    **{kind.name: kind.fields for kind in MPC_KINDS},
    VOD_EDITING: _names("asset_id progress"),
    VOD_TRANSCODING: _names("asset_id type transcode_result"),
}
