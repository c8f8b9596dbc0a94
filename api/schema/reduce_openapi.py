#!/usr/bin/env python3
"""Reduces the OpenAPI v3 documents of Kubernetes to the types that our CRDs embed, as structural schemas.

    reduce_openapi.py <folder with api__v1_openapi.json and others> > kubernetes_types.json

The documents lie in the Go module k8s.io/kubernetes under api/openapi-spec/v3. What they do not say, or say in another
way than a CRD must, is added here: amounts and int-or-string values, defaults that are real (the documents also show
Go's zero values as defaults), constraints of conditions, and the short form of embedded metadata. Descriptions are left
out. References stay references ({"$ref": "Probe"}), so each type is written once.
"""
import json
import pathlib
import sys

ROOTS = [
    "Affinity", "Condition", "Container", "EnvFromSource", "EnvVar", "HostAlias", "IngressTLS", "Lifecycle",
    "PodDNSConfig", "PodSecurityContext", "Quantity", "SecurityContext", "Service", "Toleration", "Volume",
    "VolumeMount",
]
DOCUMENTS = ["api__v1_openapi.json", "apis__networking.k8s.io__v1_openapi.json"]

QUANTITY = (r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|"
            r"([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$")
INT_OR_STRING = {"anyOf": [{"type": "integer"}, {"type": "string"}], "x-kubernetes-int-or-string": True}

# Types that are not what their schema says, because they have their own JSON form.
SCALARS = {
    "Quantity": {**INT_OR_STRING, "pattern": QUANTITY},
    "IntOrString": INT_OR_STRING,
    "Time": {"type": "string", "format": "date-time"},
}

STRINGS = {"type": "array", "items": {"type": "string"}}
STRING_MAP = {"type": "object", "additionalProperties": {"type": "string"}}
METADATA = {
    "type": "object",
    "properties": {
        "annotations": STRING_MAP, "finalizers": STRINGS, "labels": STRING_MAP, "name": {"type": "string"},
        "namespace": {"type": "string"},
    },
}

# Defaults that the API server shall set, by type and field.
NAME = {"name": ""}
DEFAULTS = {
    "ConfigMapKeySelector": NAME, "SecretKeySelector": NAME, "ConfigMapEnvSource": NAME, "SecretEnvSource": NAME,
    "ConfigMapVolumeSource": NAME, "ConfigMapProjection": NAME, "SecretProjection": NAME,
    "LocalObjectReference": NAME,
    "FileKeySelector": {"optional": False},
    "ContainerPort": {"protocol": "TCP"},
    "ServicePort": {"protocol": "TCP"},
    "GRPCAction": {"service": ""},
    "AzureDiskVolumeSource": {"fsType": "ext4", "readOnly": False},
    "ISCSIVolumeSource": {"iscsiInterface": "default"},
    "RBDVolumeSource": {"keyring": "/etc/ceph/keyring", "pool": "rbd", "user": "admin"},
    "ScaleIOVolumeSource": {"fsType": "xfs", "storageMode": "ThinProvisioned"},
}

QUALIFIED = (r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?"
             r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$")
CONSTRAINTS = {
    "Condition": {
        "message": {"maxLength": 32768},
        "observedGeneration": {"minimum": 0},
        "reason": {"maxLength": 1024, "minLength": 1, "pattern": r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"},
        "status": {"enum": ["True", "False", "Unknown"]},
        "type": {"maxLength": 316, "pattern": QUALIFIED},
    },
}

KEPT = ["type", "format", "x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-map-type"]


def short(reference):
    return reference.rsplit(".", 1)[-1]


class Reducer:
    def __init__(self, schemas):
        self.schemas = schemas
        self.types = {}

    def reference(self, schema):
        """The type that a schema stands for, if it does: directly or as the only member of allOf."""
        if "$ref" in schema:
            return schema["$ref"].rsplit("/", 1)[-1]
        if "allOf" in schema:
            assert len(schema["allOf"]) == 1, schema
            return self.reference(schema["allOf"][0])
        return None

    def reduce(self, schema):
        out = {key: schema[key] for key in KEPT if key in schema}
        target = self.reference(schema)
        if target is not None:
            name = short(target)
            if name == "ObjectMeta":
                return {**METADATA, **out}
            if name in SCALARS:
                return {**SCALARS[name], **out}
            self.add(target)
            return {"$ref": name, **out}
        if "items" in schema:
            out["items"] = self.reduce(schema["items"])
        if "additionalProperties" in schema:
            out["additionalProperties"] = self.reduce(schema["additionalProperties"])
        if "properties" in schema:
            out["properties"] = {name: self.reduce(field) for name, field in schema["properties"].items()}
        if schema.get("required"):
            out["required"] = sorted(schema["required"])
        return out

    def add(self, full_name):
        name = short(full_name)
        if name in self.types:
            return
        if name in SCALARS:
            self.types[name] = SCALARS[name]
            return
        self.types[name] = {}  # before its fields: a type that contains itself would not end, and be found by the test
        reduced = self.reduce(self.schemas[full_name])
        for field, default in DEFAULTS.get(name, {}).items():
            reduced["properties"][field]["default"] = default
        for field, more in CONSTRAINTS.get(name, {}).items():
            reduced["properties"][field].update(more)
        self.types[name] = reduced


def main():
    folder = pathlib.Path(sys.argv[1])
    schemas = {}
    for document in DOCUMENTS:
        schemas.update(json.loads((folder / document).read_text())["components"]["schemas"])
    by_short = {}
    for full_name in sorted(schemas):
        # Two packages may have a type of one name (Condition, for instance): the shared one counts.
        if short(full_name) not in by_short or ".apimachinery." in full_name:
            by_short[short(full_name)] = full_name
    reducer = Reducer(schemas)
    for root in ROOTS:
        reducer.add(by_short[root])
    print("{")
    rows = [f"{json.dumps(name)}: {json.dumps(reducer.types[name], sort_keys=True, separators=(',', ':'))}"
            for name in sorted(reducer.types)]
    print(",\n".join(rows))
    print("}")


if __name__ == "__main__":
    main()
