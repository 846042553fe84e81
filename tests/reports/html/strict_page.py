"""A page as a tree, read without any of the repairs that browsers make: what would need one is an error."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import NoReturn

VOID = frozenset({"meta", "input", "br"})


@dataclass
class Node:
    """An element. `content` holds its texts and elements in order."""

    name: str
    attributes: dict[str, str | None]
    content: list["Node | str"] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(part if isinstance(part, str) else part.text for part in self.content)

    @property
    def children(self) -> list["Node"]:
        return [part for part in self.content if isinstance(part, Node)]

    def walk(self) -> Iterator["Node"]:
        yield self
        for child in self.children:
            yield from child.walk()

    def all(self, name: str) -> list["Node"]:
        return [node for node in self.walk() if node.name == name]

    def by_id(self, identity: str) -> "Node":
        (found,) = (node for node in self.walk() if node.attributes.get("id") == identity)
        return found

    def rows(self, key: str) -> list[list["Node"]]:
        """The cells of each row in the table of a section."""
        (body,) = self.by_id(key).all("tbody")
        return [row.children for row in body.children]

    def skeleton(self) -> list[object]:
        """Elements and the names of their attributes, without any text."""
        return [self.name, sorted(self.attributes), [child.skeleton() for child in self.children]]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Node("", {})
        self.open = [self.root]
        self.ids: set[str] = set()

    def error(self, message: str) -> NoReturn:
        raise AssertionError(f"line {self.getpos()[0]}: {message}")

    def handle_decl(self, decl: str) -> None:
        if decl != "DOCTYPE html" or self.root.content:
            self.error(f"declaration {decl}")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if len(attributes) < len(attrs):
            self.error(f"an attribute twice in {tag}")
        identity = attributes.get("id")
        if identity in self.ids:
            self.error(f"id {identity} twice")
        self.ids.update({identity} if identity else ())
        node = Node(tag, attributes)
        self.open[-1].content.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.error(f"{tag} closes itself, with {attrs}")

    def handle_endtag(self, tag: str) -> None:
        if self.open[-1].name != tag:
            self.error(f"{tag} ends within {self.open[-1].name}")
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].content.append(data)

    def handle_comment(self, data: str) -> None:
        self.error(f"comment {data}")

    def handle_pi(self, data: str) -> None:
        self.error(f"processing instruction {data}")

    def unknown_decl(self, data: str) -> None:
        self.error(f"declaration {data}")


def parsed(page: str) -> Node:
    """The root of the page. Raises AssertionError for what is not well-formed, and for an id that is there twice."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    if len(reader.open) > 1:
        reader.error(f"{reader.open[-1].name} does not end")
    (root,) = reader.root.children
    return root
