// What `version` prints: upstream's lines, with the compiler that really built us.
#pragma once

#include <string>

namespace cmd {

std::string version_text(bool only_git_version);

}  // namespace cmd
