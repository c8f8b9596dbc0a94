#!/usr/bin/env python3
"""Compares the native submitter with the real spark-submit, object by object.

    parity.py compare [CASE…]      runs both now and prints differences
    parity.py record  [CASE…]      writes what the real one makes to cases/<case>/expected.json (goldens.py)
    parity.py goldens [CASE…]      compares the native one with those files: no JVM, no download
    parity.py random               compares applications that a generator makes; --count N --seed S --first I
    parity.py coverage             what coverage.txt wants and no case has
    parity.py ways [CASE…]         executors and drivers with and without a webhook, by Spark's own classes (ways.py)

    --spark VERSION    which Spark, as often as wanted (default: 3.5.7 and 4.1.4; goldens: all that are recorded)
    --script           through bin/spark-submit, a process for each case, instead of one JVM for all
    --one-jvm          leaves out the cases that need a process of their own
    --native PROGRAM   parity_native (default: $PARITY_NATIVE)
    --keep             leaves the folder of the run, with what Spark logged

What may differ is the list in normalise.py. Exit code 1: something else did.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
import zipfile

import coverage
import random_applications
import ways
from goldens import load, store
from normalise import Submission, differences, normalised
from recorder import Recorder
from spark_submit import JvmOfMany, SubmitJvm, environment_of, run_script

HERE = os.path.dirname(os.path.abspath(__file__))
CASES = os.path.join(HERE, "cases")
FETCH_SPARK = os.path.join(HERE, "..", "..", "deploy", "lib", "fetch_spark.sh")
LIVE_VERSIONS = ["3.5.7", "4.1.4"]


class Case:
    """An application, and what spark-submit finds around itself when it is submitted.

    case.json, where there is one: {"environment": {}, "sparkConfFiles": {}, "hadoopConfFiles": {}, "files": {},
    "options": {}, "script": true, "fallback": "rule", "lines": ["4.2"]}. Files are laid into the folder of the run, which
    the application knows as RUN_DIR. "options": of the operator, see native_objects.cc. "script": only bin/spark-submit
    sees what is wrong. "fallback": the native submitter hands over, by that rule. "lines": the only Spark lines that the
    case says something about."""

    def __init__(self, name, text=None, around=None):
        self.name = name
        folder = os.path.join(CASES, name)
        self.text = text if text is not None else _read(os.path.join(folder, "app.yaml"))
        described = os.path.join(folder, "case.json")
        self.around = around if around is not None else json.loads(_read(described)) if os.path.exists(described) else {}

    @property
    def own_process(self):
        return any(key in self.around for key in ("environment", "sparkConfFiles", "hadoopConfFiles", "script"))

    def concerns(self, version):
        return line_of(version) in self.around.get("lines", [line_of(version)])

    @property
    def expected(self):
        return os.path.join(CASES, self.name, "expected.json")


class Run:
    """One case in a folder of its own, for both submitters."""

    def __init__(self, case, version, master, folder):
        self.case, self.version, self.master, self.folder = case, version, master, folder
        self.id = str(uuid.uuid4())
        self.around = case.around
        self.app = os.path.join(folder, "app.yaml")
        _write(self.app, case.text.replace("RUN_DIR", folder))
        for name, text in self.around.get("sparkConfFiles", {}).items():
            _write(os.path.join(folder, "conf", name), text)
        for name, text in self.around.get("hadoopConfFiles", {}).items():
            _write(os.path.join(folder, "hadoop", name), text)
        for name, text in self.around.get("files", {}).items():
            _write(os.path.join(folder, name), text)
        os.makedirs(os.path.join(folder, "home"), exist_ok=True)
        os.makedirs(os.path.join(folder, "conf"), exist_ok=True)
        self.environment = dict(self.around.get("environment", {}))
        if "hadoopConfFiles" in self.around:
            self.environment["HADOOP_CONF_DIR"] = os.path.join(folder, "hadoop")

    def request(self):
        submitter = {
            "user": "spark",
            "workingDirectory": self.folder,
            "environment": self.environment,
            "sparkConfFiles": self.around.get("sparkConfFiles", {}),
            "files": {os.path.join(self.folder, n): t for n, t in self.around.get("files", {}).items()},
        }
        if "hadoopConfFiles" in self.around:
            submitter["hadoopConfFiles"] = self.around["hadoopConfFiles"]
        return {"app": self.app, "version": self.version, "master": self.master, "submissionId": self.id, "submitter": submitter,
                "options": self.around.get("options", {})}

    @property
    def places(self):
        return {self.id: "ATTEMPT-ID", self.master.removeprefix("k8s://"): "API-SERVER", self.folder: "RUN_DIR"}


def ask_native(program, runs):
    return _native(program, [run.request() for run in runs])


def _native(program, requests):
    done = subprocess.run([program], input=json.dumps(requests).encode(), stdout=subprocess.PIPE, timeout=600)
    if done.returncode != 0:
        raise RuntimeError(f"{program} ended with exit code {done.returncode}")
    return json.loads(done.stdout)


class Judge:
    """The real spark-submit of one version."""

    def __init__(self, version, recorder, folder, script):
        self.home = os.path.join(spark_tree(version), "opt", "spark")
        self.recorder, self.folder, self.script = recorder, folder, script
        self.jvm = None

    def close(self):
        if self.jvm:
            self.jvm.__exit__()

    def submit(self, run, arguments, files):
        """{"objects", "serverSideApply"} or {"refused"}."""
        for path, text in files.items():
            _write(path, text)
        self.recorder.take()
        try:
            refused = self._run(run, arguments)
        finally:
            for path in files:
                shutil.rmtree(os.path.dirname(path), ignore_errors=True)
        calls = self.recorder.take()
        if refused is not None:
            if calls:
                refused += f" (after {len(calls)} calls)"
            return {"refused": refused}
        return {"objects": [_object_of(call) for call in calls],
                "serverSideApply": all(call.verb == "PATCH" for call in calls if call.body["kind"] != "Pod")}

    def _run(self, run, arguments):
        environment = environment_of(self.home, run.folder, run.environment)
        if self.script or run.around.get("script"):
            give_maven_artifact(os.path.join(run.folder, "home"))
            return run_script(self.home, environment, run.folder, arguments)
        if run.case.own_process:
            with SubmitJvm(self.home, environment, run.folder) as jvm:
                return jvm.submit(arguments)
        if self.jvm is None:
            for part in ("conf", "home"):
                os.makedirs(os.path.join(self.folder, part), exist_ok=True)
            give_maven_artifact(os.path.join(self.folder, "home"))
            self.jvm = SubmitJvm(self.home, environment_of(self.home, self.folder, {}), self.folder)
        return self.jvm.submit(arguments)


def give_maven_artifact(home):
    """What the cases name as a package: spark-submit resolves packages, and must find this one without a network."""
    folder = os.path.join(home, ".m2", "repository", "org", "example", "lib", "1.0")
    _write(os.path.join(folder, "lib-1.0.pom"),
           '<project><modelVersion>4.0.0</modelVersion><groupId>org.example</groupId><artifactId>lib</artifactId>'
           '<version>1.0</version></project>')
    with zipfile.ZipFile(os.path.join(folder, "lib-1.0.jar"), "w") as jar:
        jar.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\n")


def _object_of(call):
    """What the call asks for; its namespace is in the path, its name too where there is one."""
    o, parts = dict(call.body), call.path.split("/")
    at = parts.index("namespaces")
    namespace, name = parts[at + 1], parts[at + 3:at + 4]
    metadata = o["metadata"] = dict(o["metadata"])
    if metadata.setdefault("namespace", namespace) != namespace or name not in ([], [metadata.get("name")]):
        raise ValueError(f"{call.verb} {call.path} carries {metadata}")
    return o


def spark_tree(version):
    return subprocess.run([FETCH_SPARK, version], stdout=subprocess.PIPE, check=True, text=True).stdout.strip()


def line_of(version):
    return ".".join(version.split(".")[:2])


def verdict(case, native, real):
    """Nothing, or lines that say what differs."""
    if "arguments" not in native:
        return [f"the operator itself refuses, so spark-submit says nothing: {native.get('refused')}"]
    if "fallback" in native:
        rules = [text.split(":")[0] for text in native["fallback"]]
        return [] if case.around.get("fallback") in rules else [f"native hands over to spark-submit: {native['fallback']}"]
    if "fallback" in case.around:
        return [f"native does not hand over by the rule {case.around['fallback']}"]
    if "refused" in native or "refused" in real:
        if "refused" in native and "refused" in real:
            return []
        if "refused" in native:
            return [f"only native refuses: {native['refused']}"]
        return [f"only spark-submit refuses: {real['refused']}"]
    lines = []
    if native["serverSideApply"] != real["serverSideApply"]:
        lines.append(f"server-side apply: native {native['serverSideApply']}, spark-submit {real['serverSideApply']}")
    left, right = native["objects"], real["objects"]
    kinds = [o["kind"] for o in left], [o["kind"] for o in right]
    if kinds[0] != kinds[1]:
        return lines + [f"objects: native {kinds[0]}, spark-submit {kinds[1]}"]
    for i, (a, b) in enumerate(zip(left, right)):
        for path, x, y in differences(a, b, f"{a['kind']}[{i}]"):
            lines.append(f"{path}: native {_short(x)}, spark-submit {_short(y)}")
    return lines


def _short(value):
    text = "nothing" if value is None else json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) < 400 else text[:400] + "…"


def normal(answer, run, arguments):
    if "objects" in answer:
        answer = {**answer, "objects": normalised(Submission(answer["objects"], arguments, run.places))}
    return answer


def compare_live(options, version, cases, folder):
    """Yields (case, native, real), normalised."""
    with Recorder() as recorder:
        master = "k8s://" + recorder.url
        runs = [Run(case, version, master, os.path.join(folder, f"{version}-{i}"))
                for i, case in enumerate(cases) if case.concerns(version)]
        answers = ask_native(options.native, runs)
        judge = Judge(version, recorder, os.path.join(folder, version), options.script)
        try:
            for run, native in zip(runs, answers):
                if "arguments" not in native:
                    yield run.case, native, {}
                    continue
                real = judge.submit(run, native["arguments"], native["files"])
                yield run.case, normal(native, run, native["arguments"]), normal(real, run, native["arguments"])
        finally:
            judge.close()


def report(case, version, lines, quiet):
    if lines:
        print(f"{version} {case.name}: DIFFERENT")
        for line in lines:
            print("    " + line)
    elif not quiet:
        print(f"{version} {case.name}: same")
    sys.stdout.flush()
    return bool(lines)


def compare(options, cases, folder):
    bad = 0
    for version in options.spark or LIVE_VERSIONS:
        for case, native, real in compare_live(options, version, cases, folder):
            bad += report(case, version, verdict(case, native, real), options.quiet)
    return bad


def record(options, cases, folder):
    bad = 0
    for version in options.spark or LIVE_VERSIONS:
        for case, native, real in compare_live(options, version, cases, folder):
            if "refused" in real:
                real = {"refused": real["refused"].replace(folder, "RUN_DIR")[:400]}
            answers = load(case.expected)
            answers[line_of(version)] = {"spark": version, **real}
            store(case.expected, answers)
            bad += report(case, version, verdict(case, native, real), options.quiet)
    return bad


def goldens(options, cases, folder):
    recorded = [(case, answer) for case in cases for answer in load(case.expected).values()
                if not options.spark or answer["spark"] in options.spark]
    runs = [Run(case, answer["spark"], "k8s://http://127.0.0.1:1", os.path.join(folder, f"{i}"))
            for i, (case, answer) in enumerate(recorded)]
    bad = 0
    for run, (case, real), native in zip(runs, recorded, ask_native(options.native, runs)):
        native = normal(native, run, native.get("arguments", []))
        bad += report(case, real["spark"], verdict(case, native, real), quiet=True)
    print(f"{len(recorded)} recorded submissions, {bad} different")
    return bad + (not recorded)


def ask_ways(options, runs):
    """(run, what the native submitter says of all ways) of those that are submitted natively."""
    requests = [{**run.request(), "ways": True} for run in runs]
    answers = _native(options.native, requests)
    return [(run, answer) for run, answer in zip(runs, answers) if "ways" in answer]


def webhook(options, runs_and_pods):
    requests = [{"app": run.app, "version": run.version, "mutate": pod} for run, pod in runs_and_pods]
    answers = _native(options.native, requests)
    for (run, _), answer in zip(runs_and_pods, answers):
        if "pod" not in answer:
            raise RuntimeError(f"{run.case.name}: {answer}")
    return [answer["pod"] for answer in answers]


def compare_ways(options, cases, folder):
    bad = 0
    for version in options.spark or LIVE_VERSIONS:
        home = os.path.join(spark_tree(version), "opt", "spark")
        place = os.path.join(folder, version)
        for part in ("conf", "home"):
            os.makedirs(os.path.join(place, part), exist_ok=True)
        runs = [Run(case, version, "k8s://http://127.0.0.1:1", os.path.join(folder, f"{version}-{i}"))
                for i, case in enumerate(cases) if case.concerns(version)]
        made, seen = [], 0
        with JvmOfMany("ExecutorPods.java", home, environment_of(home, place, {}), place) as jvm:
            for run, answer in ask_ways(options, runs):
                pods = {}
                for way, of in answer["ways"].items():
                    if way == "needWebhook" or "podspec-configmap-key" not in of:
                        continue
                    template = os.path.join(run.folder, "executor-template.yaml")
                    _write(template, of["podspec-configmap-key"])
                    verdict_, text = jvm.ask([of["spark.properties"], template])
                    pods[way] = json.loads(text) if verdict_ == "ok" else {"refused": text}
                made.append((run, answer["ways"], pods))
        # Webhooks look at every pod but those of the way "native".
        jobs = [(run, pods[way]) for run, _, pods in made for way in pods if way != "native" and "refused" not in pods[way]]
        jobs += [(run, of["driver"]) for run, answer, _ in made for way, of in answer.items() if way not in ("needWebhook", "native")]
        changed = iter(webhook(options, jobs))
        for run, _, pods in made:
            for way in pods:
                if way != "native" and "refused" not in pods[way]:
                    pods[way] = next(changed)
        for run, answer, pods in made:
            drivers = {way: of["driver"] if way == "native" else next(changed) for way, of in answer.items() if way != "needWebhook"}
            for role, of in (("executor", pods), ("driver", drivers)):
                for way in of:
                    if way == "webhook":
                        continue
                    seen += 1
                    needed = answer["needWebhook"] if way == "native" and role == "executor" else []
                    bad += report(run.case, version, [f"{role}, {way}: {line}" for line in ways.unexpected(of[way], of["webhook"], needed)], True)
        print(f"{version}: {seen} pods compared with the webhook's")
    return bad


def covered(options, cases, folder):
    runs = [Run(case, LIVE_VERSIONS[1], "k8s://http://127.0.0.1:1", os.path.join(folder, f"{i}"))
            for i, case in enumerate(cases)]
    wanted = coverage.read()
    lines = list(coverage.missing(wanted, cases, ask_native(options.native, runs)))
    for line in lines:
        print(line)
    print(f"{len(wanted)} things to cover, {len(lines)} not covered by {len(cases)} cases")
    return len(lines)


def _read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def _write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["compare", "record", "goldens", "random", "coverage", "ways"])
    parser.add_argument("cases", nargs="*")
    parser.add_argument("--spark", action="append", metavar="VERSION")
    parser.add_argument("--script", action="store_true")
    parser.add_argument("--one-jvm", action="store_true")
    parser.add_argument("--native", default=os.environ.get("PARITY_NATIVE"), metavar="PROGRAM")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--quiet", action="store_true", help="prints differences only")
    parser.add_argument("--count", type=int, default=int(os.environ.get("PARITY_RANDOM", 20)))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--show", action="store_true", help="random: prints the applications, too")
    options = parser.parse_intermixed_args()
    if not options.native:
        parser.error("which program is parity_native? --native PROGRAM or $PARITY_NATIVE")

    if options.command == "random":
        cases = [Case(name, text, {}) for name, text in random_applications.generate(options.seed, options.count, options.first)]
        if options.show:
            print("\n".join(case.text for case in cases))
    else:
        cases = [Case(name) for name in options.cases or sorted(os.listdir(CASES))]
    if options.one_jvm:
        cases = [case for case in cases if not case.own_process]
    folder = tempfile.mkdtemp(prefix="spark-parity-")
    try:
        run = {"record": record, "goldens": goldens, "coverage": covered, "ways": compare_ways}.get(options.command, compare)
        bad = run(options, cases, folder)
    finally:
        if options.keep:
            print(f"the run's folder: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    if options.command not in ("goldens", "coverage"):
        print(f"{len(cases)} cases, {bad} differences")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
