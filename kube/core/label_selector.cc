#include "kube/core/label_selector.h"

#include <algorithm>
#include <charconv>

#include "kube/core/dns_name.h"

namespace kube {

namespace {

using Operator = LabelSelector::Operator;
using Requirement = LabelSelector::Requirement;

bool is_special(char c) {
  return c == '=' || c == '!' || c == '(' || c == ')' || c == ',' || c == '>' || c == '<';
}
bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

std::optional<std::int64_t> integer(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  std::int64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<LabelSelector> selector() {
    LabelSelector selector;
    skip_space();
    if (at_end()) return selector;
    for (;;) {
      auto requirement = next();
      if (!requirement) return fail(std::move(requirement));
      selector.require(std::move(*requirement));
      skip_space();
      if (at_end()) return selector;
      if (!take(",")) return wrong("',' or 'end of string'");
      skip_space();
      if (at_end()) return wrong("identifier after ','");
    }
  }

 private:
  bool at_end() const { return at_ >= text_.size(); }
  void skip_space() {
    while (!at_end() && is_space(text_[at_])) ++at_;
  }
  bool take(std::string_view wanted) {
    skip_space();
    if (!text_.substr(at_).starts_with(wanted)) return false;
    at_ += wanted.size();
    return true;
  }
  std::string word() {
    skip_space();
    const std::size_t from = at_;
    while (!at_end() && !is_special(text_[at_]) && !is_space(text_[at_])) ++at_;
    return std::string(text_.substr(from, at_ - from));
  }
  std::unexpected<Error> wrong(std::string_view expected) const {
    const std::string found = at_end() ? "end of string" : std::string(text_.substr(at_));
    return fail(ErrorKind::InvalidInput, "unable to parse selector \"" + std::string(text_) + "\": found '" +
                                             found + "', expected: " + std::string(expected));
  }

  Result<Requirement> next() {
    if (take("!")) return checked({word(), Operator::DoesNotExist, {}});
    Requirement requirement{word(), Operator::Exists, {}};
    if (requirement.key.empty()) return wrong("identifier");
    skip_space();
    if (at_end() || text_[at_] == ',') return checked(std::move(requirement));
    if (take("==") || take("=")) {
      requirement.op = Operator::Equals;
      requirement.values = {word()};
    } else if (take("!=")) {
      requirement.op = Operator::NotEquals;
      requirement.values = {word()};
    } else if (take(">")) {
      requirement.op = Operator::GreaterThan;
      requirement.values = {word()};
    } else if (take("<")) {
      requirement.op = Operator::LessThan;
      requirement.values = {word()};
    } else {
      const std::size_t before = at_;
      const std::string name = word();
      if (name != "in" && name != "notin") {
        at_ = before;
        return wrong("in, notin, =, ==, !=, gt, lt");
      }
      requirement.op = name == "in" ? Operator::In : Operator::NotIn;
      if (!take("(")) return wrong("'('");
      do {
        requirement.values.push_back(word());
      } while (take(","));
      if (!take(")")) return wrong("',' or ')'");
    }
    return checked(std::move(requirement));
  }

  Result<Requirement> checked(Requirement requirement) const;

  std::string_view text_;
  std::size_t at_ = 0;
};

Result<Requirement> valid(Requirement requirement) {
  const auto refuse = [&](std::string_view what, const std::string& why) {
    return fail(ErrorKind::InvalidInput, std::string(what) + ": " + why);
  };
  const auto key_faults = qualified_name_faults(requirement.key);
  if (!key_faults.empty())
    return refuse("key: Invalid value: \"" + requirement.key + "\"", key_faults.front());
  for (const std::string& value : requirement.values) {
    const auto faults = label_value_faults(value);
    if (!faults.empty())
      return refuse("values[" + requirement.key + "]: Invalid value: \"" + value + "\"", faults.front());
  }
  const bool ordered = requirement.op == Operator::GreaterThan || requirement.op == Operator::LessThan;
  if (ordered && !integer(requirement.values.front()))
    return refuse("values[" + requirement.key + "]: Invalid value: \"" + requirement.values.front() + "\"",
                  "for 'Gt', 'Lt' operators, the value must be an integer");
  return requirement;
}

Result<Requirement> Parser::checked(Requirement requirement) const {
  if (requirement.key.empty()) return wrong("identifier");
  auto result = valid(std::move(requirement));
  if (!result)
    return fail(
        std::move(result).error().while_doing("unable to parse selector \"" + std::string(text_) + "\""));
  return result;
}

bool holds(const Requirement& requirement, std::optional<std::string_view> label) {
  const auto listed = [&] {
    return std::ranges::find(requirement.values, *label) != requirement.values.end();
  };
  switch (requirement.op) {
    case Operator::Equals:
    case Operator::In:
      return label && listed();
    case Operator::NotEquals:
    case Operator::NotIn:
      return !label || !listed();
    case Operator::Exists:
      return label.has_value();
    case Operator::DoesNotExist:
      return !label.has_value();
    case Operator::GreaterThan:
    case Operator::LessThan: {
      if (!label) return false;
      const auto left = integer(*label), right = integer(requirement.values.front());
      if (!left || !right) return false;
      return requirement.op == Operator::GreaterThan ? *left > *right : *left < *right;
    }
  }
  return false;
}

}  // namespace

LabelSelector LabelSelector::nothing() {
  LabelSelector selector;
  selector.nothing_ = true;
  return selector;
}

Result<LabelSelector> LabelSelector::parse(std::string_view text) {
  return Parser(text).selector();
}

LabelSelector LabelSelector::of(const std::map<std::string, std::string>& labels) {
  LabelSelector selector;
  for (const auto& [key, value] : labels) selector.require({key, Operator::Equals, {value}});
  return selector;
}

Result<LabelSelector> LabelSelector::from_json(const Json& json) {
  if (json.is_null()) return nothing();
  const auto refuse = [](std::string message) { return fail(ErrorKind::InvalidInput, std::move(message)); };
  if (!json.is_object()) return refuse("label selector: expected object, got " + describe_json(json));
  LabelSelector selector;
  if (const Json* labels = find_path(json, {"matchLabels"}); labels != nullptr && !labels->is_null()) {
    if (!labels->is_object()) return refuse("matchLabels: expected object, got " + describe_json(*labels));
    for (const auto& [key, value] : labels->items()) {
      if (!value.is_string())
        return refuse("matchLabels." + key + ": expected string, got " + describe_json(value));
      auto requirement = valid({key, Operator::Equals, {value.get_ref<const std::string&>()}});
      if (!requirement) return fail(std::move(requirement));
      selector.require(std::move(*requirement));
    }
  }
  const Json* expressions = find_path(json, {"matchExpressions"});
  if (expressions == nullptr || expressions->is_null()) return selector;
  if (!expressions->is_array())
    return refuse("matchExpressions: expected array, got " + describe_json(*expressions));
  for (std::size_t i = 0; i < expressions->size(); ++i) {
    const Json& expression = (*expressions)[i];
    const std::string where = "matchExpressions[" + std::to_string(i) + "]";
    const std::string name = string_at(expression, {"operator"});
    Requirement requirement{string_at(expression, {"key"}), Operator::In, {}};
    if (const Json* values = find_path(expression, {"values"}); values != nullptr && values->is_array())
      for (const Json& value : *values) {
        if (!value.is_string())
          return refuse(where + ".values: expected string, got " + describe_json(value));
        requirement.values.push_back(value.get<std::string>());
      }
    const bool wants_values = name == "In" || name == "NotIn";
    if (name == "NotIn") {
      requirement.op = Operator::NotIn;
    } else if (name == "Exists") {
      requirement.op = Operator::Exists;
    } else if (name == "DoesNotExist") {
      requirement.op = Operator::DoesNotExist;
    } else if (name != "In") {
      return refuse(where + ".operator: \"" + name + "\" is not a valid label selector operator");
    }
    if (wants_values && requirement.values.empty())
      return refuse(where + ".values: must be specified when `operator` is 'In' or 'NotIn'");
    if (!wants_values && !requirement.values.empty())
      return refuse(where + ".values: may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
    auto checked = valid(std::move(requirement));
    if (!checked) return fail(std::move(checked).error().while_doing(where));
    selector.require(std::move(*checked));
  }
  return selector;
}

LabelSelector& LabelSelector::require(Requirement requirement) {
  std::ranges::sort(requirement.values);
  const auto repeated = std::ranges::unique(requirement.values);
  requirement.values.erase(repeated.begin(), repeated.end());
  const auto place = std::ranges::upper_bound(requirements_, requirement.key, {}, &Requirement::key);
  requirements_.insert(place, std::move(requirement));
  return *this;
}

bool LabelSelector::matches(const std::map<std::string, std::string>& labels) const {
  return matches([&](std::string_view key) -> std::optional<std::string_view> {
    const auto found = labels.find(std::string(key));
    if (found == labels.end()) return std::nullopt;
    return found->second;
  });
}

bool LabelSelector::matches(const Lookup& label) const {
  if (nothing_) return false;
  return std::ranges::all_of(requirements_, [&](const Requirement& r) { return holds(r, label(r.key)); });
}

std::string LabelSelector::to_string() const {
  if (nothing_) return "<nothing>";
  std::string text;
  for (const Requirement& requirement : requirements_) {
    if (!text.empty()) text += ',';
    const auto& [key, op, values] = requirement;
    std::string joined;
    for (const std::string& value : values) joined += (&value == &values.front() ? "" : ",") + value;
    switch (op) {
      case Operator::Equals:
        text += key + "=" + joined;
        break;
      case Operator::NotEquals:
        text += key + "!=" + joined;
        break;
      case Operator::In:
        text += key + " in (" + joined + ")";
        break;
      case Operator::NotIn:
        text += key + " notin (" + joined + ")";
        break;
      case Operator::Exists:
        text += key;
        break;
      case Operator::DoesNotExist:
        text += "!" + key;
        break;
      case Operator::GreaterThan:
        text += key + ">" + joined;
        break;
      case Operator::LessThan:
        text += key + "<" + joined;
        break;
    }
  }
  return text;
}

}  // namespace kube
