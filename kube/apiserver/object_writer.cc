#include "kube/apiserver/object_writer.h"

#include "kube/apiserver/admission_webhook_pass.h"
#include "kube/apiserver/defaults.h"
#include "kube/apiserver/event_faces.h"
#include "kube/apiserver/field_ownership.h"
#include "kube/apiserver/object_reader.h"
#include "kube/apiserver/protobuf_body.h"
#include "kube/apiserver/strict_json.h"
#include "kube/core/patch.h"
#include "kube/core/yaml.h"

namespace kube::apiserver {

namespace {

constexpr std::string_view kBodyTypes = "application/json, application/yaml";

// Kinds whose spec changes are counted in metadata.generation.
bool has_generation(const ServedResource& served) {
  if (served.custom) return true;
  static const std::set<std::string, std::less<>> kCounted = {
      "pods",
      "deployments.apps",
      "replicasets.apps",
      "statefulsets.apps",
      "daemonsets.apps",
      "jobs.batch",
      "cronjobs.batch",
      "ingresses.networking.k8s.io",
      "networkpolicies.networking.k8s.io",
      "ingressclasses.networking.k8s.io",
      "poddisruptionbudgets.policy",
      "customresourcedefinitions.apiextensions.k8s.io",
      "endpointslices.discovery.k8s.io",
      "mutatingwebhookconfigurations.admissionregistration.k8s.io",
      "validatingwebhookconfigurations.admissionregistration.k8s.io"};
  return kCounted.contains(served.table());
}

// Kinds of which a replacement must name the version it replaces.
bool replaced_by_version_only(const ServedResource& served) {
  static const std::set<std::string, std::less<>> kCareful = {
      "leases.coordination.k8s.io", "poddisruptionbudgets.policy",
      "customresourcedefinitions.apiextensions.k8s.io",
      "mutatingwebhookconfigurations.admissionregistration.k8s.io",
      "validatingwebhookconfigurations.admissionregistration.k8s.io"};
  return served.custom || kCareful.contains(served.table());
}

// What counts for the generation: all but metadata and, where it is a subresource, status.
Json desired_part(const Json& object, const ServedResource& served) {
  Json part = object;
  part.erase("metadata");
  part.erase("apiVersion");
  if (served.has("status") || !served.custom) part.erase("status");
  return part;
}

void keep(Json& after, const Json& before, std::string_view member) {
  auto found = before.find(member);
  if (found == before.end())
    after.erase(std::string(member));
  else
    after[std::string(member)] = *found;
}

bool lacks_member(const Json& document, const std::string& path) {
  const std::size_t last = path.rfind('/');
  if (last == std::string::npos) return false;
  try {
    const Json::json_pointer parent(path.substr(0, last));
    return document.contains(parent) && document.at(parent).is_object() &&
           !document.at(parent).contains(unescape_json_pointer(path.substr(last + 1)));
  } catch (const Json::exception&) {
    return false;  // no pointer: whoever applies it will say so
  }
}

// The real server's "replace" also makes a member that is not there, of an object that is.
Json with_lenient_replace(const Json& document, Json operations) {
  Json present = document;
  for (Json& operation : operations) {
    if (!operation.is_object()) break;
    if (string_at(operation, {"op"}) == "replace" && lacks_member(present, string_at(operation, {"path"})))
      operation["op"] = "add";
    auto patched = apply_json_patch(std::move(present), Json::array({operation}));
    if (!patched) break;  // the whole is refused for the same reason
    present = std::move(*patched);
  }
  return operations;
}

Granted<> check_identity(const ApiCall& call, const Json& object) {
  const Resource& resource = call.served->resource;
  const std::string version = string_at(object, {"apiVersion"}), kind = string_at(object, {"kind"});
  if (!kind.empty() && kind != resource.kind && call.served->custom)
    return refuse(
        Refusal::invalid({resource.group, resource.version, kind}, string_at(object, {"metadata", "name"}),
                         {{FieldProblem::Type::Invalid, "kind", kind, "must be " + resource.kind}}));
  if (!kind.empty() && kind != resource.kind)
    return refuse(Refusal::bad_request(kind + " in version \"" + version + "\" cannot be handled as a " +
                                       resource.kind + ": no kind \"" + kind +
                                       "\" is registered for version \"" + resource.api_version() + "\""));
  if (!version.empty() && version != resource.api_version() && !call.served->custom && !kind.empty())
    return refuse(Refusal::bad_request(kind + " in version \"" + version + "\" cannot be handled as a " +
                                       resource.kind + ": no kind \"" + kind +
                                       "\" is registered for version \"" + version + "\""));
  if (!version.empty() && version != resource.api_version())
    return refuse(Refusal::bad_request("the API version in the data (" + version +
                                       ") does not match the expected API version (" +
                                       resource.api_version() + ")"));
  if (kind.empty() && resource.group.empty() == false && call.served->custom)
    return refuse(
        Refusal::bad_request("Object 'Kind' is missing in '" + dump_json(object).substr(0, 200) + "'"));
  const std::string ns = string_at(object, {"metadata", "namespace"});
  if (!ns.empty() && ns != call.info.ns)
    return refuse(Refusal::bad_request(
        "the namespace of the provided object does not match the namespace sent on the request"));
  const std::string name = string_at(object, {"metadata", "name"});
  if (!call.info.name.empty() && !name.empty() && name != call.info.name)
    return refuse(Refusal::bad_request("the name of the object (" + name +
                                       ") does not match the name on the URL (" + call.info.name + ")"));
  return {};
}

}  // namespace

Granted<Json> ObjectWriter::read_body(const ApiCall& call, const std::string& body) {
  const std::string& type = call.content_type;
  if (is_protobuf(type)) {
    auto object = read_protobuf_body(body);
    if (object) return std::move(*object);
    return refuse(object.error().kind() == ErrorKind::UnsupportedMediaType
                      ? Refusal::unsupported_media_type(kBodyTypes)
                      : Refusal::bad_request(object.error().message()));
  }
  const bool yaml = type.find("yaml") != std::string::npos;
  const bool known = type.empty() || yaml || type.find("json") != std::string::npos;
  if (!known) return refuse(Refusal::unsupported_media_type(kBodyTypes));
  auto json = yaml ? parse_yaml_document(body) : parse_json(body);
  if (json && !yaml && call.field_validation == "Strict" && call.served)
    if (std::vector<std::string> twice = duplicate_members(body); !twice.empty()) {
      const Resource& resource = call.served->resource;
      return refuse(Refusal::bad_request(resource.kind + " in version \"" + resource.version +
                                         "\" cannot be handled as a " + resource.kind +
                                         ": strict decoding error: duplicate field \"" + twice[0] + "\""));
    }
  if (!json)
    return refuse(
        Refusal::bad_request("couldn't get version/kind; json parse error: " + json.error().message()));
  if (!json->is_object())
    return refuse(Refusal::bad_request("body: expected object, got " + describe_json(*json)));
  if (auto metadata = json->find("metadata");
      metadata != json->end() && !metadata->is_object() && !metadata->is_null())
    return refuse(Refusal::bad_request("metadata: expected object, got " + describe_json(*metadata)));
  return std::move(*json);
}

// Types, unknown fields, defaults of a custom resource's schema.
Granted<> ObjectWriter::check_shape(ApiCall& call, Json& object) const {
  const ServedResource& served = *call.served;
  if (object["metadata"].is_null()) object["metadata"] = Json::object();
  object["apiVersion"] = served.resource.api_version();
  object["kind"] = served.resource.kind;
  const Schema* schema = served.schema;
  // metadata of custom resources is typed too.
  if (served.custom) {
    const Schema* typed =
        cluster_.registry.builtin_schemas().find("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta");
    if (std::string wrong = type_mismatch(object["metadata"], *typed); !wrong.empty())
      return refuse(Refusal::bad_request("metadata." + wrong));
    drop_nulls(object["metadata"], *typed);
  }
  if (!schema) return {};
  if (!served.custom) {
    if (std::string wrong = type_mismatch(object, *schema); !wrong.empty())
      return refuse(Refusal::bad_request(served.resource.kind + " in version \"" + served.resource.version +
                                         "\" cannot be handled as a " + served.resource.kind + ": " + wrong));
  }
  drop_nulls(object, *schema);
  if (!served.custom) write_quantities(object, *schema);
  std::vector<std::string> unknown = prune(object, *schema);
  if (!unknown.empty() && call.field_validation == "Strict") {
    std::string message;
    for (const std::string& field : unknown)
      message += (message.empty() ? "" : ", ") + ("unknown field \"" + field + "\"");
    if (call.info.verb == "patch" && call.content_type != kApplyPatch)
      return refuse(Refusal::invalid(
          {}, "",
          {{FieldProblem::Type::Invalid, "patch", call.info.body, "strict decoding error: " + message}}));
    return refuse(Refusal::bad_request(served.resource.kind + " in version \"" + served.resource.version +
                                       "\" cannot be handled as a " + served.resource.kind +
                                       ": strict decoding error: " + message));
  }
  if (call.field_validation == "Warn")
    for (const std::string& field : unknown) call.warnings.push_back("unknown field \"" + field + "\"");
  if (served.custom) apply_defaults(object, *schema);
  return {};
}

Granted<> ObjectWriter::pass_mutating(ApiCall& call, const ObjectRef& before, Json& object) const {
  const ServedResource& served = *call.served;
  Json shown = object;
  if (served.resource.namespaced) shown["metadata"]["namespace"] = call.info.ns;
  if (!before) {
    if (auto prepared = admission_.prepare(served, shown); !prepared) return prepared;
  } else if (!served.custom && call.info.subresource.empty()) {
    apply_builtin_defaults(served.table(), shown);
  }
  // Webhooks and the schema know an event by the face that was asked for.
  const bool event = served.resource.group == "events.k8s.io";
  if (event) shown = to_events_v1(std::move(shown));
  if (auto passed = call.webhooks->mutate(before, shown); !passed) return passed;
  object = std::move(shown);
  auto shaped = check_shape(call, object);
  if (event) object = from_events_v1(std::move(object));
  return shaped;
}

Granted<Written> ObjectWriter::create(ApiCall& call, const std::string& body) {
  auto object = read_body(call, body);
  if (!object) return refuse(object);
  return create_json(call, std::move(*object));
}

Granted<Written> ObjectWriter::create_json(ApiCall& call, Json object) {
  const ServedResource& served = *call.served;
  if (served.resource.namespaced && call.info.ns.empty()) return refuse(Refusal::method_not_allowed("POST"));
  if (auto same = check_identity(call, object); !same) return refuse(same);
  if (auto shaped = check_shape(call, object); !shaped) return refuse(shaped);
  if (served.resource.group == "events.k8s.io") object = from_events_v1(std::move(object));
  if (call.webhooks)
    if (auto passed = pass_mutating(call, nullptr, object); !passed) return refuse(passed);

  Json& metadata = object["metadata"];
  if (!string_at(metadata, {"resourceVersion"}).empty())
    return refuse(Refusal(500, "", "resourceVersion should not be set on objects to be created"));
  std::string name = string_at(metadata, {"name"});
  const std::string prefix = string_at(metadata, {"generateName"});
  if (name.empty() && !prefix.empty()) {
    // As the real server: a long prefix is cut so that the name keeps within a label.
    name = prefix.substr(0, 58) + cluster_.loop.random().name_suffix();
    metadata["name"] = name;
  }
  if (served.resource.namespaced)
    metadata["namespace"] = call.info.ns;
  else
    metadata.erase("namespace");
  metadata["uid"] = cluster_.new_uid();
  metadata["creationTimestamp"] = cluster_.now();
  for (const char* own : {"deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "resourceVersion"})
    metadata.erase(own);
  if (call.content_type != kApplyPatch) metadata.erase("managedFields");
  if (has_generation(served)) metadata["generation"] = 1;
  if (served.has("status") && (served.custom || served.table() != "nodes")) object.erase("status");

  if (auto admitted = admission_.create(served, object); !admitted) return refuse(admitted);
  if (call.webhooks)
    if (auto passed = call.webhooks->validate(nullptr, object); !passed) return refuse(passed);
  name = string_at(object, {"metadata", "name"});
  if (cluster_.store.get(served.table(), {call.info.ns, name}))
    return refuse(Refusal::already_exists(served.resource, name));
  if (served.custom) object["apiVersion"] = served.resource.group + "/" + served.stored_version;
  if (call.dry_run) return Written{std::make_shared<const StoredObject>(std::move(object), 0), true};
  auto writer = cluster_.writing_as(call.info);
  return Written{cluster_.store.put(served.table(), std::move(object)), true};
}

Granted<Written> ObjectWriter::update(ApiCall& call, const std::string& body) {
  auto object = read_body(call, body);
  if (!object) return refuse(object);
  const ServedResource& served = *call.served;
  if (auto same = check_identity(call, *object); !same) return refuse(same);
  if (auto shaped = check_shape(call, *object); !shaped) return refuse(shaped);
  if (served.resource.group == "events.k8s.io") *object = from_events_v1(std::move(*object));
  const std::string version = string_at(*object, {"metadata", "resourceVersion"});
  if (string_at(*object, {"metadata", "name"}).empty())
    return refuse(Refusal::bad_request("the name of the object (" + call.info.name +
                                       " based on URL) was undeterminable: name must be provided"));
  ObjectRef before = cluster_.store.get(served.table(), {call.info.ns, call.info.name});
  // Leases and the like may be made by an update.
  if (!before && call.info.subresource.empty() && served.table() == "leases.coordination.k8s.io" &&
      version.empty()) {
    if (const std::string uid = string_at(*object, {"metadata", "uid"}); !uid.empty())
      return refuse(
          Refusal::conflict(served.resource, call.info.name,
                            "Precondition failed: UID in precondition: " + uid + ", UID in object meta: "));
    return create_json(call, std::move(*object));
  }
  if (before && version.empty() && replaced_by_version_only(served)) {
    GroupVersionKind named = served.resource.gvk();
    named.kind = served.resource.plural;
    return refuse(Refusal::invalid(
        named, call.info.name,
        {{FieldProblem::Type::Invalid, "metadata.resourceVersion", 0, "must be specified for an update"}}));
  }
  return change(call, [&](const Json&) -> Granted<Json> { return std::move(*object); });
}

Granted<Written> ObjectWriter::change(ApiCall& call, const std::function<Granted<Json>(const Json&)>& make) {
  const ServedResource& served = *call.served;
  ObjectRef before = cluster_.store.get(served.table(), {call.info.ns, call.info.name});
  if (!before) return refuse(Refusal::not_found(served.resource, call.info.name));
  auto after = make(before->json());
  if (!after) return refuse(after);
  const std::string uid = string_at(*after, {"metadata", "uid"});
  if (!uid.empty() && uid != before->uid() && call.info.verb == "patch")
    return refuse(
        Refusal::invalid(served.resource.gvk(), call.info.name,
                         {{FieldProblem::Type::Invalid, "metadata.uid", uid, "field is immutable"}}));
  if (!uid.empty() && uid != before->uid())
    return refuse(Refusal::conflict(
        served.resource, call.info.name,
        "Precondition failed: UID in precondition: " + uid + ", UID in object meta: " + before->uid()));
  const std::string version = string_at(*after, {"metadata", "resourceVersion"});
  if (!version.empty() && version != "0" && version != std::to_string(before->version()))
    return refuse(Refusal::modified(served.resource, call.info.name));
  auto written = replace(call, before, std::move(*after));
  if (!written) return refuse(written);
  return Written{*written, false};
}

Granted<ObjectRef> ObjectWriter::replace(ApiCall& call, const ObjectRef& before_ref, Json after) {
  const ServedResource& served = *call.served;
  const Json& before = before_ref->json();
  if (call.webhooks)
    if (auto passed = pass_mutating(call, before_ref, after); !passed) return refuse(passed);
  const bool status = call.info.subresource == "status";
  if (status) {
    // Only the status, and what the real server lets through with it.
    Json changed = before;
    keep(changed, after, "status");
    if (!served.custom)
      for (std::string_view part : {"labels", "annotations", "finalizers", "managedFields"})
        keep(changed["metadata"], after["metadata"], part);
    else
      keep(changed["metadata"], after["metadata"], "managedFields");
    after = std::move(changed);
  } else if (served.has("status")) {
    keep(after, before, "status");
  }
  if (call.info.subresource == "finalize") {
    Json changed = before;
    keep(changed["spec"], after["spec"], "finalizers");
    after = std::move(changed);
  } else if (served.table() == "namespaces") {
    keep(after, before, "spec");
  }
  Json& metadata = after["metadata"];
  const Json& old_metadata = before["metadata"];
  for (std::string_view own :
       {"name", "namespace", "uid", "creationTimestamp", "generation", "generateName", "deletionTimestamp",
        "deletionGracePeriodSeconds", "resourceVersion", "selfLink"})
    keep(metadata, old_metadata, own);
  if (call.content_type != kApplyPatch) {
    keep(metadata, old_metadata, "managedFields");
    if (metadata.contains("managedFields")) forget_changed_fields(before, after, served.schema);
  }
  if (served.custom)
    after["apiVersion"] = before["apiVersion"];
  else
    after["apiVersion"] = before["apiVersion"];
  after["kind"] = before["kind"];
  // Empty maps and lists in metadata are as good as none, so that they make no difference.
  for (const char* part : {"labels", "annotations", "finalizers", "ownerReferences"})
    if (auto found = metadata.find(part);
        found != metadata.end() && (found->is_null() || (found->is_structured() && found->empty())))
      metadata.erase(found);

  const bool finalize = call.info.subresource == "finalize";
  if (!finalize)
    if (auto admitted = admission_.update(served, before, after, status); !admitted) return refuse(admitted);
  if (has_generation(served) && !status && desired_part(before, served) != desired_part(after, served))
    metadata["generation"] = old_metadata.value("generation", std::int64_t{0}) + 1;
  if (call.webhooks)
    if (auto passed = call.webhooks->validate(before_ref, after); !passed) return refuse(passed);
  if (after == before) return before_ref;
  if (call.dry_run) return std::make_shared<const StoredObject>(std::move(after), before_ref->version());
  auto writer = cluster_.writing_as(call.info);
  if (is_finished(served, after)) {
    // It goes as it was: nobody but the writer sees the state without finalizers.
    cluster_.store.remove(served.table(), before_ref->key());
    return std::make_shared<const StoredObject>(std::move(after), before_ref->version());
  }
  return cluster_.store.put(served.table(), std::move(after));
}

Granted<Written> ObjectWriter::patch(ApiCall& call, const std::string& body) {
  const ServedResource& served = *call.served;
  const std::string& type = call.content_type;
  if (type == kApplyPatch || type == "application/apply-patch+cbor") return apply(call, body);
  if (type != kJsonPatch && type != kMergePatch && type != kStrategicMergePatch)
    return refuse(Refusal(415, "UnsupportedMediaType", "415: Unsupported Media Type"));
  if (type == kStrategicMergePatch && served.custom)
    return refuse(Refusal::unsupported_media_type(
        "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml"));
  auto patch = parse_json(body);
  if (!patch) return refuse(Refusal::bad_request("error decoding patch: " + patch.error().message()));
  if (type == kJsonPatch ? !patch->is_array() : !patch->is_object())
    return refuse(Refusal::bad_request("error decoding patch: expected " +
                                       std::string(type == kJsonPatch ? "array" : "object") + ", got " +
                                       describe_json(*patch)));
  return change(call, [&](const Json& stored) -> Granted<Json> {
    Json before = served.resource.group == "events.k8s.io" ? to_events_v1(stored) : stored;
    if (served.custom) before["apiVersion"] = served.resource.api_version();
    Json after;
    if (type == kMergePatch) {
      after = apply_merge_patch(std::move(before), *patch);
    } else {
      auto patched = type == kJsonPatch ? apply_json_patch(before, with_lenient_replace(before, *patch))
                                        : apply_strategic_merge_patch(std::move(before), *patch);
      if (!patched && patched.error().kind() == ErrorKind::BadRequest)
        return refuse(Refusal::bad_request(patched.error().message()));
      if (!patched)
        return refuse(Refusal(
            422, "Invalid",
            "the server rejected our request due to an error in our request: " + patched.error().message()));
      after = std::move(*patched);
    }
    if (!after.is_object() || !after.contains("metadata") || !after["metadata"].is_object())
      return refuse(Refusal::bad_request("metadata: expected object after the patch"));
    if (string_at(after, {"kind"}) != served.resource.kind ||
        string_at(after, {"apiVersion"}) != served.resource.api_version())
      return refuse(
          Refusal::invalid({}, "",
                           {{FieldProblem::Type::Invalid, "patch", dump_json(after),
                             "no kind \"" + string_at(after, {"kind"}) + "\" is registered for version \"" +
                                 string_at(after, {"apiVersion"}) + "\""}}));
    if (auto same = check_identity(call, after); !same) return refuse(same);
    if (auto shaped = check_shape(call, after); !shaped) return refuse(shaped);
    if (served.resource.group == "events.k8s.io") after = from_events_v1(std::move(after));
    return after;
  });
}

Granted<Written> ObjectWriter::apply(ApiCall& call, const std::string& body) {
  const ServedResource& served = *call.served;
  auto config = read_body(call, body);
  if (!config) return refuse(config);
  if (string_at(*config, {"apiVersion"}).empty() || string_at(*config, {"kind"}).empty())
    return refuse(Refusal::bad_request("apiVersion and kind: must be set in an applied configuration"));
  if (find_path(*config, {"metadata", "managedFields"}))
    return refuse(Refusal::bad_request("metadata.managedFields must be nil"));
  if (auto same = check_identity(call, *config); !same) return refuse(same);
  if (!config->contains("metadata") || (*config)["metadata"].is_null())
    (*config)["metadata"] = Json::object();
  (*config)["metadata"]["name"] = call.info.name;
  if (served.resource.namespaced) (*config)["metadata"]["namespace"] = call.info.ns;
  // Nobody owns what his door does not write.
  if (call.info.subresource == "status")
    config->erase("spec");
  else if (served.has("status"))
    config->erase("status");
  if (served.schema) {
    if (!served.custom)
      if (std::string wrong = type_mismatch(*config, *served.schema); !wrong.empty())
        return refuse(Refusal::bad_request("failed to create typed patch object (" + call.info.ns + "/" +
                                           call.info.name + "; " + served.resource.api_version() +
                                           ", Kind=" + served.resource.kind + "): " + wrong));
    drop_nulls(*config, *served.schema);
  }
  const Applier applier{call.info.field_manager, call.force, served.resource.api_version(), cluster_.now(),
                        call.info.subresource};
  auto conflict = [&](const Applied& applied) {
    Refusal refusal(409, "Conflict", "");
    std::string message = "Apply failed with " + std::to_string(applied.conflicts.size()) +
                          (applied.conflicts.size() == 1 ? " conflict: " : " conflicts: ");
    Json causes = Json::array();
    for (const ApplyConflict& one : applied.conflicts) {
      const std::string with = "conflict with \"" + one.manager + "\"";
      message += with + ": " + one.field + " ";
      causes.push_back({{"reason", "FieldManagerConflict"}, {"message", with}, {"field", one.field}});
    }
    message.pop_back();
    Refusal full(409, "Conflict", message);
    full.details() = {{"causes", std::move(causes)}};
    return full;
  };
  ObjectRef before = cluster_.store.get(served.table(), {call.info.ns, call.info.name});
  if (!before) {
    if (!call.info.subresource.empty()) return refuse(Refusal::not_found(served.resource, call.info.name));
    Applied applied = apply_configuration(Json::object(), *config, served.schema, applier);
    applied.object["metadata"].erase("uid");
    return create_json(call, std::move(applied.object));
  }
  return change(call, [&](const Json& stored) -> Granted<Json> {
    Json live = stored;
    if (served.custom) live["apiVersion"] = served.resource.api_version();
    // The live version is not the applier's business unless it names one itself.
    live["metadata"].erase("resourceVersion");
    Applied applied = apply_configuration(live, *config, served.schema, applier);
    if (!applied.conflicts.empty()) return refuse(conflict(applied));
    if (auto shaped = check_shape(call, applied.object); !shaped) return refuse(shaped);
    return std::move(applied.object);
  });
}

}  // namespace kube::apiserver
