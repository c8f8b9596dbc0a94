#include "kube/apiserver/object_reader.h"

#include <charconv>

#include "kube/apiserver/event_faces.h"
#include "kube/core/base64.h"

namespace kube::apiserver {

namespace {

constexpr const char* kAnyVersion = "-1";

std::uint64_t number(const std::string& text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// Fields that built-in kinds can be selected by, besides metadata.name and metadata.namespace.
const std::vector<std::string>& selectable_fields(std::string_view table) {
  static const std::map<std::string, std::vector<std::string>, std::less<>> kFields = {
      {"pods",
       {"spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName",
        "spec.hostNetwork", "status.phase", "status.podIP", "status.nominatedNodeName"}},
      {"events",
       {"involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid",
        "involvedObject.apiVersion", "involvedObject.resourceVersion", "involvedObject.fieldPath", "reason",
        "reportingComponent", "source", "type", "regarding.kind", "regarding.namespace", "regarding.name",
        "regarding.uid", "regarding.apiVersion", "regarding.fieldPath", "reportingController"}},
      {"nodes", {"spec.unschedulable"}},
      {"namespaces", {"status.phase"}},
      {"secrets", {"type"}},
      {"services", {"spec.clusterIP", "spec.type"}},
      {"jobs.batch", {"status.successful"}},
      {"replicasets.apps", {"status.replicas"}},
  };
  static const std::vector<std::string> kNone;
  auto found = kFields.find(table);
  return found == kFields.end() ? kNone : found->second;
}

std::string scalar_text(const Json* value) {
  if (!value || value->is_null() || value->is_structured()) return "";
  return value->is_string() ? value->get<std::string>() : dump_json(*value);
}

std::string field_text(const Json& object, std::string_view path) {
  const Json* at = &object;
  while (!path.empty()) {
    const std::size_t dot = std::min(path.find('.'), path.size());
    auto found = at->is_object() ? at->find(path.substr(0, dot)) : at->end();
    if (!at->is_object() || found == at->end()) return "";
    at = &*found;
    path.remove_prefix(std::min(dot + 1, path.size()));
  }
  return scalar_text(at);
}

}  // namespace

Granted<Selection> Selection::of(const ApiCall& call) {
  Selection selection;
  selection.ns_ = call.info.ns;
  selection.labels_ = call.labels;
  selection.fields_ = call.fields;
  selection.events_v1_ = call.served->table() == "events";
  for (const FieldSelector::Term& term : call.fields.terms()) {
    bool known = term.path == "metadata.name" || term.path == "metadata.namespace";
    for (const std::string& field : selectable_fields(call.served->table()))
      known = known || field == term.path;
    for (const std::string& field : call.served->selectable_fields)
      known = known || (field.size() > 1 && field.substr(1) == term.path);
    if (!known) return refuse(Refusal::bad_request("field label not supported: " + term.path));
  }
  return selection;
}

bool Selection::matches(const StoredObject& object) const {
  if (!ns_.empty() && object.key().ns != ns_) return false;
  if (!labels_.matches_everything() &&
      !labels_.matches([&](std::string_view name) { return object.label(name); }))
    return false;
  if (fields_.matches_everything()) return true;
  return fields_.matches([&](std::string_view path) -> std::string {
    if (path == "metadata.name") return object.key().name;
    if (path == "metadata.namespace") return object.key().ns;
    if (events_v1_) {
      if (path == "source") return string_at(object.json(), {"source", "component"});
      if (path == "reportingController") path = "reportingComponent";
      if (path.starts_with("regarding."))
        return field_text(object.json(), "involvedObject." + std::string(path.substr(10)));
    }
    std::string text = field_text(object.json(), path);
    // Absent booleans of these fields are false, and false is how they are asked for.
    if (text.empty() && (path == "spec.unschedulable" || path == "spec.hostNetwork")) text = "false";
    return text;
  });
}

Granted<ObjectRef> ObjectReader::get(const ApiCall& call) const {
  ObjectRef object = cluster_.store.get(call.served->table(), {call.info.ns, call.info.name});
  const std::uint64_t asked = number(call.resource_version);
  if (asked > cluster_.store.version())
    return refuse(Refusal::version_too_large(asked, cluster_.store.version()));
  if (!object) return refuse(Refusal::not_found(call.served->resource, call.info.name));
  return object;
}

Granted<ObjectPage> ObjectReader::list(const ApiCall& call) const {
  const Store& store = cluster_.store;
  auto selection = Selection::of(call);
  if (!selection) return refuse(selection);
  if (call.limit < 0) return refuse(Refusal::bad_request("limit: must be greater than or equal to 0"));

  const std::string& table = call.served->table();
  ObjectPage page;
  page.version = store.version();
  ObjectKey start{call.info.ns, ""};
  std::optional<Store::Table> past;
  if (!call.continue_token.empty()) {
    if (!call.resource_version.empty() && call.resource_version != "0")
      return refuse(Refusal::bad_request("specifying resource version is not allowed when using continue"));
    auto decoded = decode_base64(call.continue_token);
    auto token = decoded ? parse_json(*decoded) : Result<Json>(fail(decoded));
    if (!token || !token->is_object() || !token->contains("v"))
      return refuse(Refusal::bad_request("continue key is not valid: " + call.continue_token));
    page.version = number(string_at(*token, {"v"}));
    start = {string_at(*token, {"ns"}), string_at(*token, {"n"})};
    // "-1" goes on with what there is now, whatever the pages before were of.
    if (string_at(*token, {"v"}) == kAnyVersion) {
      page.version = store.version();
    } else {
      past = store.table_at(table, page.version);
      if (!past) {
        Refusal gone = Refusal::expired(
            "The provided continue parameter is too old to display a consistent list result. You can start a "
            "new list without the continue parameter, or use the continue token in this response to retrieve "
            "the remainder of the results. Continuing with the provided token results in an inconsistent "
            "list - objects that were created, modified, or deleted between the time the first chunk was "
            "returned and now may show up in the list.");
        (*token)["v"] = kAnyVersion;
        gone.metadata() = {{"continue", encode_base64(dump_json(*token))}};
        return refuse(std::move(gone));
      }
    }
  } else if (!call.resource_version.empty() && call.resource_version != "0") {
    const std::uint64_t asked = number(call.resource_version);
    if (asked > store.version()) return refuse(Refusal::version_too_large(asked, store.version()));
    const bool exact = call.version_match == "Exact" || (call.version_match.empty() && call.limit > 0);
    if (exact) {
      page.version = asked;
      past = store.table_at(table, asked);
      if (!past) return refuse(Refusal::expired("The resourceVersion for the provided list is too old."));
    }
  }

  const Store::Table& objects = past ? *past : store.table(table);
  auto at = objects.lower_bound(start);
  auto in_scope = [&] {
    return at != objects.end() && (call.info.ns.empty() || at->first.ns == call.info.ns);
  };
  for (; in_scope(); ++at) {
    if (!selection->matches(*at->second)) continue;
    if (call.limit > 0 && page.objects.size() == static_cast<std::size_t>(call.limit)) {
      page.continue_token = encode_base64(
          dump_json({{"v", std::to_string(page.version)}, {"ns", at->first.ns}, {"n", at->first.name}}));
      for (; in_scope(); ++at) page.remaining += selection->matches(*at->second);
      break;
    }
    page.objects.push_back(at->second);
  }
  return page;
}

const std::string& text_as(const StoredObject& object, const ServedResource& served, std::string& scratch) {
  const bool as_stored = served.custom
                             ? string_at(object.json(), {"apiVersion"}) == served.resource.api_version()
                             : served.resource.group != "events.k8s.io";
  if (as_stored) return object.text();
  scratch = dump_json(json_as(object, served));
  return scratch;
}

std::string text_as_item(const StoredObject& object, const ServedResource& served) {
  // Custom resources are not typed, so each says what it is.
  if (served.custom) {
    std::string scratch;
    return text_as(object, served, scratch);
  }
  if (served.resource.group != "events.k8s.io") return object.text_as_item();
  Json json = to_events_v1(object.json());
  json.erase("kind");
  json.erase("apiVersion");
  return dump_json(json);
}

Json json_as(const StoredObject& object, const ServedResource& served) {
  if (served.resource.group == "events.k8s.io") return to_events_v1(object.json());
  Json json = object.json();
  if (served.custom) json["apiVersion"] = served.resource.api_version();
  return json;
}

}  // namespace kube::apiserver
