"""Admission webhooks: who is asked, what is shown, what an answer does, and what happens without one."""

import base64
import http.server
import json
import os
import ssl
import subprocess
import tempfile
import threading
import time

from api import ABSENT, matching
from suite import Case, Row, config_map
from waiting import wait_for

PATH = "/apis/admissionregistration.k8s.io/v1/"
SLOW = 4


class Webhook:
    """An HTTPS server on loopback. /NAME is answered by the function of that name; what it was shown is kept."""

    def __init__(self):
        self.seen, self.answers, outer = [], {}, self
        folder = tempfile.TemporaryDirectory()
        cert, key = (os.path.join(folder.name, f"tls.{end}") for end in ("crt", "key"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=webhook",
                        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert], check=True, capture_output=True)

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                name = self.path.split("?")[0].strip("/")
                outer.seen.append((name, review["request"], self.path))
                response = {"uid": review["request"]["uid"], "allowed": True, **outer.answers[name](review["request"])}
                body = json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}).encode()
                try:
                    self.send_response(200)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:                          # who asked has lost patience
                    self.close_connection = True

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        with open(cert, "rb") as f:
            self.bundle = base64.b64encode(f.read()).decode()
        folder.cleanup()
        self.url = f"https://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


def patched(*operations):
    return {"patchType": "JSONPatch", "patch": base64.b64encode(json.dumps(list(operations)).encode()).decode()}


class Admission(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.webhook = Webhook()

    @classmethod
    def tearDownClass(cls):
        cls.webhook.close()
        super().tearDownClass()

    def register(self, name, answer, kind="Validating", url=None, operations=("CREATE", "UPDATE", "DELETE"), **more):
        """Configures one webhook for the config maps of the test's namespace and waits until it is asked."""
        self.webhook.answers[name] = answer
        hook = {"name": f"{name}.example.com", "clientConfig": {"url": url or f"{self.webhook.url}{name}", "caBundle": self.webhook.bundle},
                "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": list(operations), "resources": ["configmaps"]}],
                "sideEffects": "None", "admissionReviewVersions": ["v1"],
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": self.ns}}, **more}
        configurations = f"{PATH}{kind.lower()}webhookconfigurations"
        self.ok(self.api.post(configurations, {"apiVersion": "admissionregistration.k8s.io/v1", "kind": f"{kind}WebhookConfiguration",
                                               "metadata": {"name": f"{self.ns}-{name}"}, "webhooks": [hook]}), 201)
        self.addCleanup(self.unregister, f"{configurations}/{self.ns}-{name}")

    def unregister(self, path):
        self.ok(self.api.delete(path))

    def shown(self, name, object_name, operation="CREATE"):
        return [r for n, r, _ in self.webhook.seen if n == name and r["operation"] == operation and r["name"] == object_name]

    def asked(self, name, **probe):
        """A server takes a moment to learn of a new configuration."""
        def heard():
            self.api.post(self.path("configmaps"), config_map("probe", **probe), dryRun="All")
            return self.shown(name, "probe")
        wait_for(heard, f"{name} is never asked")

    def test_a_patch_is_stored_and_validators_see_it(self):
        self.register("mutate", lambda r: patched({"op": "add", "path": "/data/added", "value": "1"}, {"op": "add", "path": "/metadata/labels", "value": {"l": "1"}}),
                      "Mutating", operations=("CREATE",))
        self.register("after", lambda r: {})
        self.asked("mutate")
        self.asked("after")
        made = self.make("configmaps", config_map("patched"))
        self.check(made, {"data": {"k": "v", "added": "1"}, "metadata": {"labels": {"l": "1"}}})
        self.assertEqual(self.read("configmaps/patched"), made)
        self.check(self.shown("after", "patched")[0], {"object": {"data": {"added": "1"}}})

    def test_a_review_says_what_is_asked_for(self):
        self.register("look", lambda r: {})
        self.asked("look")
        self.make("configmaps", config_map("seen"))
        self.ok(self.api.patch(self.path("configmaps/seen"), {"data": {"k": "2"}}, fieldManager="me"))
        self.ok(self.api.delete(self.path("configmaps/seen")))
        create, update, delete = (self.shown("look", "seen", operation)[0] for operation in ("CREATE", "UPDATE", "DELETE"))
        resource = {"group": "", "version": "v1", "resource": "configmaps"}
        self.check(create, {"uid": matching("^[0-9a-f-]{36}$"), "kind": {"group": "", "version": "v1", "kind": "ConfigMap"}, "resource": resource, "requestResource": resource,
                            "name": "seen", "namespace": self.ns, "userInfo": {"username": "kubernetes-admin", "groups": lambda g: "system:masters" in g},
                            "object": {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "seen", "namespace": self.ns}, "data": {"k": "v"}},
                            "oldObject": None, "dryRun": False, "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"}, "subResource": ABSENT})
        self.check(update, {"object": {"data": {"k": "2"}}, "oldObject": {"data": {"k": "v"}}, "options": {"kind": "UpdateOptions", "fieldManager": "me"}})
        self.check(delete, {"object": None, "oldObject": {"data": {"k": "2"}}, "options": {"kind": "DeleteOptions"}})
        self.check(self.shown("look", "probe")[0], {"dryRun": True})

    def test_a_refusal_carries_its_words(self):
        self.register("deny", lambda r: {"allowed": not r["name"].startswith("bad"), "status": {"message": "not this one", **({"code": 422, "reason": "Invalid"} if r["name"] == "bad-code" else {})}})
        self.asked("deny")
        self.check_rows([
            Row("plain", "POST", "configmaps", config_map("bad"), 400, {"reason": ABSENT, "message": 'admission webhook "deny.example.com" denied the request: not this one'}),
            Row("with a code", "POST", "configmaps", config_map("bad-code"), 422, {"reason": "Invalid", "message": matching("denied the request: not this one")})])
        self.assertEqual(self.api.get(self.path("configmaps/bad")).code, 404)
        self.make("configmaps", config_map("good"))

    def test_warnings_come_through(self):
        self.register("warn", lambda r: {"warnings": ["careful"]})
        self.asked("warn")
        answer = self.api.post(self.path("configmaps"), config_map("warned"))
        self.ok(answer, 201)
        self.assertEqual(answer.headers["Warning"], '299 - "careful"')

    def test_selectors_say_who_is_shown(self):
        self.register("chosen", lambda r: {"allowed": False}, objectSelector={"matchLabels": {"check": "yes"}})
        self.asked("chosen", labels={"check": "yes"})
        self.make("configmaps", config_map("unlabelled"))
        self.assertEqual(self.api.post(self.path("configmaps"), config_map("labelled", labels={"check": "yes"})).code, 400)
        # A label that is taken away counts as it was.
        self.assertEqual(self.api.patch(self.path("configmaps/unlabelled"), {"metadata": {"labels": {"check": "yes"}}}).code, 400)
        other = self.new_namespace()
        self.ok(self.api.post(f"/api/v1/namespaces/{other}/configmaps", config_map("elsewhere", labels={"check": "yes"})), 201)
        self.ok(self.api.post(self.path("secrets"), {"metadata": {"name": "another-kind", "labels": {"check": "yes"}}}), 201)

    def failing(self, name, policy, **more):
        self.register(name, lambda r: time.sleep(SLOW) or {}, failurePolicy=policy, **more)

    def test_who_does_not_answer_fails_the_write_or_is_left_out(self):
        self.failing("nobody", "Fail", url="https://127.0.0.1:1/nobody", objectSelector={"matchLabels": {"a": "1"}})
        self.failing("slow", "Fail", timeoutSeconds=1, objectSelector={"matchLabels": {"a": "2"}})
        self.failing("slow-ignored", "Ignore", timeoutSeconds=1, objectSelector={"matchLabels": {"a": "3"}})
        self.failing("nobody-ignored", "Ignore", url="https://127.0.0.1:1/nobody", objectSelector={"matchLabels": {"a": "4"}})
        self.asked("slow-ignored", labels={"a": "3"})
        wait_for(lambda: self.api.post(self.path("configmaps"), config_map("x", labels={"a": "1"}), dryRun="All").code == 500, "nobody is never asked")
        self.check_rows([
            Row("nobody there", "POST", "configmaps", config_map("x", labels={"a": "1"}), 500, {
                "reason": "InternalError", "message": matching('^Internal error occurred: failed calling webhook "nobody.example.com": failed to call webhook: Post "https://127.0.0.1:1/nobody\\?timeout=10s": ')}),
            Row("too slow", "POST", "configmaps", config_map("x", labels={"a": "2"}), 500, {
                "reason": "InternalError", "message": matching('failed calling webhook "slow.example.com": failed to call webhook: .*\\?timeout=1s')}),
            Row("too slow, ignored", "POST", "configmaps", config_map("slow", labels={"a": "3"}), 201),
            Row("nobody there, ignored", "POST", "configmaps", config_map("nobody", labels={"a": "4"}), 201)])

    def test_a_dry_run_does_not_ask_who_has_side_effects(self):
        self.register("effects", lambda r: {}, sideEffects="NoneOnDryRun")
        self.asked("effects")
        hook = {"name": "some.example.com", "clientConfig": {"url": self.webhook.url + "some", "caBundle": self.webhook.bundle}, "rules": [],
                "sideEffects": "Some", "admissionReviewVersions": ["v1"]}
        self.check_rows([Row("side effects must be sworn off", "POST", f"{PATH}validatingwebhookconfigurations", {
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration", "metadata": {"name": f"{self.ns}-some"}, "webhooks": [hook]}, 422, {
            "reason": "Invalid", "details": {"causes": lambda c: any(one["field"] == "webhooks[0].sideEffects" for one in c)}})])

    def test_answers_that_are_none_fail_the_write(self):
        self.register("broken", lambda r: {"uid": "another"} if r["name"] == "uid" else patched({"op": "remove", "path": "/none"}) if r["name"] == "patch" else {}, "Mutating")
        self.asked("broken")
        self.check_rows([
            Row("another uid", "POST", "configmaps", config_map("uid"), 500, {"message": matching('failed calling webhook "broken.example.com"')}),
            Row("a patch that does not fit", "POST", "configmaps", config_map("patch"), 500, {"reason": "InternalError"})])
