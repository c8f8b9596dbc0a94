// Reads a file that a property points to from what the submitter handed in.
#pragma once

#include <string>
#include <string_view>

#include "kube/base/result.h"
#include "spark/driver_conf.h"

namespace spark {

// `reference` is a path, or a URI with scheme file or local. Error: other schemes, and files that are not
// there.
Result<std::string> submitter_file(const DriverConf& conf, std::string_view reference);

}  // namespace spark
