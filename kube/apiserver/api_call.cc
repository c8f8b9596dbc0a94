#include "kube/apiserver/api_call.h"

#include <charconv>

#include "kube/apiserver/api_server.h"
#include "kube/apiserver/protobuf_body.h"
#include "kube/core/patch.h"
#include "kube/core/yaml.h"

namespace kube::apiserver {

namespace {

std::vector<std::string> segments_of(std::string_view path) {
  std::vector<std::string> segments;
  while (!path.empty()) {
    if (path.front() == '/') {
      path.remove_prefix(1);
      continue;
    }
    const std::size_t end = std::min(path.find('/'), path.size());
    segments.push_back(percent_decode(path.substr(0, end)).value_or(std::string(path.substr(0, end))));
    path.remove_prefix(end);
  }
  return segments;
}

bool is_true(std::string_view text) {
  return text == "true" || text == "1" || text == "True" || text == "TRUE" || text == "t" || text == "T";
}

std::optional<std::int64_t> integer(std::string_view text) {
  std::int64_t value = 0;
  auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// The resource part of a path, after /api/v1 or /apis/g/v.
Granted<> read_resource(const ResourceRegistry& registry, ApiCall& call, std::vector<std::string> rest) {
  RequestInfo& info = call.info;
  std::size_t at = 0;
  // "namespaces/x" and its own subresources are the namespace itself; anything longer lies inside it.
  if (rest.size() >= 3 && rest[0] == "namespaces") {
    const bool own = info.group.empty() && (rest[2] == "status" || rest[2] == "finalize") && rest.size() == 3;
    if (!own) {
      info.ns = rest[1];
      at = 2;
    }
  }
  if (rest.size() - at > 3) {
    // A proxied path; nothing here serves one.
    return refuse(Refusal::no_such_path());
  }
  info.resource = rest[at];
  if (rest.size() > at + 1) info.name = rest[at + 1];
  if (rest.size() > at + 2) info.subresource = rest[at + 2];
  call.served = registry.find(info.group, info.version, info.resource);
  if (!call.served) return refuse(Refusal::no_such_path());
  if (!info.ns.empty() && !call.served->resource.namespaced) return refuse(Refusal::no_such_path());
  if (info.ns.empty() && call.served->resource.namespaced && !info.name.empty())
    return refuse(Refusal::no_such_path());
  if (!info.subresource.empty() && !call.served->has(info.subresource))
    return refuse(Refusal::no_such_path());
  return {};
}

Granted<std::string> verb_of(const ApiCall& call) {
  const RequestInfo& info = call.info;
  const bool named = !info.name.empty();
  if (info.method == "GET" || info.method == "HEAD") {
    // Only collections are watched; by its name an object is read, whatever else is asked for.
    if (named) return std::string("get");
    return is_true(call.parameter("watch")) ? std::string("watch") : std::string("list");
  }
  if (info.method == "POST") {
    if (named == !info.subresource.empty()) return std::string("create");
    return refuse(Refusal::method_not_allowed(info.method));
  }
  if (info.method == "PUT" && named) return std::string("update");
  if (info.method == "PATCH" && named) return std::string("patch");
  if (info.method == "DELETE" && !named && call.served->table() == "namespaces")
    return refuse(Refusal::method_not_allowed(info.method));
  if (info.method == "DELETE" && info.subresource.empty())
    return named ? std::string("delete") : std::string("deletecollection");
  return refuse(Refusal::method_not_allowed(info.method));
}

Granted<> read_selectors(ApiCall& call) {
  auto labels = LabelSelector::parse(call.parameter("labelSelector"));
  if (!labels)
    return refuse(Refusal::bad_request("unable to parse requirement: " + labels.error().message()));
  call.labels = std::move(*labels);
  auto fields = FieldSelector::parse(call.parameter("fieldSelector"));
  if (!fields) return refuse(Refusal::bad_request(fields.error().message()));
  call.fields = std::move(*fields);
  return {};
}

Granted<> read_numbers(ApiCall& call) {
  for (auto [name, into] :
       {std::pair{"limit", &call.limit}, std::pair{"timeoutSeconds", &call.timeout_seconds}}) {
    const std::string text = call.parameter(name);
    if (text.empty()) continue;
    auto value = integer(text);
    if (!value)
      return refuse(Refusal::bad_request(std::string(name) + ": expected integer, got \"" + text + "\""));
    *into = *value;
  }
  const std::string& version = call.resource_version;
  if (version.empty() || integer(version)) return {};
  const std::string why = "resourceVersion: Invalid value: \"" + version +
                          "\": strconv.ParseUint: parsing \"" + version + "\": invalid syntax";
  // A watch lets the parser's error through as it is.
  return refuse(call.info.verb == "watch" ? Refusal(500, "", why)
                                          : Refusal::bad_request("invalid resource version: " + why));
}

Refusal wrong_options(std::string kind, const std::vector<FieldProblem>& problems) {
  return Refusal::invalid({"meta.k8s.io", "v1", std::move(kind)}, "", problems);
}

// Which wishes about versions go together.
Granted<> check_list_options(const ApiCall& call) {
  using Type = FieldProblem::Type;
  const std::string& match = call.version_match;
  const bool initial = !call.parameter("sendInitialEvents").empty(), watch = call.info.verb == "watch";
  std::vector<FieldProblem> problems;
  auto forbidden = [&](const char* field, std::string why) {
    problems.push_back({Type::Forbidden, field, {}, std::move(why)});
  };
  if (watch && initial && match != "NotOlderThan")
    forbidden("resourceVersionMatch",
              "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
  if (!watch && initial) forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list");
  if (!match.empty()) {
    if (watch && !initial)
      forbidden("resourceVersionMatch",
                "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
    if (!watch && call.resource_version.empty())
      forbidden("resourceVersionMatch",
                "resourceVersionMatch is forbidden unless resourceVersion is provided");
    if (!call.continue_token.empty())
      forbidden("resourceVersionMatch", "resourceVersionMatch is forbidden when continue is provided");
    if (match != "NotOlderThan" && (watch || match != "Exact"))
      problems.push_back({Type::NotSupported, "resourceVersionMatch", match,
                          watch ? "supported values: \"NotOlderThan\""
                                : "supported values: \"\", \"Exact\", \"NotOlderThan\""});
    if (!watch && match == "Exact" && call.resource_version == "0")
      forbidden("resourceVersionMatch",
                "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"");
  }
  if (problems.empty()) return {};
  return refuse(wrong_options("ListOptions", problems));
}

// Options of writes: trial runs, field checks, and what belongs to an apply only.
Granted<> read_write_options(ApiCall& call) {
  using Type = FieldProblem::Type;
  const std::string& verb = call.info.verb;
  std::vector<FieldProblem> problems;
  if (std::string dry = call.parameter("dryRun"); !dry.empty()) {
    if (dry != "All")
      problems.push_back({Type::NotSupported, "dryRun", Json::array({dry}), "supported values: \"All\""});
    call.dry_run = true;
  }
  if (std::string validation = call.parameter("fieldValidation"); !validation.empty()) {
    if (validation != "Strict" && validation != "Warn" && validation != "Ignore")
      problems.push_back({Type::NotSupported, "fieldValidation", validation,
                          "supported values: \"\", \"Ignore\", \"Strict\", \"Warn\""});
    call.field_validation = validation;
  }
  if (verb == "patch") {
    if (call.content_type != kApplyPatch) {
      if (!call.parameter("force").empty())
        problems.push_back({Type::Forbidden, "force", {}, "may not be specified for non-apply patch"});
    } else if (call.info.field_manager.empty()) {
      problems.push_back({Type::Required, "fieldManager", {}, "is required for apply patch"});
    }
  }
  if (problems.empty()) return {};
  const char* kind = verb == "create"   ? "CreateOptions"
                     : verb == "update" ? "UpdateOptions"
                     : verb == "patch"  ? "PatchOptions"
                                        : "DeleteOptions";
  return refuse(wrong_options(kind, problems));
}

Granted<Propagation> propagation_named(std::string_view name) {
  if (name == "Background") return Propagation::Background;
  if (name == "Foreground") return Propagation::Foreground;
  if (name == "Orphan") return Propagation::Orphan;
  return refuse(
      Refusal(422, "Invalid",
              "DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: Unsupported value: \"" +
                  std::string(name) + "\": supported values: \"Background\", \"Foreground\", \"Orphan\""));
}

Granted<> read_deletion(ApiCall& call, const std::string& body) {
  DeleteOptions& options = call.deletion;
  if (std::string policy = call.parameter("propagationPolicy"); !policy.empty()) {
    auto named = propagation_named(policy);
    if (!named) return refuse(named);
    options.propagation = *named;
  }
  if (std::string grace = call.parameter("gracePeriodSeconds"); !grace.empty()) {
    options.grace_period_seconds = integer(grace);
    if (!options.grace_period_seconds)
      return refuse(Refusal::bad_request("gracePeriodSeconds: expected integer, got \"" + grace + "\""));
  }
  if (body.find_first_not_of(" \t\r\n") == std::string::npos) return {};
  auto json = is_protobuf(call.content_type)                        ? read_protobuf_body(body)
              : call.content_type.find("yaml") != std::string::npos ? parse_yaml_document(body)
                                                                    : parse_json(body);
  if (!json || !json->is_object())
    return refuse(Refusal::bad_request("couldn't read DeleteOptions: " +
                                       (json ? "expected object" : json.error().message())));
  if (auto grace = json->find("gracePeriodSeconds"); grace != json->end() && !grace->is_null()) {
    if (!grace->is_number_integer())
      return refuse(
          Refusal::bad_request("gracePeriodSeconds: expected integer, got " + describe_json(*grace)));
    options.grace_period_seconds = grace->get<std::int64_t>();
  }
  if (std::string policy = string_at(*json, {"propagationPolicy"}); !policy.empty()) {
    auto named = propagation_named(policy);
    if (!named) return refuse(named);
    options.propagation = *named;
  }
  if (auto orphan = json->find("orphanDependents"); orphan != json->end() && orphan->is_boolean())
    options.propagation = orphan->get<bool>() ? Propagation::Orphan : Propagation::Background;
  options.uid = string_at(*json, {"preconditions", "uid"});
  options.resource_version = string_at(*json, {"preconditions", "resourceVersion"});
  if (auto dry = json->find("dryRun"); dry != json->end() && dry->is_array() && !dry->empty())
    call.dry_run = true;
  return {};
}

void read_accept(ApiCall& call, const Headers& headers) {
  const std::string accept(headers.get("Accept").value_or(""));
  // The first media type that is understood counts: clients list them by preference.
  std::size_t at = 0;
  while (at <= accept.size()) {
    const std::size_t end = std::min(accept.find(',', at), accept.size());
    const std::string_view one = std::string_view(accept).substr(at, end - at);
    at = end + 1;
    if (one.find("as=Table") != std::string_view::npos && one.find("v=v1beta1") == std::string_view::npos) {
      call.as_table = true;
      return;
    }
    if (one.find("as=PartialObjectMetadata") != std::string_view::npos &&
        one.find("protobuf") == std::string_view::npos) {
      call.as_partial = true;
      return;
    }
    if (one.find("as=") == std::string_view::npos &&
        (one.find("application/json") != std::string_view::npos || one.find("*/*") != std::string_view::npos))
      return;
  }
}

}  // namespace

std::string ApiCall::parameter(std::string_view name) const {
  for (const auto& [key, value] : query)
    if (key == name) return value;
  return "";
}

Granted<ApiCall> ApiCall::parse(const ResourceRegistry& registry, const ApiRequest& request) {
  ApiCall call;
  RequestInfo& info = call.info;
  info.method = request.method;
  info.user = request.user;
  info.body = request.body;
  info.user_agent = request.headers.get("User-Agent").value_or("");
  const std::size_t mark = request.target.find('?');
  info.path = request.target.substr(0, mark);
  if (mark != std::string::npos) {
    auto query = parse_query(std::string_view(request.target).substr(mark + 1));
    if (!query) return refuse(Refusal::bad_request("malformed query"));
    call.query = std::move(*query);
  }
  info.verb = info.method;
  for (char& c : info.verb) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));

  std::vector<std::string> segments = segments_of(info.path);
  std::size_t prefix = 0;
  if (segments.size() >= 3 && segments[0] == "api") {
    info.version = segments[1];
    prefix = 2;
  } else if (segments.size() >= 4 && segments[0] == "apis") {
    info.group = segments[1];
    info.version = segments[2];
    prefix = 3;
  } else {
    return call;
  }
  segments.erase(segments.begin(), segments.begin() + static_cast<std::ptrdiff_t>(prefix));
  if (auto found = read_resource(registry, call, std::move(segments)); !found) return refuse(found);
  auto verb = verb_of(call);
  if (!verb) return refuse(verb);
  info.verb = std::move(*verb);
  if (call.served->listed_only_for_create && info.verb != "create")
    return refuse(Refusal::method_not_allowed(info.method));
  if (auto selected = read_selectors(call); !selected) return refuse(selected);

  info.field_manager = call.parameter("fieldManager");
  call.continue_token = call.parameter("continue");
  call.resource_version = call.parameter("resourceVersion");
  call.version_match = call.parameter("resourceVersionMatch");
  call.allow_bookmarks = is_true(call.parameter("allowWatchBookmarks"));
  call.send_initial_events = is_true(call.parameter("sendInitialEvents"));
  call.force = is_true(call.parameter("force"));
  call.pretty = is_true(call.parameter("pretty"));
  if (std::string include = call.parameter("includeObject"); !include.empty()) call.include_object = include;
  if (auto read = read_numbers(call); !read) return refuse(read);
  std::string type(request.headers.get("Content-Type").value_or(""));
  call.content_type = type.substr(0, type.find(';'));
  while (!call.content_type.empty() && call.content_type.back() == ' ') call.content_type.pop_back();
  const bool reads = info.verb == "get" || info.verb == "list" || info.verb == "watch";
  if (info.verb == "list" || info.verb == "watch")
    if (auto checked = check_list_options(call); !checked) return refuse(checked);
  if (!reads)
    if (auto read = read_write_options(call); !read) return refuse(read);
  if (info.verb == "delete" || info.verb == "deletecollection")
    if (auto read = read_deletion(call, request.body); !read) return refuse(read);
  call.deletion.dry_run = call.dry_run;
  read_accept(call, request.headers);
  return call;
}

}  // namespace kube::apiserver
