"""The images as they are shipped: what deploy/image/build.sh and cross.sh pack, and what Debian's buildah makes of the Dockerfile.

    image = shipped("build.sh", "operator")          # runs it, once in a process; the archive's layer is unpacked, not its root copied
    image.root, image.variables, image.config
    made = Dockerfile().image("operator")            # the same of the Dockerfile, on a Debian that debootstrap lays out
    differences(image, made)                         # of types, modes, owners and targets of links, by path

Thread: any one.
"""

import functools
import glob
import hashlib
import json
import os
import re
import shutil
import stat
import subprocess
import tarfile
import tempfile
import unittest

from helm import TOP

FOLDER = os.path.join(TOP, "deploy/image")
BASE = "localhost/debian"
LIMIT = 3600                                                              # seconds; compilers, and half a gigabyte of packages


def run(command, **how):
    made = subprocess.run(command, timeout=LIMIT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **how)
    if made.returncode:
        raise AssertionError(f"{' '.join(command)}: exit code {made.returncode}\n{made.stdout[-1000:]}\n{made.stderr[-4000:]}")
    return made.stdout


def new_folder():
    """It ends with the module's tests. Other users may enter it."""
    folder = tempfile.mkdtemp()
    unittest.addModuleCleanup(shutil.rmtree, folder)
    os.chmod(folder, 0o711)
    return folder


class Image:
    def __init__(self, root, config):
        self.root, self.config = root, config

    @property
    def variables(self):
        return dict(variable.split("=", 1) for variable in self.config.get("Env", []))

    def files(self):
        for folder, _, names in os.walk(self.root):
            for name in names:
                path = os.path.join(folder, name)
                if os.path.isfile(path) and not os.path.islink(path):
                    yield path

    def size(self):
        return sum(os.path.getsize(path) for path in self.files())

    def entries(self):
        """By path: type and mode, owner, group, target of a link."""
        found = {}
        for folder, folders, names in os.walk(self.root):
            for path in (os.path.join(folder, name) for name in folders + names):
                status = os.lstat(path)
                target = os.readlink(path) if os.path.islink(path) else ""
                found[os.path.relpath(path, self.root)] = (stat.filemode(status.st_mode), status.st_uid, status.st_gid, target)
        return found


def differences(one, other, but=()):
    """By path what each has there, None for nothing; `but`: patterns of paths that may differ."""
    theirs, ours = one.entries(), other.entries()
    skipped = re.compile("|".join(f"(?:{pattern})" for pattern in but) or "(?!)")
    return {path: (theirs.get(path), ours.get(path)) for path in sorted(theirs.keys() | ours.keys())
            if theirs.get(path) != ours.get(path) and not skipped.fullmatch(path)}


def unpack(archive, folder):
    """What `docker load` would take of it, each part held against its digest."""
    root = os.path.join(folder, os.path.basename(archive) + ".unpacked")
    os.mkdir(root)
    with tarfile.open(archive) as tar:
        [manifest] = json.load(tar.extractfile("manifest.json"))
        text = tar.extractfile(manifest["Config"]).read()
        config = json.loads(text)
        [layer] = manifest["Layers"]
        tar.extract(layer, folder)
    path = os.path.join(folder, layer)
    with open(path, "rb") as f:
        digest = hashlib.file_digest(f, "sha256").hexdigest()
    if manifest["Config"] != hashlib.sha256(text).hexdigest() + ".json" or config["rootfs"]["diff_ids"] != [f"sha256:{digest}"]:
        raise AssertionError(f"{archive}: digests are not those of what is in it")
    run(["tar", "--extract", "--numeric-owner", "--same-permissions", "--file", path, "--directory", root])
    os.remove(path)
    return Image(root, {**config["config"], "architecture": config["architecture"], "tags": manifest["RepoTags"]})


def build(target, folder):
    """The archive of an image of this machine's architecture."""
    programs = {**os.environ, "PROGRAMS": os.path.dirname(os.environ["SPARK_OPERATOR"])}
    return run([os.path.join(FOLDER, "build.sh"), target, folder], env=programs).strip()


@functools.cache
def shipped(target):
    folder = new_folder()
    return unpack(build(target, folder), folder)


@functools.cache
def crossed(architecture):
    """Laid out under build/, where a second run finds what was compiled."""
    return unpack(run([os.path.join(FOLDER, "cross.sh"), architecture]).strip(), new_folder())


def wanted_for_dockerfile():
    """What keeps this machine from running it, or None."""
    missing = [name for name in ("debootstrap", "buildah") if not shutil.which(name)]
    if os.geteuid() != 0:
        return "only root may lay out a Debian"
    return f"missing: apt-get install {' '.join(missing)}" if missing else None


class Dockerfile:
    """By Debian's buildah: no daemon, no registry, no network of its own; each command of the Dockerfile in a changed root."""

    def __init__(self):
        self.folder = new_folder()
        self.machines_own = []                                            # patterns of paths
        self.make_base()

    def buildah(self, *arguments):
        store = [f"--{name}={os.path.join(self.folder, name)}" for name in ("root", "runroot")]
        return run(["buildah", *store, "--storage-driver=vfs", *arguments], env={**os.environ, "TMPDIR": self.folder}).strip()

    def make_base(self):
        """A Debian that gets packages from where this machine gets them."""
        container = self.buildah("from", "scratch")
        base = self.buildah("mount", container)
        sources = run(["bash", "-c", f". {TOP}/deploy/lib/packages.sh && debian_sources"])
        run(["debootstrap", "--variant=minbase", "--include=ca-certificates", "bookworm", base, sources.split()[1]])
        for name in ("hostname", "resolv.conf"):
            os.remove(os.path.join(base, "etc", name))
        with open(os.path.join(base, "etc/apt/sources.list"), "w") as f:
            f.write(sources)
        debian = Image(base, {}).entries()
        for path in (*glob.glob("/usr/local/share/ca-certificates/*.crt"), "/etc/pip.conf"):
            if os.path.exists(path):
                os.makedirs(os.path.dirname(base + path), exist_ok=True)
                shutil.copy(path, base + path)
        with open(os.path.join(base, "etc/apt/apt.conf.d/machine"), "w") as f:
            f.writelines(line for line in run(["apt-config", "dump"]).splitlines(keepends=True) if line.startswith("Acquire::http"))
        run(["chroot", base, "update-ca-certificates"])
        if shutil.which("ccache"):
            with open(os.path.join(base, "etc/ccache.conf"), "w") as f:
                f.write(f"max_size = {run(['ccache', '--get-config', 'max_size']).strip()}\n")
        self.machines_own = [re.escape(path) for path, entry in Image(base, {}).entries().items() if debian.get(path) != entry]
        self.buildah("umount", container)
        # The compiler's cache takes another language for another result.
        for name in ("LANG", "LC_ALL"):
            if name in os.environ:
                self.buildah("config", f"--env={name}={os.environ[name]}", container)
        self.buildah("commit", "--quiet", "--rm", container, BASE)

    def image(self, target):
        volumes = []
        if shutil.which("ccache"):
            cache = run(["ccache", "--get-config", "cache_dir"]).strip()
            os.makedirs(cache, exist_ok=True)
            volumes = ["--volume", f"{cache}:/root/.cache/ccache"]
            self.machines_own += [r"root/\.cache", r"root/\.cache/ccache"]    # where that is mounted
        self.buildah("bud", "--isolation=chroot", "--layers", f"--build-arg=DEBIAN={BASE}", f"--target={target}", *volumes,
                     f"--tag=localhost/{target}", f"--file={TOP}/Dockerfile", TOP)
        config = json.loads(self.buildah("inspect", "--type=image", f"localhost/{target}"))["OCIv1"]["config"]
        return Image(self.buildah("mount", self.buildah("from", f"localhost/{target}")), config)


@functools.cache
def by_dockerfile(target):
    return dockerfile().image(target)


@functools.cache
def dockerfile():
    return Dockerfile()
