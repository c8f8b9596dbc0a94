#include "kube/core/projection.h"

namespace kube {

namespace {

std::map<std::string, std::string> pick(JsonView map, const std::optional<std::vector<std::string>>& wanted) {
  if (!wanted) return map.string_map();
  std::map<std::string, std::string> picked;
  for (const std::string& name : *wanted)
    if (const auto value = map[name].string()) picked.emplace(name, *value);
  return picked;
}

Result<std::optional<TimePoint>> time_at(JsonView metadata, std::string_view field) {
  const auto text = metadata[field].string();
  if (!text) return std::optional<TimePoint>();
  auto time = parse_rfc3339(*text);
  if (!time) return fail(std::move(time).error().while_doing("metadata." + std::string(field)));
  return std::optional<TimePoint>(*time);
}

std::string text_of(JsonView view) {
  return std::string(view.string_or());
}

}  // namespace

Result<ListMeta> for_each_list_item(JsonReader& reader, std::string_view list_json,
                                    const std::function<Result<>(JsonView)>& visit) {
  auto list = reader.read(list_json);
  if (!list) return fail(std::move(list));
  const JsonView metadata = (*list)["metadata"], items = (*list)["items"];
  if (!metadata.is_object() || (!items.is_array() && !items.is_null()))
    return fail(ErrorKind::InvalidInput, "expected a list with metadata and items");
  std::size_t index = 0;
  for (const JsonView item : items.items()) {
    if (auto visited = visit(item); !visited)
      return fail(std::move(visited).error().while_doing("items[" + std::to_string(index) + "]"));
    ++index;
  }
  return ListMeta{text_of(metadata["resourceVersion"]), text_of(metadata["continue"]),
                  metadata["remainingItemCount"].integer()};
}

Result<ProjectedMeta> project_meta(JsonView object, const MetaWants& wants) {
  const JsonView metadata = object["metadata"];
  if (!metadata.is_object()) return fail(ErrorKind::InvalidInput, "metadata: expected object");
  ProjectedMeta meta;
  meta.key = {text_of(metadata["namespace"]), text_of(metadata["name"])};
  meta.uid = text_of(metadata["uid"]);
  meta.resource_version = text_of(metadata["resourceVersion"]);
  meta.generation = metadata["generation"].integer().value_or(0);
  meta.labels = pick(metadata["labels"], wants.labels);
  meta.annotations = pick(metadata["annotations"], wants.annotations);
  metadata["ownerReferences"].for_each_item([&](JsonView owner) {
    OwnerReference reference;
    reference.api_version = text_of(owner["apiVersion"]);
    reference.kind = text_of(owner["kind"]);
    reference.name = text_of(owner["name"]);
    reference.uid = text_of(owner["uid"]);
    reference.controller = owner["controller"].boolean();
    reference.block_owner_deletion = owner["blockOwnerDeletion"].boolean();
    meta.owner_references.push_back(std::move(reference));
  });
  metadata["finalizers"].for_each_item([&](JsonView item) { meta.finalizers.push_back(text_of(item)); });
  auto created = time_at(metadata, "creationTimestamp");
  if (!created) return fail(std::move(created));
  auto deleted = time_at(metadata, "deletionTimestamp");
  if (!deleted) return fail(std::move(deleted));
  meta.creation_timestamp = *created;
  meta.deletion_timestamp = *deleted;
  return meta;
}

}  // namespace kube
