// What is secret in a command line, and output without it. A program that fails may well print what it was
// given, and its output ends in status, events and logs.
//
//   const std::vector<std::string> secrets = secret_values(arguments);
//   status.message = without_secrets(ended.errors, secrets);      // "… password (hidden) was refused"
//
// Pure functions.
#pragma once

#include <string>
#include <vector>

namespace controller {

// Values of properties whose key or value looks like a secret (spark::redacted_arguments), of environment
// variables, and the arguments that follow a word like --password. Not those that are too short to be told
// from any other text, nor names and paths of Kubernetes secrets, which people need to read. Longest first.
std::vector<std::string> secret_values(const std::vector<std::string>& arguments);

// `text` with these values hidden, and whatever follows password=, token= or the like up to the next blank.
std::string without_secrets(std::string text, const std::vector<std::string>& secrets);

}  // namespace controller
