"""What a JUnit document may hold: the parts that we write of `junit-10.xsd`, by which Jenkins' xUnit plugin reads."""

import re
from xml.etree.ElementTree import Element

_VERDICT: tuple[set[str], set[str]] = (set(), {"type", "message"})
# Per element: its children, the attributes it may have, and those it must have.
_ELEMENTS: dict[str, tuple[set[str], set[str], set[str]]] = {
    "testsuites": ({"testsuite"}, {"name", "time", "tests", "failures", "errors"}, set()),
    "testsuite": (
        {"testcase"},
        {"name", "tests", "failures", "errors", "skipped", "time", "timestamp"},
        {"name", "tests", "failures", "errors"},
    ),
    "testcase": ({"skipped", "error", "failure", "system-out"}, {"name", "time", "classname"}, {"name"}),
    **{name: (*_VERDICT, set()) for name in ("failure", "error", "skipped")},
    "system-out": (set(), set(), set()),
}
_PATTERNS = {
    "time": r"\d+(\.\d+)?",
    "timestamp": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d",
    **dict.fromkeys(("tests", "failures", "errors"), r"\d+"),
}


def check_junit(element: Element) -> None:
    """Fail unless the element and all below it are as the schema says."""
    children, allowed, required = _ELEMENTS[element.tag]
    assert required <= set(element.keys()) <= allowed, element.attrib
    for name, value in element.items():
        assert re.fullmatch(_PATTERNS.get(name, r"(?s).*"), value), (name, value)
    if children and element.tag != "testcase":
        assert not (element.text or "").strip(), "text between elements"
    assert element.tag != "testcase" or len(element) <= 1
    for child in element:
        assert child.tag in children, (element.tag, child.tag)
        check_junit(child)
