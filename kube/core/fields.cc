#include "kube/core/fields.h"

#include <cmath>

namespace kube::fields_detail {

std::string Path::to_string() const {
  std::string text = parent != nullptr ? parent->to_string() : std::string();
  if (index >= 0) return text + "[" + std::to_string(index) + "]";
  if (key.empty()) return text;
  if (!text.empty()) text += '.';
  return text.append(key);
}

bool Fault::set(const Path& path, std::string message) {
  const std::string where = path.to_string();
  error.emplace(ErrorKind::InvalidInput, where.empty() ? std::move(message) : where + ": " + message);
  return false;
}

bool Fault::set(const Path& path, std::string_view expected, const Json& got) {
  return set(path, "expected " + std::string(expected) + ", got " + describe_json(got));
}

const Json* ObjectReader::take(std::string_view name) {
  asked_.push_back(name);
  const auto& object = object_.get_ref<const Json::object_t&>();
  const auto found = object.find(name);
  if (found == object.end()) return nullptr;
  ++met_;
  return found->second.is_null() ? nullptr : &found->second;
}

Json ObjectReader::unknown() const {
  Json rest;
  if (met_ == object_.size()) return rest;
  for (const auto& [key, value] : object_.get_ref<const Json::object_t&>()) {
    bool known = false;
    for (std::string_view name : asked_) known = known || name == key;
    if (!known) rest[key] = value;
  }
  return rest;
}

bool read(const Json& json, bool& out, const Path& path, Fault& fault) {
  if (!json.is_boolean()) return fault.set(path, "boolean", json);
  out = json.get<bool>();
  return true;
}

bool read(const Json& json, double& out, const Path& path, Fault& fault) {
  if (!json.is_number()) return fault.set(path, "number", json);
  out = json.get<double>();
  return true;
}

bool read(const Json& json, std::string& out, const Path& path, Fault& fault) {
  if (!json.is_string()) return fault.set(path, "string", json);
  out = json.get_ref<const std::string&>();
  return true;
}

bool read(const Json& json, TimePoint& out, const Path& path, Fault& fault) {
  if (!json.is_string()) return fault.set(path, "time", json);
  const auto time = parse_rfc3339(json.get_ref<const std::string&>());
  if (!time) return fault.set(path, time.error().message());
  out = *time;
  return true;
}

bool read(const Json& json, MicroTime& out, const Path& path, Fault& fault) {
  return read(json, out.time, path, fault);
}

bool read_integer(const Json& json, std::int64_t& out, std::int64_t min, std::int64_t max, const Path& path,
                  Fault& fault) {
  if (json.is_number_unsigned() && !std::in_range<std::int64_t>(json.get<std::uint64_t>()))
    return fault.set(path, "integer up to " + std::to_string(max), json);
  if (json.is_number_integer()) {
    out = json.get<std::int64_t>();
  } else if (json.is_number_float()) {
    // 3.0 and 3e0 are integers to JSON Schema, so also to us. 2^62 keeps the conversion defined.
    const double number = json.get<double>();
    if (std::floor(number) != number || std::abs(number) > 0x1p62) return fault.set(path, "integer", json);
    out = static_cast<std::int64_t>(number);
  } else {
    return fault.set(path, "integer", json);
  }
  if (out < min || out > max)
    return fault.set(path, "integer from " + std::to_string(min) + " to " + std::to_string(max), json);
  return true;
}

bool expect_object(const Json& json, const Path& path, Fault& fault) {
  return json.is_object() || fault.set(path, "object", json);
}

bool expect_array(const Json& json, const Path& path, Fault& fault) {
  return json.is_array() || fault.set(path, "array", json);
}

bool unknown_word(const Json& json, const std::vector<std::string_view>& words, const Path& path,
                  Fault& fault) {
  std::string expected = "one of ";
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) expected += ", ";
    expected += '"';
    expected += words[i];
    expected += '"';
  }
  return fault.set(path, expected, json);
}

Json write_time(TimePoint time) {
  return time == std::chrono::floor<std::chrono::seconds>(time) ? to_rfc3339(time) : to_rfc3339_micro(time);
}

Json write_micro_time(TimePoint time) {
  return to_rfc3339_micro(time);
}

void put(Json& object, std::string_view name, Json value) {
  object.get_ref<Json::object_t&>().insert_or_assign(std::string(name), std::move(value));
}

void put_all(Json& object, const Json& unknown) {
  if (unknown.is_object()) object.update(unknown);
}

}  // namespace kube::fields_detail
