#!/usr/bin/env python3
"""Packs a root file system as an image that `docker load` takes.

    archive.py ROOT FILE.tar NAME:TAG ARCHITECTURE [NAME=VALUE…]        # amd64 or arm64; environment beside PATH

One layer. Equal roots give equal bytes: names are sorted, times are $SOURCE_DATE_EPOCH (0). Owners are those of the root where root
packs it; anybody else owns everything that he has laid out, which in the image belongs to root.
"""

import contextlib
import hashlib
import io
import json
import os
import sys
import tarfile

TIME = int(os.environ.get("SOURCE_DATE_EPOCH", "0"))


class Hashed:
    """A file that is written, and the digest of what was. It may be larger than memory."""

    def __init__(self, file):
        self.file, self.digest = file, hashlib.sha256()

    def write(self, content):
        self.digest.update(content)
        return self.file.write(content)


def write_layer(root, path):
    """The digest of the layer."""
    with open(path, "wb") as file:
        hashed = Hashed(file)
        with tarfile.open(fileobj=hashed, mode="w|", format=tarfile.PAX_FORMAT) as tar:
            add_tree(root, tar)
        return hashed.digest.hexdigest()


def add_tree(root, tar):
    for folder, folders, files in os.walk(root):
        folders.sort()
        for name in sorted(folders + files):
            path = os.path.join(folder, name)
            entry = tar.gettarinfo(path, os.path.relpath(path, root))
            if entry is None:                                        # a socket
                continue
            entry.uname, entry.gname, entry.mtime = "", "", TIME
            if os.geteuid() != 0:
                entry.uid = entry.gid = 0
            if entry.isreg():
                with open(path, "rb") as content:
                    tar.addfile(entry, content)
            else:
                tar.addfile(entry)


def add(tar, path, size, content):
    entry = tarfile.TarInfo(path)
    entry.size, entry.mtime, entry.mode = size, TIME, 0o644
    tar.addfile(entry, content)


def main(root, archive, name, architecture, *environment):
    layer = archive + ".layer"
    try:
        digest = write_layer(root, layer)
        config = json.dumps({
            "architecture": architecture, "os": "linux", "created": "1970-01-01T00:00:00Z",
            "config": {"User": "185:185", "Entrypoint": ["/usr/bin/spark-operator"], "WorkingDir": "/",
                       "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", *environment]},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]}}).encode()
        config_name = hashlib.sha256(config).hexdigest() + ".json"
        manifest = json.dumps([{"Config": config_name, "RepoTags": [name], "Layers": [f"{digest}/layer.tar"]}]).encode()
        with tarfile.open(archive + ".new", "w") as tar, open(layer, "rb") as content:
            add(tar, f"{digest}/layer.tar", os.path.getsize(layer), content)
            for path, body in ((config_name, config), ("manifest.json", manifest)):
                add(tar, path, len(body), io.BytesIO(body))
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.remove(layer)
    os.replace(archive + ".new", archive)


if __name__ == "__main__":
    if len(sys.argv) < 5 or sys.argv[4] not in ("amd64", "arm64"):
        sys.exit(__doc__)
    main(*sys.argv[1:])
