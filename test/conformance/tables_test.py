"""Tables: what kubectl prints comes from the server."""

from api import ABSENT, matching
from suite import LEASES, WIDGETS, Case, config_map, established, lease, pod, service, widget, widget_crd

TABLE = "application/json;as=Table;g=meta.k8s.io;v=v1,application/json"
AGE = matching("^[0-9]+s$")


class Tables(Case):
    def table(self, path, **query):
        return self.ok(self.api.get(self.path(path), accept=TABLE, **query), 200)

    def check_table(self, path, columns, cells, **query):
        """columns: as "Name", or "Node:1" for one of lower priority."""
        table = self.table(path, **query)
        self.check(table, {"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": {"resourceVersion": matching("^[0-9]+$")}})
        self.assertEqual([c["name"] + (f":{c['priority']}" if c["priority"] else "") for c in table["columnDefinitions"]], columns)
        self.check(table["rows"], [{"cells": row} for row in cells])
        return table

    def test_pods(self):
        self.make("pods", pod("a"))
        self.make("pods", pod("b", {"nodeName": "n1"}))
        self.ok(self.api.patch(self.path("pods/b/status"), {"status": {
            "phase": "Running", "podIP": "10.1.2.3", "podIPs": [{"ip": "10.1.2.3"}],
            "containerStatuses": [{"name": "main", "ready": True, "restartCount": 0, "image": "i", "imageID": "i", "state": {"running": {"startedAt": "2024-01-02T03:04:05Z"}}}]}}))
        columns = ["Name", "Ready", "Status", "Restarts", "Age", "IP:1", "Node:1", "Nominated Node:1", "Readiness Gates:1"]
        rows = [["a", "0/1", "Pending", "0", AGE, "<none>", "<none>", "<none>", "<none>"],
                ["b", "1/1", "Running", "0", AGE, "10.1.2.3", "n1", "<none>", "<none>"]]
        table = self.check_table("pods", columns, rows)
        self.check(table["columnDefinitions"][0], {"type": "string", "format": "name", "description": matching("^Name must be unique")})
        self.check(table["rows"][0]["object"], {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": {"name": "a"}, "spec": ABSENT})
        self.ok(self.api.patch(self.path("pods/b/status"), {"status": {"phase": "Failed", "containerStatuses": [
            {"name": "main", "ready": False, "restartCount": 0, "image": "i", "imageID": "i", "state": {"terminated": {"exitCode": 3, "reason": "Error"}}}]}}))
        self.check_table("pods", columns, [["b", "0/1", "Error", "0", AGE, "10.1.2.3", "n1", "<none>", "<none>"]], fieldSelector="metadata.name=b")

    def test_one_object_and_the_parts_of_it_that_are_wanted(self):
        self.make("configmaps", config_map("one", {"a": "1", "b": "2"}))
        self.check_table("configmaps/one", ["Name", "Data", "Age"], [["one", 2, AGE]])
        self.check(self.table("configmaps/one", includeObject="None")["rows"][0], {"cells": ["one", 2, AGE], "object": None})
        self.check(self.table("configmaps/one", includeObject="Object")["rows"][0]["object"], {"kind": "ConfigMap", "data": {"a": "1", "b": "2"}})

    def test_other_kinds(self):
        one = self.make("services", service("s", {"ports": [{"name": "a", "port": 80}, {"name": "b", "port": 443, "protocol": "UDP"}]}))
        self.check_table("services", ["Name", "Type", "Cluster-IP", "External-IP", "Port(s)", "Age", "Selector:1"],
                         [["s", "ClusterIP", one["spec"]["clusterIP"], "<none>", "80/TCP,443/UDP", AGE, "a=b"]])
        self.make(LEASES, lease("l"))
        self.check_table(LEASES, ["Name", "Holder", "Age"], [["l", "me", AGE]])
        self.make("secrets", {"metadata": {"name": "s"}, "data": {"a": "eA=="}})
        self.check_table("secrets", ["Name", "Type", "Data", "Age"], [["s", "Opaque", 1, AGE]])
        self.check_table(f"/api/v1/namespaces/{self.ns}", ["Name", "Status", "Age"], [[self.ns, "Active", AGE]])
        self.check_table("serviceaccounts", ["Name", "Age"], [["default", AGE]])

    def test_custom_resources_have_the_columns_of_their_definition(self):
        established(self.api, widget_crd())
        self.make(WIDGETS, widget("w"))
        table = self.check_table(WIDGETS, ["Name", "State", "Size", "Mode:1", "Age"], [["w", None, 3, "Fast", AGE]])
        self.check(table["columnDefinitions"][2], {"type": "integer", "description": "how big"})
        self.ok(self.api.patch(self.path(f"{WIDGETS}/w/status"), {"status": {"state": "On"}}))
        self.check_table(WIDGETS, ["Name", "State", "Size", "Mode:1", "Age"], [["w", "On", 3, "Fast", AGE]])

    def test_pages_of_rows(self):
        for name in "xyz":
            self.make("persistentvolumeclaims", {"metadata": {"name": name}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}})
        first = self.table("persistentvolumeclaims", limit="2")
        self.check(first["metadata"], {"continue": matching("."), "remainingItemCount": 1})
        rest = self.table("persistentvolumeclaims", **{"limit": "2", "continue": first["metadata"]["continue"]})
        self.assertEqual([r["cells"][0] for r in first["rows"] + rest["rows"]], ["x", "y", "z"])
