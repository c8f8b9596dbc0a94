"""A process in the root file system of an image, as a container runtime would start it: read-only but for /tmp, as a user that no
file names, without capabilities.

    subprocess.Popen(["/usr/bin/spark-operator", "version"], preexec_fn=enter(root, {"/etc/secret": "/host/folder"}), cwd="/")
    subprocess.Popen([*emulator.program, "/usr/bin/spark-operator", "version"], preexec_fn=enter(root, emulator.folders), cwd="/")

Needs root. Mounts live in a name space of the process's own and end with it. Folders that are mounted over exist in the root,
whose links are followed as they are seen from inside.
"""

import ctypes
import os
import shutil
import signal
import sys

from helm import TOP

sys.path.insert(0, os.path.join(TOP, "test/lib"))
from control_plane import dies_with_parent  # noqa: E402

NEW_NAMESPACE = 0x00020000                                                # CLONE_NEWNS
READ_ONLY, REMOUNT, BIND, RECURSIVE, PRIVATE = 1, 32, 4096, 16384, 1 << 18
USER = 1000650000                                                         # such as OpenShift draws them, in the group 0
USERS = ((USER, 0), (185, 185))                                           # the second: what the images name


class Native:
    """Where the image is for this machine's processor."""
    program, folders = [], {}


class Emulator:
    """Debian's emulator of that processor. It is one file that needs no other, so its folder is mounted where the image has one."""

    def __init__(self, processor):
        self.name = f"qemu-{processor}-static"
        self.path = shutil.which(self.name)                               # None: apt-get install qemu-user-static
        self.program = [f"/home/spark/{self.name}"]
        self.folders = {"/home/spark": os.path.dirname(self.path)} if self.path else {}


def outside(root, inside):
    """The path of a folder of the root, as this process sees it."""
    path, parts = root, inside.strip("/").split("/")
    while parts:
        part = parts.pop(0)
        if os.path.islink(os.path.join(path, part)):
            target = os.readlink(os.path.join(path, part))
            parts = target.strip("/").split("/") + parts
            path = root if target.startswith("/") else path
        else:
            path = os.path.join(path, part)
    return path


def enter(root, folders=None, user=USER, group=0):
    libc = ctypes.CDLL(None, use_errno=True)
    end_with_us = dies_with_parent(signal.SIGKILL)

    def check(result):
        if result:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    def mount(source, target, kind, flags, data=None):
        check(libc.mount(source.encode(), target.encode(), kind, flags, data))

    def run():
        try:
            check(libc.unshare(NEW_NAMESPACE))
            mount("none", "/", None, RECURSIVE | PRIVATE)
            mount(root, root, None, BIND)
            # Java asks for the address of this machine's name, which a container's own file has.
            hosts = {"/etc/hosts": "/etc/hosts"} if os.path.exists(root + "/etc/hosts") else {}
            for inside, folder in {"/proc": "/proc", "/dev": "/dev", **hosts, **(folders or {})}.items():
                mount(folder, outside(root, inside), None, BIND | RECURSIVE)
            mount("tmpfs", root + "/tmp", b"tmpfs", 0, b"size=64m,mode=1777")
            mount(root, root, None, REMOUNT | BIND | READ_ONLY)
            os.chroot(root)
            os.chdir("/")
            os.setgroups([])
            os.setresgid(group, group, group)
            os.setresuid(user, user, user)
            end_with_us()                                                 # after the user: a change of that forgets it
        except OSError as error:
            print(f"entering {root}: {error}", file=sys.stderr)
            os._exit(126)
    return run
