"""The commands by which the top README installs the operator on a cluster, or those of another page.

    docker_build, docker_push, definitions, install, test = readme.commands()
    readme.commands("docs/install.md", "### Without rights on the cluster")
    readme.run(install, environment, folder, 300)  # as a shell does; `folder`: of this run, for programs by their names

`kubectl` and `helm` are those of $KUBECTL and of helm.Helm.
"""

import os
import re
import subprocess

from helm import TOP, Helm


def commands(page="README.md", heading="## On a cluster"):
    with open(os.path.join(TOP, page)) as f:
        block = re.search(rf"\n{heading}\n.*?```sh\n(.*?)```", f.read(), re.S).group(1)
    return [c.strip() for c in block.replace("\\\n", " ").splitlines() if c.strip() and not c.startswith("#")]


def run(command, environment, folder, limit):
    tools = os.path.join(folder, "tools")
    if not os.path.isdir(tools):
        os.makedirs(tools)
        for name, path in (("kubectl", os.environ["KUBECTL"]), ("helm", Helm().path)):
            os.symlink(path, os.path.join(tools, name))
    return subprocess.run(["bash", "-euc", command], cwd=TOP, env={**environment, "PATH": f"{tools}:{os.environ['PATH']}"},
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=limit)
