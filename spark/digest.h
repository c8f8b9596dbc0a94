// Digests in hex, for names that must be short yet never collide.
//
//   sha256_hex("a long name").substr(0, 8)
//
// MD5 is upstream's choice for two names and no statement about security. Pure functions.
#pragma once

#include <string>
#include <string_view>

namespace spark {

std::string sha256_hex(std::string_view text);
std::string md5_hex(std::string_view text);

}  // namespace spark
