#include "spark/spark_conf.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "kube/base/white_space.h"

namespace spark {

using kube::ErrorKind;
using kube::fail;

namespace {

// Never the value: it may be a secret.
std::unexpected<kube::Error> wrong_type(std::string_view key, std::string_view expected) {
  return fail(ErrorKind::InvalidInput, std::string(key) + ": expected " + std::string(expected));
}

// A Java int: 32 bits, a plus sign allowed.
Result<std::optional<std::int64_t>> whole_number(std::string_view key, std::string_view digits) {
  if (digits.starts_with('+') && !digits.starts_with("+-")) digits.remove_prefix(1);
  std::int32_t value = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size())
    return wrong_type(key, "a whole number");
  return std::optional<std::int64_t>(value);
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) == std::tolower(static_cast<unsigned char>(y));
  });
}

Result<std::optional<bool>> truth(std::string_view key, std::string_view text) {
  if (equals_ignoring_case(text, "true")) return std::optional<bool>(true);
  if (equals_ignoring_case(text, "false")) return std::optional<bool>(false);
  return wrong_type(key, "true or false");
}

bool is_word(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](unsigned char c) { return std::isalnum(c) || c == '_'; });
}

}  // namespace

void SparkConf::remove(std::string_view key) {
  if (auto found = entries_.find(key); found != entries_.end()) entries_.erase(found);
}

std::optional<std::string> SparkConf::raw(std::string_view key) const {
  auto found = entries_.find(key);
  if (found == entries_.end()) return std::nullopt;
  return found->second;
}

std::vector<std::pair<std::string, std::string>> SparkConf::with_prefix(std::string_view prefix) const {
  std::vector<std::pair<std::string, std::string>> found;
  for (auto at = entries_.lower_bound(prefix); at != entries_.end() && at->first.starts_with(prefix); ++at)
    found.emplace_back(at->first.substr(prefix.size()), at->second);
  return found;
}

// References look like ${name} or ${provider:name}; a name ends at the first brace and holds no space.
Result<std::string> SparkConf::substitute(const std::string& text, std::vector<std::string>& used) const {
  std::string out;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t open = text.find("${", at);
    const std::size_t close = open == std::string::npos ? open : text.find('}', open);
    if (close == std::string::npos) break;
    out.append(text, at, open - at);
    const std::string reference = text.substr(open + 2, close - open - 2);
    at = close + 1;

    std::string name = reference;
    std::string provider;
    if (const auto colon = reference.find(':');
        colon != std::string::npos && is_word(std::string_view(reference).substr(0, colon))) {
      provider = reference.substr(0, colon);
      name = reference.substr(colon + 1);
    }
    std::optional<std::string> value;
    if (name.empty() || std::ranges::any_of(name, [](unsigned char c) { return std::isspace(c); })) {
      // Not a reference at all.
    } else if (provider.empty() && name.starts_with("spark.")) {
      value = raw(name);
    } else if (provider == "env") {
      if (auto found = environment_.find(name); found != environment_.end()) value = found->second;
    }
    if (!value) {
      out.append("${").append(reference).append("}");
      continue;
    }
    if (std::ranges::find(used, reference) != used.end())
      return fail(ErrorKind::InvalidInput, "circular reference to ${" + reference + "}");
    used.push_back(reference);
    auto resolved = substitute(*value, used);
    used.pop_back();
    if (!resolved) return resolved;
    out += *resolved;
  }
  out.append(text, at, std::string::npos);
  return out;
}

Result<std::optional<std::string>> SparkConf::get(std::string_view key) const {
  auto text = raw(key);
  if (!text) return std::optional<std::string>();
  std::vector<std::string> used;
  auto value = substitute(*text, used);
  if (!value) return fail(std::move(value).error().while_doing(key));
  return std::optional<std::string>(*std::move(value));
}

Result<std::string> SparkConf::get(std::string_view key, std::string_view fallback) const {
  auto value = get(key);
  if (!value) return fail(value);
  return value->value_or(std::string(fallback));
}

Result<std::optional<bool>> SparkConf::get_bool(std::string_view key) const {
  auto text = get(key);
  if (!text) return fail(text);
  if (!*text) return std::optional<bool>();
  return truth(key, kube::trimmed(**text));
}

Result<std::optional<bool>> SparkConf::get_undeclared_bool(std::string_view key) const {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return std::optional<bool>();
  return truth(key, found->second);
}

Result<std::optional<std::int64_t>> SparkConf::get_int(std::string_view key) const {
  auto text = get(key);
  if (!text) return fail(text);
  if (!*text) return std::optional<std::int64_t>();
  return whole_number(key, kube::trimmed(**text));
}

Result<std::optional<std::int64_t>> SparkConf::get_undeclared_int(std::string_view key) const {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return std::optional<std::int64_t>();
  return whole_number(key, found->second);
}

Result<std::optional<double>> SparkConf::get_double(std::string_view key) const {
  auto text = get(key);
  if (!text) return fail(text);
  if (!*text) return std::optional<double>();
  std::string_view digits = kube::trimmed(**text);
  if (digits.starts_with('+')) digits.remove_prefix(1);
  double value = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  // "inf" and "nan" are numbers to from_chars; no factor makes sense of them.
  if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size() || !std::isfinite(value))
    return wrong_type(key, "a number");
  return std::optional<double>(value);
}

Result<std::optional<MemorySize>> SparkConf::get_memory(std::string_view key, ByteUnit unit) const {
  auto text = get(key);
  if (!text) return fail(text);
  if (!*text) return std::optional<MemorySize>();
  auto size = parse_memory_size(**text, unit);
  if (!size) return fail(std::move(size).error().while_doing(key));
  return std::optional<MemorySize>(*size);
}

Result<std::vector<std::string>> SparkConf::get_list(std::string_view key) const {
  auto text = get(key);
  if (!text) return fail(text);
  std::vector<std::string> items;
  std::string_view rest = *text ? std::string_view(**text) : std::string_view();
  while (!rest.empty()) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    if (auto item = kube::trimmed(rest.substr(0, comma)); !item.empty()) items.emplace_back(item);
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return items;
}

}  // namespace spark
