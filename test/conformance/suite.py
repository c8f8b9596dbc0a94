"""What the tests share: the server under test, a namespace of their own, rows of requests, and objects to make.

A row is a request and what is expected of its answer:

    Row("a name twice", "POST", "configmaps", config_map("twice"), 409, {"reason": "AlreadyExists"})

A path that does not start with "/" is one of the core group in the test's namespace; "group/v1/plural/…" one of another
group there.
"""

import unittest
import uuid

from api import Client, difference
from waiting import wait_for

plane = None                    # test/lib/control_plane.ControlPlane, set by conformance.py before the tests are loaded


class Row:
    def __init__(self, why, method, path, body, code, expect=None, **more):
        self.why, self.method, self.path, self.body = why, method, path, body
        self.code, self.expect, self.more = code, expect or {}, more


class Case(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.api = Client(plane.url, plane.ca_file, plane.token)
        cls.ns = cls.new_namespace()

    @classmethod
    def tearDownClass(cls):
        cls.api.delete(f"/api/v1/namespaces/{cls.ns}")
        cls.api.close()

    @classmethod
    def new_namespace(cls):
        """Ready for pods, and with nothing more to come in it by itself."""
        name = f"t-{uuid.uuid4().hex[:8]}"
        made = cls.api.post("/api/v1/namespaces", {"metadata": {"name": name}})
        assert made.code == 201, made
        wait_for(lambda: cls.api.get(f"/api/v1/namespaces/{name}/serviceaccounts/default").code == 200, "no service account")
        wait_for(lambda: cls.api.get(f"/api/v1/namespaces/{name}/configmaps/kube-root-ca.crt").code == 200, "no authority")
        return name

    def path(self, short):
        if short.startswith("/"):
            return short
        parts = short.split("/")
        if len(parts) > 2 and parts[1][0] == "v" and parts[1][1:].isdigit():
            return f"/apis/{parts[0]}/{parts[1]}/namespaces/{self.ns}/{'/'.join(parts[2:])}"
        return f"/api/v1/namespaces/{self.ns}/{short}"

    def ok(self, answer, code=None):
        """The JSON of an answer that is a success."""
        self.assertIn(answer.code, [code] if code else (200, 201), answer)
        return answer.json

    def check(self, value, expect):
        if found := difference(value, expect):
            self.fail(found)

    def check_rows(self, rows):
        for row in rows:
            with self.subTest(row.why):
                answer = self.api.ask(row.method, self.path(row.path), row.body, **row.more)
                self.assertEqual(answer.code, row.code, answer)
                if row.code >= 400:
                    self.check(answer.json, {"kind": "Status", "apiVersion": "v1", "status": "Failure",
                                             "code": row.code})
                self.check(answer.json, row.expect)

    def make(self, plural, body, **more):
        return self.ok(self.api.post(self.path(plural), body, **more), 201)

    def read(self, path, **more):
        return self.ok(self.api.get(self.path(path), **more))

    def gone(self, path):
        wait_for(lambda: self.api.get(self.path(path)).code == 404, f"{path} is still there")


def config_map(name, data=None, **metadata):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **metadata},
            "data": {"k": "v"} if data is None else data}


def pod(name, spec=None, **metadata):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, **metadata},
            "spec": {"containers": [{"name": "main", "image": "busybox:1.36"}], **(spec or {})}}


def service(name, spec=None):
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
            "spec": {"selector": {"a": "b"}, "ports": [{"port": 80}], **(spec or {})}}


def lease(name, holder="me"):
    return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": name},
            "spec": {"holderIdentity": holder, "leaseDurationSeconds": 15}}


LEASES = "coordination.k8s.io/v1/leases"
WIDGETS = "conformance.example.com/v1/widgets"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def widget(name, spec=None, **more):
    return {"apiVersion": "conformance.example.com/v1", "kind": "Widget", "metadata": {"name": name},
            "spec": {"size": 3} if spec is None else spec, **more}


def widget_crd(plural="widgets", kind="Widget", group="conformance.example.com"):
    """A kind with a status, defaults, value rules, list maps and printer columns."""
    text, number = {"type": "string"}, {"type": "integer"}
    spec = {
        "size": {"type": "integer", "minimum": 1, "maximum": 1000},
        "mode": {"type": "string", "enum": ["Fast", "Slow"], "default": "Fast"},
        "name": {"type": "string", "pattern": "^[a-z]+$", "maxLength": 5},
        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        "port": {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]},
        "when": {"type": "string", "format": "date-time"},
        "ratio": {"type": "number"},
        "on": {"type": "boolean"},
        "maybe": {"type": "string", "nullable": True},
        "parts": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"], "maxItems": 4,
                  "items": {"type": "object", "required": ["name"],
                            "properties": {"name": text, "weight": {"type": "integer", "default": 1}}}},
        "tags": {"type": "array", "x-kubernetes-list-type": "set", "items": text},
        "words": {"type": "array", "items": text},
        "labels": {"type": "object", "additionalProperties": text},
        "nested": {"type": "object", "default": {}, "properties": {"depth": {"type": "integer", "default": 7}}}}
    status = {"state": text, "count": number,
              "conditions": {"type": "array", "items": {"type": "object", "properties": {"type": text, "status": text}}}}
    columns = [{"name": "State", "type": "string", "jsonPath": ".status.state"},
               {"name": "Size", "type": "integer", "jsonPath": ".spec.size", "description": "how big"},
               {"name": "Mode", "type": "string", "jsonPath": ".spec.mode", "priority": 1},
               {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}]
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{plural}.{group}"},
            "spec": {"group": group, "scope": "Namespaced",
                     "names": {"plural": plural, "kind": kind, "singular": kind.lower(), "shortNames": [f"{plural[:2]}t"],
                               "categories": ["all"]},
                     "versions": [{"name": "v1", "served": True, "storage": True, "subresources": {"status": {}},
                                   "additionalPrinterColumns": columns, "selectableFields": [{"jsonPath": ".spec.mode"}],
                                   "schema": {"openAPIV3Schema": {"type": "object", "properties": {
                                       "spec": {"type": "object", "required": ["size"], "properties": spec},
                                       "status": {"type": "object", "properties": status}}}}}]}}


def established(api, crd):
    """Makes the definition (once for all tests) and waits until its objects are served."""
    name = crd["metadata"]["name"]
    made = api.post(CRDS, crd)
    assert made.code in (201, 409), made
    spec = crd["spec"]
    path = f"/apis/{spec['group']}/{spec['versions'][0]['name']}/{spec['names']['plural']}"
    wait_for(lambda: api.get(path).code == 200, f"{name} is not served")
