// What people should be told about a submission, as events on its application: fields of the spec that have
// no effect because nobody is there to give them one.
//
//   for (Note& note : webhook_remarks(app, options)) …
//
// Pure functions.
#pragma once

#include <string>
#include <vector>

#include "controller/application/decision.h"
#include "spark/submit_conf.h"

namespace controller {

// Fields that reach executors only through a pod webhook; none when one runs.
std::vector<Note> webhook_remarks(const api::SparkApplication& app, const spark::SubmitOptions& options);

// Fields that are there and ask for nothing that could be done, with or without a webhook.
std::vector<Note> idle_field_remarks(const api::SparkApplication& app, const spark::SubmitOptions& options);

// "a, b and c"
std::string listed(const std::vector<std::string>& words);

}  // namespace controller
