"""Watches: what they begin with, what they say, how they end, and versions that are gone."""

import suite
from api import ABSENT, Client, holding, matching
from suite import WIDGETS, Case, Row, config_map, established, pod, widget, widget_crd

BOOKMARKS = {"allowWatchBookmarks": "true"}


def setUpModule():
    global long_watch, long_watch_start
    api = Client(suite.plane.url, suite.plane.ca_file, suite.plane.token)
    long_watch_start = api.get("/api/v1/configmaps").json["metadata"]["resourceVersion"]
    long_watch = api.watch("/api/v1/configmaps", resourceVersion=long_watch_start, labelSelector="no=body", **BOOKMARKS)
    api.close()


def tearDownModule():
    long_watch.__exit__()


def names(events):
    return [(e["type"], e["object"]["metadata"]["name"]) for e in events]


class Watching(Case):
    def version(self, plural="configmaps"):
        return self.read(plural)["metadata"]["resourceVersion"]

    def watch(self, short, **query):
        watch = self.api.watch(self.path(short), **query)
        self.assertEqual(watch.code, 200)
        return watch

    def test_every_change_after_a_version_is_said_in_order(self):
        start = self.version()
        path = self.path("configmaps/order")
        made = self.make("configmaps", config_map("order"))
        changed = self.ok(self.api.patch(path, {"data": {"k": "2"}}))
        self.ok(self.api.delete(path))
        with self.watch("configmaps", resourceVersion=start) as watch:
            self.assertEqual(watch.headers["Content-Type"], "application/json")
            events = [watch.next() for _ in range(3)]
            self.assertEqual(names(events), [("ADDED", "order"), ("MODIFIED", "order"), ("DELETED", "order")])
            self.assertEqual([e["object"] for e in events[:2]], [made, changed])
            # The last state, with the version of the deletion.
            last = events[2]["object"]
            self.assertGreater(int(last["metadata"]["resourceVersion"]), int(changed["metadata"]["resourceVersion"]))
            last["metadata"]["resourceVersion"] = changed["metadata"]["resourceVersion"]
            self.assertEqual(last, changed)
            made = self.make("configmaps", config_map("live"))
            self.assertEqual(watch.next(), {"type": "ADDED", "object": made})

    def test_without_a_version_it_begins_with_what_is_there(self):
        other = self.new_namespace()
        self.api.post(f"/api/v1/namespaces/{other}/configmaps", config_map("a"))
        for version in ({}, {"resourceVersion": "0"}):
            with self.subTest(version), self.watch(f"/api/v1/namespaces/{other}/configmaps", **version) as watch:
                seen = watch.until(lambda e: e["object"]["metadata"]["name"] == "a")
                self.assertEqual({e["type"] for e in seen}, {"ADDED"})

    def test_one_object_can_be_watched(self):
        self.make("configmaps", config_map("one"))
        with self.watch("configmaps", fieldSelector="metadata.name=one") as watch:
            self.assertEqual(names([watch.next()]), [("ADDED", "one")])
            self.make("configmaps", config_map("two"))
            self.ok(self.api.patch(self.path("configmaps/one"), {"data": {"k": "2"}}))
            self.assertEqual(names([watch.next()]), [("MODIFIED", "one")])
        # Only collections are watched: by its name an object is read.
        self.check(self.read("configmaps/one", watch="true"), {"kind": "ConfigMap"})

    def test_all_namespaces_can_be_watched(self):
        start, other = self.version(), self.new_namespace()
        with self.watch("/api/v1/configmaps", resourceVersion=start, labelSelector="all=yes") as watch:
            self.make("configmaps", config_map("here", labels={"all": "yes"}))
            self.api.post(f"/api/v1/namespaces/{other}/configmaps", config_map("there", labels={"all": "yes"}))
            self.assertEqual(names([watch.next(), watch.next()]), [("ADDED", "here"), ("ADDED", "there")])

    def test_an_object_that_leaves_the_selection_is_deleted_for_its_watchers(self):
        start, path = self.version(), self.path("configmaps/leaves")
        with self.watch("configmaps", resourceVersion=start, labelSelector="in=yes") as watch:
            self.make("configmaps", config_map("leaves"))
            joined = self.ok(self.api.patch(path, {"metadata": {"labels": {"in": "yes"}}}))
            left = self.ok(self.api.patch(path, {"metadata": {"labels": {"in": "no"}}, "data": {"k": "2"}}))
            self.assertEqual(watch.next(), {"type": "ADDED", "object": joined})
            gone = watch.next()
            self.assertEqual(names([gone]), [("DELETED", "leaves")])
            self.assertEqual(gone["object"]["metadata"]["resourceVersion"], left["metadata"]["resourceVersion"])
            self.check(gone["object"], {"data": {"k": "v"}, "metadata": {"labels": {"in": "yes"}}})

    def test_fields_select_too(self):
        start = self.version("pods")
        with self.watch("pods", resourceVersion=start, fieldSelector="status.phase=Running") as watch:
            self.make("pods", pod("starts"))
            self.ok(self.api.patch(self.path("pods/starts/status"), {"status": {"phase": "Running"}}))
            self.assertEqual(names([watch.next()]), [("ADDED", "starts")])
            self.ok(self.api.patch(self.path("pods/starts/status"), {"status": {"phase": "Failed"}}))
            self.assertEqual(names([watch.next()]), [("DELETED", "starts")])

    def test_a_websocket_says_the_same(self):
        start = self.version()
        with self.api.websocket_watch(self.path("configmaps"), resourceVersion=start) as watch:
            self.assertEqual(watch.code, 101)
            made = self.make("configmaps", config_map("socket", {"k": "x" * 200}))
            self.assertEqual(watch.next(), {"type": "ADDED", "object": made})
            big = self.make("configmaps", config_map("big", {"k": "y" * 70000}))
            self.assertEqual(watch.next(), {"type": "ADDED", "object": big})
        with self.api.websocket_watch(self.path("configmaps"), resourceVersion=start, timeoutSeconds="1") as watch:
            self.assertEqual(names([watch.next(), watch.next()]), [("ADDED", "socket"), ("ADDED", "big")])
            self.assertIsNone(watch.next())

    def test_it_ends_after_its_time(self):
        with self.watch("configmaps", resourceVersion=self.version(), timeoutSeconds="1") as watch:
            self.assertIsNone(watch.next())

    def test_initial_events_end_with_a_marked_bookmark(self):
        other = self.new_namespace()
        path = f"/api/v1/namespaces/{other}/secrets"
        for name in "ab":
            self.ok(self.api.post(path, {"metadata": {"name": name}}))
        with self.watch(path, sendInitialEvents="true", resourceVersionMatch="NotOlderThan", **BOOKMARKS) as watch:
            events = watch.until(lambda e: e["type"] == "BOOKMARK")
            self.assertEqual(sorted(names(events[:-1])), [("ADDED", "a"), ("ADDED", "b")])
            self.check(events[-1]["object"]["metadata"], {"annotations": {"k8s.io/initial-events-end": "true"}})
            made = self.ok(self.api.post(path, {"metadata": {"name": "c"}}))
            self.assertEqual(watch.next(), {"type": "ADDED", "object": made})

    def test_a_watch_of_rows_or_of_metadata(self):
        start = self.version()
        made = self.make("configmaps", config_map("faces"))
        with self.watch("configmaps", accept="application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1", resourceVersion=start) as watch:
            self.check(watch.next(), {"type": "ADDED", "object": {"kind": "PartialObjectMetadata", "metadata": made["metadata"], "data": ABSENT}})
        self.make("configmaps", config_map("more"))
        with self.watch("configmaps", accept="application/json;as=Table;g=meta.k8s.io;v=v1", resourceVersion=start) as watch:
            self.check(watch.next(), {"type": "ADDED", "object": {
                "kind": "Table", "columnDefinitions": [{"name": "Name"}, {"name": "Data"}, {"name": "Age"}],
                "rows": [{"cells": ["faces", 1, matching("^[0-9]+s$")], "object": {"metadata": {"name": "faces"}}}]}})
            # The columns are said once.
            self.check(watch.next()["object"], {"columnDefinitions": None, "rows": [{"cells": ["more", 1, matching("s$")]}]})

    def test_custom_resources_are_watched_alike(self):
        established(self.api, widget_crd())
        start = self.version(WIDGETS)
        with self.watch(WIDGETS, resourceVersion=start, fieldSelector="spec.mode=Slow") as watch:
            self.make(WIDGETS, widget("fast"))
            made = self.make(WIDGETS, widget("slow", {"size": 1, "mode": "Slow"}))
            self.assertEqual(watch.next(), {"type": "ADDED", "object": made})

    def test_wishes_that_contradict_each_other_are_refused(self):
        def invalid(field, says):
            return {"reason": "Invalid", "details": {"causes": holding({"field": field})}, "message": matching(says)}
        rows = [("a list of a version that is none", {"resourceVersion": "x"}, 400, {"reason": "BadRequest", "message": matching("^invalid resource version: .*invalid syntax$")}),
                ("initial events without a match", {"watch": "true", "sendInitialEvents": "true"}, 422,
                 invalid("resourceVersionMatch", "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan")),
                ("initial events of another match", {"watch": "true", "sendInitialEvents": "true", "resourceVersionMatch": "Exact"}, 422,
                 invalid("resourceVersionMatch", "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan")),
                ("a match without initial events", {"watch": "true", "resourceVersionMatch": "NotOlderThan", "resourceVersion": "1"}, 422,
                 invalid("resourceVersionMatch", "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided")),
                ("a version that is none", {"watch": "true", "resourceVersion": "x"}, 500,
                 {"message": 'resourceVersion: Invalid value: "x": strconv.ParseUint: parsing "x": invalid syntax'}),
                ("a match that is none", {"resourceVersionMatch": "Newer", "resourceVersion": "1"}, 422,
                 invalid("resourceVersionMatch", "supported values")),
                ("a match without a version", {"resourceVersionMatch": "Exact"}, 422,
                 invalid("resourceVersionMatch", "resourceVersionMatch is forbidden unless resourceVersion is provided")),
                ("exactly any", {"resourceVersionMatch": "Exact", "resourceVersion": "0"}, 422,
                 invalid("resourceVersionMatch", "is forbidden for resourceVersion \"0\"")),
                ("initial events of a list", {"sendInitialEvents": "true"}, 422, invalid("sendInitialEvents", "forbidden for list"))]
        self.check_rows([Row(why, "GET", "configmaps", None, code, expect, **query) for why, query, code, expect in rows])


class Forgotten(Case):
    """The history before a compaction is gone; clients must list anew."""

    def test_a_version_that_was_compacted_is_gone(self):
        # A real server remembers some versions of most kinds beyond a compaction, but none of events.
        def make(name):
            self.make("events", {"metadata": {"name": name}, "involvedObject": {"kind": "Pod", "name": "p", "namespace": self.ns}, "reason": "Made", "type": "Normal"})
        for i in range(4):
            make(f"page-{i}")
        first = self.read("events", limit="2")
        old = first["metadata"]["resourceVersion"]
        for i in range(4):
            make(f"later-{i}")
        suite.plane.compact()
        # Who knows what it means may go on with what there is now: the refusal brings a token for that.
        refused = self.api.get(self.path("events"), **{"limit": "2", "continue": first["metadata"]["continue"]})
        self.assertEqual(refused.code, 410, refused)
        self.check(refused.json, {"reason": "Expired", "metadata": {"continue": matching(".")},
                                  "message": matching("^The provided continue parameter is too old to display a consistent list result")})
        rest = self.read("events", **{"limit": "50", "continue": refused.json["metadata"]["continue"]})
        self.assertEqual([i["metadata"]["name"] for i in rest["items"]], ["page-2", "page-3"])
        self.check_rows([Row("exactly that version", "GET", "events", None, 410, {"reason": "Expired", "message": matching("^The provided resource version is too old|^The resourceVersion for the provided list is too old")},
                             resourceVersion=old, resourceVersionMatch="Exact")])
        self.assertEqual(len(self.read("events", resourceVersion=old, resourceVersionMatch="NotOlderThan")["items"]), 8)
        with self.api.watch(self.path("events"), resourceVersion=old) as watch:
            self.assertEqual(watch.code, 200)                  # it is said inside the stream
            self.check(watch.next(), {"type": "ERROR", "object": {"kind": "Status", "apiVersion": "v1", "status": "Failure",
                                                                  "code": 410, "reason": "Expired", "message": matching("too old")}})
            self.assertIsNone(watch.next())

    def test_a_version_that_is_yet_to_come_is_too_large(self):
        future = str(int(self.read("configmaps")["metadata"]["resourceVersion"]) + 1_000_000)
        expect = {"reason": "Timeout", "message": matching(f"^Timeout: Too large resource version: {future}, current: [0-9]+$"),
                  "details": {"retryAfterSeconds": 1, "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]}}
        self.check_rows([Row("a list", "GET", "configmaps", None, 504, expect, resourceVersion=future),
                         Row("a read", "GET", "configmaps/kube-root-ca.crt", None, 504, expect, resourceVersion=future)])


class WatchingForAWhile(Case):
    """The last class of the module: a bookmark comes every minute, and most of that is over by now."""

    def test_a_watcher_of_nothing_is_told_versions(self):
        mark = long_watch.next()
        self.check(mark, {"type": "BOOKMARK", "object": {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {
            "resourceVersion": matching("^[0-9]+$"), "name": ABSENT, "uid": ABSENT}}})
        self.assertGreater(int(mark["object"]["metadata"]["resourceVersion"]), int(long_watch_start))
