#include "spark/pod_template_shape.h"

#include <array>
#include <string_view>

namespace spark {

using kube::ErrorKind;
using kube::fail;
using kube::Json;
using kube::Result;

namespace {

enum class Shape { Object, List, ObjectList };

struct ShapedField {
  std::string_view name;
  Shape shape;
};

constexpr std::array kMetadata{ShapedField{"labels", Shape::Object},
                               ShapedField{"annotations", Shape::Object},
                               ShapedField{"ownerReferences", Shape::ObjectList}};
constexpr std::array kSpec{
    ShapedField{"containers", Shape::ObjectList}, ShapedField{"initContainers", Shape::ObjectList},
    ShapedField{"volumes", Shape::ObjectList},    ShapedField{"tolerations", Shape::List},
    ShapedField{"hostAliases", Shape::List},      ShapedField{"imagePullSecrets", Shape::List},
    ShapedField{"nodeSelector", Shape::Object}};
constexpr std::array kContainer{ShapedField{"env", Shape::ObjectList},
                                ShapedField{"envFrom", Shape::List},
                                ShapedField{"ports", Shape::List},
                                ShapedField{"volumeMounts", Shape::ObjectList},
                                ShapedField{"args", Shape::List},
                                ShapedField{"resources", Shape::Object},
                                ShapedField{"securityContext", Shape::Object}};
constexpr std::array kResources{ShapedField{"requests", Shape::Object}, ShapedField{"limits", Shape::Object}};

Result<> expect(const Json& value, bool fits, const std::string& path, const char* wanted) {
  if (fits) return {};
  return fail(ErrorKind::InvalidInput, path + ": expected " + wanted + ", got " + kube::describe_json(value));
}

template <std::size_t n>
Result<> check_fields(const Json& object, const std::array<ShapedField, n>& fields, const std::string& path) {
  for (const ShapedField& field : fields) {
    const Json* value = kube::find_path(object, {field.name});
    if (value == nullptr || value->is_null()) continue;
    const std::string at = path + "." + std::string(field.name);
    const bool list = field.shape != Shape::Object;
    if (auto ok =
            expect(*value, list ? value->is_array() : value->is_object(), at, list ? "array" : "object");
        !ok)
      return ok;
    if (field.shape != Shape::ObjectList) continue;
    for (std::size_t i = 0; i < value->size(); ++i)
      if (auto ok =
              expect((*value)[i], (*value)[i].is_object(), at + "[" + std::to_string(i) + "]", "object");
          !ok)
        return ok;
  }
  return {};
}

// The object at `name`; null when there is none.
Result<const Json*> part(const Json& object, std::string_view name, const std::string& path) {
  const Json* value = kube::find_path(object, {name});
  if (value == nullptr || value->is_null()) return nullptr;
  if (auto ok = expect(*value, value->is_object(), path + "." + std::string(name), "object"); !ok)
    return fail(ok);
  return value;
}

Result<> check_container(const Json& container, const std::string& path) {
  if (auto ok = check_fields(container, kContainer, path); !ok) return ok;
  const Json* resources = kube::find_path(container, {"resources"});
  return resources == nullptr ? Result<>{} : check_fields(*resources, kResources, path + ".resources");
}

}  // namespace

Result<> check_pod_template(const Json& pod, const std::string& path) {
  if (pod.is_null()) return {};
  if (auto ok = expect(pod, pod.is_object(), path, "object"); !ok) return ok;
  auto metadata = part(pod, "metadata", path);
  if (!metadata) return fail(metadata);
  if (*metadata != nullptr)
    if (auto ok = check_fields(**metadata, kMetadata, path + ".metadata"); !ok) return ok;
  auto spec = part(pod, "spec", path);
  if (!spec) return fail(spec);
  if (*spec == nullptr) return {};
  if (auto ok = check_fields(**spec, kSpec, path + ".spec"); !ok) return ok;
  const Json* containers = kube::find_path(**spec, {"containers"});
  if (containers == nullptr || containers->is_null()) return {};
  for (std::size_t i = 0; i < containers->size(); ++i)
    if (auto ok = check_container((*containers)[i], path + ".spec.containers[" + std::to_string(i) + "]");
        !ok)
      return ok;
  return {};
}

}  // namespace spark
