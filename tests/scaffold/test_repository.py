"""The text of a new repository, for every choice."""

import itertools
import json
import re
import shlex
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.config.yaml_document import parse
from reconciler.exceptions import UsageError
from reconciler.providers.registry import catalogue
from reconciler.scaffold.choices import CLOUDS, Choices, ContinuousIntegration, checked_name, checked_region, proposed
from reconciler.scaffold.repository import FIRST_STEPS, repository_files
from reconciler.simulator import DEFAULT_ACCOUNTS
from reconciler.simulator.seeds import read_seed
from tests.command_lines import check, command_lines

TEMPLATES = Path(str(files("reconciler.scaffold"))) / "templates"
CHOSEN = (*((cloud,) for cloud in CLOUDS), tuple(CLOUDS), ("aliyun", "huaweicloud"), ("aliyun-mps", "aliyun"))
CASES = list(itertools.product(CHOSEN, ContinuousIntegration))
HOSTILE = ["", "-a", "A", "a_b", "a b", "a\n", "a: {x", "${X}", "@{target}", '"', "#", "ä", "a" * 64, "../x", "\u202ea"]


def _choices(chosen: tuple[str, ...], ci: ContinuousIntegration, name: str | None = None) -> Choices:
    clouds = [CLOUDS[name] for name in chosen]
    targets = [proposed(cloud, catalogue().providers[cloud.provider]) for cloud in clouds]
    return Choices(tuple(replace(target, name=name or target.name) for target in targets), ci)


def _written(chosen: tuple[str, ...], ci: ContinuousIntegration, name: str | None = None) -> dict[str, str]:
    return repository_files(_choices(chosen, ci, name), catalogue())


@pytest.mark.parametrize(("chosen", "ci"), CASES)
def test_every_placeholder_is_filled_and_every_file_ends_in_one_line_break(
    chosen: tuple[str, ...], ci: ContinuousIntegration
) -> None:
    for name, text in _written(chosen, ci).items():
        assert "@{" not in text, name
        assert text.endswith("\n"), name
        assert not text.endswith("\n\n"), name
        assert not re.search(r"[ \t]+$|\n\n\n", text, re.MULTILINE), name


@pytest.mark.parametrize("ci", list(ContinuousIntegration))
def test_files_for_ci_are_copied_to_the_letter(ci: ContinuousIntegration) -> None:
    """Their own `${{ }}` survives. Without CI there is none."""
    room = TEMPLATES / ci.value
    templates = [path for path in room.rglob("*") if path.is_file()] if room.is_dir() else []
    assert bool(templates) == (ci is not ContinuousIntegration.NONE)
    written = _written(("huaweicloud",), ci)
    for path in templates:
        name = re.sub(r"(^|/)dot-", r"\1.", path.relative_to(room).as_posix())
        assert written[name] == path.read_text(encoding="utf-8")


def test_nothing_of_one_choice_is_left_in_another() -> None:
    def named(chosen: tuple[str, ...], ci: ContinuousIntegration) -> set[str]:
        return set(_written(chosen, ci))

    neither = named(("huaweicloud",), ContinuousIntegration.NONE)
    assert not any(name.startswith((".github", ".gitlab", "inventory")) for name in neither)
    assert neither < named(("huaweicloud",), ContinuousIntegration.GITHUB)
    assert neither < named(("huaweicloud", "aliyun"), ContinuousIntegration.NONE)
    assert "lists" not in _written(("huaweicloud",), ContinuousIntegration.NONE)["README.md"].split("## Make")[0]


@pytest.mark.parametrize(("chosen", "ci"), CASES)
def test_the_table_of_the_readme_names_every_file_and_no_other(
    chosen: tuple[str, ...], ci: ContinuousIntegration
) -> None:
    written = _written(chosen, ci)
    table = written["README.md"].split("## Try it")[0]
    named = re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)
    assert len(named) == len(set(named)) > 3
    for name in named:
        assert any(path.startswith(name) if name.endswith("/") else path == name for path in written), name
    unnamed = [path for path in written if not any(path == name or path.startswith(name) for name in named)]
    assert unnamed == [".gitignore", "README.md"]


@pytest.mark.parametrize(("chosen", "ci"), CASES)
def test_first_lines_lead_editors_to_schemas_that_are_written(
    chosen: tuple[str, ...], ci: ContinuousIntegration
) -> None:
    written = _written(chosen, ci)
    read = [name for name in written if re.search(r"reconciler(-test)?\.yaml$", name)]
    assert len(read) == 1 + 2 * len(chosen)
    for name in read:
        first = written[name].splitlines()[0].removeprefix("# yaml-language-server: $schema=")
        found = (Path("/") / name).parent.joinpath(first).resolve().as_posix().removeprefix("/")
        assert found.startswith("schemas/reconciler-test" if "-test." in name else "schemas/reconciler.")
        assert json.loads(written[found])["$schema"] == "http://json-schema.org/draft-07/schema#"


@pytest.mark.parametrize(("chosen", "ci"), CASES)
def test_the_readme_and_the_workflows_use_commands_and_flags_that_there_are(
    chosen: tuple[str, ...], ci: ContinuousIntegration
) -> None:
    readme = _written(chosen, ci)["README.md"]
    blocks = "\n".join(re.findall(r"```sh\n(.*?)```", readme, re.DOTALL))
    inline = "\n".join(text for text in re.findall(r"`(reconciler [a-z][^`]*)`", readme))
    found = [*command_lines(blocks), *command_lines(inline)]
    assert {words[0] for words in found} >= {"validate", "test", "simulator", "plan", "apply", "permissions", "explain"}
    for words in found:
        check(words)


def test_the_steps_stand_in_the_readme_in_order() -> None:
    readme = _written(("aliyun",), ContinuousIntegration.NONE)["README.md"]
    places = [readme.index(command) for step in FIRST_STEPS for command in step.commands]
    assert places == sorted(places)


# -- the local cloud --------------------------------------------------------------------------------------------
@pytest.mark.parametrize("chosen", CHOSEN)
def test_the_seed_is_one_and_the_keys_are_those_of_every_simulator(chosen: tuple[str, ...]) -> None:
    written = _written(chosen, ContinuousIntegration.NONE)
    seed = read_seed(written["simulator/seed.yaml"])
    providers = {CLOUDS[name].provider for name in chosen}
    assert {row.kind.split(".")[0] for row in seed.rows} == providers
    lines = [line for line in written["simulator/simulator.env"].splitlines() if not line.startswith("#")]
    variables = dict(line.split("=", 1) for line in lines)
    assert all(shlex.split(line) == [line] for line in lines), "a shell takes each line for what it is"
    huawei, aliyun, aws = DEFAULT_ACCOUNTS.huaweicloud[0], DEFAULT_ACCOUNTS.aliyun[0], DEFAULT_ACCOUNTS.aws[0]
    expected = {
        "HUAWEICLOUD_SDK_AK": huawei.access_key_id,
        "HUAWEICLOUD_SDK_SK": huawei.secret_access_key,
        "HUAWEICLOUD_SDK_PROJECT_ID": huawei.projects["cn-north-4"],
        "ALIBABA_CLOUD_ACCESS_KEY_ID": aliyun.access_key_id,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": aliyun.secret_access_key,
        "AWS_ACCESS_KEY_ID": aws.access_key_id,
        "AWS_SECRET_ACCESS_KEY": aws.secret_access_key,
    }
    keys = {name: value for name, value in variables.items() if not name.endswith("_ENDPOINT")}
    assert keys.items() <= expected.items()
    prefixes = {"huaweicloud": "HUAWEICLOUD", "aliyun": "ALIBABA", "aws": "AWS"}
    assert {name.split("_")[0] for name in keys} == {prefixes[provider] for provider in providers}
    assert {value for name, value in variables.items() if name.endswith("_ENDPOINT")} == {"http://127.0.0.1:8799"}
    used = set(re.findall(r"\$\{([A-Z_]+_ENDPOINT):-\}", written["reconciler.yaml"]))
    assert used == {name for name in variables if name.endswith("_ENDPOINT")}


# -- names --------------------------------------------------------------------------------------------------------
@settings(max_examples=30)
@given(
    st.from_regex(r"[a-z0-9][a-z0-9-]{0,62}", fullmatch=True) | st.sampled_from(["null", "true", "1e5", "0x1f", "no"])
)
def test_a_name_stays_the_text_that_it_is(name: str) -> None:
    """Also one that YAML would take for a number, a date or a truth value."""
    text = _written(("huaweicloud",), ContinuousIntegration.NONE, checked_name(name))["reconciler.yaml"]
    document, diagnostics = parse(text.encode(), Path("reconciler.yaml"), "reconciler.yaml")
    assert diagnostics == []
    assert isinstance(document.data, dict)
    assert list(document.data["targets"]) == [name]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_and_regions_are_refused(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        checked_name(text)
    assert "\u202e" not in refused.value.message
    for cloud in CLOUDS.values():
        with pytest.raises(UsageError):
            checked_region(text, cloud, catalogue().providers[cloud.provider])


@pytest.mark.parametrize(
    ("name", "region", "good"),
    [
        ("huaweicloud", "ap-southeast-3", True),
        ("huaweicloud", "beijing", False),
        ("aliyun", "ap-southeast-1", True),
        ("aliyun", "cn-beijing", False),
        ("aliyun-mps", "cn-beijing", True),
        ("aliyun-mps", "us-east-1", False),
        ("aws", "us-west-2", True),
        ("aws", "ireland", False),
    ],
)
def test_regions_are_those_of_the_cloud(name: str, region: str, *, good: bool) -> None:
    cloud = CLOUDS[name]
    options = catalogue().providers[cloud.provider]
    if good:
        assert checked_region(region, cloud, options) == region
    else:
        with pytest.raises(UsageError):
            checked_region(region, cloud, options)


def test_two_targets_have_two_names() -> None:
    with pytest.raises(UsageError, match="same name"):
        _choices(("huaweicloud", "aliyun"), ContinuousIntegration.NONE, "prod")


def test_what_is_proposed_is_allowed_for_every_provider() -> None:
    assert {cloud.provider for cloud in CLOUDS.values()} == set(catalogue().providers)
    for cloud in CLOUDS.values():
        options = catalogue().providers[cloud.provider]
        usual = proposed(cloud, options)
        assert checked_name(usual.name) == usual.name
        assert checked_region(usual.region, cloud, options) == usual.region
    assert len({proposed(cloud, catalogue().providers[cloud.provider]).name for cloud in CLOUDS.values()}) == len(
        CLOUDS
    )
