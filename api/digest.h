// Digests in hex, for ids that follow from their input and for names that must be short yet never collide.
//
//   sha256_hex("a long name").substr(0, 8)
//
// MD5 is upstream's choice for some names and no statement about security. Pure functions.
#pragma once

#include <string>
#include <string_view>

namespace api {

std::string sha256_hex(std::string_view text);
std::string md5_hex(std::string_view text);

}  // namespace api
