#include "kube/kubelet/launch_plan.h"

#include <fmt/format.h>

namespace kube {

LaunchPlan& LaunchPlan::add(Step step) {
  steps_.push_back(std::move(step));
  return *this;
}

LaunchPlan& LaunchPlan::root(std::string_view folder) {
  return add({"root", std::string(folder)});
}
LaunchPlan& LaunchPlan::directory(std::string_view target, unsigned mode) {
  return add({"dir", std::string(target), fmt::format("{:o}", mode)});
}
LaunchPlan& LaunchPlan::link(std::string_view to, std::string_view target) {
  return add({"link", std::string(to), std::string(target)});
}
LaunchPlan& LaunchPlan::bind(const BindMount& mount) {
  std::string options = mount.access == Access::ReadOnly ? "ro" : "rw";
  if (mount.presence == Presence::Optional) options += ",optional";
  return add({"bind", mount.source, mount.sub_path, mount.target, options});
}
LaunchPlan& LaunchPlan::mount(std::string_view type, std::string_view target, std::string_view data) {
  return add({"mount", std::string(type), std::string(target), std::string(data)});
}
LaunchPlan& LaunchPlan::overlay(std::string_view lower, std::string_view upper, std::string_view work,
                                std::string_view target, std::string_view options) {
  return mount("overlay", target,
               fmt::format("lowerdir={},upperdir={},workdir={}{}{}", lower, upper, work,
                           options.empty() ? "" : ",", options));
}
LaunchPlan& LaunchPlan::pivot() {
  return add({"pivot"});
}
LaunchPlan& LaunchPlan::hostname(std::string_view name) {
  return add({"hostname", std::string(name)});
}
LaunchPlan& LaunchPlan::enter() {
  return add({"enter"});
}
LaunchPlan& LaunchPlan::argument(std::string_view value) {
  return add({"arg", std::string(value)});
}
LaunchPlan& LaunchPlan::environment(std::string_view name, std::string_view value) {
  return add({"env", fmt::format("{}={}", name, value)});
}
LaunchPlan& LaunchPlan::working_directory(std::string_view path) {
  return add({"cwd", std::string(path)});
}
LaunchPlan& LaunchPlan::user(std::int64_t id) {
  return add({"user", std::to_string(id)});
}
LaunchPlan& LaunchPlan::group(std::int64_t id) {
  return add({"group", std::to_string(id)});
}
LaunchPlan& LaunchPlan::supplemental_group(std::int64_t id) {
  return add({"also-group", std::to_string(id)});
}
LaunchPlan& LaunchPlan::other_name(std::int64_t user, std::int64_t group) {
  return add({"other-name", std::to_string(user), std::to_string(group)});
}
LaunchPlan& LaunchPlan::no_new_privileges() {
  return add({"no-new-privileges"});
}

Result<std::string> LaunchPlan::encode() const {
  std::string out;
  for (const Step& step : steps_) {
    for (const std::string& text : step) {
      if (text.find('\0') != std::string::npos) {
        return fail(ErrorKind::InvalidInput, fmt::format("step {}: a text holds a NUL byte", step.front()));
      }
      out += text;
      out += '\0';
    }
  }
  return out;
}

}  // namespace kube
