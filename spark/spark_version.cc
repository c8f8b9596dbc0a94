#include "spark/spark_version.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

namespace spark {

namespace {

constexpr SparkLine kLine34{
    .major = 3,
    .minor = 4,
    .newest_patch = 4,
    .native = true,
    .server_side_apply = false,
    .connect_port = false,
    .connect_app_protocol = false,
    .network_policy = false,
    .allow_privilege_escalation = false,
    .publish_not_ready_addresses = false,
    .app_id_in_labels = false,
    .spark_version_in_images = false,
    .sub_path_expr = false,
    .refuse_small_sizes = false,
    .read_write_once_pod = false,
    .min_memory_overhead_key = false,
    .executor_hadoop_config_map = false,
    .keeps_submit_time = false,
    .excluded_feature_steps = false,
    .proxy_user_first = false,
    .python_version_key = true,
};

// Each line is its predecessor plus what changed, so a reader sees a line's news at one glance.
constexpr SparkLine line_35() {
  SparkLine line = kLine34;
  line.minor = 5;
  line.newest_patch = 7;
  line.server_side_apply = true;
  line.executor_hadoop_config_map = true;
  line.keeps_submit_time = true;
  return line;
}

constexpr SparkLine line_40() {
  SparkLine line = line_35();
  line.major = 4;
  line.minor = 0;
  line.newest_patch = 5;
  line.app_id_in_labels = true;
  line.sub_path_expr = true;
  line.refuse_small_sizes = true;
  line.read_write_once_pod = true;
  line.min_memory_overhead_key = true;
  return line;
}

constexpr SparkLine line_41() {
  SparkLine line = line_40();
  line.minor = 1;
  line.newest_patch = 4;
  line.connect_port = true;
  line.spark_version_in_images = true;
  line.excluded_feature_steps = true;
  line.python_version_key = false;
  return line;
}

constexpr SparkLine line_42() {
  SparkLine line = line_41();
  line.minor = 2;
  line.newest_patch = 1;
  line.connect_app_protocol = true;
  line.network_policy = true;
  return line;
}

constexpr SparkLine line_43() {
  SparkLine line = line_42();
  line.minor = 3;
  line.newest_patch = 0;
  line.allow_privilege_escalation = true;
  line.publish_not_ready_addresses = true;
  line.proxy_user_first = true;
  return line;
}

constexpr std::array kLines{kLine34, line_35(), line_40(), line_41(), line_42(), line_43()};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Reads a number without leading zeros, as semantic versions have them; moves `text` behind it.
std::optional<int> read_number(std::string_view& text) {
  std::size_t length = 0;
  while (length < text.size() && is_digit(text[length])) ++length;
  if (length == 0 || length > 6 || (length > 1 && text[0] == '0')) return std::nullopt;
  int value = 0;
  std::from_chars(text.data(), text.data() + length, value);
  text.remove_prefix(length);
  return value;
}

// Dot-separated identifiers of a pre-release or of build metadata.
bool is_identifier_list(std::string_view text, bool numbers_without_leading_zeros) {
  if (text.empty()) return false;
  while (true) {
    const std::size_t dot = std::min(text.find('.'), text.size());
    const std::string_view part = text.substr(0, dot);
    if (part.empty()) return false;
    if (!std::ranges::all_of(part, [](unsigned char c) { return std::isalnum(c) || c == '-'; })) return false;
    if (numbers_without_leading_zeros && part.size() > 1 && part[0] == '0' &&
        std::ranges::all_of(part, is_digit))
      return false;
    if (dot == text.size()) return true;
    text.remove_prefix(dot + 1);
  }
}

}  // namespace

std::string SparkVersion::to_string() const {
  std::string text = std::to_string(major) + "." + std::to_string(minor);
  if (patch >= 0) text += "." + std::to_string(patch);
  return text + suffix;
}

std::optional<SparkVersion> parse_spark_version(std::string_view text) {
  if (text.starts_with('v')) text.remove_prefix(1);
  SparkVersion version;
  auto major = read_number(text);
  if (!major || !text.starts_with('.')) return std::nullopt;
  text.remove_prefix(1);
  auto minor = read_number(text);
  if (!minor) return std::nullopt;
  version.major = *major;
  version.minor = *minor;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    auto patch = read_number(text);
    if (!patch) return std::nullopt;
    version.patch = *patch;
  }
  if (text.starts_with('-') && text.size() > 1) {
    version.suffix = std::string(text);
    text = {};
  }
  if (!text.empty()) return std::nullopt;
  return version;
}

std::optional<SparkVersion> guess_version_from_image(std::string_view image) {
  if (const auto digest = image.find('@'); digest != std::string_view::npos) image = image.substr(0, digest);
  const std::size_t slash = image.rfind('/');
  const std::size_t colon = image.rfind(':');
  if (colon == std::string_view::npos || (slash != std::string_view::npos && colon < slash))
    return std::nullopt;
  std::string_view tag = image.substr(colon + 1);
  if (tag.starts_with('v')) tag.remove_prefix(1);
  // The version is what comes before the first dash: the rest says Scala, Java, Python.
  auto version = parse_spark_version(tag.substr(0, tag.find('-')));
  return version;
}

std::optional<SparkVersion> resolve_version(std::string_view spark_version, std::string_view image) {
  auto said = parse_spark_version(spark_version);
  auto guessed = guess_version_from_image(image);
  if (!said) said = guessed;
  if (!said) return std::nullopt;
  if (said->patch >= 0) return said;
  if (guessed && guessed->patch >= 0 && guessed->major == said->major && guessed->minor == said->minor)
    return guessed;
  if (const SparkLine* line = find_line(*said)) said->patch = line->newest_patch;
  return said;
}

bool is_below_3_0(std::string_view text) {
  if (text.starts_with('v')) text.remove_prefix(1);
  auto major = read_number(text);
  if (!major) return true;
  int numbers = 1;
  bool zeros = true;  // minor and patch
  while (numbers < 3 && text.starts_with('.')) {
    text.remove_prefix(1);
    auto number = read_number(text);
    if (!number) return true;
    zeros = zeros && *number == 0;
    ++numbers;
  }
  if (text.empty()) return *major < 3;
  if (numbers < 3) return true;  // a suffix needs all three numbers
  const bool pre_release = text.starts_with('-');
  std::string_view rest = text;
  if (pre_release) {
    const std::size_t plus = std::min(rest.find('+'), rest.size());
    if (!is_identifier_list(rest.substr(1, plus - 1), true)) return true;
    rest.remove_prefix(plus);
  }
  if (!rest.empty() && (rest[0] != '+' || !is_identifier_list(rest.substr(1), false))) return true;
  if (*major != 3) return *major < 3;
  return pre_release && zeros;  // 3.0.0-preview sorts below 3.0.0, 3.5.1-vendor does not
}

std::span<const SparkLine> spark_lines() {
  return kLines;
}

const SparkLine* find_line(const SparkVersion& version) {
  for (const SparkLine& line : kLines)
    if (line.major == version.major && line.minor == version.minor) return &line;
  return nullptr;
}

}  // namespace spark
