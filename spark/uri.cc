#include "spark/uri.h"

#include <algorithm>
#include <cctype>

namespace spark {

namespace {

bool is_blank(char c) {
  return static_cast<unsigned char>(c) <= ' ';
}

// "/a/./b/../c" → "/a/c", without looking at the disk.
std::string normalised(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    const std::size_t slash = std::min(path.find('/'), path.size());
    const std::string_view part = path.substr(0, slash);
    path.remove_prefix(std::min(slash + 1, path.size()));
    if (part.empty() || part == ".") continue;
    if (part != "..")
      parts.push_back(part);
    else if (!parts.empty())
      parts.pop_back();
  }
  std::string out;
  for (std::string_view part : parts) out.append("/").append(part);
  return out.empty() ? "/" : out;
}

// What java.io.File.toURI() leaves as it is; UTF-8 above ASCII stays too.
bool stays_in_path(unsigned char c) {
  return std::isalnum(c) || c >= 0x80 ||
         std::string_view("/-_.!~*'():@&=+$,;").find(static_cast<char>(c)) != std::string_view::npos;
}

std::string file_uri(std::string_view path, std::string_view working_directory) {
  std::string absolute(path);
  if (!absolute.starts_with('/')) absolute = std::string(working_directory) + "/" + absolute;
  std::string uri = "file:";
  for (unsigned char c : normalised(absolute)) {
    if (stays_in_path(c)) {
      uri += static_cast<char>(c);
    } else {
      uri += '%';
      uri += "0123456789ABCDEF"[c >> 4];
      uri += "0123456789ABCDEF"[c & 15];
    }
  }
  return uri;
}

}  // namespace

std::string_view uri_scheme(std::string_view uri) {
  if (uri.empty() || !std::isalpha(static_cast<unsigned char>(uri.front()))) return {};
  for (std::size_t i = 1; i < uri.size(); ++i) {
    const auto c = static_cast<unsigned char>(uri[i]);
    if (c == ':') return i + 1 < uri.size() ? uri.substr(0, i) : std::string_view();
    if (!std::isalnum(c) && c != '+' && c != '-' && c != '.') return {};
  }
  return {};
}

std::string resolve_uri(std::string_view path, std::string_view working_directory) {
  // java.net.URI refuses spaces, so such text is a path even when it looks like it had a scheme.
  const bool parses = std::ranges::none_of(path, [](char c) {
    return is_blank(c) || c == '\\' || c == '"' || c == '<' || c == '>' || c == '^' || c == '`' || c == '{' ||
           c == '|' || c == '}';
  });
  if (parses && !uri_scheme(path).empty()) return std::string(path);
  if (const auto hash = path.find('#'); parses && hash != std::string_view::npos)
    return file_uri(path.substr(0, hash), working_directory) + std::string(path.substr(hash));
  return file_uri(path, working_directory);
}

std::vector<std::string> split_list(std::string_view list) {
  std::vector<std::string> items;
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    std::string_view item = list.substr(0, comma);
    list.remove_prefix(std::min(comma + 1, list.size()));
    while (!item.empty() && is_blank(item.front())) item.remove_prefix(1);
    while (!item.empty() && is_blank(item.back())) item.remove_suffix(1);
    if (!item.empty()) items.emplace_back(item);
  }
  return items;
}

std::string resolve_uri_list(std::string_view list, std::string_view working_directory) {
  std::string out;
  for (const std::string& item : split_list(list)) {
    if (!out.empty()) out += ',';
    out += resolve_uri(item, working_directory);
  }
  return out;
}

bool is_submitter_file(std::string_view uri) {
  const std::string_view scheme = uri_scheme(uri);
  return uri != "spark-internal" && (scheme.empty() || scheme == "file");
}

}  // namespace spark
