// StoredObject is what an informer keeps of an object that is decoded each time it is looked at: its text.
//
//   kube::Informer<StoredObject<api::SparkConnect>> connects(
//       client, {.resource = kSparkConnects, .project = project_stored<api::SparkConnect>});
//   auto connect = connects.store().get(key)->decode();    // its error names the path
//
// Thread: values.
#pragma once

#include <string>

#include "kube/base/result.h"
#include "kube/core/fields.h"
#include "kube/core/json_reader.h"
#include "kube/core/object_key.h"
#include "kube/core/projection.h"

namespace controller {

// The object without managedFields, and back. Error InvalidInput: the text of `key` is no JSON.
std::string stored_text(kube::JsonView object);
kube::Result<kube::Json> parse_stored(const kube::ObjectKey& key, const std::string& text);

template <class T>
struct StoredObject {
  kube::ObjectKey key;
  std::string uid;
  std::string text;

  kube::Result<T> decode() const {
    auto object = parse_stored(key, text);
    if (!object) return kube::fail(object);
    return kube::decode<T>(*object);
  }
};

template <class T>
kube::Result<StoredObject<T>> project_stored(kube::JsonView object) {
  static const kube::MetaWants wants{.labels = std::vector<std::string>{}};
  auto meta = kube::project_meta(object, wants);
  if (!meta) return kube::fail(std::move(meta));
  return StoredObject<T>{meta->key, meta->uid, stored_text(object)};
}

}  // namespace controller
