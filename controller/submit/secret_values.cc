#include "controller/submit/secret_values.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

#include "spark/submit_conf.h"

namespace controller {

namespace {

constexpr const char* kHidden = "(hidden)";
// Shorter ones ("true", "admin") stand in any text, and hiding them there tells more than it hides.
constexpr std::size_t kShortest = 6;

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

// Keys that redaction hides for their words, although their values are names and paths.
bool is_harmless(std::string_view key) {
  static constexpr std::array<std::string_view, 5> kBegin{
      "spark.kubernetes.driver.secrets.", "spark.kubernetes.executor.secrets.",
      "spark.kubernetes.driver.secretKeyRef.", "spark.kubernetes.executor.secretKeyRef.",
      "spark.kubernetes.container.image.pullSecrets"};
  return key.ends_with("serviceAccountName") ||
         std::ranges::any_of(kBegin, [&](std::string_view begin) { return key.starts_with(begin); });
}

void replace_all(std::string& text, const std::string& what) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at)) {
    text.replace(at, what.size(), kHidden);
    at += std::string_view(kHidden).size();
  }
}

}  // namespace

std::vector<std::string> secret_values(const std::vector<std::string>& arguments) {
  const std::vector<std::string> redacted = spark::redacted_arguments(arguments);
  std::vector<std::string> values;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == redacted[i]) continue;
    std::string value = arguments[i];
    if (const auto equals = value.find('='); redacted[i] != kHidden && equals != std::string::npos) {
      if (is_harmless(std::string_view(value).substr(0, equals))) continue;
      value.erase(0, equals + 1);
    }
    if (value.size() >= kShortest) values.push_back(std::move(value));
  }
  std::ranges::sort(values, [](const std::string& a, const std::string& b) {
    return a.size() != b.size() ? a.size() > b.size() : a < b;
  });
  values.erase(std::unique(values.begin(), values.end()), values.end());
  return values;
}

std::string without_secrets(std::string text, const std::vector<std::string>& secrets) {
  for (const std::string& secret : secrets) replace_all(text, secret);
  static constexpr std::array<std::string_view, 6> kWords{"password", "passwd", "secret",
                                                          "token",    "apikey", "access.key"};
  const std::string search = lower(text);
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t equals = search.find('=', at);
    if (equals == std::string::npos) {
      out += text.substr(at);
      break;
    }
    out += text.substr(at, equals + 1 - at);
    const std::string_view before = std::string_view(search).substr(at, equals - at);
    at = equals + 1;
    if (!std::ranges::any_of(kWords, [&](std::string_view word) { return before.ends_with(word); })) continue;
    const std::size_t end = std::min(search.find_first_of(" \t\r\n\"'", at), text.size());
    if (end > at) out += kHidden;
    at = end;
  }
  return out;
}

}  // namespace controller
