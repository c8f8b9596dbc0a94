"""Tokens of service accounts, and who a token belongs to."""

import base64
import json
import time

from api import ABSENT, matching
from suite import Case, Row, pod
from waiting import wait_for

REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"
WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


def claims(token):
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


class Tokens(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.account = cls.api.post(f"/api/v1/namespaces/{cls.ns}/serviceaccounts", {"metadata": {"name": "robot"}}).json

    def request(self, account="robot", **spec):
        return self.ok(self.api.post(self.path(f"serviceaccounts/{account}/token"), {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}), 201)

    def review(self, token, **spec):
        return self.ok(self.api.post(REVIEWS, {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token, **spec}}), 201)["status"]

    def test_a_token_says_whose_it_is_and_how_long(self):
        made = self.request(expirationSeconds=3600)
        self.check(made, {"kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1", "metadata": {"name": "robot", "namespace": self.ns},
                          "spec": {"expirationSeconds": 3600, "audiences": [matching("^https://kubernetes.default.svc")]},
                          "status": {"expirationTimestamp": matching("Z$")}})
        body = claims(made["status"]["token"])
        self.check(body, {"sub": f"system:serviceaccount:{self.ns}:robot", "aud": made["spec"]["audiences"], "iss": made["spec"]["audiences"][0],
                          "kubernetes.io": {"namespace": self.ns, "serviceaccount": {"name": "robot", "uid": self.account["metadata"]["uid"]}, "pod": ABSENT}})
        self.assertEqual(body["exp"] - body["iat"], 3600)
        self.assertLess(abs(body["iat"] - time.time()), 60)

    def test_a_token_authenticates(self):
        token = self.request()["status"]["token"]
        expect = {"username": f"system:serviceaccount:{self.ns}:robot", "uid": self.account["metadata"]["uid"],
                  "groups": lambda g: set(g) >= {"system:serviceaccounts", f"system:serviceaccounts:{self.ns}", "system:authenticated"}}
        self.check(self.review(token), {"authenticated": True, "user": {**expect, "groups": lambda g: "system:serviceaccounts" in g}})
        mine = self.ok(self.api.post(WHO, {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}, token=token), 201)
        self.check(mine, {"kind": "SelfSubjectReview", "status": {"userInfo": expect}})

    def test_a_token_may_be_bound_to_a_pod_and_end_with_it(self):
        held = self.make("pods", pod("holder", {"serviceAccountName": "robot"}))
        bound = {"kind": "Pod", "apiVersion": "v1", "name": "holder", "uid": held["metadata"]["uid"]}
        token = self.request(boundObjectRef=bound)["status"]["token"]
        self.check(claims(token)["kubernetes.io"], {"pod": {"name": "holder", "uid": held["metadata"]["uid"]}})
        self.check(self.review(token), {"authenticated": True, "user": {"extra": {"authentication.kubernetes.io/pod-name": ["holder"]}}})
        self.make("pods", pod("other"))
        self.check_rows([
            Row("a pod of another account", "POST", "serviceaccounts/robot/token", {"spec": {"boundObjectRef": {**bound, "name": "other", "uid": ""}}}, 400, {"reason": "BadRequest"}),
            Row("another pod of the name", "POST", "serviceaccounts/robot/token", {"spec": {"boundObjectRef": {**bound, "uid": "other"}}}, 409, {"reason": "Conflict"}),
            Row("no such pod", "POST", "serviceaccounts/robot/token", {"spec": {"boundObjectRef": {**bound, "name": "none"}}}, 404, {"reason": "NotFound"})])
        self.ok(self.api.delete(self.path("pods/holder"), {"gracePeriodSeconds": 0}))
        # A verdict on a token may be remembered for some seconds.
        wait_for(lambda: not self.review(token).get("authenticated"), "the token outlives its pod")

    def test_a_token_ends_with_its_account(self):
        self.make("serviceaccounts", {"metadata": {"name": "short"}})
        token = self.request("short")["status"]["token"]
        self.ok(self.api.delete(self.path("serviceaccounts/short")))
        wait_for(lambda: not self.review(token).get("authenticated"), "the token outlives its account")
        self.assertEqual(self.api.get("/api/v1/namespaces", token=token).code, 401)

    def test_a_token_is_for_its_audience(self):
        token = self.request(audiences=["vault"])["status"]["token"]
        self.assertEqual(claims(token)["aud"], ["vault"])
        self.check(self.review(token, audiences=["vault"]), {"authenticated": True, "audiences": ["vault"]})
        self.assertNotIn("authenticated", self.review(token))
        self.assertEqual(self.api.get("/api/v1/namespaces", token=token).code, 401)

    def test_tokens_that_are_none(self):
        whole = self.request()["status"]["token"]
        head, body, signature = whole.split(".")
        for token in ("", "x", "a.b.c", f"{head}.{body}.{signature[::-1]}"):
            with self.subTest(token[:10]):
                if token:
                    self.check(self.review(token), {"authenticated": ABSENT, "error": matching(".")})
                    self.assertEqual(self.api.get("/api", token=token).code, 401)

    def test_requests_that_are_refused(self):
        self.check_rows([
            Row("no such account", "POST", "serviceaccounts/nobody/token", {"spec": {}}, 404, {"message": 'serviceaccounts "nobody" not found'}),
            Row("too short", "POST", "serviceaccounts/robot/token", {"spec": {"expirationSeconds": 60}}, 422,
                {"reason": "Invalid", "message": matching("may not specify a duration less than 10 minutes")}),
            Row("another name", "POST", "serviceaccounts/robot/token", {"metadata": {"name": "other"}, "spec": {}}, 422,
                {"message": matching("metadata.name: Invalid value: \"other\": must match the service account name if specified")})])

    def test_an_administrator_may_everything(self):
        review = self.ok(self.api.post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {
            "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": {"resourceAttributes": {"verb": "create", "resource": "pods", "namespace": self.ns}}}), 201)
        self.check(review, {"status": {"allowed": True}})
        self.check(self.ok(self.api.post(WHO, {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}), 201),
                   {"status": {"userInfo": {"username": "kubernetes-admin", "groups": lambda g: "system:masters" in g}}})
