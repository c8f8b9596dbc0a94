#!/usr/bin/env python3
"""bench/run.sh kit: a load test with the options of the published Locust kit. Users create applications at a rate; a report tells what became of them."""

import contextlib
import os
import signal
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from api import Access, Refused, Wrong  # noqa: E402
from options import read  # noqa: E402
from report import plots, result_of, summary, write  # noqa: E402
from samples import Samples  # noqa: E402
from sightings import Sightings  # noqa: E402
from users import Users, clean_up  # noqa: E402


def load(access, options, say):
    users = Users(access, options, say)
    users.check_namespaces()

    def interrupted(number, _):
        if users.stopped.is_set():
            raise KeyboardInterrupt                                      # a second time: now
        users.stop("interrupted")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupted)
    with Sightings(access, options.spark_namespaces, users.clock) as sightings, Samples(access, options, users.clock) as samples:
        users.run()
        patience = options.patience if users.why != "interrupted" else 0
        if options.run_time is not None:
            patience = min(patience, max(0.0, options.run_time - users.clock()))
        if users.why != "the run time is over":
            users.stopped.clear()
        reached = sightings.wait(users.created, options.wait_for, patience, users.stopped)
    cleaned = clean_up(access, options, users.created, say)
    return users, sightings, samples, cleaned, reached


def main(arguments):
    options = read(arguments)

    def say(text):
        if not options.only_summary:
            print(text, file=sys.stderr, flush=True)
    with contextlib.ExitStack() as stack:
        if options.local:
            from local import local_world  # noqa: PLC0415  (its parts are not beside a kit that is used alone)
            access = stack.enter_context(local_world(options))
        else:
            access = Access.find(options.kubeconfig)
        users, sightings, samples, cleaned, reached = load(access, options, say)
    result = result_of(options, users, sightings, samples, cleaned, reached)
    shown = [word for word in arguments if word not in ("--build", options.build)]
    write(options.report, "bench/run.sh kit " + " ".join(shown), result, plots(users, sightings, samples))
    print(summary(result))
    print(f"report: {os.path.join(options.report, 'report.md')}")
    missed = users.why.startswith("more than") or reached < len(users.created) and options.run_time is None
    return 1 if missed else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (Wrong, Refused) as error:
        sys.exit(f"bench/run.sh kit: {error}")
