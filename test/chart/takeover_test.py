#!/usr/bin/env python3
"""From the Go operator and back, on a real API server: with Helm, by the image alone, and in the middle of things. Nothing that has a
driver gets a second one, nothing is lost, and every clock goes on."""

import contextlib
import json
import os
import signal
import ssl
import sys
import time
import unittest

import yaml

import go_certificate
import go_chart
import go_operator
import go_values
import readme
from helm import NAMESPACE, RELEASE, TOP
from installation import LIMIT
from midlife import MidLife
from on_a_server import OnAServer, application
from takeover import Left
from takeover_around import LeftConnect
from takeover_kinds import RETRIES
from takeover_schedules import LeftSchedules

from waiting import wait_for

sys.path.insert(0, os.path.join(TOP, "test/failover"))
from failover_test import Api  # noqa: E402

LEFT = 200                                                                # applications, beside schedules and a Connect server
GO_IMAGE = "ghcr.io/kubeflow/spark-operator/controller"
SECRET = "spark-operator-webhook-certs"
NODE = "pretended"


class TakeOver(OnAServer):
    @contextlib.contextmanager
    def go_operator(self, release):
        """Its chart is installed, and gone after that with all that there is."""
        folder = os.path.join(self.plane.folder, f"go-chart-{release}")
        if not os.path.isdir(folder):
            go_chart.write(folder, release)
        self.installed.helm("install", RELEASE, folder)
        try:
            yield
        finally:
            self.clean_up()

    def clean_up(self):
        self.installed.kill_all()
        self.installed.helm("uninstall", RELEASE)
        self.kubectl("delete", "scheduledsparkapplications,sparkapplications,sparkconnects", "--all", "-n", "default")
        self.kubectl("delete", "secret", SECRET, "-n", NAMESPACE, "--ignore-not-found")

    def upgrade(self, *more, without=()):
        """As the page says it; what came of helm."""
        path = os.path.join(self.plane.folder, "yours.yaml")
        values = go_values.of("2.5.0")
        values["controller"]["uiIngress"].update(enable=True, urlFormat="{{$appName}}.example.com")
        with open(path, "w") as f:
            yaml.safe_dump(values, f)
        definitions, upgrade = readme.commands("docs/migrate.md", "## With Helm")
        environment = {**self.installed.environment, "REGISTRY": "registry.example.com"}
        run = readme.run(definitions, environment, self.plane.folder, LIMIT)
        self.assertEqual(run.returncode, 0, run.stderr)
        for flag in without:
            self.assertIn(f" {flag}", upgrade)
            upgrade = upgrade.replace(f" {flag}", "")
        return readme.run(" ".join((upgrade.replace("yours.yaml", path), *more)), environment, self.plane.folder, LIMIT)

    def start_all(self):
        self.installed.direct_webhooks_here()
        self.installed.start("webhook")
        wait_for(self.installed.authorities_are_written, self.installed.logs)
        # With the certificate of a Go operator, too, where there is one.
        wait_for(lambda: self.installed.is_ready("webhook"), self.installed.logs)
        self.installed.start("controller")

    def refused(self, begin):
        return [f"{e['verb']} {e['requestURI']}" for _, e in self.events(begin) if e.get("responseStatus", {}).get("code") == 403]

    def create(self, *objects):
        self.kubectl("create", "-f", "-", text=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))

    def test_1_an_upgrade_that_does_not_come_up_brings_the_go_operator_back(self):
        with self.go_operator("2.5.0"):
            before = self.uids()
            # Nothing rolls out Deployments here.
            failed = self.upgrade("--timeout", "5s")
            self.assertNotEqual(failed.returncode, 0, failed.stdout)
            self.assertTrue(self.image().startswith(GO_IMAGE), self.image())
            self.assertEqual(set(self.uids()), set(before))

    @contextlib.contextmanager
    def swapped(self, release):
        """Only the image of both Deployments is another: arguments, accounts and roles are the Go operator's."""
        with self.go_operator(release):
            self.start_node()
            self.start_all()
            self.create(application("swapped"))
            self.wait_for_states({"swapped": "COMPLETED"})
            wait_for(lambda: self.installed.get("events", "-n", "default", "--field-selector", "involvedObject.name=swapped")["items"],
                     self.installed.logs)
            yield
            self.assertEqual(self.installed.stop_all(), {"webhook": 0, "controller": 0})

    def test_1_swapping_only_the_image_works_with_the_roles_of_2_5_0(self):
        with self.swapped("2.5.0"):
            named = application("named")
            named["spec"]["driver"]["podName"] = "named-by-its-user"
            self.create(named)
            self.wait_for_states({"named": "COMPLETED"})

    def test_1_an_ingress_that_is_right_is_not_patched(self):
        """No release of the Go operator's chart allows that, so that it would be refused for ever."""
        begins = os.path.getsize(self.plane.audit_log)
        with self.swapped("2.5.0"):
            self.assertTrue(self.installed.get("ingress", "swapped-ui-ingress", "-n", "default")["spec"])
            self.assertEqual([r for r in self.refused(begins) if r.startswith("patch ")], [])

    def test_1_with_the_roles_of_2_5_1_it_works_but_for_drivers_with_a_name(self):
        """A name that cannot be recorded is not used, and the user reads which right is missing."""
        with self.swapped("2.5.1"):
            named = {name: application(name, **spec) for name, spec in (("named", {}), ("named-and-retried", RETRIES))}
            for name, manifest in named.items():
                manifest["spec"]["driver"]["podName"] = f"{name}-by-its-user"
            self.create(*named.values())
            self.wait_for_states({"named": "FAILED", "named-and-retried": "SUBMISSION_FAILED"})
            for name in named:
                message = self.status("sparkapplication", name)["applicationState"]["errorMessage"]
                for word in ("patch", "sparkapplications"):
                    self.assertIn(word, message)

    def serve_as_the_go_webhook_did(self):
        """The certificate that it has made, and its authority in both configurations."""
        made = go_certificate.secret()
        self.kubectl("create", "-f", "-", text=json.dumps(made))
        for kind, number, entry in self.installed.webhook_entries():
            self.installed.direct(kind, number, {**entry["clientConfig"], "caBundle": go_certificate.authority(made)})
        return self.installed.get("secret", SECRET, "-n", NAMESPACE)

    def assert_same_certificate(self, secret):
        self.assertEqual(self.installed.get("secret", SECRET, "-n", NAMESPACE), secret)
        self.assertEqual(self.installed.authorities(), {go_certificate.authority(secret)})

    def assert_served(self, secret):
        served = ssl.get_server_certificate(("localhost", self.installed.webhook_port))
        self.assertEqual(served.split(), go_certificate.certificate(secret).split())

    def test_2_helm_takes_over_what_a_go_operator_left_and_gives_it_back(self):
        self.start_node()
        with Api(self.plane) as api:
            call = go_operator.caller(api)
            left, connect = Left(call, LEFT, application), LeftConnect(call)
            schedules = LeftSchedules(left)
            # Before its webhooks are registered: nobody here serves them for it.
            for what in (connect, schedules, left):
                what.make()
            with self.go_operator("2.5.0"):
                self.take_over(left, schedules, connect)
                self.give_back(left, schedules, connect, call)

    def take_over(self, left, schedules, connect):
        secret, before = self.serve_as_the_go_webhook_did(), self.uids()
        # Nothing rolls out Deployments here.
        run = self.upgrade(without=("--wait", "--atomic"))
        self.assertEqual(run.returncode, 0, run.stderr)
        ours = self.uids()
        self.assertEqual(set(before) - set(ours), {(kind, None, "spark-operator-controller") for kind in ("ClusterRole", "ClusterRoleBinding")})
        self.assertEqual({k: u for k, u in before.items() if k in ours}, {k: u for k, u in ours.items() if k in before})
        self.assert_same_certificate(secret)

        begins, started = os.path.getsize(self.plane.audit_log), time.time()
        self.start_all()
        for what in (left, schedules, connect):
            wait_for(lambda what=what: what.wrong() is None, lambda what=what: f"{what.wrong()}\n{self.installed.logs()}", 600)
        self.assertEqual(left.lost(), [])
        self.assert_served(secret)
        self.assertEqual(self.installed.stop_all(), {"webhook": 0, "controller": 0})
        self.assertEqual(self.drivers_made(begins), sorted(left.may_get_a_driver() | schedules.may_get_a_driver()))
        self.assertEqual(list(left.untimely((e for _, e in self.events(begins)), started)), [])
        self.assertEqual(self.refused(begins), [])
        self.assert_same_certificate(secret)

    def give_back(self, left, schedules, connect, call):
        secret = self.installed.get("secret", SECRET, "-n", NAMESPACE)
        self.installed.direct_webhooks_back()
        [rollback] = readme.commands("docs/migrate.md", "## Back")
        run = readme.run(rollback, self.installed.environment, self.plane.folder, LIMIT)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertTrue(self.image().startswith(GO_IMAGE), self.image())
        self.assert_same_certificate(secret)
        self.assertEqual(go_operator.takes_over(call) + schedules.hand_back(), [])
        # And on with only the image swapped, by the chart that is there now.
        begins = os.path.getsize(self.plane.audit_log)
        self.start_all()
        self.create(application("after-all"))
        self.wait_for_states({"after-all": "COMPLETED"})
        self.assertEqual((left.wrong(), schedules.wrong(), connect.wrong(), left.lost()), (None, None, None, []))
        self.assert_served(secret)
        self.assertEqual(self.installed.stop_all(), {"webhook": 0, "controller": 0})
        self.assertEqual(self.drivers_made(begins), ["after-all-driver"])
        self.assert_same_certificate(secret)

    def test_3_in_the_middle_of_things_it_is_handed_over_and_goes_on(self):
        """To a Go operator that reads and writes over what it finds, at two moments that nobody has chosen."""
        self.installed.install({"webhook": {"enable": False}})
        self.start_node()
        begins = os.path.getsize(self.plane.audit_log)
        with Api(self.plane) as api:
            call = go_operator.caller(api)
            middle = MidLife(call, application)
            middle.make()
            self.installed.start("controller")
            self.wait_for_the_middle(middle)
            middle.hold()
            middle.edit()
            for how, code in ((signal.SIGKILL, -signal.SIGKILL), (signal.SIGTERM, 0)):
                middle.burst()
                process = self.installed.processes.pop("controller")
                process.send_signal(how)
                self.assertEqual(process.wait(LIMIT), code)
                self.assertEqual(go_operator.takes_over(call), [])
                middle.lose_status()
                print(f"  {how.name}: drivers without a status: {middle.without_status()}")
                self.installed.start("controller")
                self.wait_for_the_middle(middle)
                self.assertEqual(middle.replaced(), [])
            middle.release(NODE)
            self.wait_for_the_middle(middle)
        self.assertEqual(self.installed.stop_all(), {"controller": 0})
        self.assertEqual(middle.too_many(self.drivers_made(begins)), {})
        self.assertEqual(self.refused(begins), [])
        self.clean_up()

    def wait_for_the_middle(self, middle):
        wait_for(lambda: middle.wrong() is None, lambda: f"{middle.wrong()}\n{self.installed.logs()}")


if __name__ == "__main__":
    unittest.main()
