"""A first plan of Terraform's own provider: `python peer_terraform.py TERRAFORM RESOURCES`."""

import subprocess
import sys
import tempfile
from pathlib import Path

CONFIGURATION = """
resource "terraform_data" "task" {{
  count = {count}
  input = {{ bucket = "bucket-${{count.index % 100}}", object = "talks/${{count.index}}.mp4" }}
}}
"""


def main() -> None:
    program, count = sys.argv[1:]
    with tempfile.TemporaryDirectory() as directory:
        Path(directory, "main.tf").write_text(CONFIGURATION.format(count=count), encoding="utf-8")
        for command in (["init"], ["plan", "-refresh=false", "-lock=false", "-out=plan.bin"]):
            subprocess.run([program, *command], cwd=directory, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - found on PATH


if __name__ == "__main__":
    main()
