// Options of API calls, named like the API's own query parameters and bodies.
//
//   co_await pods.list(ListOptions().labels("app=web").limit(500));
//   co_await pods.remove("web-1", DeleteOptions().uid(seen.uid).grace(0s));
//   co_await apps.patch("web", Patch::merge(body).resource_version("41"), "status");
//
// Thread: values.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "kube/base/clock.h"
#include "kube/core/json.h"

namespace kube {

struct ListOptions {
  std::string label_selector = {};
  std::string field_selector = {};
  std::string resource_version = {};        // "" = the newest; "0" = whatever the server has at hand
  std::string resource_version_match = {};  // "", "NotOlderThan", "Exact"
  std::string continue_token = {};          // from the page before
  int page_size = 500;                      // 0 = everything in one answer

  ListOptions&& labels(std::string selector) && {
    return label_selector = std::move(selector), std::move(*this);
  }
  ListOptions&& fields(std::string selector) && {
    return field_selector = std::move(selector), std::move(*this);
  }
  ListOptions&& limit(int items) && { return page_size = items, std::move(*this); }
  ListOptions&& at(std::string version) && { return resource_version = std::move(version), std::move(*this); }
};

struct WatchOptions {
  std::string label_selector = {};
  std::string field_selector = {};
  std::string resource_version =
      {};  // events after this one; "" = synthetic ADDED for all there is, then events
  bool bookmarks = true;
  // The server ends the watch after this; a watch that goes on for a margin longer is given up by us.
  Duration timeout = 5min;
  // A watch that stays silent for so long is given up, too: servers send bookmarks about once a minute, and
  // going on from the last version costs one request.
  Duration idle_timeout = 90s;

  WatchOptions&& labels(std::string selector) && {
    return label_selector = std::move(selector), std::move(*this);
  }
  WatchOptions&& fields(std::string selector) && {
    return field_selector = std::move(selector), std::move(*this);
  }
  WatchOptions&& from(std::string version) && {
    return resource_version = std::move(version), std::move(*this);
  }
};

enum class Propagation { Background, Foreground, Orphan };
std::string_view to_string(Propagation propagation);

struct DeleteOptions {
  std::optional<std::string> precondition_uid = {};
  std::optional<std::string> precondition_resource_version = {};
  std::optional<Duration> grace_period = {};
  std::optional<Propagation> propagation_policy = {};

  DeleteOptions&& uid(std::string value) && { return precondition_uid = std::move(value), std::move(*this); }
  DeleteOptions&& resource_version(std::string value) && {
    return precondition_resource_version = std::move(value), std::move(*this);
  }
  DeleteOptions&& grace(Duration value) && { return grace_period = value, std::move(*this); }
  DeleteOptions&& propagation(Propagation value) && { return propagation_policy = value, std::move(*this); }

  Json to_json() const;  // metav1.DeleteOptions
};

enum class PatchType { Merge, Json, Strategic, Apply };
std::string_view content_type(PatchType type);

struct Patch {
  PatchType type = PatchType::Merge;
  Json body = {};
  std::string field_manager = {};  // Apply needs one
  bool force = false;              // Apply only: take fields over from other managers

  static Patch merge(Json body) { return {PatchType::Merge, std::move(body), "", false}; }
  static Patch json(Json operations) { return {PatchType::Json, std::move(operations), "", false}; }
  static Patch strategic(Json body) { return {PatchType::Strategic, std::move(body), "", false}; }
  static Patch apply(Json object, std::string field_manager, bool force = true) {
    return {PatchType::Apply, std::move(object), std::move(field_manager), force};
  }
  // Merge, Strategic: the server refuses with Conflict unless the object still has this version.
  Patch&& resource_version(const std::string& version) && {
    body["metadata"]["resourceVersion"] = version;
    return std::move(*this);
  }
};

}  // namespace kube
