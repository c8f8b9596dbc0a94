// Base64 as Kubernetes uses it (RFC 4648 §4, with padding): secrets' data, caBundle, admission patches.
//
//   encode_base64("hi");            // "aGk="
//   decode_base64("aGk=");          // "hi"
//
// Line breaks in the text are skipped, as Go's decoder does. Thread: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "kube/base/result.h"

namespace kube {

std::string encode_base64(std::string_view bytes);
// Error: InvalidInput with the offset; never quotes the text, which may be a secret.
Result<std::string> decode_base64(std::string_view text);

}  // namespace kube
