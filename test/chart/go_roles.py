"""The rules that the roles of the Go operator's chart hold in a release, written from what is known of that chart, not from ours.

    go_roles.controller("2.5.1")        # those of its Role in a namespace of applications
    go_roles.of("2.5.0")                # {(component, what): rules}, what: "cluster", "own namespace", "job namespace"

Up to 2.5.0 they are wide; 2.5.1 narrowed them to what that operator itself calls. `patch` on applications and on their status went then.
"""

NARROW = ("2.5.1", "2.5.2")
READ, WRITE = ["get", "list", "watch"], ["create", "update", "patch", "delete"]
KINDS = ["sparkapplications", "scheduledsparkapplications", "sparkconnects"]
INGRESS_GROUPS = ["extensions", "networking.k8s.io"]
EVENTS = {"apiGroups": [""], "resources": ["events"], "verbs": ["create", "update", "patch"]}


def rule(group, resources, verbs, names=None):
    return {"apiGroups": group if isinstance(group, list) else [group], "resources": resources, "verbs": verbs,
            **({"resourceNames": names} if names else {})}


def sparks(verbs, suffix="", kinds=KINDS):
    return rule("sparkoperator.k8s.io", [f"{kind}{suffix}" for kind in kinds], verbs)


def controller(release):
    if release not in NARROW:
        return [rule("", ["pods"], [*READ, *WRITE, "deletecollection"]), rule("", ["configmaps", "services", "persistentvolumeclaims"], [*READ, *WRITE]),
                EVENTS, rule(INGRESS_GROUPS, ["ingresses"], [*READ, "create", "update", "delete"]), sparks([*READ, *WRITE]),
                sparks(["get", "update", "patch"], "/status"), sparks(["get", "update", "patch"], "/finalizers")]
    return [rule("", ["pods"], [*READ, "create", "update", "delete"]), rule("", ["configmaps"], [*READ, "create", "update", "patch"]),
            rule("", ["services"], [*READ, *WRITE]), EVENTS, rule(INGRESS_GROUPS, ["ingresses"], ["get", "create", "update", "delete"]),
            sparks([*READ, "create", "delete"], kinds=KINDS[:1]), sparks(READ, kinds=KINDS[1:]), sparks(["update"], "/status"),
            sparks(["update"], "/finalizers")]


def webhook(release):
    if release not in NARROW:
        every = [*READ, *WRITE]
        return [rule("", ["pods"], READ), rule("", ["resourcequotas"], READ), sparks(every, kinds=KINDS[:2]),
                sparks(every, "/status", KINDS[:2]), sparks(every, "/finalizers", KINDS[:2])]
    return [rule("", ["resourcequotas"], ["list"]), rule("", ["pods"], ["list", "watch"]), sparks(READ, kinds=KINDS[:2])]


def lock(component):
    return [rule("coordination.k8s.io", ["leases"], ["create"]),
            rule("coordination.k8s.io", ["leases"], ["get", "update"], [f"spark-operator-{component}-lock"])]


def of(release):
    configurations = ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"]
    narrow = release in NARROW
    return {
        ("controller", "cluster"): [rule("apiextensions.k8s.io", ["customresourcedefinitions"], ["get"]),
                                    *([] if narrow else [rule("", ["nodes"], ["get"])])],
        ("controller", "own namespace"): [*lock("controller"), EVENTS],
        ("controller", "job namespace"): controller(release),
        ("webhook", "cluster"): [rule("admissionregistration.k8s.io", configurations, ["list", "watch"]),
                                 rule("admissionregistration.k8s.io", configurations, ["get", "update"], ["spark-operator-webhook"]),
                                 *([] if narrow else [EVENTS])],
        ("webhook", "own namespace"): [*([EVENTS] if narrow else []), rule("", ["secrets"], ["create"]),
                                       rule("", ["secrets"], ["get", "update"], ["spark-operator-webhook-certs"]), *lock("webhook")],
        ("webhook", "job namespace"): webhook(release),
        ("spark", "job namespace"): [rule("", ["pods", "configmaps", "persistentvolumeclaims", "services"], [*READ, *WRITE, "deletecollection"])],
    }
