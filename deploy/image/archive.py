#!/usr/bin/env python3
"""Packs a root file system as an image that `docker load` takes.

    archive.py ROOT FILE.tar NAME:TAG [NAME=VALUE…]        # environment beside PATH

One layer. Equal roots give equal bytes: names are sorted, times are $SOURCE_DATE_EPOCH (0), only the owners 0 and 185 exist.
"""

import hashlib
import io
import json
import os
import platform
import sys
import tarfile

TIME = int(os.environ.get("SOURCE_DATE_EPOCH", "0"))
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
OURS = 185


def layer(root):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for folder, folders, files in os.walk(root):
            folders.sort()
            for name in sorted(folders + files):
                path = os.path.join(folder, name)
                entry = tar.gettarinfo(path, os.path.relpath(path, root))
                if entry is None:                                        # a socket
                    continue
                ours = os.lstat(path).st_uid == OURS
                entry.uid, entry.gid, entry.uname, entry.gname, entry.mtime = (OURS if ours else 0), 0, "", "", TIME
                if entry.isreg():
                    with open(path, "rb") as content:
                        tar.addfile(entry, content)
                else:
                    tar.addfile(entry)
    return packed.getvalue()


def main(root, archive, name, *environment):
    content = layer(root)
    digest = hashlib.sha256(content).hexdigest()
    config = json.dumps({
        "architecture": ARCHITECTURES[platform.machine()], "os": "linux", "created": "1970-01-01T00:00:00Z",
        "config": {"User": "185:185", "Entrypoint": ["/usr/bin/spark-operator"], "WorkingDir": "/",
                   "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", *environment]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]}}).encode()
    config_name = hashlib.sha256(config).hexdigest() + ".json"
    manifest = json.dumps([{"Config": config_name, "RepoTags": [name], "Layers": [f"{digest}/layer.tar"]}]).encode()
    with tarfile.open(archive + ".new", "w") as tar:
        for path, body in ((f"{digest}/layer.tar", content), (config_name, config), ("manifest.json", manifest)):
            entry = tarfile.TarInfo(path)
            entry.size, entry.mtime, entry.mode = len(body), TIME, 0o644
            tar.addfile(entry, io.BytesIO(body))
    os.replace(archive + ".new", archive)


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
