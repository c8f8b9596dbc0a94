"""The real spark-submit of an unpacked Spark release, as a judge.

    with SubmitJvm(spark_home, environment, folder) as spark:       # one JVM for many submissions
        refused = spark.submit(["--master", "k8s://http://127.0.0.1:4711", …])   # None, or why Spark refuses

`run_script` starts bin/spark-submit itself, a launcher and a JVM for one submission: slow, and what operators do.
"""

import base64
import os
import selectors
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
# As little of the machine as possible: C1 only and one collector thread start fastest.
JVM_OPTIONS = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx512m"]
SECONDS = 600  # for one submission, on a slow and busy machine


def environment_of(spark_home, folder, extra):
    """What the submitter's process sees. HADOOP_USER_NAME stands for its user, so that no machine's own shows."""
    return {
        "PATH": os.environ["PATH"],
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "HOME": os.path.join(folder, "home"),
        "SPARK_HOME": spark_home,
        "SPARK_CONF_DIR": os.path.join(folder, "conf"),
        "HADOOP_USER_NAME": "spark",
        "KUBECONFIG": "/dev/null",
        "SPARK_SUBMIT_OPTS": temporary_files_in(folder),
        **({"JAVA_HOME": os.environ["JAVA_HOME"]} if "JAVA_HOME" in os.environ else {}),
        **extra,
    }


def temporary_files_in(folder):
    """Spark removes its temporary folders at its end, unless it is killed."""
    return f"-Djava.io.tmpdir={folder}"


class JvmOfMany:
    """One JVM with a Spark's jars, that runs a Java file of this folder: lines of words in, lines of an outcome and a text out."""

    def __init__(self, program, spark_home, environment, folder):
        self._log = open(os.path.join(folder, "spark-submit.log"), "ab")
        # user.home is where Ivy looks for its cache: nothing of it may come from this machine.
        command = ["java", *JVM_OPTIONS, temporary_files_in(folder), f"-Duser.home={environment['HOME']}", "-cp", f"{spark_home}/jars/*",
                   os.path.join(HERE, program)]
        self._process = subprocess.Popen(command, cwd=folder, env=environment, stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, stderr=self._log)
        self._answers = selectors.DefaultSelector()
        self._answers.register(self._process.stdout, selectors.EVENT_READ)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._log.close()

    def ask(self, words):
        """("ok" or "refused", the text that follows)."""
        sent = [b"." + base64.b64encode(word.encode()) for word in words]
        self._process.stdin.write(b" ".join(sent) + b"\n")
        self._process.stdin.flush()
        answer = self._line().split()
        if answer[:1] in (["ok"], ["refused"]):
            return answer[0], base64.b64decode(answer[1]).decode() if len(answer) > 1 else ""
        self._log.flush()
        raise RuntimeError(f"the JVM of Spark ended; see {self._log.name}")

    def _line(self):
        deadline, line = time.monotonic() + SECONDS, b""
        while not line.endswith(b"\n"):
            if not self._answers.select(max(0, deadline - time.monotonic())):
                self._process.kill()
                raise RuntimeError(f"spark-submit gave no answer within {SECONDS} s; see {self._log.name}")
            byte = os.read(self._process.stdout.fileno(), 1 << 16)
            if not byte:
                break
            line += byte
        return line.decode()


class SubmitJvm(JvmOfMany):
    def __init__(self, spark_home, environment, folder):
        super().__init__("SubmitMany.java", spark_home, environment, folder)

    def submit(self, arguments):
        """None, or why Spark refuses."""
        outcome, text = self.ask(arguments)
        return None if outcome == "ok" else text


def run_script(spark_home, environment, folder, arguments):
    """None, or the end of what bin/spark-submit had to say."""
    done = subprocess.run([f"{spark_home}/bin/spark-submit", *arguments], cwd=folder, env=environment,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=2 * SECONDS)
    if done.returncode == 0:
        return None
    lines = done.stderr.decode(errors="replace").splitlines()
    return next((line for line in lines if "Error" in line or "Exception" in line), f"exit code {done.returncode}")
