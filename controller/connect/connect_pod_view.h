// ConnectPodView is what the controller keeps of a pod of a SparkConnect: its server, or an executor that the
// server's Spark has made.
//
//   Result<ConnectPodView> pod = project_connect_pod(object);      // of an informer, or of a live read
//   if (pod->connect_uid == connect.metadata.uid && pod->ready) …
//
// Thread: values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "controller/application/pod_view.h"
#include "controller/children/child_view.h"

namespace controller {

struct ConnectPodView {
  kube::ObjectKey key = {};
  std::string uid = {};
  std::optional<kube::TimePoint> created = {};
  bool terminating = false;

  std::string connect_name = {};  // label; leads to the SparkConnect's key
  std::string role = {};          // label spark-role
  bool launched_by_operator = false;
  std::string connect_uid = {};  // the controller, if it is a SparkConnect; "" otherwise
  std::string owner = {};        // kind and name of the controller, for messages
  std::string spec_hash = {};    // annotation; "" for another operator's

  PodPhase phase = PodPhase::Unknown;
  bool ready = false;                    // condition
  bool started = false;                  // every container, startup probes included
  bool restarts_always = true;           // spec.restartPolicy
  std::int64_t restarts = 0;             // of the container that was restarted most
  std::optional<ContainerEnd> end = {};  // of the first container that has ended badly, also before a restart
  std::string ip = {};
  std::string message = {};
  PodTrouble trouble = {};

  bool is_server() const;
  // It is over, and comes back only as another pod.
  bool has_ended() const { return phase == PodPhase::Succeeded || phase == PodPhase::Failed; }
  bool operator==(const ConnectPodView&) const = default;
};

// Error InvalidInput: it is no object.
kube::Result<ConnectPodView> project_connect_pod(kube::JsonView pod);
kube::Result<ConnectPodView> project_connect_pod(const kube::Json& pod);

// Of a config map or service: ChildView's application is the SparkConnect that controls it, if one does.
kube::Result<ChildView> project_connect_child(kube::JsonView object, const kube::Resource& resource);
kube::Result<ChildView> project_connect_child(const kube::Json& object, const kube::Resource& resource);

}  // namespace controller
