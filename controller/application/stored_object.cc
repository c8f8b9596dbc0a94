#include "controller/application/stored_object.h"

namespace controller {

std::string stored_text(kube::JsonView object) {
  kube::Json json = object.to_json();
  if (auto metadata = json.find("metadata"); metadata != json.end()) metadata->erase("managedFields");
  return kube::dump_json(json);
}

kube::Result<kube::Json> parse_stored(const kube::ObjectKey& key, const std::string& text) {
  kube::Json object = kube::Json::parse(text, nullptr, false);
  if (object.is_discarded()) return kube::fail(kube::ErrorKind::InvalidInput, key.to_string() + ": not JSON");
  return object;
}

}  // namespace controller
