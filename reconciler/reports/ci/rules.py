"""The rules that `validate` checks, in words: what code scanning shows beside a finding."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from reconciler.diagnostics import Rule

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["RULES", "RuleText"]


@dataclass(frozen=True, slots=True)
class RuleText:
    """`summary` says in one sentence what the rule asks for, `help` what to do where it is broken."""

    summary: str
    help: str


RULES: Mapping[Rule, RuleText] = MappingProxyType(
    {
        Rule.CONFIGURATION: RuleText(
            "The configuration is consistent.",
            "The message names the value and what is expected in its place.",
        ),
        Rule.FILE: RuleText(
            "Every file and directory that is named can be read.",
            "Name a file, or a directory that holds reconciler.yaml or *.reconciler.yaml. A path that leads to no "
            "file is an error, since the policies and protections that are believed to be there are not.",
        ),
        Rule.YAML_SYNTAX: RuleText(
            "Files are YAML 1.2 in UTF-8.",
            "Tags, tabs in indentation and control characters are not accepted; true and false are the only flags. "
            "Quote a value that YAML would read as something else.",
        ),
        Rule.DUPLICATE: RuleText(
            "Keys and names are defined once.",
            "All files merge into one configuration. Rename or remove one of the two; the message points at the first.",
        ),
        Rule.UNKNOWN_KEY: RuleText(
            "Every key is one that the format knows.",
            "A key that is not known would be ignored, and with it what its author meant. The allowed keys are listed.",
        ),
        Rule.STRUCTURE: RuleText(
            "Every value is of the kind and within the bounds that the schema asks for.",
            "`reconciler schema` prints the JSON Schema, with which an editor completes and checks these files.",
        ),
        Rule.SECRET: RuleText(
            "No secret stands in the configuration.",
            "Say where the secret is read from: {env: NAME} or {file: PATH}. Renew it if it was committed.",
        ),
        Rule.ENVIRONMENT: RuleText(
            "Variables stand where they are expanded, and are set.",
            "${NAME} and ${NAME:-default} are expanded in targets and settings only.",
        ),
        Rule.UNKNOWN_REFERENCE: RuleText(
            "Every name leads to a provider, resource type or target.",
            "The allowed names are listed. A policy without a target holds nowhere.",
        ),
        Rule.INVENTORY: RuleText(
            "Tasks that an API cannot list are named in an inventory.",
            "An inventory is lists of ids, URLs or the like, inline or in files of one entry a line.",
        ),
        Rule.UNKNOWN_FIELD: RuleText(
            "A selector names fields of its resource type.",
            "`reconciler explain RESOURCE` lists the fields of a type with their kinds and values.",
        ),
        Rule.SELECTOR: RuleText(
            "A selector is a mapping of fields to conditions.",
            "Keys are ANDed; all, any and not combine mappings. `match: all` is the only way to select everything.",
        ),
        Rule.SELECTOR_TYPE: RuleText(
            "Operators and values fit the field.",
            "The operators and values that the field takes are listed. Durations are written like 6h, times in RFC "
            "3339.",
        ),
        Rule.PROTECTION_BREADTH: RuleText(
            "A protection covers what it seems to.",
            "A field that a resource type lacks is unknown there, and unknown protects: all tasks of that type are "
            "protected. Narrow `resource`, or write a protection for each kind.",
        ),
        Rule.DEAD_END: RuleText(
            "Every task that a policy selects can leave it again.",
            "No operation, nor the task's own progress, leads out of the states that the message names, so the policy "
            "could never hold. Select the states that an operation starts from.",
        ),
        Rule.NEVER_ACTS: RuleText(
            "A policy selects some task that an operation starts from.",
            "No operation starts from the states that are selected, so the policy never does anything.",
        ),
    }
)
