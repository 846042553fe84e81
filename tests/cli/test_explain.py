"""`reconciler explain` as one types it."""

from tests.terminal import Terminal


def test_draws_the_lifecycle(terminal: Terminal) -> None:
    finished = terminal.run("explain", "huaweicloud.mpc.packaging")
    assert finished.code == 0
    assert "| pending  |----->| running    |---+->| succeeded |--delete--> gone" in finished.out
    assert max(map(len, finished.out.split("Operations")[0].splitlines())) <= 80
    assert "no way out" in terminal.run("explain", "huaweicloud.vod.editing").out


def test_the_document_holds_the_lifecycle(terminal: Terminal) -> None:
    one = terminal.run("explain", "huaweicloud.vod.editing", "--format", "json").json
    states = one["resource_types"][0]["lifecycle"]["states"]
    assert [state["status"] for state in states if state["dead_end"]] == ["succeeded", "failed", "canceled"]
    every = terminal.run("explain", "--format", "json").json
    assert one.keys() == every.keys() == {"format", "format_version", "resource_types"}
    assert len(every["resource_types"]) == 12
    assert all(row["lifecycle"]["transitions"] for row in every["resource_types"])


def test_a_diagram_for_documents(terminal: Terminal) -> None:
    finished = terminal.run("explain", "aliyun.vod.url_upload", "--format", "mermaid")
    assert finished.code == 0
    assert finished.out.startswith("stateDiagram-v2\n")
    assert "pending --> canceled: cancel" in finished.out
    assert terminal.run("explain", "--format", "mermaid").code == 64
