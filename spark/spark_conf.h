// SparkConf is the set of Spark properties of one submission, with Spark's own semantics: setting a key again
// replaces it, so the position in spark-submit's argument list is the precedence.
//
//   SparkConf conf;
//   conf.set("spark.driver.memory", "2g");
//   conf.set("spark.driver.memory", "1g");               // later wins
//   conf.get("spark.driver.memory")                      // "1g"
//   conf.with_prefix("spark.kubernetes.driver.label.")   // {{"team", "a"}, …}, sorted by the rest of the key
//
// Two ways to read, as in Spark. raw() gives the text as it was set. get() is Spark's read of a *declared*
// key: it replaces ${spark.x} by another property and ${env:NAME} by the submitter's environment,
// recursively; unknown references stay as they are. Prefix families (labels, env, volumes …) and the text of
// spark.properties are never substituted.
//
// Typed readers return an error that names the key, never its value: a value may be a secret.
// Iteration is sorted by key, so equal confs give equal bytes. Thread: a value.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kube/base/result.h"
#include "spark/memory_size.h"

namespace spark {

using kube::Result;

class SparkConf {
 public:
  using Entries = std::map<std::string, std::string, std::less<>>;

  SparkConf() = default;
  explicit SparkConf(Entries entries) : entries_(std::move(entries)) {}

  void set(std::string key, std::string value) {
    entries_.insert_or_assign(std::move(key), std::move(value));
  }
  void set_if_missing(std::string key, std::string value) {
    entries_.try_emplace(std::move(key), std::move(value));
  }
  void remove(std::string_view key);

  // The variables ${env:NAME} sees. Handed in, because nothing here reads the process environment.
  void set_environment(std::map<std::string, std::string> variables) { environment_ = std::move(variables); }

  bool contains(std::string_view key) const { return entries_.contains(key); }
  std::optional<std::string> raw(std::string_view key) const;
  const Entries& entries() const { return entries_; }
  // Keys that begin with `prefix`, the prefix cut off.
  std::vector<std::pair<std::string, std::string>> with_prefix(std::string_view prefix) const;

  // Reads of declared keys. Error InvalidInput: the value is not of the type, or references go in a circle.
  Result<std::optional<std::string>> get(std::string_view key) const;
  Result<std::string> get(std::string_view key, std::string_view fallback) const;
  Result<std::optional<bool>> get_bool(std::string_view key) const;
  Result<std::optional<std::int64_t>> get_int(std::string_view key) const;
  // For the few keys that Spark reads without declaring them: not trimmed, nothing substituted.
  Result<std::optional<std::int64_t>> get_undeclared_int(std::string_view key) const;
  Result<std::optional<bool>> get_undeclared_bool(std::string_view key) const;
  Result<std::optional<double>> get_double(std::string_view key) const;
  Result<std::optional<MemorySize>> get_memory(std::string_view key, ByteUnit unit) const;
  // Split at ",", trimmed, empty items dropped.
  Result<std::vector<std::string>> get_list(std::string_view key) const;

  bool operator==(const SparkConf& other) const { return entries_ == other.entries_; }

 private:
  Result<std::string> substitute(const std::string& text, std::vector<std::string>& used) const;

  Entries entries_;
  std::map<std::string, std::string> environment_;
};

}  // namespace spark
