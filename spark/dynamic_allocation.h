// spec.dynamicAllocation as Spark's properties, for applications and Connect servers alike.
//
//   for (const auto& [key, value] : dynamic_allocation_properties(spec.dynamic_allocation)) …
//
// In upstream's order; none unless it is enabled. Shuffle tracking is on unless the user says otherwise, as
// there is no external shuffle service. Pure.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/spark_application.h"

namespace spark {

std::vector<std::pair<std::string, std::string>> dynamic_allocation_properties(
    const std::optional<api::DynamicAllocation>& dynamic);

}  // namespace spark
