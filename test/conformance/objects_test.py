"""Objects are created, read, replaced and deleted as a real API server does it."""

from api import ABSENT, difference, matching
from suite import LEASES, Case, Row, config_map, lease, pod, service


class Creating(Case):
    def test_a_created_object_has_an_identity(self):
        made = self.make("configmaps", config_map("a", labels={"l": "1"}, annotations={"an": "x"}))
        self.check(made, {"apiVersion": "v1", "kind": "ConfigMap", "data": {"k": "v"}, "metadata": {
            "name": "a", "namespace": self.ns, "uid": matching("^[0-9a-f-]{36}$"), "resourceVersion": matching("^[1-9][0-9]*$"),
            "creationTimestamp": matching(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"), "labels": {"l": "1"},
            "annotations": {"an": "x"}, "generation": ABSENT, "deletionTimestamp": ABSENT}})
        self.assertEqual(self.read("configmaps/a"), made)

    def test_what_the_client_says_of_the_servers_metadata_is_ignored(self):
        made = self.make("configmaps", config_map("ignored", uid="mine", creationTimestamp="2001-01-01T00:00:00Z",
                                                  deletionTimestamp="2001-01-01T00:00:00Z", selfLink="/x"))
        self.check(made["metadata"], {"uid": matching("^[0-9a-f-]{36}$"), "creationTimestamp": matching("^20[2-9]"),
                                      "deletionTimestamp": ABSENT})

    def test_a_generated_name_is_the_prefix_and_five_letters(self):
        names = {self.make("configmaps", {"metadata": {"generateName": "run-"}})["metadata"]["name"] for _ in range(3)}
        self.assertEqual(len(names), 3)
        for name in names:
            self.assertRegex(name, "^run-[a-z0-9]{5}$")
        both = self.make("configmaps", {"metadata": {"generateName": "run-", "name": "given"}})
        self.check(both["metadata"], {"name": "given", "generateName": "run-"})

    def test_a_long_generated_name_is_cut(self):
        made = self.make("configmaps", {"metadata": {"generateName": "x" * 70}})
        self.assertRegex(made["metadata"]["name"], "^x{58}[a-z0-9]{5}$")

    def test_a_pod_gets_its_defaults(self):
        made = self.make("pods", pod("a", labels={"app": "x"}))
        self.check(made, {
            "metadata": {"generation": 1},
            "spec": {"restartPolicy": "Always", "dnsPolicy": "ClusterFirst", "terminationGracePeriodSeconds": 30,
                     "enableServiceLinks": True, "schedulerName": "default-scheduler", "securityContext": {},
                     "serviceAccountName": "default", "serviceAccount": "default", "priority": 0,
                     "preemptionPolicy": "PreemptLowerPriority", "nodeName": ABSENT,
                     "tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute",
                                      "tolerationSeconds": 300},
                                     {"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute",
                                      "tolerationSeconds": 300}],
                     "containers": [{"name": "main", "imagePullPolicy": "IfNotPresent", "resources": {},
                                     "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"}]},
            "status": {"phase": "Pending", "qosClass": "BestEffort"}})
        self.assertEqual(self.read("pods/a"), made)

    def test_a_pod_gets_the_token_of_its_service_account(self):
        spec = self.make("pods", pod("with-token"))["spec"]
        name = spec["volumes"][0]["name"]
        self.assertRegex(name, "^kube-api-access-[a-z0-9]{5}$")
        self.check(spec, {
            "volumes": [{"projected": {"defaultMode": 420, "sources": [
                {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
                {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
                {"downwardAPI": {"items": [{"path": "namespace",
                                            "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}]}}]}}],
            "containers": [{"volumeMounts": [{"name": name, "readOnly": True,
                                              "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}]}]})
        self.check(self.make("pods", pod("without", {"automountServiceAccountToken": False}))["spec"], {"volumes": ABSENT})

    def test_requests_and_limits_give_the_class_of_service(self):
        def made(name, resources):
            return self.make("pods", pod(name, {"containers": [{"name": "c", "image": "i", "resources": resources}]}))
        limits = {"cpu": "500m", "memory": "64Mi"}
        same = made("same", {"limits": limits})
        self.check(same, {"status": {"qosClass": "Guaranteed"}, "spec": {"containers": [{"resources": {"requests": limits}}]}})
        self.check(made("less", {"requests": {"cpu": "100m"}}), {"status": {"qosClass": "Burstable"}})
        # Quantities are written back in their canonical form.
        self.check(made("odd", {"requests": {"cpu": "0.1", "memory": "1024Mi"}})["spec"]["containers"][0],
                   {"resources": {"requests": {"cpu": "100m", "memory": "1Gi"}}})

    def test_ports_and_variables_of_a_pod_get_their_defaults(self):
        made = self.make("pods", pod("ports", {"containers": [{
            "name": "c", "image": "repo/image:latest", "ports": [{"containerPort": 80}],
            "env": [{"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}],
            "livenessProbe": {"httpGet": {"port": 80}}}],
            "volumes": [{"name": "cm", "configMap": {"name": "x"}}, {"name": "empty", "emptyDir": {}},
                        {"name": "host", "hostPath": {"path": "/tmp"}}, {"name": "secret", "secret": {"secretName": "x"}}]}))
        self.check(made["spec"]["containers"][0], {
            "imagePullPolicy": "Always", "ports": [{"containerPort": 80, "protocol": "TCP"}],
            "env": [{"name": "NODE", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "spec.nodeName"}}}],
            "livenessProbe": {"httpGet": {"port": 80, "path": "/", "scheme": "HTTP"}, "timeoutSeconds": 1, "periodSeconds": 10,
                              "successThreshold": 1, "failureThreshold": 3}})
        self.check(made["spec"]["volumes"][:4], [{"configMap": {"name": "x", "defaultMode": 420}}, {"emptyDir": {}},
                                                 {"hostPath": {"path": "/tmp", "type": ""}},
                                                 {"secret": {"secretName": "x", "defaultMode": 420}}])

    def test_a_service_gets_an_address_and_defaults(self):
        made = self.make("services", service("one"))
        self.check(made["spec"], {
            "clusterIP": matching(r"^10\."), "clusterIPs": [made["spec"]["clusterIP"]], "type": "ClusterIP",
            "sessionAffinity": "None", "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack",
            "internalTrafficPolicy": "Cluster", "ports": [{"port": 80, "targetPort": 80, "protocol": "TCP"}]})
        self.assertEqual(made["status"], {"loadBalancer": {}})
        headless = self.make("services", service("headless", {"clusterIP": "None"}))
        self.check(headless["spec"], {"clusterIP": "None", "clusterIPs": ["None"], "type": "ClusterIP"})
        port = self.make("services", service("node-port", {"type": "NodePort"}))["spec"]["ports"][0]["nodePort"]
        self.assertTrue(30000 <= port <= 32767)

    def test_a_secret_takes_text_and_gives_base64(self):
        made = self.make("secrets", {"metadata": {"name": "s"}, "stringData": {"a": "text"}, "data": {"b": "eA=="}})
        self.check(made, {"type": "Opaque", "data": {"a": "dGV4dA==", "b": "eA=="}, "stringData": ABSENT})

    def test_a_dry_run_answers_and_keeps_nothing(self):
        self.check(self.make("configmaps", config_map("dry"), dryRun="All"), {"data": {"k": "v"}})
        self.assertEqual(self.api.get(self.path("configmaps/dry")).code, 404)

    def test_unknown_fields_are_dropped_with_a_warning_or_refused(self):
        wrong = {**config_map("warned"), "colour": "red"}
        answer = self.api.post(self.path("configmaps"), wrong)
        self.check(self.ok(answer), {"colour": ABSENT})
        self.assertEqual(answer.headers["Warning"], '299 - "unknown field \\"colour\\""')
        self.assertIsNone(self.api.post(self.path("configmaps"), {**wrong, "metadata": {"name": "quiet"}},
                                        fieldValidation="Ignore").headers["Warning"])
        self.check_rows([
            Row("strictly", "POST", "configmaps", wrong, 400,
                {"reason": "BadRequest", "message": matching('strict decoding error: unknown field "colour"')}, fieldValidation="Strict"),
            Row("below the top", "POST", "pods", pod("x", {"containers": [{"name": "a", "image": "i", "imag": 1}]}), 400,
                {"message": matching(r'unknown field "spec.containers\[0\].imag"')}, fieldValidation="Strict"),
            Row("a field twice", "POST", "configmaps", '{"metadata":{"name":"x"},"data":{"a":"1","a":"2"}}', 400,
                {"message": matching('duplicate field "data.a"')}, fieldValidation="Strict")])

    def test_yaml_is_taken_as_json_is(self):
        made = self.make("configmaps", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: yaml\ndata:\n  k: 'on'\n",
                         type="application/yaml")
        self.check(made, {"data": {"k": "on"}})

    def test_what_cannot_be_created_is_refused_with_its_reason(self):
        self.make("configmaps", config_map("twice"))
        nowhere = "/api/v1/namespaces/nowhere/configmaps"
        self.check_rows([
            Row("a name twice", "POST", "configmaps", config_map("twice"), 409,
                {"reason": "AlreadyExists", "message": 'configmaps "twice" already exists',
                 "details": {"name": "twice", "kind": "configmaps", "group": ABSENT}}),
            Row("no name", "POST", "configmaps", {"data": {}}, 422,
                {"reason": "Invalid", "message": 'ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required',
                 "details": {"kind": "ConfigMap", "causes": [{"reason": "FieldValueRequired", "field": "metadata.name",
                                                              "message": "Required value: name or generateName is required"}]}}),
            Row("a name that is none", "POST", "configmaps", config_map("Bad_Name"), 422,
                {"reason": "Invalid", "message": matching('^ConfigMap "Bad_Name" is invalid: metadata.name: Invalid value: "Bad_Name": a lowercase RFC 1123'),
                 "details": {"name": "Bad_Name", "causes": [{"reason": "FieldValueInvalid", "field": "metadata.name"}]}}),
            Row("a service's name", "POST", "services", service("1a"), 422,
                {"message": matching('a DNS-1035 label must')}),
            Row("a label that is none", "POST", "configmaps", config_map("l", labels={"a b": "x"}), 422,
                {"details": {"causes": [{"field": "metadata.labels"}]}}),
            Row("a label's value that is none", "POST", "configmaps", config_map("l", labels={"a": "x y"}), 422,
                {"details": {"causes": [{"field": "metadata.labels"}]}}),
            Row("a finalizer that is none", "POST", "configmaps", config_map("f", finalizers=["plain"]), 422,
                {"details": {"causes": [{"field": "metadata.finalizers[0]"}]}}),
            Row("an owner without a uid", "POST", "configmaps",
                config_map("o", ownerReferences=[{"apiVersion": "v1", "kind": "ConfigMap", "name": "a"}]), 422,
                {"details": {"causes": [{"field": "metadata.ownerReferences.uid"}]}}),
            Row("two controllers", "POST", "configmaps", config_map("o", ownerReferences=[
                {"apiVersion": "v1", "kind": "ConfigMap", "name": n, "uid": n, "controller": True} for n in "ab"]), 422,
                {"message": matching("Only one reference can have Controller set to true")}),
            Row("another namespace", "POST", "configmaps", config_map("x", namespace="elsewhere"), 400,
                {"reason": "BadRequest", "message": "the namespace of the provided object does not match the namespace sent on the request"}),
            Row("no such namespace", "POST", nowhere, config_map("x"), 404,
                {"reason": "NotFound", "message": 'namespaces "nowhere" not found',
                 "details": {"name": "nowhere", "kind": "namespaces"}}),
            Row("a resourceVersion", "POST", "configmaps", config_map("x", resourceVersion="5"), 500,
                {"message": "resourceVersion should not be set on objects to be created"}),
            Row("another kind", "POST", "configmaps", pod("x"), 400,
                {"reason": "BadRequest", "message": matching('Pod in version "v1" cannot be handled as a ConfigMap')}),
            Row("another version", "POST", "configmaps", {**config_map("x"), "apiVersion": "v2"}, 400,
                {"message": matching('^ConfigMap in version "v2" cannot be handled as a ConfigMap: no kind "ConfigMap" is registered for version "v2"')}),
            Row("no JSON", "POST", "configmaps", "{not json", 400, {"reason": "BadRequest"}),
            Row("a JSON array", "POST", "configmaps", "[]", 400, {"reason": "BadRequest"}),
            Row("another type of body", "POST", "configmaps", "x", 415,
                {"reason": "UnsupportedMediaType", "message": matching("accepted media types include: application/json, application/yaml")},
                type="text/plain"),
            Row("too much", "POST", "configmaps", config_map("big", {"k": "x" * (3 << 20)}), 413,
                {"reason": "RequestEntityTooLarge", "message": "Request entity too large: limit is 3145728"}),
            Row("more than a config map holds", "POST", "configmaps", config_map("big", {"k": "x" * (1 << 20), "l": "x"}), 422,
                {"message": matching("Too long: may not be more than 1048576 bytes")}),
            Row("a key that is none", "POST", "configmaps", config_map("key", {"a/b": "x"}), 422,
                {"details": {"causes": [{"field": "data[a/b]"}]}}),
            Row("a wrong type", "POST", "configmaps", config_map("t", {"k": 5}), 400,
                {"reason": "BadRequest", "message": matching("ConfigMap in version \"v1\" cannot be handled as a ConfigMap")}),
            Row("an unknown dry run", "POST", "configmaps", config_map("x"), 422, {"reason": "Invalid"}, dryRun="Some")])

    def test_a_pod_that_cannot_run_is_refused_with_the_field(self):
        def with_container(**more):
            return pod("x", {"containers": [{"name": "c", "image": "i", **more}]})
        rows = [
            ("no containers", pod("x", {"containers": []}), "spec.containers", "FieldValueRequired"),
            ("no image", pod("x", {"containers": [{"name": "c"}]}), "spec.containers[0].image", "FieldValueRequired"),
            ("a container's name twice", pod("x", {"containers": [{"name": "c", "image": "i"}] * 2}), "spec.containers[1].name",
             "FieldValueDuplicate"),
            ("a mount of no volume", with_container(volumeMounts=[{"name": "no", "mountPath": "/m"}]),
             "spec.containers[0].volumeMounts[0].name", "FieldValueNotFound"),
            ("a port out of range", with_container(ports=[{"containerPort": 70000}]), "spec.containers[0].ports[0].containerPort",
             "FieldValueInvalid"),
            ("more requested than allowed", with_container(resources={"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}),
             "spec.containers[0].resources.requests", "FieldValueInvalid"),
            ("a restart policy that is none", pod("x", {"restartPolicy": "Sometimes"}), "spec.restartPolicy", "FieldValueNotSupported"),
            ("a variable that is none", with_container(env=[{"name": "a=b", "value": "x"}]), "spec.containers[0].env[0].name",
             "FieldValueInvalid"),
            ("a volume's name twice", pod("x", {"volumes": [{"name": "v", "emptyDir": {}}] * 2}), "spec.volumes[1].name",
             "FieldValueDuplicate")]
        self.check_rows([Row(why, "POST", "pods", body, 422, {"reason": "Invalid", "details": {
            "name": "x", "kind": "Pod", "causes": [{"field": field, "reason": reason}]}}) for why, body, field, reason in rows])
        self.check_rows([
            Row("an account that is not there", "POST", "pods", pod("x", {"serviceAccountName": "nobody"}), 403,
                {"reason": "Forbidden", "message": matching('error looking up service account .*/nobody: serviceaccount "nobody" not found'),
                 "details": {"name": "x", "kind": "pods"}}),
            Row("a priority class that is not there", "POST", "pods", pod("x", {"priorityClassName": "nobody"}), 403,
                {"message": matching("no PriorityClass with name nobody was found")}),
            Row("a quantity that is none", "POST", "pods", with_container(resources={"limits": {"cpu": "many"}}), 400,
                {"reason": "BadRequest", "message": matching("quantities must match the regular expression")})])


class Replacing(Case):
    def test_a_stale_version_is_a_conflict_and_changes_nothing(self):
        stale = self.make("configmaps", config_map("stale"))
        self.ok(self.api.put(self.path("configmaps/stale"), {**stale, "data": {"k": "2"}}), 200)
        self.check_rows([Row("stale", "PUT", "configmaps/stale", {**stale, "data": {"k": "3"}}, 409, {
            "reason": "Conflict", "details": {"name": "stale", "kind": "configmaps"},
            "message": 'Operation cannot be fulfilled on configmaps "stale": the object has been modified; '
                       'please apply your changes to the latest version and try again'})])
        self.check(self.read("configmaps/stale"), {"data": {"k": "2"}})

    def test_without_a_version_the_last_writer_wins(self):
        made = self.make("configmaps", config_map("free"))
        after = self.ok(self.api.put(self.path("configmaps/free"), config_map("free", {"k": "2"})), 200)
        self.check(after, {"data": {"k": "2"}, "metadata": {"uid": made["metadata"]["uid"],
                                                            "creationTimestamp": made["metadata"]["creationTimestamp"]}})
        self.assertGreater(int(after["metadata"]["resourceVersion"]), int(made["metadata"]["resourceVersion"]))

    def test_a_write_that_changes_nothing_makes_no_version(self):
        made = self.make("configmaps", config_map("same"))
        self.assertEqual(self.ok(self.api.put(self.path("configmaps/same"), made), 200), made)

    def test_some_kinds_are_created_by_a_put(self):
        self.check(self.ok(self.api.put(self.path(f"{LEASES}/new"), lease("new")), 201), {"spec": {"holderIdentity": "me"}})
        self.check_rows([
            Row("a config map is not", "PUT", "configmaps/new", config_map("new"), 404, {"reason": "NotFound"}),
            Row("not with a uid", "PUT", f"{LEASES}/other", {**lease("other"), "metadata": {"name": "other", "uid": "u"}}, 409,
                {"reason": "Conflict", "message": matching("Precondition failed: UID in precondition: u, UID in object meta: ")})])

    def test_some_kinds_are_never_replaced_without_a_version(self):
        budget = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "b"}, "spec": {"maxUnavailable": 1, "selector": {}}}
        role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "r"}, "rules": []}
        for plural, body, resource in ((LEASES, lease("l"), "leases.coordination.k8s.io"), ("policy/v1/poddisruptionbudgets", budget, "poddisruptionbudgets.policy")):
            name = body["metadata"]["name"]
            self.make(plural, body)
            self.check_rows([Row(plural, "PUT", f"{plural}/{name}", body, 422, {
                "reason": "Invalid", "message": f'{resource} "{name}" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update'})])
        for plural, body in (("rbac.authorization.k8s.io/v1/roles", role), ("services", service("free")), ("pods", pod("free")), ("serviceaccounts", {"metadata": {"name": "free"}})):
            made = self.make(plural, body)
            self.ok(self.api.put(self.path(f"{plural}/{body['metadata']['name']}"), made | {"metadata": {**made["metadata"], "resourceVersion": ""}}), 200)

    def test_what_cannot_be_replaced_is_refused(self):
        made = self.make("configmaps", config_map("kept"))
        self.check_rows([
            Row("another name", "PUT", "configmaps/kept", config_map("other"), 400,
                {"reason": "BadRequest", "message": "the name of the object (other) does not match the name on the URL (kept)"}),
            Row("no name", "PUT", "configmaps/kept", {"data": {}}, 400, {"message": "the name of the object (kept based on URL) was undeterminable: name must be provided"}),
            Row("another uid", "PUT", "configmaps/kept", config_map("kept", uid="other"), 409,
                {"reason": "Conflict", "message": matching("Precondition failed: UID in precondition: other, UID in object meta: " + made["metadata"]["uid"])}),
            Row("no such object", "PUT", "configmaps/missing", config_map("missing"), 404,
                {"message": 'configmaps "missing" not found', "details": {"name": "missing", "kind": "configmaps"}})])

    def test_some_things_never_change(self):
        self.make("configmaps", {**config_map("fixed"), "immutable": True})
        self.make("secrets", {"metadata": {"name": "typed"}, "type": "x/y"})
        one = self.make("services", service("fixed"))
        running = self.make("pods", pod("fixed"))
        commanded = self.make("pods", pod("again"))
        commanded["spec"]["containers"][0]["command"] = ["sh"]
        self.check_rows([
            Row("an immutable config map", "PUT", "configmaps/fixed", {**config_map("fixed", {"k": "2"}), "immutable": True}, 422,
                {"message": matching("data: Forbidden: field is immutable when `immutable` is set")}),
            Row("that it is immutable", "PUT", "configmaps/fixed", config_map("fixed"), 422, {"details": {"causes": [{"field": "immutable"}]}}),
            Row("a secret's type", "PUT", "secrets/typed", {"metadata": {"name": "typed"}, "type": "x/z"}, 422,
                {"message": matching("type: Invalid value: \"x/z\": field is immutable")}),
            Row("a service's address", "PUT", "services/fixed", {**one, "spec": {**one["spec"], "clusterIP": "10.0.9.9", "clusterIPs": ["10.0.9.9"]}}, 422,
                {"message": matching("may not change once set")}),
            Row("a pod's spec", "PUT", "pods/again", commanded, 422, {"message": matching("pod updates may not change fields other than")})])
        running["spec"]["containers"][0]["image"] = "busybox:2"
        self.check(self.ok(self.api.put(self.path("pods/fixed"), running)), {"metadata": {"generation": 2}})

    def test_status_and_the_rest_are_written_by_different_doors(self):
        made = self.make("pods", pod("doors"))
        both = {**made, "status": {"phase": "Running"}}
        both["metadata"] = {**made["metadata"], "labels": {"l": "1"}}
        after = self.ok(self.api.put(self.path("pods/doors"), both))
        self.check(after, {"status": {"phase": "Pending"}, "metadata": {"labels": {"l": "1"}}})
        both = {**after, "status": {"phase": "Running"}, "spec": {**after["spec"], "nodeName": "n"}}
        both["metadata"] = {**after["metadata"], "labels": {"l": "2"}}
        self.check(self.ok(self.api.put(self.path("pods/doors/status"), both)), {
            "status": {"phase": "Running"}, "metadata": {"labels": {"l": "2"}, "generation": 1}, "spec": {"nodeName": ABSENT}})
        self.check(self.read("pods/doors/status"), {"kind": "Pod", "status": {"phase": "Running"}})


class Reading(Case):
    def test_what_is_not_there_is_not_found(self):
        self.check_rows([
            Row("no such object", "GET", "pods/x", None, 404, {
                "reason": "NotFound", "message": 'pods "x" not found', "details": {"name": "x", "kind": "pods", "group": ABSENT}}),
            Row("of a group", "GET", f"{LEASES}/x", None, 404, {
                "message": 'leases.coordination.k8s.io "x" not found', "details": {"group": "coordination.k8s.io", "kind": "leases"}}),
            Row("a method that is none", "POST", "pods/x", pod("x"), 405, {"reason": "MethodNotAllowed"}),
            Row("a collection is not patched", "PATCH", "pods", {}, 405, {"reason": "MethodNotAllowed"}, type="application/merge-patch+json")])
        # What no group serves is no Status of a resource, but a plain answer.
        for path in ("/apis/nobody.example.com/v1/widgets", "/api/v1/nothing", self.path("pods/x/nothing"), "/nothing"):
            with self.subTest(path):
                self.assertEqual(self.api.get(path).code, 404)

    def test_nobody_comes_in_without_credentials(self):
        expect = {"kind": "Status", "status": "Failure", "message": "Unauthorized", "reason": "Unauthorized", "code": 401}
        answer = self.api.get("/api/v1/namespaces", token="wrong")
        self.assertEqual(answer.code, 401)
        self.check(answer.json, expect)

    def test_an_object_can_be_read_as_metadata_or_as_a_row(self):
        made = self.make("configmaps", config_map("faces"))
        got = self.api.get(self.path("configmaps/faces"), accept="application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1")
        self.check(self.ok(got), {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": made["metadata"],
                                  "data": ABSENT})
        listed = self.api.get(self.path("configmaps"), accept="application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json")
        self.check(self.ok(listed), {"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1"})
        self.assertIn("", [difference(item, {"kind": "PartialObjectMetadata", "metadata": made["metadata"]}) for item in listed.json["items"]])
