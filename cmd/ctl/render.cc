#include "cmd/ctl/command_functions.h"
#include "cmd/ctl/manifest.h"
#include "cmd/ctl/output.h"
#include "cmd/ctl/rendering.h"
#include "cmd/ctl/session.h"
#include "kube/core/yaml.h"

namespace ctl {

using kube::Task;

Task<int> render(Session& session, const Invocation& asked) {
  const std::string file = asked.text("filename");
  if (file.empty()) co_return session.wrong("render: expected --filename FILE; see sparkctl render --help");
  auto text = session.read_file(file);
  if (!text) co_return session.wrong(text.error());
  auto manifests = applications_in(*text, file, Session::namespace_of(asked));
  if (!manifests) co_return session.wrong(manifests.error());
  auto options = render_options(asked.text("operator-flags"));
  if (!options) co_return session.wrong(options.error());
  options->spark_version = asked.text("spark-version");

  std::vector<kube::Json> objects;
  std::string scripts;
  bool obstructed = false;
  for (const Manifest& manifest : *manifests) {
    const auto about = [&](const std::string& what) { return file + ": " + manifest.what + ": " + what; };
    if (asked.text("as") == "spark-submit") {
      auto script = render_script(manifest.app, *options);
      if (!script) co_return session.wrong(about(script.error().message()));
      scripts += *script;
      continue;
    }
    auto made = render_objects(manifest.app, *options);
    if (!made) co_return session.wrong(about(made.error().message()));
    for (const std::string& obstacle : made->obstacles) {
      session.failed(about("only spark-submit can submit this (--as spark-submit): " + obstacle));
      obstructed = true;
    }
    for (const std::string& problem : made->problems) session.note("# " + about(problem));
    for (kube::Json& object : made->objects) objects.push_back(std::move(object));
  }
  if (!scripts.empty()) session.print(scripts);
  if (!objects.empty())
    session.print(asked.text("output") == "json" ? as_text(list_of(std::move(objects)), "json")
                                                 : kube::to_yaml(objects));
  co_return obstructed ? exit_code::kFailed : exit_code::kDone;
}

}  // namespace ctl
