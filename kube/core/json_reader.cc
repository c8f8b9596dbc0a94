#include "kube/core/json_reader.h"

#include <simdjson.h>

#include <cstring>
#include <stdexcept>

namespace kube {

using Element = simdjson::dom::element;
static_assert(sizeof(Element) == 2 * sizeof(void*) && std::is_trivially_copyable_v<Element>,
              "JsonView keeps an element of simdjson by its bytes");

// The one place that knows what the bytes of a view are.
struct JsonViewAccess {
  static JsonView wrap(const Element& element) {
    JsonView view;
    std::memcpy(view.element_, &element, sizeof element);
    view.exists_ = true;
    return view;
  }
  static Element unwrap(const JsonView& view) {
    Element element;
    std::memcpy(&element, view.element_, sizeof element);
    return element;
  }
};

namespace {

using Type = simdjson::dom::element_type;

bool is(const JsonView& view, Type type) {
  return view.exists() && JsonViewAccess::unwrap(view).type() == type;
}

Json json_of(const Element& element, int levels_left) {
  const bool nests = element.type() == Type::ARRAY || element.type() == Type::OBJECT;
  if (nests && levels_left == 0)
    throw std::length_error("JSON nests deeper than " + std::to_string(kMaxJsonDepth) + " levels");
  switch (element.type()) {
    case Type::ARRAY: {
      const simdjson::dom::array items(element.get_array().value_unsafe());
      Json::array_t array;
      array.reserve(items.size());
      for (const Element item : items) array.push_back(json_of(item, levels_left - 1));
      return array;
    }
    case Type::OBJECT: {
      Json::object_t object;
      // Mostly sorted already; of members of one name the last counts.
      for (const auto [key, value] : simdjson::dom::object(element.get_object().value_unsafe()))
        object.insert_or_assign(object.end(), std::string(key), json_of(value, levels_left - 1));
      return object;
    }
    case Type::INT64:
      return element.get_int64().value_unsafe();
    case Type::UINT64:
      return element.get_uint64().value_unsafe();
    case Type::DOUBLE:
      return element.get_double().value_unsafe();
    case Type::STRING:
      return std::string(element.get_string().value_unsafe());
    case Type::BOOL:
      return element.get_bool().value_unsafe();
    case Type::NULL_VALUE:
      break;
  }
  return nullptr;
}

}  // namespace

bool JsonView::is_object() const {
  return is(*this, Type::OBJECT);
}
bool JsonView::is_array() const {
  return is(*this, Type::ARRAY);
}
bool JsonView::is_string() const {
  return is(*this, Type::STRING);
}
bool JsonView::is_null() const {
  return is(*this, Type::NULL_VALUE);
}

JsonView JsonView::operator[](std::string_view key) const {
  if (!is_object()) return {};
  Element found;
  if (JsonViewAccess::unwrap(*this).at_key(key).get(found) != simdjson::SUCCESS) return {};
  return JsonViewAccess::wrap(found);
}

std::optional<std::string_view> JsonView::string() const {
  if (!is_string()) return std::nullopt;
  return JsonViewAccess::unwrap(*this).get_string().value_unsafe();
}

std::optional<std::int64_t> JsonView::integer() const {
  std::int64_t value = 0;
  if (!exists_ || JsonViewAccess::unwrap(*this).get(value) != simdjson::SUCCESS) return std::nullopt;
  return value;
}

std::optional<double> JsonView::number() const {
  double value = 0;
  if (!exists_ || JsonViewAccess::unwrap(*this).get(value) != simdjson::SUCCESS) return std::nullopt;
  return value;
}

std::optional<bool> JsonView::boolean() const {
  bool value = false;
  if (!exists_ || JsonViewAccess::unwrap(*this).get(value) != simdjson::SUCCESS) return std::nullopt;
  return value;
}

std::vector<JsonView> JsonView::items() const {
  std::vector<JsonView> items;
  for_each_item([&](JsonView item) { items.push_back(item); });
  return items;
}

void JsonView::for_each_item(const std::function<void(JsonView)>& visit) const {
  if (!is_array()) return;
  for (const Element item : simdjson::dom::array(JsonViewAccess::unwrap(*this).get_array().value_unsafe()))
    visit(JsonViewAccess::wrap(item));
}

void JsonView::for_each_member(const std::function<void(std::string_view, JsonView)>& visit) const {
  if (!is_object()) return;
  for (const auto [key, value] :
       simdjson::dom::object(JsonViewAccess::unwrap(*this).get_object().value_unsafe()))
    visit(key, JsonViewAccess::wrap(value));
}

std::map<std::string, std::string> JsonView::string_map() const {
  std::map<std::string, std::string> map;
  for_each_member([&](std::string_view key, JsonView value) {
    if (const auto text = value.string()) map.insert_or_assign(std::string(key), std::string(*text));
  });
  return map;
}

std::size_t JsonView::size() const {
  std::size_t count = 0;
  if (is_array()) for_each_item([&](JsonView) { ++count; });
  if (is_object()) for_each_member([&](std::string_view, JsonView) { ++count; });
  return count;
}

Json JsonView::to_json() const {
  return exists_ ? json_of(JsonViewAccess::unwrap(*this), kMaxJsonDepth) : Json();
}

struct JsonReader::State {
  std::size_t max_depth = 0;  // as the parser counts: the document itself is a level
  simdjson::dom::parser parser;
  std::string text;  // with the padding that simdjson reads past the end
};

JsonReader::JsonReader(int max_depth) : state_(std::make_unique<State>()) {
  state_->max_depth = static_cast<std::size_t>(max_depth) + 1;
}
JsonReader::JsonReader(JsonReader&&) noexcept = default;
JsonReader& JsonReader::operator=(JsonReader&&) noexcept = default;
JsonReader::~JsonReader() = default;

Result<JsonView> JsonReader::read(std::string_view text) {
  if (state_->parser.max_depth() != state_->max_depth &&
      state_->parser.allocate(text.size() + 1, state_->max_depth) != simdjson::SUCCESS)
    return fail(ErrorKind::InvalidInput, "malformed JSON: too long");
  state_->text.reserve(text.size() + simdjson::SIMDJSON_PADDING);
  state_->text.assign(text);
  Element root;
  const auto code = state_->parser.parse(state_->text.data(), text.size(), false).get(root);
  if (code != simdjson::SUCCESS)
    return fail(ErrorKind::InvalidInput, "malformed JSON: " + std::string(simdjson::error_message(code)));
  return JsonViewAccess::wrap(root);
}

}  // namespace kube
