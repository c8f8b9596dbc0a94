// Resource paths as spark-submit reads them: what has a scheme stays, everything else is a file of the
// submitter.
//
//   resolve_uri("local:///opt/app.jar", cwd)   // unchanged
//   resolve_uri("jobs/a b.py", "/home/me")     // "file:/home/me/jobs/a%20b.py" (Java's single slash)
//   uri_scheme("s3a://bucket/x")               // "s3a"
//   is_submitter_file("file:/tmp/x.jar")       // true: would have to be uploaded
//
// Nothing is looked up on disk: symbolic links stay, and directories get no slash at the end. Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace spark {

// "" when there is none.
std::string_view uri_scheme(std::string_view uri);

std::string resolve_uri(std::string_view path, std::string_view working_directory);

// A comma list: items resolved one by one, blank ones dropped.
std::string resolve_uri_list(std::string_view list, std::string_view working_directory);

std::vector<std::string> split_list(std::string_view list);

bool is_submitter_file(std::string_view uri);

}  // namespace spark
