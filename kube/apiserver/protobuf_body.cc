#include "kube/apiserver/protobuf_body.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "kube/core/base64.h"

namespace kube::apiserver {

namespace {

enum class Kind { String, Integer, Boolean, Message, StringMap, BytesMap };
enum class Times { Once, Many };

struct Field {
  std::uint64_t number;
  const char* name;
  Kind kind = Kind::String;
  std::span<const Field> below = {};
  Times times = Times::Once;
};

// Field numbers of k8s.io/api, by message.
constexpr Field kOwnerReference[] = {{1, "kind"},
                                     {3, "name"},
                                     {4, "uid"},
                                     {5, "apiVersion"},
                                     {6, "controller", Kind::Boolean},
                                     {7, "blockOwnerDeletion", Kind::Boolean}};
constexpr Field kObjectMeta[] = {{1, "name"},
                                 {2, "generateName"},
                                 {4, "namespace"},
                                 {5, "uid"},
                                 {6, "resourceVersion"},
                                 {11, "labels", Kind::StringMap},
                                 {12, "annotations", Kind::StringMap},
                                 {13, "ownerReferences", Kind::Message, kOwnerReference, Times::Many},
                                 {14, "finalizers", Kind::String, {}, Times::Many}};
constexpr Field kNamed[] = {{1, "name"}};
constexpr Field kBoundObject[] = {{1, "kind"}, {2, "apiVersion"}, {3, "name"}, {4, "uid"}};
constexpr Field kTokenSpec[] = {{1, "audiences", Kind::String, {}, Times::Many},
                                {3, "boundObjectRef", Kind::Message, kBoundObject},
                                {4, "expirationSeconds", Kind::Integer}};
constexpr Field kResourceAttributes[] = {{1, "namespace"}, {2, "verb"},        {3, "group"}, {4, "version"},
                                         {5, "resource"},  {6, "subresource"}, {7, "name"}};
constexpr Field kAccessSpec[] = {{1, "resourceAttributes", Kind::Message, kResourceAttributes}};
constexpr Field kPolicyRule[] = {{1, "verbs", Kind::String, {}, Times::Many},
                                 {2, "apiGroups", Kind::String, {}, Times::Many},
                                 {3, "resources", Kind::String, {}, Times::Many},
                                 {4, "resourceNames", Kind::String, {}, Times::Many},
                                 {5, "nonResourceURLs", Kind::String, {}, Times::Many}};
constexpr Field kSubject[] = {{1, "kind"}, {2, "apiGroup"}, {3, "name"}, {4, "namespace"}};
constexpr Field kRoleRef[] = {{1, "apiGroup"}, {2, "kind"}, {3, "name"}};
constexpr Field kPreconditions[] = {{1, "uid"}, {2, "resourceVersion"}};

constexpr Field kMetadataOnly[] = {{1, "metadata", Kind::Message, kObjectMeta}};
constexpr Field kServiceAccount[] = {{1, "metadata", Kind::Message, kObjectMeta},
                                     {3, "imagePullSecrets", Kind::Message, kNamed, Times::Many},
                                     {4, "automountServiceAccountToken", Kind::Boolean}};
constexpr Field kConfigMap[] = {{1, "metadata", Kind::Message, kObjectMeta},
                                {2, "data", Kind::StringMap},
                                {3, "binaryData", Kind::BytesMap},
                                {4, "immutable", Kind::Boolean}};
constexpr Field kSecret[] = {{1, "metadata", Kind::Message, kObjectMeta},
                             {2, "data", Kind::BytesMap},
                             {3, "type"},
                             {4, "stringData", Kind::StringMap},
                             {5, "immutable", Kind::Boolean}};
constexpr Field kTokenRequest[] = {{1, "metadata", Kind::Message, kObjectMeta},
                                   {2, "spec", Kind::Message, kTokenSpec}};
constexpr Field kAccessReview[] = {{1, "metadata", Kind::Message, kObjectMeta},
                                   {2, "spec", Kind::Message, kAccessSpec}};
constexpr Field kRole[] = {{1, "metadata", Kind::Message, kObjectMeta},
                           {2, "rules", Kind::Message, kPolicyRule, Times::Many}};
constexpr Field kRoleBinding[] = {{1, "metadata", Kind::Message, kObjectMeta},
                                  {2, "subjects", Kind::Message, kSubject, Times::Many},
                                  {3, "roleRef", Kind::Message, kRoleRef}};
constexpr Field kDeleteOptions[] = {{1, "gracePeriodSeconds", Kind::Integer},
                                    {2, "preconditions", Kind::Message, kPreconditions},
                                    {4, "propagationPolicy"}};
constexpr Field kEviction[] = {{1, "metadata", Kind::Message, kObjectMeta},
                               {2, "deleteOptions", Kind::Message, kDeleteOptions}};

struct Known {
  const char* kind;
  std::span<const Field> fields;
};
constexpr Known kKnown[] = {{"Namespace", kMetadataOnly},
                            {"ServiceAccount", kServiceAccount},
                            {"ConfigMap", kConfigMap},
                            {"Secret", kSecret},
                            {"TokenRequest", kTokenRequest},
                            {"SelfSubjectReview", kMetadataOnly},
                            {"SelfSubjectAccessReview", kAccessReview},
                            {"Role", kRole},
                            {"ClusterRole", kRole},
                            {"RoleBinding", kRoleBinding},
                            {"ClusterRoleBinding", kRoleBinding},
                            {"DeleteOptions", kDeleteOptions},
                            {"Eviction", kEviction}};

constexpr std::string_view kMagic("k8s\0", 4);

// One field as it stands on the wire.
struct WireField {
  std::uint64_t number = 0;
  std::uint64_t integer = 0;
  std::string_view bytes;
  bool delimited = false;
};

std::optional<std::uint64_t> take_varint(std::string_view& text) {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64 && !text.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(text.front());
    text.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (!(byte & 0x80)) return value;
  }
  return std::nullopt;
}

// nullopt: malformed.
std::optional<WireField> take_field(std::string_view& text) {
  auto tag = take_varint(text);
  if (!tag) return std::nullopt;
  WireField field;
  field.number = *tag >> 3;
  switch (*tag & 7) {
    case 0: {
      auto value = take_varint(text);
      if (!value) return std::nullopt;
      field.integer = *value;
      return field;
    }
    case 2: {
      auto length = take_varint(text);
      if (!length || *length > text.size()) return std::nullopt;
      field.delimited = true;
      field.bytes = text.substr(0, *length);
      text.remove_prefix(*length);
      return field;
    }
    case 1:
    case 5: {
      const std::size_t length = (*tag & 7) == 1 ? 8 : 4;
      if (text.size() < length) return std::nullopt;
      text.remove_prefix(length);
      return field;
    }
    default:
      return std::nullopt;
  }
}

bool read_message(std::string_view text, std::span<const Field> fields, Json& into);

bool read_value(const WireField& wire, const Field& field, Json& value) {
  const bool wants_bytes = field.kind != Kind::Integer && field.kind != Kind::Boolean;
  if (wants_bytes != wire.delimited) return false;
  switch (field.kind) {
    case Kind::String:
      value = std::string(wire.bytes);
      return true;
    case Kind::Integer:
      value = static_cast<std::int64_t>(wire.integer);
      return true;
    case Kind::Boolean:
      value = wire.integer != 0;
      return true;
    case Kind::Message:
      value = Json::object();
      return read_message(wire.bytes, field.below, value);
    case Kind::StringMap:
    case Kind::BytesMap:
      break;
  }
  return false;
}

bool read_message(std::string_view text, std::span<const Field> fields, Json& into) {
  while (!text.empty()) {
    auto wire = take_field(text);
    if (!wire) return false;
    for (const Field& field : fields) {
      if (field.number != wire->number) continue;
      if (field.kind == Kind::StringMap || field.kind == Kind::BytesMap) {
        std::string key, value;
        std::string_view entry = wire->bytes;
        while (!entry.empty()) {
          auto part = take_field(entry);
          if (!part) return false;
          (part->number == 1 ? key : value) = std::string(part->bytes);
        }
        into[field.name][key] = field.kind == Kind::BytesMap ? encode_base64(value) : value;
        continue;
      }
      Json value;
      if (!read_value(*wire, field, value)) return false;
      // An empty string is how an absent one is written.
      if (value.is_string() && value.get_ref<const std::string&>().empty() && field.times == Times::Once)
        continue;
      if (field.times == Times::Many)
        into[field.name].push_back(std::move(value));
      else
        into[field.name] = std::move(value);
    }
  }
  return true;
}

}  // namespace

Result<Json> read_protobuf_body(std::string_view body) {
  auto malformed = [] { return fail(ErrorKind::InvalidInput, "malformed protobuf"); };
  if (!body.starts_with(kMagic)) return malformed();
  body.remove_prefix(kMagic.size());
  // runtime.Unknown: 1 = type, 2 = the object's own bytes.
  constexpr Field kTypeMeta[] = {{1, "apiVersion"}, {2, "kind"}};
  Json type = Json::object();
  std::string_view raw;
  while (!body.empty()) {
    auto field = take_field(body);
    if (!field) return malformed();
    if (field->number == 1 && !read_message(field->bytes, kTypeMeta, type)) return malformed();
    if (field->number == 2) raw = field->bytes;
  }
  const std::string kind = string_at(type, {"kind"});
  for (const Known& known : kKnown) {
    if (kind != known.kind) continue;
    Json object = type;
    if (!read_message(raw, known.fields, object)) return malformed();
    return object;
  }
  return fail(ErrorKind::UnsupportedMediaType, "protobuf of kind \"" + kind + "\" is not read; send JSON");
}

}  // namespace kube::apiserver
