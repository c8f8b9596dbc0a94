// WholeObject is an informer's projection for those who need everything: a kubelet and its scheduler do.
#pragma once

#include "kube/core/json_reader.h"

namespace kube {

struct WholeObject {
  Json json;
};

inline Result<WholeObject> project_whole(JsonView object) {
  return WholeObject{object.to_json()};
}

}  // namespace kube
