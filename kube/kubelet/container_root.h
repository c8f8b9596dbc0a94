// ContainerRoot is the file system a container starts in: programs of the machine (read-only), its image's
// /opt, and everything else fresh. Nothing of the machine's own files but /usr and /etc is visible.
//
//   ContainerRoot root{.work_folder = pod / "main", .image_opt = image.folder / "opt", …};
//   prepare_container_root(root);                       // folders on disk
//   LaunchPlan plan;
//   plan_container_root(root, read_host_layout(), plan);  // then: volumes, plan.pivot(), the command
//
// | Path | What |
// |---|---|
// | /usr /bin /sbin /lib* | the machine's, read-only (links stay links) |
// | /opt | the image's, writable by this container alone (overlay) |
// | /etc | the machine's, writable by this container alone; `hosts` is the pod's |
// | /dev | null, zero, full, random, urandom, tty, own pts and shm |
// | /proc /tmp /run /var /root /home | own; /sys read-only |
//
// For an ordinary user, files of /etc and of images that belong to others can be read and covered, not
// changed (but for passwd and group); their folders can be written to. Both files are the root group's to
// write, so that a start script can name the user that it runs as.
//
// Thread: pure, but for the two that touch the disk.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "kube/kubelet/launch_plan.h"

namespace kube {

// What the machine has at the top: programs and libraries, as folders or as links into /usr.
struct HostLayout {
  struct Entry {
    std::string path;     // "/lib"
    std::string link_to;  // "usr/lib"; "" for a folder
  };
  std::vector<Entry> entries;
};

HostLayout read_host_layout();

struct ContainerRoot {
  std::filesystem::path work_folder;      // of this container: overlay layers, mount point
  std::filesystem::path image_opt;        // "": an empty /opt
  std::filesystem::path hosts_file;       // "": the machine's
  std::filesystem::path termination_log;  // file that appears at termination_path; "": none
  std::string termination_path = "/dev/termination-log";
  std::string hostname;
  bool user_attributes = false;  // HostRights::mounts_in_user_namespace
  std::vector<std::string>
      host_folders;  // more of the machine's folders, read-only; left out where they do not exist
};

// Makes the folders that the plan mounts. Error: Io.
Result<> prepare_container_root(const ContainerRoot& root);
void plan_container_root(const ContainerRoot& root, const HostLayout& host, LaunchPlan& plan);

}  // namespace kube
