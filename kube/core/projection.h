// Projections: what informers keep of an object that comes in a list or a watch, read without making a Json
// of it.
//
//   auto meta = for_each_list_item(reader, body, [&](JsonView item) -> Result<> {
//     store.insert(project_meta(item));
//     return {};
//   });
//   next_page(meta->continue_token);
//
// A projection of a kind is a function JsonView → struct; ProjectedMeta is the part that all kinds have.
//
// Thread: pure functions; the reader belongs to its caller.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kube/base/result.h"
#include "kube/core/json_reader.h"
#include "kube/core/object_meta.h"

namespace kube {

struct ListMeta {
  std::string resource_version = {};
  std::string continue_token = {};  // "" on the last page
  std::optional<std::int64_t> remaining_item_count = {};
};

// Calls visit for each item in order; its first error ends the walk and is returned with the item's index in
// front. Error: InvalidInput when the text is no list.
Result<ListMeta> for_each_list_item(JsonReader& reader, std::string_view list_json,
                                    const std::function<Result<>(JsonView item)>& visit);

struct ProjectedMeta {
  ObjectKey key;
  std::string uid;
  std::string resource_version;
  std::int64_t generation = 0;
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> annotations;
  std::vector<OwnerReference> owner_references;
  std::vector<std::string> finalizers;
  std::optional<TimePoint> creation_timestamp;
  std::optional<TimePoint> deletion_timestamp;

  bool operator==(const ProjectedMeta&) const = default;
};

// Which of the larger parts to keep. A list of names keeps only those; nullopt keeps all.
struct MetaWants {
  std::optional<std::vector<std::string>> labels = {};
  std::optional<std::vector<std::string>> annotations = std::vector<std::string>{};  // none unless asked for
};

// `object` is the whole object. Error: InvalidInput when it has no metadata or its times cannot be read.
Result<ProjectedMeta> project_meta(JsonView object, const MetaWants& wants = {});

}  // namespace kube
