// MemorySize is an amount of memory; the functions translate between the JVM's spelling and Kubernetes'.
//
//   parse_memory_size("1g", ByteUnit::MiB)->mebibytes()     // 1024
//   parse_memory_size("512", ByteUnit::MiB)->mebibytes()    // 512: a bare number has the key's unit
//   to_quantity(MemorySize::of_mebibytes(1408))             // "1408Mi"
//   memory_limit_quantity("2G")             // "2Gi": spec.driver.memoryLimit as the pod webhook reads it
//
// Spark's sizes are binary and whole: "1g" is 1024 MiB, "1.5g" is refused. Thread: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "kube/base/result.h"

namespace spark {

enum class ByteUnit : std::int64_t {
  Byte = 1,
  KiB = std::int64_t{1} << 10,
  MiB = std::int64_t{1} << 20,
  GiB = std::int64_t{1} << 30,
  TiB = std::int64_t{1} << 40,
  PiB = std::int64_t{1} << 50,
};

struct MemorySize {
  std::int64_t bytes = 0;

  static MemorySize of_mebibytes(std::int64_t amount) {
    return {amount * static_cast<std::int64_t>(ByteUnit::MiB)};
  }
  // Truncates, as Spark does when it converts down.
  std::int64_t mebibytes() const { return bytes / static_cast<std::int64_t>(ByteUnit::MiB); }
  bool operator==(const MemorySize&) const = default;
};

// Digits with an optional suffix b, k, kb, m, mb, g, gb, t, tb, p, pb in any case; spaces around are ignored.
// Error InvalidInput: fraction, sign, unknown suffix, more than 2^63 bytes.
kube::Result<MemorySize> parse_memory_size(std::string_view text, ByteUnit unit_of_bare_number);

// Whole MiB, "1408Mi": the form in which Spark writes requests and limits.
std::string to_quantity(MemorySize size);

// spec.{driver,executor}.memoryLimit: a JVM suffix becomes the binary one of Kubernetes ("1.5g" → "1.5Gi");
// other text must be a Kubernetes quantity already ("2Gi", "1024"). Error InvalidInput.
kube::Result<std::string> memory_limit_quantity(std::string_view text);

}  // namespace spark
