#!/usr/bin/env python3
"""Reduces a Kubernetes release's OpenAPI v3 documents to what the embedded API server needs.

    reduce_openapi.py DIR > builtin_schema.json

DIR is a release's api/openapi-spec/v3. Kept are types, formats, required fields, defaults, and the x-kubernetes
marks that say how lists and maps merge; descriptions and all else are dropped. The output is
{"kinds": {"v1/Pod": "io.k8s.api.core.v1.Pod"}, "schemas": {NAME: SCHEMA}}; schemas refer to each other by {"ref": NAME}.
"""

import json
import os
import sys

# Group-versions served, and the kinds of each.
KINDS = {
    "api__v1": ["Pod", "Service", "ConfigMap", "Secret", "Event", "Namespace", "Node", "ServiceAccount",
                "PersistentVolumeClaim", "PersistentVolume", "ResourceQuota", "LimitRange", "Endpoints", "Binding"],
    "apis__apps__v1": ["Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"],
    "apis__batch__v1": ["Job", "CronJob"],
    "apis__events.k8s.io__v1": ["Event"],
    "apis__coordination.k8s.io__v1": ["Lease"],
    "apis__discovery.k8s.io__v1": ["EndpointSlice"],
    "apis__networking.k8s.io__v1": ["Ingress", "IngressClass", "NetworkPolicy"],
    "apis__policy__v1": ["PodDisruptionBudget"],
    "apis__rbac.authorization.k8s.io__v1": ["Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"],
    "apis__scheduling.k8s.io__v1": ["PriorityClass"],
    "apis__storage.k8s.io__v1": ["StorageClass"],
    "apis__autoscaling__v2": ["HorizontalPodAutoscaler"],
    "apis__admissionregistration.k8s.io__v1": ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"],
    "apis__apiextensions.k8s.io__v1": ["CustomResourceDefinition"],
    "apis__authentication.k8s.io__v1": ["TokenReview", "SelfSubjectReview"],
    "apis__authorization.k8s.io__v1": ["SubjectAccessReview", "SelfSubjectAccessReview", "SelfSubjectRulesReview"],
}

# Bodies of subresources, which are no kinds of their own group there.
BODIES = {"api__v1": ["io.k8s.api.authentication.v1.TokenRequest", "io.k8s.api.policy.v1.Eviction"]}

MARKS = {
    "x-kubernetes-list-type": "list", "x-kubernetes-list-map-keys": "keys", "x-kubernetes-map-type": "map",
    "x-kubernetes-patch-strategy": "patch", "x-kubernetes-patch-merge-key": "mergeKey",
}
PREFIX = "#/components/schemas/"


def reduce(schema, wanted):
    if "allOf" in schema and len(schema["allOf"]) == 1:
        schema = {**{k: v for k, v in schema.items() if k != "allOf"}, **schema["allOf"][0]}
    out = {}
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(PREFIX)
        wanted.add(name)
        out["ref"] = name
    for key in ("type", "format", "required", "default"):
        if key in schema:
            out[key] = schema[key]
    for mark, short in MARKS.items():
        if mark in schema:
            out[short] = schema[mark]
    if "properties" in schema:
        out["properties"] = {k: reduce(v, wanted) for k, v in sorted(schema["properties"].items())}
    if "items" in schema:
        out["items"] = reduce(schema["items"], wanted)
    if "additionalProperties" in schema and isinstance(schema["additionalProperties"], dict):
        out["values"] = reduce(schema["additionalProperties"], wanted)
    # Filled in by the server when it is empty; a default of the wire, not of the schema.
    if out.get("default") in ({}, ""):
        del out["default"]
    return out


def main():
    folder = sys.argv[1]
    kinds, schemas = {}, {}
    for group_version, names in KINDS.items():
        with open(os.path.join(folder, group_version + "_openapi.json")) as f:
            components = json.load(f)["components"]["schemas"]
        todo = list(BODIES.get(group_version, []))
        for name, schema in components.items():
            for gvk in schema.get("x-kubernetes-group-version-kind", []):
                path = "/".join(filter(None, [gvk["group"], gvk["version"]]))
                served = "/".join(group_version.split("__")[1:])
                if gvk["kind"] in names and path == served and not name.endswith("List"):
                    kinds[path + "/" + gvk["kind"]] = name
                    todo.append(name)
        while todo:
            name = todo.pop()
            if name in schemas:
                continue
            wanted = set()
            schemas[name] = reduce(components[name], wanted)
            todo += sorted(wanted)
    json.dump({"kinds": kinds, "schemas": schemas}, sys.stdout, sort_keys=True, separators=(",", ":"), indent=None)
    print()


if __name__ == "__main__":
    main()
