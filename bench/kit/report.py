"""The report of a run: report.json for programs, report.md and its plots for people.

    result = result_of(options, users, sightings, samples, cleaned, patience_over)
    write(folder, result, plots(...))
    print(summary(result))"""

import json
import os

from plot import Line, chart

# States in the order in which an application passes them.
ORDER = ("NEW", "SUBMITTED", "RUNNING", "SUCCEEDING", "COMPLETED", "SUBMISSION_FAILED", "FAILING", "FAILED", "GONE")


def percentiles(values):
    if not values:
        return None
    ordered = sorted(values)
    return {name: ordered[min(len(ordered) - 1, int(share * len(ordered)))] for name, share in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("max", 1.0))}


def result_of(options, users, sightings, samples, cleaned, reached):
    created, took = users.created, [one.took for one in users.created]
    span = max((one.at for one in created), default=0.0) - min((one.at for one in created), default=0.0)
    names, first = {one.uid for one in created}, sightings.first
    states = {}
    for uid, (_, state) in sightings.state.items():
        if uid in names:
            states[state] = states.get(state, 0) + 1
    result = {
        "options": {"users": options.users, "spawnRate": options.spawn_rate, "jobLimitPerUser": options.job_limit_per_user,
                    "jobsPerMinute": options.jobs_per_min, "namespaces": options.spark_namespaces, "template": options.spark_template, "local": options.local},
        "created": len(created), "failed": len(users.failures), "stoppedBecause": users.why,
        "failures": sorted({words for _, words in users.failures})[:10],
        "createdPerMinute": (len(created) - 1) / span * 60 if len(created) > 1 and span > 0 else None,
        "perNamespace": {namespace: sum(one.namespace == namespace for one in created) for namespace in options.spark_namespaces},
        "createSeconds": percentiles(took),
        "waitedFor": options.wait_for, "reached": reached, "states": dict(sorted(states.items())),
        "seconds": {what: percentiles(sightings.times(created, what)) for what in ("submitted", "running", "completed")},
        "deleted": cleaned[0], "left": cleaned[1],
    }
    submitted = sorted(min(at for state, at in first[uid].items() if state not in ("NEW", "GONE")) for uid in names
                       if set(first.get(uid, {})) - {"NEW", "GONE"})
    result["submittedPerMinute"] = ((len(submitted) - 1) / (submitted[-1] - submitted[0]) * 60
                                    if len(submitted) > 1 and submitted[-1] > submitted[0] else None)
    rows = samples.rows
    result["operator"] = {
        "cpuSecondsEach": (rows[-1]["cpu"] - rows[0]["cpu"]) / len(created), "peakRssBytes": max(row["rss"] for row in rows),
        "callsEach": (rows[-1]["calls"] - rows[0]["calls"]) / len(created),
        "mostWaiting": max(sum(row["waiting"].values()) for row in rows)} if len(rows) > 1 and created else {"unknown": samples.trouble or "no samples"}
    result["trouble"] = sightings.trouble[:10]
    return result


def growing(times):
    return [(at, number + 1) for number, at in enumerate(sorted(times))]


def a_minute(times, end, width):
    """[(at, events a minute)] in stretches of `width` seconds."""
    count = [0] * (int(end / width) + 1)
    for at in times:
        count[int(at / width)] += 1
    return [((number + 0.5) * width, found * 60 / width) for number, found in enumerate(count)]


def plots(users, sightings, samples):
    """{file: svg}"""
    names = {one.uid for one in users.created}
    made = [one.at for one in users.created]
    seen = [min(at for state, at in states.items() if state not in ("NEW", "GONE"))
            for uid, states in sightings.first.items() if uid in names and set(states) - {"NEW", "GONE"}]
    end = max(made + seen, default=1.0)
    width = max(1.0, end / 60)
    counts, lines = dict.fromkeys(ORDER, 0), {state: [] for state in ORDER}
    for at, uid, before, state in sightings.changes:
        if uid not in names:
            continue
        for changed, by in ((before, -1), (state, 1)):
            if changed in counts:
                counts[changed] += by
                lines[changed].append((at, counts[changed]))
    latency = {}
    for one in users.created:
        latency.setdefault(int(one.at / width), []).append(one.took * 1e3)
    quantiles = {name: [((stretch + 0.5) * width, percentiles(values)[name]) for stretch, values in sorted(latency.items())] for name in ("p50", "p99")}
    return {
        "submissions.svg": chart("Applications", "applications", [Line("created", growing(made)), Line("submitted", growing(seen))]),
        "rate.svg": chart("Applications a minute", "1/min", [Line("created", a_minute(made, end, width)), Line("submitted", a_minute(seen, end, width))]),
        "states.svg": chart("Applications by state", "applications", [Line(state, lines[state]) for state in ORDER if state != "GONE"], bands=True),
        "queue.svg": chart("Keys that wait for the operator", "keys", [Line(lane, [(row["at"], row["waiting"][lane]) for row in samples.rows]) for lane in ("new", "known")]),
        "queue-age.svg": chart("How long they have waited when they are taken", "s", [Line("half", samples.queue_age(0.5)), Line("99 of 100", samples.queue_age(0.99))]),
        "cpu.svg": chart("The operator's processor", "cores", [Line("cores", samples.rates("cpu"))]),
        "memory.svg": chart("The operator's memory", "MiB", [Line("resident", [(row["at"], row["rss"] / 2**20) for row in samples.rows])]),
        "calls.svg": chart("The operator's requests", "1/s", [Line("requests", samples.rates("calls"))]),
        "api.svg": chart("How long the API server takes for a creation", "ms", [Line(name, points) for name, points in quantiles.items()]),
    }


def spread(found, unit="s"):
    if not found:
        return "–"
    factor = 1e3 if unit == "ms" else 1
    return " / ".join(f"{found[name] * factor:.{0 if unit == 'ms' else 2}f}" for name in ("p50", "p90", "p99", "max")) + f" {unit}"


def rows_of(result):
    per_minute = result["createdPerMinute"]
    submitted = result["submittedPerMinute"]
    rows = [("created", str(result["created"])), ("creations that failed", str(result["failed"])),
            ("created a minute", f"{per_minute:.0f}" if per_minute else "–"), ("submitted a minute", f"{submitted:.0f}" if submitted else "–"),
            ("creation: p50 / p90 / p99 / max", spread(result["createSeconds"], "ms"))]
    rows += [(f"creation → {what}: the same", spread(result["seconds"][what])) for what in ("submitted", "running", "completed")]
    rows.append((f"waited for: {result['waitedFor']}", f"{result['reached']} of {result['created']}"))
    rows.append(("states at the end", ", ".join(f"{state} {count}" for state, count in result["states"].items()) or "–"))
    operator = result["operator"]
    if "unknown" in operator:
        rows.append(("the operator's cost", "unknown: " + operator["unknown"]))
    else:
        rows += [("the operator's processor, each", f"{operator['cpuSecondsEach'] * 1e3:.1f} ms"), ("its peak memory", f"{operator['peakRssBytes'] / 2**20:.0f} MiB"),
                 ("its requests, each", f"{operator['callsEach']:.1f}"), ("most keys that waited", f"{operator['mostWaiting']:.0f}")]
    rows.append(("deleted at the end / left", f"{result['deleted']} / {result['left']}"))
    return rows


def summary(result):
    rows = rows_of(result)
    width = max(len(name) for name, _ in rows)
    lines = [f"{name.ljust(width)}  {value}" for name, value in rows]
    lines += [f"failed: {words}" for words in result["failures"]] + ([f"stopped: {result['stoppedBecause']}"] if result["stoppedBecause"] else [])
    return "\n".join(lines)


def write(folder, command, result, svgs):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "report.json"), "w", encoding="utf-8") as file:
        json.dump({"command": command, **result}, file, indent=1)
        file.write("\n")
    for name, svg in svgs.items():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(svg)
    with open(os.path.join(folder, "report.md"), "w", encoding="utf-8") as file:
        file.write(f"# Load\n\n`{command}`\n\n| | |\n|---|---|\n")
        file.writelines(f"| {name} | {value} |\n" for name, value in rows_of(result))
        file.writelines(f"\nFailed: {words}\n" for words in result["failures"])
        file.writelines(f"\n![{name.removesuffix('.svg')}]({name})\n" for name in svgs)
