// The value rules of a CRD's structural schema: required, enum, pattern, bounds, and the junctors above them.

#include <re2/re2.h>

#include <cmath>
#include <set>

#include "kube/apiserver/schema.h"
#include "kube/base/clock.h"

namespace kube::apiserver {

namespace {

using Problems = std::vector<FieldProblem>;

std::string join(const std::string& path, std::string_view member) {
  return path.empty() ? std::string(member) : path + "." + std::string(member);
}

std::size_t characters(const std::string& text) {
  std::size_t n = 0;
  for (unsigned char c : text) n += (c & 0xc0) != 0x80;
  return n;
}

std::string number_text(const Json& number) {
  return dump_json(number);
}

void wrong(Problems& problems, const std::string& path, const Json& value, const std::string& what) {
  problems.push_back({FieldProblem::Type::Invalid, path, value, path + " in body " + what});
}

void too_many(Problems& problems, const std::string& path, std::size_t are, const Json& most) {
  problems.push_back({FieldProblem::Type::TooMany, path, are,
                      "must have at most " + number_text(most) + (most == 1 ? " item" : " items")});
}

void check_string(const std::string& text, const Json& value, const Json& rules, const std::string& path,
                  Problems& problems) {
  if (auto most = rules.find("maxLength"); most != rules.end() && characters(text) > most->get<std::size_t>())
    problems.push_back(
        {FieldProblem::Type::TooLong, path, value, "may not be more than " + number_text(*most) + " bytes"});
  if (auto least = rules.find("minLength");
      least != rules.end() && characters(text) < least->get<std::size_t>())
    wrong(problems, path, value, "should be at least " + number_text(*least) + " chars long");
  if (auto pattern = rules.find("pattern"); pattern != rules.end() && pattern->is_string()) {
    const std::string& expression = pattern->get_ref<const std::string&>();
    const RE2 compiled(expression, RE2::Quiet);
    if (compiled.ok() && !RE2::PartialMatch(text, compiled))
      wrong(problems, path, value, "should match '" + expression + "'");
  }
  if (string_at(rules, {"format"}) == "date-time" && !parse_rfc3339(text))
    problems.push_back({FieldProblem::Type::TypeInvalid, path, value,
                        path + " in body must be of type date-time: " + describe_json(value)});
}

void check_number(const Json& value, const Json& rules, const std::string& path, Problems& problems) {
  const double number = value.get<double>();
  auto flag = [&](std::string_view name) {
    auto found = rules.find(name);
    return found != rules.end() && found->is_boolean() && found->get<bool>();
  };
  if (auto least = rules.find("minimum"); least != rules.end() && least->is_number()) {
    const bool exclusive = flag("exclusiveMinimum");
    if (exclusive ? number <= least->get<double>() : number < least->get<double>())
      wrong(problems, path, value,
            std::string("should be greater than ") + (exclusive ? "" : "or equal to ") + number_text(*least));
  }
  if (auto most = rules.find("maximum"); most != rules.end() && most->is_number()) {
    const bool exclusive = flag("exclusiveMaximum");
    if (exclusive ? number >= most->get<double>() : number > most->get<double>())
      wrong(problems, path, value,
            std::string("should be less than ") + (exclusive ? "" : "or equal to ") + number_text(*most));
  }
  if (auto step = rules.find("multipleOf"); step != rules.end() && step->is_number()) {
    if (step->get<double>() != 0 && std::fmod(number, step->get<double>()) != 0)
      wrong(problems, path, value, "should be a multiple of " + number_text(*step));
  }
}

void check_array(const Json& value, const Json& rules, const std::string& path, Problems& problems) {
  if (auto most = rules.find("maxItems"); most != rules.end() && value.size() > most->get<std::size_t>())
    too_many(problems, path, value.size(), *most);
  if (auto least = rules.find("minItems"); least != rules.end() && value.size() < least->get<std::size_t>())
    wrong(problems, path, value.size(), "should have at least " + number_text(*least) + " items");
}

void check_rules(const Json& value, const Json& rules, const std::string& path, Problems& problems);

// Rules without types: what may stand under allOf, anyOf, oneOf and not.
bool holds(const Json& value, const Json& rules) {
  Problems problems;
  check_rules(value, rules, "", problems);
  return problems.empty();
}

bool has_type(const Json& value, const std::string& type) {
  if (type == "integer") return value.is_number_integer();
  if (type == "number") return value.is_number();
  return json_type_name(value) == type;
}

void check_rules(const Json& value, const Json& rules, const std::string& path, Problems& problems) {
  if (!rules.is_object()) return;
  if (auto allowed = rules.find("enum"); allowed != rules.end() && allowed->is_array()) {
    bool found = false;
    std::string listed;
    for (const Json& one : *allowed) {
      found = found || one == value;
      listed += (listed.empty() ? "" : ", ") + dump_json(one);
    }
    if (!found)
      problems.push_back({FieldProblem::Type::NotSupported, path, value, "supported values: " + listed});
  }
  if (value.is_string()) check_string(value.get_ref<const std::string&>(), value, rules, path, problems);
  if (value.is_number()) check_number(value, rules, path, problems);
  if (value.is_array()) check_array(value, rules, path, problems);
  if (value.is_object()) {
    if (auto most = rules.find("maxProperties");
        most != rules.end() && value.size() > most->get<std::size_t>())
      too_many(problems, path, value.size(), *most);
    if (auto least = rules.find("minProperties");
        least != rules.end() && value.size() < least->get<std::size_t>())
      wrong(problems, path, value.size(), "should have at least " + number_text(*least) + " properties");
    if (auto required = rules.find("required"); required != rules.end() && required->is_array())
      for (const Json& name : *required)
        if (name.is_string() && !value.contains(name.get_ref<const std::string&>()))
          problems.push_back({FieldProblem::Type::Required, join(path, name.get<std::string>()), {}, ""});
  }
  auto branches = [&](std::string_view junctor) -> const Json* {
    auto found = rules.find(junctor);
    return found != rules.end() && found->is_array() ? &*found : nullptr;
  };
  auto below = [&](const Json& branch) {
    if (auto type = branch.find("type");
        type != branch.end() && type->is_string() && !has_type(value, type->get<std::string>()))
      return false;
    if (!holds(value, branch)) return false;
    if (auto properties = branch.find("properties"); value.is_object() && properties != branch.end())
      for (auto& [name, rule] : properties->items())
        if (auto member = value.find(name); member != value.end() && !holds(*member, rule)) return false;
    return true;
  };
  if (const Json* all = branches("allOf"))
    for (const Json& branch : *all)
      if (!below(branch)) check_rules(value, branch, path, problems);
  if (const Json* any = branches("anyOf")) {
    bool held = false;
    for (const Json& branch : *any) held = held || below(branch);
    if (!held) wrong(problems, path, value, "must validate at least one schema (anyOf)");
  }
  if (const Json* one = branches("oneOf")) {
    int held = 0;
    for (const Json& branch : *one) held += below(branch);
    if (held != 1) wrong(problems, path, value, "must validate one and only one schema (oneOf)");
  }
  if (auto negated = rules.find("not"); negated != rules.end() && negated->is_object() && below(*negated))
    wrong(problems, path, value, "must not validate the schema (not)");
}

void check_unique(const Json& items, const Schema& schema, const std::string& path, Problems& problems) {
  std::set<std::string> seen;
  for (std::size_t i = 0; i < items.size(); ++i) {
    Json identity = items[i];
    if (schema.list == Schema::List::Map) {
      identity = Json::object();
      for (const std::string& key : schema.list_keys)
        if (items[i].is_object() && items[i].contains(key)) identity[key] = items[i][key];
    }
    if (!seen.insert(dump_json(identity)).second)
      problems.push_back({FieldProblem::Type::Duplicate, path + "[" + std::to_string(i) + "]", identity, ""});
  }
}

void check(const Json& value, const Schema& schema, const std::string& path, Problems& problems) {
  if (value.is_null() && (schema.nullable || schema.type == Schema::Type::Any)) return;
  if (!is_of_type(value, schema.type)) {
    problems.push_back({FieldProblem::Type::TypeInvalid, path, std::string(json_type_name(value)),
                        (path.empty() ? "" : path + " in body ") + "must be of type " +
                            std::string(type_name(schema.type)) + ": \"" +
                            std::string(json_type_name(value)) + "\""});
    return;
  }
  check_rules(value, schema.rules, path, problems);
  if (value.is_object()) {
    for (auto& [name, member] : value.items())
      if (const Schema* below = schema.member(name)) check(member, *below, join(path, name), problems);
  } else if (value.is_array()) {
    if (schema.items)
      for (std::size_t i = 0; i < value.size(); ++i)
        check(value[i], *schema.items, path + "[" + std::to_string(i) + "]", problems);
    if (schema.list != Schema::List::Atomic) check_unique(value, schema, path, problems);
  }
}

}  // namespace

std::vector<FieldProblem> validate(const Json& object, const Schema& schema) {
  Problems problems;
  check(object, schema, "", problems);
  return problems;
}

}  // namespace kube::apiserver
