#include "api/spec_hash.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "api/defaults.h"
#include "api/digest.h"
#include "kube/core/quantity.h"

namespace api {
namespace {

using kube::Json;

constexpr std::size_t kIdLength = 36;
constexpr std::size_t kVersionNibble = 14;  // "xxxxxxxx-xxxx-Vxxx-…"
constexpr std::size_t kLinkLength = 18;     // first three groups
constexpr int kFormatShift = 56;
constexpr std::uint64_t kVariant = 0b10;  // RFC 9562, in the top two bits of the second half
constexpr std::uint64_t kHashBits = (std::uint64_t{1} << kFormatShift) - 1;

constexpr std::uint64_t format_version(HashScope scope) {
  return scope == HashScope::WholeSpec ? 3 : 4;
}
constexpr std::uint64_t kNewestFormat = 4;

// First eight bytes of SHA-256, big endian.
std::uint64_t sha256_head(std::string_view text) {
  const std::string digits = sha256_hex(text).substr(0, 16);
  std::uint64_t head = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), head, 16);
  return head;
}

std::string hex(std::uint64_t value) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text(16, '0');
  for (int i = 15; i >= 0; --i, value >>= 4) text[static_cast<std::size_t>(i)] = kDigits[value & 15];
  return text;
}

// Go compares absent and empty maps as equal, absent and empty structs behind pointers as different
// (emptyDir, a label selector, sparkUIOptions: their mere presence says something). These are the keys whose
// values are maps, or structs that are not behind pointers.
constexpr std::array<std::string_view, 18> kEmptyIsAbsent{"annotations",
                                                          "envSecretKeyRefs",
                                                          "envVars",
                                                          "hadoopConf",
                                                          "ingressAnnotations",
                                                          "labels",
                                                          "limits",
                                                          "matchLabels",
                                                          "metadata",
                                                          "nodeSelector",
                                                          "options",
                                                          "requests",
                                                          "resources",
                                                          "serviceAnnotations",
                                                          "serviceLabels",
                                                          "sparkConf",
                                                          "spec",
                                                          "volumeAttributes"};

bool empty_is_absent(std::string_view key) {
  return std::ranges::find(kEmptyIsAbsent, key) != kEmptyIsAbsent.end();
}

// Text that is equal for equal amounts. The leading 1 gives every sum the same format, decimal.
Json by_amount(const Json& value) {
  std::string text;
  if (value.is_string()) {
    text = value.get_ref<const std::string&>();
  } else if (value.is_number()) {
    text = kube::dump_json(value);
  } else {
    return value;
  }
  const auto amount = kube::Quantity::parse(text);
  if (!amount) return value;
  return "1+" + (kube::Quantity::of(1) + *amount).to_string();
}

bool is_single_quantity(std::string_view key) {
  return key == "sizeLimit" || key == "divisor";
}

void normalize(Json& json, std::string_view key) {
  if (json.is_array()) {
    for (Json& item : json) normalize(item, {});
    return;
  }
  if (!json.is_object()) {
    if (is_single_quantity(key)) json = by_amount(json);
    return;
  }
  const bool quantities = key == "limits" || key == "requests";
  for (auto item = json.begin(); item != json.end();) {
    normalize(item.value(), item.key());
    Json& value = item.value();
    if (quantities) value = by_amount(value);
    const bool absent = value.is_null() || (value.is_array() && value.empty()) ||
                        (value.is_object() && value.empty() && empty_is_absent(item.key()));
    item = absent ? json.erase(item) : std::next(item);
  }
}

}  // namespace

Json normalized_spec(const SparkApplicationSpec& spec, HashScope scope) {
  SparkApplicationSpec relevant = with_defaults(spec);
  relevant.suspend.reset();
  relevant.time_to_live_seconds.reset();
  relevant.driver_pod_disruption_budget.reset();
  relevant.active_deadline_seconds.reset();
  relevant.driver.start_timeout_seconds.reset();
  relevant.restart_policy.max_retry_interval.reset();
  relevant.restart_policy.reset_attempts_after.reset();
  relevant.restart_policy.on_infrastructure_failure_retries.reset();
  if (scope == HashScope::WithoutExecutorScheduling) {
    ExecutorSpec& executor = relevant.executor;
    executor.priority_class_name.reset();
    executor.node_selector.reset();
    executor.tolerations.clear();
    executor.affinity = nullptr;
    executor.scheduler_name.reset();
  }
  if (relevant.batch_scheduler_options)
    for (auto& [name, amount] : relevant.batch_scheduler_options->resources) amount = by_amount(amount);
  Json json = kube::encode(relevant);
  normalize(json, {});
  return json;
}

SpecHash spec_hash(const SparkApplicationSpec& spec, HashScope scope) {
  const std::uint64_t hash =
      sha256_head("spec\n" + kube::dump_json(normalized_spec(spec, scope))) & kHashBits;
  return {kVariant << 62 | format_version(scope) << kFormatShift | hash};
}

std::string next_attempt_id(std::string_view app_uid, std::string_view submission_id, SpecHash spec) {
  const std::string link =
      hex(sha256_head("link\n" + std::string(app_uid) + "\n" + std::string(submission_id)));
  const std::string tail = hex(spec.bits);
  return link.substr(0, 8) + "-" + link.substr(8, 4) + "-8" + link.substr(12, 3) + "-" + tail.substr(0, 4) +
         "-" + tail.substr(4);
}

std::optional<SpecHash> spec_part(std::string_view id) {
  if (id.size() != kIdLength || id[kVersionNibble] != '8') return std::nullopt;
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < id.size(); ++i) {
    const char c = id[i];
    if (i == 8 || i == 13 || i == 18 || i == 23) {
      if (c != '-') return std::nullopt;
      continue;
    }
    const bool digit = c >= '0' && c <= '9';
    if (!digit && !(c >= 'a' && c <= 'f')) return std::nullopt;
    if (i > kLinkLength) bits = bits << 4 | static_cast<std::uint64_t>(digit ? c - '0' : c - 'a' + 10);
  }
  const std::uint64_t format = bits >> kFormatShift & 0x3f;
  if (bits >> 62 != kVariant || format == 0 || format > kNewestFormat) return std::nullopt;
  return SpecHash{bits};
}

bool is_ours(std::string_view id) {
  return spec_part(id).has_value();
}

bool same_link(std::string_view a, std::string_view b) {
  return is_ours(a) && is_ours(b) && a.substr(0, kLinkLength) == b.substr(0, kLinkLength);
}

bool tells_spec(std::string_view id, HashScope scope) {
  const std::optional<SpecHash> made_from = spec_part(id);
  return made_from && (made_from->bits >> kFormatShift & 0x3f) == format_version(scope);
}

bool spec_changed(std::string_view submission_id, const SparkApplicationSpec& spec, HashScope scope) {
  return tells_spec(submission_id, scope) && spec_part(submission_id) != spec_hash(spec, scope);
}

}  // namespace api
