// LaunchPlan says step by step how a container comes into being: which root it sees, who it is, what it runs.
// The kubelet writes it, pod_init carries it out in the order written.
//
//   LaunchPlan plan;
//   plan.root("/var/lib/kubelet/pods/<uid>/root/main");   // an empty folder; the new root is mounted there
//   plan.directory("/tmp", 01777);
//   plan.bind({.source = "/usr", .target = "/usr", .access = Access::ReadOnly});
//   plan.pivot();
//   plan.environment("PATH", "/usr/bin");
//   plan.argument("sleep").argument("5");
//
// Paths named target are the container's; links in them resolve inside its root. Sources are the machine's,
// as absolute paths. No text may hold a NUL; encode() refuses that. Thread: a value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kube/base/result.h"

namespace kube {

enum class Access { ReadWrite, ReadOnly };
enum class Presence { Required, Optional };

struct BindMount {
  std::string source;  // file or folder of the machine
  std::string sub_path =
      {};  // part of source; resolved inside it, made as a folder when missing; "" = all of it
  std::string target;
  Access access = Access::ReadWrite;
  Presence presence = Presence::Required;  // Optional: no mount when the source does not exist
};

class LaunchPlan {
 public:
  // Each of these is one step; the container's root must come first and pivot() last of the file system's.
  LaunchPlan& root(std::string_view folder);
  LaunchPlan& directory(std::string_view target, unsigned mode);
  LaunchPlan& link(std::string_view to, std::string_view target);
  LaunchPlan& bind(const BindMount& mount);
  LaunchPlan& mount(std::string_view type, std::string_view target, std::string_view data);
  // `options` is appended as it is ("userxattr").
  LaunchPlan& overlay(std::string_view lower, std::string_view upper, std::string_view work,
                      std::string_view target, std::string_view options = "");
  LaunchPlan& pivot();
  LaunchPlan& hostname(std::string_view name);

  // Instead of all of the above: run inside a container that exists (PodProcess::start_inside).
  LaunchPlan& enter();

  LaunchPlan& argument(std::string_view value);
  LaunchPlan& environment(std::string_view name, std::string_view value);
  LaunchPlan& working_directory(std::string_view path);
  LaunchPlan& user(std::int64_t id);
  LaunchPlan& group(std::int64_t id);
  LaunchPlan& supplemental_group(std::int64_t id);
  // Instead of user() and group(), where there is one user only: it goes by these ids in the container.
  LaunchPlan& other_name(std::int64_t user, std::int64_t group);
  LaunchPlan& no_new_privileges();

  // Error: InvalidInput names the step that holds a NUL.
  Result<std::string> encode() const;

  using Step = std::vector<std::string>;
  const std::vector<Step>& steps() const { return steps_; }

 private:
  LaunchPlan& add(Step step);
  std::vector<Step> steps_;
};

}  // namespace kube
