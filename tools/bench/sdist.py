"""Fetch a source package that pip refuses: `python -m tools.bench.sdist NAME==VERSION DIR`.

Packages for MicroPython are archives of modules without a build script, so `pip download` gives
up on them. This asks pip's own finder, with pip's own configuration, and saves the archive.
Run it with an interpreter that has pip.
"""

from __future__ import annotations

import sys
from pathlib import Path


def fetch(requirement: str, folder: Path) -> Path:
    """Save the archive of exactly that version; the path of the file."""
    from pip._internal.commands.download import DownloadCommand

    name, _, version = requirement.partition("==")
    command = DownloadCommand("download", "")
    options, _ = command.parse_args(["--no-deps", name])
    with command.main_context():
        session = command.get_default_session(options)
        finder = command._build_package_finder(options, session)
        for candidate in finder.find_all_candidates(name):
            if str(candidate.version) == version and candidate.link.filename.endswith(".tar.gz"):
                answer = session.get(candidate.link.url_without_fragment)
                answer.raise_for_status()
                target = folder / candidate.link.filename
                target.write_bytes(answer.content)
                return target
    raise SystemExit(f"{requirement} is not in the package index")


if __name__ == "__main__":
    print(fetch(sys.argv[1], Path(sys.argv[2])))
