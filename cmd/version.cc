#include "cmd/version.h"

#ifndef GIT_VERSION
#define GIT_VERSION "v0.0.0-dev"
#endif
#ifndef GIT_COMMIT
#define GIT_COMMIT "unknown"
#endif
#ifndef GIT_TREE_STATE
#define GIT_TREE_STATE "unknown"
#endif
#ifndef BUILD_DATE
#define BUILD_DATE "unknown"
#endif

namespace cmd {

std::string version_text(bool only_git_version) {
  std::string text = "Git Version: " GIT_VERSION "\n";
  if (only_git_version) return text;
  text += "Git Commit: " GIT_COMMIT "\nGit Tree State: " GIT_TREE_STATE "\nBuild Date: " BUILD_DATE "\n";
  text += "Go Version: none\nCompiler: " __VERSION__ "\nPlatform: linux/";
#if defined(__x86_64__)
  text += "amd64\n";
#elif defined(__aarch64__)
  text += "arm64\n";
#else
  text += "unknown\n";
#endif
  return text;
}

}  // namespace cmd
