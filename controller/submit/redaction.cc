#include "controller/submit/redaction.h"

#include <re2/re2.h>

#include <algorithm>

#include "api/spark_application.h"

namespace controller {

using kube::Json;

struct Redaction::Pattern {
  explicit Pattern(std::string_view text) : regex(std::string(text), RE2::Quiet) {}
  RE2 regex;
};

namespace {

constexpr std::string_view kHidden = "(hidden)";
// Shorter ones ("true", "admin") stand in any text, and hiding them there tells more than it hides.
constexpr std::size_t kShortest = 6;

// Keys whose values are names, paths and switches, whatever words are in them.
bool is_harmless(std::string_view key) {
  static const RE2 pattern(
      "(?i)^spark\\.kubernetes\\.(driver|executor)\\.secret(s|KeyRef)\\."
      "|pullSecrets?$|(file|path|dir|name|names|ref|provider|class|enabled|type|renewal|lifetime|ratio)$");
  return RE2::PartialMatch(re2::StringPiece(key.data(), key.size()), pattern);
}

// Environment is nobody's business on a command line, whatever it is called.
bool is_environment(std::string_view key) {
  return key.starts_with("spark.kubernetes.driverEnv.") || key.starts_with("spark.executorEnv.");
}

void replace_all(std::string& text, std::string_view what) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + kHidden.size()))
    text.replace(at, what.size(), kHidden);
}

void keep(std::string_view value, std::vector<std::string>& values) {
  if (value.size() >= kShortest && value != kHidden) values.emplace_back(value);
}

bool is_key_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || c == '-';
}

// key=value, "key": "value", 'key': 'value' in any text. Calls with the key and where its value lies.
template <class Visit>
void each_pair(std::string_view text, Visit visit) {
  for (std::size_t at = 0; at < text.size();) {
    if (!is_key_character(text[at])) {
      ++at;
      continue;
    }
    const std::size_t begin = at;
    while (at < text.size() && is_key_character(text[at])) ++at;
    const std::string_view key = text.substr(begin, at - begin);
    std::size_t next = at;
    char quote = 0;
    if (next < text.size() && text[next] == '=') {
      ++next;
      if (next < text.size() && (text[next] == '"' || text[next] == '\'')) quote = text[next++];
    } else if (next < text.size() && (text[next] == '"' || text[next] == '\'')) {
      ++next;
      while (next < text.size() && (text[next] == ' ' || text[next] == ':')) ++next;
      if (next >= text.size() || (text[next] != '"' && text[next] != '\'')) continue;
      quote = text[next++];
    } else {
      continue;
    }
    const std::string_view ends = quote == '"'    ? std::string_view("\"\n")
                                  : quote == '\'' ? std::string_view("'\n")
                                                  : std::string_view(" \t\r\n\"',;&)");
    const std::size_t end = std::min(text.find_first_of(ends, next), text.size());
    if (visit(key, next, end)) at = end;
  }
}

void sort_unique(std::vector<std::string>& values) {
  std::ranges::sort(values, [](const std::string& a, const std::string& b) {
    return a.size() != b.size() ? a.size() > b.size() : a < b;
  });
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

}  // namespace

Redaction::Redaction() {
  static const auto pattern = std::make_shared<const Pattern>(kDefaultPattern);
  pattern_ = pattern;
}

Redaction::Redaction(std::shared_ptr<const Pattern> pattern) : pattern_(std::move(pattern)) {}
Redaction::~Redaction() = default;
Redaction::Redaction(const Redaction&) = default;
Redaction& Redaction::operator=(const Redaction&) = default;

kube::Result<Redaction> Redaction::create(std::string_view pattern) {
  auto compiled = std::make_shared<const Pattern>(pattern);
  if (!compiled->regex.ok()) return kube::fail(kube::ErrorKind::InvalidInput, compiled->regex.error());
  return Redaction(std::move(compiled));
}

bool Redaction::hides(std::string_view key) const {
  const re2::StringPiece piece(key.data(), key.size());
  if (also_ != nullptr && RE2::PartialMatch(piece, also_->regex)) return true;
  return RE2::PartialMatch(piece, pattern_->regex) && !is_harmless(key);
}

Redaction Redaction::of(const std::map<std::string, std::string>& spark_conf) const {
  Redaction redaction = *this;
  const auto regex = spark_conf.find("spark.redaction.regex");
  if (regex == spark_conf.end()) return redaction;
  auto own = std::make_shared<const Pattern>(regex->second);
  if (own->regex.ok()) redaction.also_ = std::move(own);  // Java knows forms that RE2 does not
  return redaction;
}

void Redaction::collect(std::string_view key, std::string_view value,
                        std::vector<std::string>& values) const {
  if (hides(key)) return keep(value, values);
  // Java options hold properties of their own, an environment variable may hold a connection string.
  each_pair(value, [&](std::string_view inner, std::size_t begin, std::size_t end) {
    if (!hides(inner)) return false;
    keep(value.substr(begin, end - begin), values);
    return true;
  });
}

std::vector<std::string> Redaction::arguments(std::vector<std::string> arguments) const {
  bool hide_next = false;  // "--password" "hunter2"
  for (std::string& word : arguments) {
    const bool hide = std::exchange(hide_next, false);
    const std::size_t equals = word.find('=');
    const std::string_view key = std::string_view(word).substr(0, equals);
    if (equals == std::string::npos) {
      hide_next = !hide && word.starts_with('-') && hides(word);
      word = hide ? std::string(kHidden) : text(std::move(word));
    } else if (is_environment(key) || hides(key)) {
      word = word.substr(0, equals + 1).append(kHidden);
    } else {
      word = hide ? std::string(kHidden) : text(std::move(word));
    }
  }
  return arguments;
}

std::vector<std::string> Redaction::values_in(const std::vector<std::string>& arguments) const {
  std::vector<std::string> values;
  bool secret_next = false;
  for (const std::string& word : arguments) {
    const bool secret = std::exchange(secret_next, false);
    const std::size_t equals = word.find('=');
    std::string_view key = std::string_view(word).substr(0, equals);
    if (equals != std::string::npos) {
      if (secret) keep(word, values);
      collect(key, std::string_view(word).substr(equals + 1), values);
    } else if (secret) {
      keep(word, values);
    } else {
      secret_next = word.starts_with('-') && hides(word);
    }
  }
  sort_unique(values);
  return values;
}

std::vector<std::string> Redaction::values_of(const api::SparkApplication& app) const {
  const api::SparkApplicationSpec& spec = app.spec;
  const Redaction redaction = of(spec.spark_conf);
  std::vector<std::string> values = redaction.values_in(spec.arguments);
  const auto collect = [&](std::string_view key, std::string_view value) {
    redaction.collect(key, value, values);
  };
  for (const auto& [key, value] : spec.spark_conf) collect(key, value);
  for (const auto& [key, value] : spec.hadoop_conf) collect(key, value);
  const auto pod = [&](const api::SparkPodSpec& role) {
    for (const auto& [key, value] : role.env_vars) collect(key, value);
    for (const Json& variable : role.env)
      collect(kube::string_at(variable, {"name"}), kube::string_at(variable, {"value"}));
    if (role.java_options) collect("", *role.java_options);
  };
  pod(spec.driver);
  pod(spec.executor);
  sort_unique(values);
  return values;
}

kube::Error Redaction::error(const kube::Error& error, const std::vector<std::string>& values) const {
  kube::Error clean(error.kind(), text(error.message(), values));
  clean.with_http_status(error.http_status())
      .with_reason(error.reason())
      .with_ambiguous(error.is_ambiguous());
  if (const auto after = error.retry_after()) clean.with_retry_after(*after);
  return clean;
}

std::string Redaction::text(std::string text, const std::vector<std::string>& values) const {
  for (const std::string& value : values) replace_all(text, value);

  static const RE2 url("([a-zA-Z][a-zA-Z0-9+.-]*://[^\\s/:@]*:)[^\\s/@]+@");
  static const RE2 bearer("(?i)\\b(bearer|basic)\\s+[A-Za-z0-9._~+/-]{8,}=*");
  static const RE2 web_token("\\beyJ[A-Za-z0-9_-]{8,}\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]*");
  static const RE2 key_block("(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|$)");
  const re2::StringPiece hidden(kHidden.data(), kHidden.size());
  RE2::GlobalReplace(&text, url, "\\1(hidden)@");
  RE2::GlobalReplace(&text, bearer, "\\1 (hidden)");
  RE2::GlobalReplace(&text, web_token, hidden);
  RE2::GlobalReplace(&text, key_block, hidden);

  std::string out;
  std::size_t copied = 0;
  each_pair(text, [&](std::string_view key, std::size_t begin, std::size_t end) {
    if (begin == end || !hides(key)) return false;
    out.append(text, copied, begin - copied).append(kHidden);
    copied = end;
    return true;
  });
  return out.append(text, copied);
}

}  // namespace controller
