"""The kit's command line: the options and environment variables of the published load generator, those of Locust that its documents use, and ours.

    options = read(["--headless", "-u", "3", "-r", "1", "--jobs-per-min", "1000"])     # SystemExit 2 and one line for what cannot be

Published options keep their names, defaults and variables. Where the published program did something else than it said, README.md says what this one
does."""

import argparse
import os
import re
import time

import yaml

HERE = os.path.dirname(os.path.abspath(__file__))
DEFAULT_TEMPLATE = "spark-app-template.yaml"
NAME = re.compile(r"[a-z][a-z0-9-]*")
NAMESPACE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])")
WAITS = ("none", "submitted", "running", "completed")
# Name and suffix make the names of pods and services, which have 63 characters and want some for themselves.
LONGEST_NAME = 50


def number(kind, least, open_end=False):
    def parse(text):
        try:
            value = kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"expected a number, got {text!r}") from None
        if value < least or open_end and value == least:
            raise argparse.ArgumentTypeError(f"expected {'more than' if open_end else 'at least'} {least}, got {text}")
        return value
    return parse


def prefix(text):
    if not NAME.fullmatch(text):
        raise argparse.ArgumentTypeError(f"expected a-z, then a-z, 0-9 and -, got {text!r}")
    return text


def namespaces(text):
    found = [word.strip() for word in text.split(",") if word.strip()]
    for word in found:
        if not NAMESPACE.fullmatch(word):
            raise argparse.ArgumentTypeError(f"expected names of namespaces, two or more of a-z, 0-9 and -, got {word!r}")
    if not found:
        raise argparse.ArgumentTypeError("expected at least one namespace")
    return found


def duration(text):
    """Locust's: 300, 20s, 3m, 1h30m."""
    match = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?", text)
    if not match or not any(match.groups()):
        raise argparse.ArgumentTypeError(f"expected a time such as 300s, 20m or 1h30m, got {text!r}")
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds


def parser():
    out = argparse.ArgumentParser(prog="bench/run.sh kit", usage="bench/run.sh kit [option…]; --help lists them", description="Creates applications at a rate and reports what became of them.")

    def published(flag, variable, kind, default, text, *aliases):
        # argparse parses a default that is text as it does a value.
        out.add_argument(flag, *aliases, type=kind, default=os.environ.get(variable, default), help=f"{text} (${variable}; {default})", metavar="X")
    published("--spark-template", "LOAD_TEST_TEMPLATE_PATH", str, DEFAULT_TEMPLATE, "what is created: a file with one SparkApplication", "--spark_job_template")
    published("--spark-name-prefix", "LOAD_TEST_NAME_PREFIX", prefix, "load-test", "names are PREFIX-RANDOM")
    published("--spark-name-length", "LOAD_TEST_NAME_SUFFIX_LENGTH", number(int, 1), "8", "length of RANDOM")
    published("--job-limit-per-user", "LOAD_TEST_JOB_SIZE", number(int, 1), "3", "applications of each user", "--job-limit")
    published("--jobs-max-failures", "LOAD_TEST_MAX_FAILURES", number(int, 0), "5", "more failed creations than these, of all users, end the run")
    published("--jobs-per-min", "LOAD_TEST_SUBMISSION_RATE", number(float, 0, open_end=True), "10.0", "applications a minute of each user")
    published("--spark-namespaces", "LOAD_TEST_NAMESPACES", namespaces, "default", "in turn, separated by commas")
    out.add_argument("--no-spark-cleanup", "--no-delete-jobs", action="store_true", default=os.environ.get("LOAD_TEST_NO_CLEANUP", "").lower() in ("1", "true", "yes"),
                     help="leave the applications ($LOAD_TEST_NO_CLEANUP)")
    # Of Locust.
    out.add_argument("-u", "--users", type=number(int, 1), default=1, help="users (1)", metavar="N")
    out.add_argument("-r", "--spawn-rate", type=number(float, 0, open_end=True), default=1.0, help="users that start in a second (1)", metavar="R")
    out.add_argument("-t", "--run-time", type=duration, default=None, help="end after, such as 10m; default: when all users are done", metavar="T")
    out.add_argument("--headless", action="store_true", help="accepted; there is no other way")
    out.add_argument("--only-summary", action="store_true", help="nothing on the way, only the table at the end")
    out.add_argument("-f", "--locustfile", help=argparse.SUPPRESS)
    # Ours.
    out.add_argument("--wait-for", choices=WAITS, default="submitted", help="what each application is waited for before the report (submitted)")
    out.add_argument("--patience", type=duration, default=3600, help="how long that may take after the last creation (1h)", metavar="T")
    out.add_argument("--report", default=None, help="folder of the report (load-report-TIME)", metavar="DIR")
    out.add_argument("--delete-collection", action="store_true", help="clean up as the published kit did: ALL applications of the namespaces")
    out.add_argument("--kubeconfig", default=None, help="default: the pod's account, $KUBECONFIG, ~/.kube/config", metavar="FILE")
    out.add_argument("--operator-namespace", default="spark-operator", help="where the operator's pods are asked for metrics (spark-operator)", metavar="NS")
    out.add_argument("--operator-metrics", default=None, help="or at these addresses, http://host:port/metrics, separated by commas", metavar="URL")
    out.add_argument("--sample-seconds", type=number(float, 0, open_end=True), default=2.0, help="between two looks at them (2)", metavar="S")
    out.add_argument("--local", choices=("embedded", "real"), default=None,
                     help="no cluster: a control plane of this machine's, this repository's operator, a node that pretends")
    out.add_argument("--local-run-seconds", type=number(int, 1), default=20, help="how long drivers of --local run (20)", metavar="S")
    out.add_argument("--build", default=None, help=argparse.SUPPRESS)
    return out


def read(arguments):
    reader = parser()
    options = reader.parse_args(arguments)
    if len(options.spark_name_prefix) + 1 + options.spark_name_length > LONGEST_NAME:
        reader.error(f"--spark-name-prefix and --spark-name-length: names have {LONGEST_NAME} characters at most")
    path = options.spark_template
    if path == DEFAULT_TEMPLATE and not os.path.exists(path):
        path = os.path.join(HERE, DEFAULT_TEMPLATE)
    try:
        with open(path, encoding="utf-8") as file:
            documents = [document for document in yaml.safe_load_all(file) if document]
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reader.error(f"--spark-template {path}: {error}")
    if len(documents) != 1 or not isinstance(documents[0], dict) or not isinstance(documents[0].get("spec"), dict):
        reader.error(f"--spark-template {path}: expected one object with a spec")
    options.template = documents[0]
    options.report = options.report or time.strftime("load-report-%Y%m%d-%H%M%S")
    return options
