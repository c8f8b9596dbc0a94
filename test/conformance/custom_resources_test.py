"""Kinds that a CustomResourceDefinition brings: their life, the rules of their schema, status, and columns."""

import copy

from api import ABSENT, holding, matching
from suite import CRDS, WIDGETS, Case, Row, established, widget, widget_crd
from waiting import wait_for


class Definitions(Case):
    def test_a_definition_is_served_as_soon_as_it_is_established(self):
        crd = widget_crd("sprockets", "Sprocket", "life.example.com")
        path = f"{CRDS}/{crd['metadata']['name']}"
        made = self.ok(self.api.post(CRDS, crd), 201)
        self.check(made["spec"], {"names": {"listKind": "SprocketList", "singular": "sprocket"}, "conversion": {"strategy": "None"}})
        established(self.api, crd)
        self.check(self.read(path)["status"], {
            "acceptedNames": {"plural": "sprockets", "kind": "Sprocket", "listKind": "SprocketList"}, "storedVersions": ["v1"],
            "conditions": holding({"type": "Established", "status": "True"}, {"type": "NamesAccepted", "status": "True"})})
        self.check(self.ok(self.api.get("/apis/life.example.com/v1"))["resources"], holding(
            {"name": "sprockets", "singularName": "sprocket", "kind": "Sprocket", "namespaced": True, "shortNames": ["spt"], "categories": ["all"],
             "verbs": lambda v: set(v) == {"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"}},
            {"name": "sprockets/status", "kind": "Sprocket", "verbs": lambda v: set(v) == {"get", "patch", "update"}}))
        one = "life.example.com/v1/sprockets"
        body = {"apiVersion": "life.example.com/v1", "kind": "Sprocket", "metadata": {"name": "a", "finalizers": ["a.b/hold"]}, "spec": {"size": 1}}
        self.make(one, body)
        # Its objects end before it does.
        self.ok(self.api.delete(path), 200)
        wait_for(lambda: self.read(f"{one}/a")["metadata"].get("deletionTimestamp"), "the object is not being deleted")
        self.check(self.read(path)["metadata"], {"finalizers": ["customresourcecleanup.apiextensions.k8s.io"]})
        self.ok(self.api.patch(self.path(f"{one}/a"), {"metadata": {"finalizers": None}}))
        self.gone(path)
        wait_for(lambda: self.api.get("/apis/life.example.com/v1/sprockets").code == 404, "it is still served")

    def test_a_new_version_of_a_definition_is_served(self):
        crd = widget_crd("gears", "Gear", "versions.example.com")
        established(self.api, crd)
        path = f"{CRDS}/{crd['metadata']['name']}"
        first = {"apiVersion": "versions.example.com/v1", "kind": "Gear", "metadata": {"name": "a"}, "spec": {"size": 1}}
        self.make("versions.example.com/v1/gears", first)
        second = copy.deepcopy(crd["spec"]["versions"][0])
        second.update(name="v2", storage=False)
        second.pop("selectableFields")
        second["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["extra"] = {"type": "string"}
        self.ok(self.api.patch(path, {"spec": {"versions": crd["spec"]["versions"] + [second]}}))
        wait_for(lambda: self.api.get(self.path("versions.example.com/v2/gears/a")).code == 200, "the new version is not served")
        self.check(self.read("versions.example.com/v2/gears/a"), {"apiVersion": "versions.example.com/v2", "kind": "Gear", "spec": {"size": 1}})
        self.check(self.read("versions.example.com/v2/gears"), {"apiVersion": "versions.example.com/v2", "kind": "GearList", "items": [{"apiVersion": "versions.example.com/v2"}]})
        self.ok(self.api.delete(path))
        self.gone(path)

    def test_definitions_that_contradict_themselves_are_refused(self):
        def changed(change):
            crd = widget_crd("broken", "Broken", "broken.example.com")
            change(crd)
            return crd
        def spec(**more):
            return lambda crd: crd["spec"].update(more)
        version = widget_crd()["spec"]["versions"][0]
        rows = [
            ("another name", lambda crd: crd["metadata"].update(name="other.example.com"), "metadata.name"),
            ("no group", spec(group=""), "spec.group"),
            ("no scope", spec(scope="Galaxy"), "spec.scope"),
            ("two storage versions", spec(versions=[version, {**version, "name": "v2"}]), "spec.versions"),
            ("no storage version", spec(versions=[{**version, "storage": False}]), "spec.versions"),
            ("no schema", spec(versions=[{k: v for k, v in version.items() if k != "schema"}]), "spec.versions[0].schema.openAPIV3Schema"),
            ("a schema without type", spec(versions=[{**version, "schema": {"openAPIV3Schema": {}}}]), "spec.validation.openAPIV3Schema.type")]
        self.check_rows([Row(why, "POST", CRDS, changed(change), 422, {"reason": "Invalid", "details": {
            "kind": "CustomResourceDefinition", "group": "apiextensions.k8s.io", "causes": holding({"field": field})}})
            for why, change, field in rows])


class Values(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        established(cls.api, widget_crd())

    def test_defaults_are_filled_in_at_every_depth(self):
        made = self.make(WIDGETS, widget("defaults", {"size": 1, "parts": [{"name": "a"}, {"name": "b", "weight": 5}]}))
        self.check(made, {"spec": {"mode": "Fast", "nested": {"depth": 7}, "parts": [{"name": "a", "weight": 1}, {"weight": 5}]}, "metadata": {"generation": 1}})
        self.check(self.make(WIDGETS, widget("nulls", {"size": 1, "mode": None, "maybe": None}))["spec"], {"mode": "Fast", "maybe": None})

    def test_unknown_fields_are_pruned_unless_they_are_kept(self):
        answer = self.api.post(self.path(WIDGETS), widget("pruned", {"size": 1, "colour": "red", "free": {"any": {"thing": [1]}}}, extra=1))
        self.check(self.ok(answer, 201), {"extra": ABSENT, "spec": {"colour": ABSENT, "free": {"any": {"thing": [1]}}}})
        self.assertIn('299 - "unknown field \\"spec.colour\\""', answer.headers.get_all("Warning"))
        self.check_rows([Row("strictly", "POST", WIDGETS, widget("x", {"size": 1, "colour": "red"}), 400,
                             {"reason": "BadRequest", "message": matching('strict decoding error: unknown field "spec.colour"')}, fieldValidation="Strict")])

    def test_values_keep_their_types(self):
        spec = {"size": 1, "port": "http", "ratio": 0.5, "on": False, "labels": {"a": "b"}, "words": [], "when": "2024-01-02T03:04:05Z"}
        made = self.make(WIDGETS, widget("types", spec))
        self.check(made["spec"], spec)
        self.check(self.make(WIDGETS, widget("port", {"size": 1, "port": 80, "ratio": 2}))["spec"], {"port": 80})

    def test_values_against_the_schema_are_refused_with_their_field(self):
        def invalid(field, message, reason="FieldValueInvalid"):
            return {"reason": "Invalid", "details": {"name": "x", "group": "conformance.example.com", "kind": "Widget",
                                                     "causes": holding({"field": field, "reason": reason, "message": matching(message)})}}
        rows = [
            ("nothing required", {}, invalid("spec.size", "^Required value", "FieldValueRequired")),
            ("a text for a number", {"size": "3"}, invalid("spec.size", 'Invalid value: "string": spec.size in body must be of type integer: "string"', "FieldValueTypeInvalid")),
            ("a fraction for a number", {"size": 1.5}, invalid("spec.size", 'must be of type integer: "number"', "FieldValueTypeInvalid")),
            ("a number for a text", {"size": 1, "name": 5}, invalid("spec.name", 'Invalid value: "integer": spec.name in body must be of type string: "integer"', "FieldValueTypeInvalid")),
            ("an object for a list", {"size": 1, "words": {}}, invalid("spec.words", 'must be of type array: "object"', "FieldValueTypeInvalid")),
            ("a null where none may be", {"size": None}, invalid("spec.size", "Required value", "FieldValueRequired")),
            ("too small", {"size": 0}, invalid("spec.size", "Invalid value: 0: spec.size in body should be greater than or equal to 1")),
            ("too large", {"size": 1001}, invalid("spec.size", "should be less than or equal to 1000")),
            ("none of the words", {"size": 1, "mode": "Odd"}, invalid("spec.mode", 'Unsupported value: "Odd": supported values: "Fast", "Slow"', "FieldValueNotSupported")),
            ("another pattern", {"size": 1, "name": "A"}, invalid("spec.name", r"Invalid value: \"A\": spec.name in body should match '\^\[a-z\]\+\$'")),
            ("too long", {"size": 1, "name": "abcdef"}, invalid("spec.name", "Too long: may not be more than 5 bytes|may not be longer than 5", "FieldValueTooLong")),
            ("too many", {"size": 1, "parts": [{"name": str(i)} for i in range(5)]}, invalid("spec.parts", "Too many: 5: must have at most 4 items", "FieldValueTooMany")),
            ("no key", {"size": 1, "parts": [{}]}, invalid("spec.parts[0].name", "Required value", "FieldValueRequired")),
            ("a key twice", {"size": 1, "parts": [{"name": "a"}, {"name": "a"}]}, invalid("spec.parts[1]", 'Duplicate value: {"name":"a"}', "FieldValueDuplicate")),
            ("a member of a set twice", {"size": 1, "tags": ["a", "a"]}, invalid("spec.tags[1]", 'Duplicate value: "a"', "FieldValueDuplicate")),
            ("a member of another type", {"size": 1, "words": [1]}, invalid(r"spec.words[0]", 'must be of type string: "integer"', "FieldValueTypeInvalid")),
            ("a label of another type", {"size": 1, "labels": {"a": 1}}, invalid("spec.labels.a", 'must be of type string: "integer"', "FieldValueTypeInvalid")),
            ("no time", {"size": 1, "when": "yesterday"}, invalid("spec.when", "must be of type date-time", "FieldValueTypeInvalid"))]
        self.check_rows([Row(why, "POST", WIDGETS, widget("x", spec), 422, expect) for why, spec, expect in rows])
        both = self.api.post(self.path(WIDGETS), widget("x", {"size": 0, "mode": "Odd"})).json
        self.assertEqual(sorted(c["field"] for c in both["details"]["causes"]), ["spec.mode", "spec.size"])
        self.assertRegex(both["message"], r'^Widget.conformance.example.com "x" is invalid: \[spec.*, spec.*\]$')

    def test_bodies_that_are_no_such_object_are_refused(self):
        self.check_rows([
            Row("another kind", "POST", WIDGETS, {**widget("x"), "kind": "Gadget"}, 422, {
                "message": 'Gadget.conformance.example.com "x" is invalid: kind: Invalid value: "Gadget": must be Widget'}),
            Row("another version", "POST", WIDGETS, {**widget("x"), "apiVersion": "conformance.example.com/v9"}, 400, {"reason": "BadRequest"}),
            Row("no kind", "POST", WIDGETS, {"metadata": {"name": "x"}, "spec": {"size": 1}}, 400, {"reason": "BadRequest"})])

    def test_a_replacement_needs_a_version(self):
        made = self.make(WIDGETS, widget("versions"))
        self.check_rows([Row("none", "PUT", f"{WIDGETS}/versions", widget("versions", {"size": 5}), 422, {
            "message": 'widgets.conformance.example.com "versions" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update'})])
        made["spec"]["size"] = 5
        self.check(self.ok(self.api.put(self.path(f"{WIDGETS}/versions"), made)), {"spec": {"size": 5}, "metadata": {"generation": 2}})

    def test_generations_count_changes_of_what_is_wanted(self):
        path = self.path(f"{WIDGETS}/generations")
        self.make(WIDGETS, widget("generations"))
        for door, change, expected in (("", {"spec": {"size": 4}}, 2), ("", {"metadata": {"labels": {"a": "b"}}}, 2), ("/status", {"status": {"state": "On"}}, 2),
                                       ("", {"spec": {"size": 4}}, 2), ("", {"spec": {"size": 5}}, 3)):
            self.check(self.ok(self.api.patch(path + door, change)), {"metadata": {"generation": expected}})

    def test_status_has_its_own_door(self):
        made = self.make(WIDGETS, widget("status", status={"state": "made up"}))
        self.check(made, {"status": ABSENT})
        path = self.path(f"{WIDGETS}/status")
        self.check(self.ok(self.api.patch(path, {"status": {"state": "On"}})), {"status": ABSENT})
        after = self.ok(self.api.put(path + "/status", {**made, "spec": {"size": 9}, "status": {"state": "On"}, "metadata": {**made["metadata"], "labels": {"l": "1"}}}))
        self.check(after, {"spec": {"size": 3}, "status": {"state": "On"}, "metadata": {"labels": ABSENT}})
        self.check(self.ok(self.api.patch(path, {"spec": {"size": 4}, "status": None})), {"spec": {"size": 4}, "status": {"state": "On"}})
        self.check(self.read(f"{WIDGETS}/status/status"), {"kind": "Widget", "status": {"state": "On"}})
        self.check_rows([Row("rules hold there too", "PATCH", f"{WIDGETS}/status/status", {"status": {"state": 5}}, 422, {"reason": "Invalid"},
                             type="application/merge-patch+json")])

    def test_chosen_fields_select(self):
        for name, mode in {"f": "Fast", "s": "Slow"}.items():
            self.make(WIDGETS, widget(name, {"size": 1, "mode": mode}))
        self.assertEqual([i["metadata"]["name"] for i in self.read(WIDGETS, fieldSelector="spec.mode=Slow")["items"]], ["s"])
        self.check_rows([Row("another", "GET", WIDGETS, None, 400, {"reason": "BadRequest", "message": matching("field label not supported: spec.size")}, fieldSelector="spec.size=1")])
