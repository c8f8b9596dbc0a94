#include "spark/resource_name.h"

#include <cctype>

namespace spark {

namespace {

// Trimmed, lower case, runs of anything else as one dash. Java counts a character outside ASCII as one; so do
// we, by skipping UTF-8's continuation bytes, although runs collapse anyway.
std::string dashed(std::string_view name) {
  auto blank = [](char c) { return static_cast<unsigned char>(c) <= ' '; };
  while (!name.empty() && blank(name.front())) name.remove_prefix(1);
  while (!name.empty() && blank(name.back())) name.remove_suffix(1);
  std::string out;
  for (unsigned char c : name) {
    const char lower = static_cast<char>(std::tolower(c));
    const bool stays = c < 0x80 && std::isalnum(c);
    if (stays)
      out += lower;
    else if (out.empty() || out.back() != '-')
      out += '-';
  }
  return out;
}

}  // namespace

std::string resource_name_prefix(std::string_view app_name, std::string_view unique) {
  std::string prefix = dashed(std::string(app_name) + "-" + std::string(unique));
  if (prefix.starts_with('-')) prefix.erase(0, 1);
  if (!prefix.empty() && std::isdigit(static_cast<unsigned char>(prefix.front()))) prefix.front() = 'x';
  return prefix;
}

std::string app_name_label(std::string_view app_name) {
  std::string label = dashed(app_name).substr(0, 63);
  if (label.starts_with('-')) label.erase(0, 1);
  if (label.ends_with('-')) label.pop_back();
  return label;
}

std::string driver_service_name(std::string_view prefix, std::string_view unique) {
  std::string name = std::string(prefix) + "-driver-svc";
  if (name.size() <= 63) return name;
  return "spark-" + std::string(unique) + "-driver-svc";
}

}  // namespace spark
