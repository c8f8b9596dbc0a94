// pod_init is the first process of every container: it builds the container's root as its plan says, starts
// the command, forwards signals to it, reaps what is left behind, and passes its exit code on.
//
// The kubelet carries this program inside its own binary (embedded_init.cc) and runs it from memory, so there
// is nothing to install. It is linked statically, without sanitizers and without the C++ runtime: it must
// start in any root and in a millisecond.
//
// Descriptors: 0–2 as the container's; 3 the control socket (SOCK_SEQPACKET); 4 the plan (launch_plan.h says
// how it reads); 6 a pidfd, when the plan begins with `enter` (a command inside a running container). Talk on
// the control socket: we say "ready" once the parent-death signal is set; the kubelet says "go"; we say
// "started", or "error <text>" and exit. The socket's end means that the kubelet is gone: everything here is
// killed.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/openat2.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

constexpr int kControl = 3;
constexpr int kPlan = 4;
constexpr int kEnter = 6;
constexpr int kStartFailed = 128;  // what container runtimes answer when the command could not be started

[[noreturn]] void die(const char* format, ...) {
  char text[4096] = "error ";
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text + 6, sizeof(text) - 6, format, arguments);
  va_end(arguments);
  send(kControl, text, strlen(text), MSG_NOSIGNAL);
  _exit(kStartFailed);
}

bool same(const char* a, const char* b) {
  return strcmp(a, b) == 0;
}

// The container's root while it is being built; -1 before `root`.
int root = -1;

// Opens a path as the container will see it: symbolic links resolve inside `base`, however they are written.
int open_in(int base, const char* path) {
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT;
  return static_cast<int>(syscall(SYS_openat2, base, path, &how, sizeof(how)));
}

enum class Leaf { Directory, File };

// Opens `path` below `base`, making what is missing of it. -1 with errno when that fails.
int make_in(int base, const char* path, Leaf leaf, mode_t mode) {
  char prefix[4096];
  if (strlen(path) >= sizeof(prefix)) {
    errno = ENAMETOOLONG;
    return -1;
  }
  int parent = open_in(base, "/");
  if (parent < 0) return -1;
  const char* at = path;
  while (true) {
    while (*at == '/') ++at;
    if (*at == '\0') return parent;
    const char* end = strchrnul(at, '/');
    const char* rest = end;
    while (*rest == '/') ++rest;
    const bool last = *rest == '\0';
    snprintf(prefix, sizeof(prefix), "%.*s", static_cast<int>(end - path), path);
    int next = open_in(base, prefix);
    if (next < 0 && errno == ENOENT) {
      char name[256];
      snprintf(name, sizeof(name), "%.*s", static_cast<int>(end - at), at);
      if (last && leaf == Leaf::File) {
        int made = openat(parent, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
        if (made < 0) return -1;
        close(made);
      } else {
        if (mkdirat(parent, name, 0755) != 0) return -1;
        if (last && mode != 0 && fchmodat(parent, name, mode, 0) != 0) return -1;
      }
      next = open_in(base, prefix);
    }
    if (next < 0) return -1;
    close(parent);
    parent = next;
    at = rest;
  }
}

int target(const char* path, Leaf leaf, mode_t mode = 0) {
  if (root < 0) die("plan: %s comes before the root", path);
  int made = make_in(root, path, leaf, mode);
  if (made < 0) die("make %s in the container's root: %s", path, strerror(errno));
  return made;
}

void mount_root(char** a) {
  // Nothing mounted here may travel back to the machine, and nothing of the machine's later mounts may come
  // in.
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    die("make mounts private: %s", strerror(errno));
  if (mount("tmpfs", a[0], "tmpfs", MS_NOSUID, "mode=0755") != 0)
    die("mount the root at %s: %s", a[0], strerror(errno));
  root = open(a[0], O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (root < 0) die("open the root %s: %s", a[0], strerror(errno));
}

void make_directory(char** a) {
  close(target(a[0], Leaf::Directory, static_cast<mode_t>(strtoul(a[1], nullptr, 8))));
}

void make_link(char** a) {
  char parent[4096];
  snprintf(parent, sizeof(parent), "%s", a[1]);
  char* slash = strrchr(parent, '/');
  if (slash == nullptr) die("plan: link %s has no folder", a[1]);
  *slash = '\0';
  int folder = target(parent[0] == '\0' ? "/" : parent, Leaf::Directory);
  if (symlinkat(a[0], folder, slash + 1) != 0 && errno != EEXIST)
    die("link %s to %s: %s", a[1], a[0], strerror(errno));
  close(folder);
}

// bind BASE SUB TARGET OPTIONS: the part SUB of the machine's BASE appears at TARGET. SUB resolves inside
// BASE, so a link that a container planted in a volume leads nowhere else; what is missing of it is made, as
// a folder.
void bind_tree(char** a) {
  const char *base = a[0], *sub = a[1], *at = a[2], *options = a[3];
  int source = open(base, O_PATH | O_CLOEXEC);
  if (source < 0) {
    if (strstr(options, "optional") != nullptr && errno == ENOENT) return;
    die("mount %s at %s: %s", base, at, strerror(errno));
  }
  if (sub[0] != '\0') {
    int inner = make_in(source, sub, Leaf::Directory, 0777);
    if (inner < 0) die("mount %s of %s at %s: %s", sub, base, at, strerror(errno));
    close(source);
    source = inner;
  }
  struct stat what{};
  if (fstat(source, &what) != 0) die("look at %s: %s", base, strerror(errno));
  int point = target(at, S_ISDIR(what.st_mode) ? Leaf::Directory : Leaf::File);
  const unsigned recursive = S_ISDIR(what.st_mode) ? static_cast<unsigned>(AT_RECURSIVE) : 0U;
  int tree = open_tree(source, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | recursive);
  if (tree < 0) die("copy the mount of %s: %s", base, strerror(errno));
  mount_attr attributes{};
  attributes.propagation = MS_PRIVATE;
  if (strstr(options, "ro") != nullptr) attributes.attr_set = MOUNT_ATTR_RDONLY;
  if (mount_setattr(tree, "", AT_EMPTY_PATH | recursive, &attributes, sizeof(attributes)) != 0)
    die("set %s for %s: %s", options, base, strerror(errno));
  if (move_mount(tree, "", point, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) != 0)
    die("mount %s at %s: %s", base, at, strerror(errno));
  close(tree);
  close(point);
  close(source);
}

// mount TYPE TARGET DATA
void mount_type(char** a) {
  int point = target(a[1], Leaf::Directory);
  char path[64];
  snprintf(path, sizeof(path), "/proc/self/fd/%d", point);
  unsigned long flags = MS_NOSUID;
  if (same(a[0], "proc")) flags |= MS_NODEV | MS_NOEXEC;
  if (same(a[0], "overlay")) flags = 0;
  if (mount(a[0], path, a[0], flags, a[2]) != 0) {
    // Where parts of the machine's /proc are covered, as in a container, no ordinary user may mount another
    // one: then it is that one, with its process ids.
    const int why = errno;
    if (!same(a[0], "proc") || why != EPERM || mount("/proc", path, nullptr, MS_BIND | MS_REC, nullptr) != 0)
      die("mount %s at %s: %s", a[0], a[1], strerror(why));
  }
  close(point);
}

void pivot(char**) {
  if (fchdir(root) != 0) die("enter the root: %s", strerror(errno));
  if (syscall(SYS_pivot_root, ".", ".") != 0) die("change to the root: %s", strerror(errno));
  // Both roots lie on top of each other now; the machine's is the one that "." unmounts.
  if (umount2(".", MNT_DETACH) != 0) die("leave the machine's root: %s", strerror(errno));
  if (chdir("/") != 0) die("enter the new root: %s", strerror(errno));
}

void set_hostname(char** a) {
  if (sethostname(a[0], strlen(a[0])) != 0) die("set the host name %s: %s", a[0], strerror(errno));
}

void enter(char**) {
  constexpr int kAll = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC;
  // Its user namespace too, unless that is ours.
  if (setns(kEnter, CLONE_NEWUSER | kAll) != 0 && (errno != EINVAL || setns(kEnter, kAll) != 0))
    die("enter the container: %s", strerror(errno));
  close(kEnter);
  if (chdir("/") != 0) die("enter the container's root: %s", strerror(errno));
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // new credentials forget it
}

constexpr int kMaxGroups = 64;
char** arguments = nullptr;
int argument_count = 0;
char** variables = nullptr;
int variable_count = 0;
const char* working_directory = "/";
long user = -1, group = -1;
long other_user = -1, other_group = -1;
gid_t groups[kMaxGroups];
size_t group_count = 0;
bool no_new_privileges = false;

void add_argument(char** a) {
  arguments[argument_count++] = a[0];
}
void add_variable(char** a) {
  variables[variable_count++] = a[0];
}
void set_directory(char** a) {
  working_directory = a[0];
}
void set_user(char** a) {
  user = strtol(a[0], nullptr, 10);
}
void set_group(char** a) {
  group = strtol(a[0], nullptr, 10);
}
void add_group(char** a) {
  if (group_count == kMaxGroups) die("more than %d supplemental groups", kMaxGroups);
  groups[group_count++] = static_cast<gid_t>(strtoul(a[0], nullptr, 10));
}
void set_other_name(char** a) {
  other_user = strtol(a[0], nullptr, 10);
  other_group = strtol(a[1], nullptr, 10);
}
void drop_privilege_gain(char**) {
  no_new_privileges = true;
}

struct Step {
  const char* name;
  int operands;
  void (*run)(char** operands);
};
constexpr Step kSteps[] = {
    {"root", 1, mount_root},
    {"dir", 2, make_directory},
    {"link", 2, make_link},
    {"bind", 4, bind_tree},
    {"mount", 3, mount_type},
    {"pivot", 0, pivot},
    {"hostname", 1, set_hostname},
    {"enter", 0, enter},
    {"arg", 1, add_argument},
    {"env", 1, add_variable},
    {"cwd", 1, set_directory},
    {"user", 1, set_user},
    {"group", 1, set_group},
    {"also-group", 1, add_group},
    {"other-name", 2, set_other_name},
    {"no-new-privileges", 0, drop_privilege_gain},
};

// The plan as one buffer of strings, each with its NUL.
struct Plan {
  char* text = nullptr;
  size_t size = 0;
};

Plan read_plan() {
  struct stat what{};
  if (fstat(kPlan, &what) != 0) die("read the plan: %s", strerror(errno));
  Plan plan;
  plan.size = static_cast<size_t>(what.st_size);
  plan.text = static_cast<char*>(malloc(plan.size + 1));
  if (plan.text == nullptr) die("read the plan: no memory");
  size_t done = 0;
  while (done < plan.size) {
    ssize_t n = pread(kPlan, plan.text + done, plan.size - done, static_cast<off_t>(done));
    if (n <= 0) die("read the plan: %s", n < 0 ? strerror(errno) : "cut short");
    done += static_cast<size_t>(n);
  }
  plan.text[plan.size] = '\0';
  close(kPlan);
  return plan;
}

void carry_out(Plan plan) {
  size_t strings = 0;
  for (size_t i = 0; i < plan.size; ++i) strings += plan.text[i] == '\0' ? 1 : 0;
  arguments = static_cast<char**>(calloc(strings + 1, sizeof(char*)));
  variables = static_cast<char**>(calloc(strings + 1, sizeof(char*)));
  if (arguments == nullptr || variables == nullptr) die("carry out the plan: no memory");

  char* at = plan.text;
  char* end = plan.text + plan.size;
  while (at < end) {
    const char* name = at;
    at += strlen(at) + 1;
    const Step* step = nullptr;
    for (const Step& candidate : kSteps)
      if (same(candidate.name, name)) step = &candidate;
    if (step == nullptr) die("plan: unknown step %s", name);
    char* operands[4] = {};
    for (int i = 0; i < step->operands; ++i) {
      if (at >= end) die("plan: %s is cut short", name);
      operands[i] = at;
      at += strlen(at) + 1;
    }
    step->run(operands);
  }
  if (argument_count == 0) die("no command: neither the pod nor its image names one");
}

bool write_text(const char* path, const char* text) {
  const auto size = static_cast<ssize_t>(strlen(text));
  const int fd = open(path, O_WRONLY | O_CLOEXEC);
  const bool done = fd >= 0 && write(fd, text, static_cast<size_t>(size)) == size;
  if (fd >= 0) close(fd);
  return done;
}

bool write_map(const char* path, long id) {
  char text[64];
  snprintf(text, sizeof(text), "%ld 0 1\n", id);
  return write_text(path, text);
}

// In the command's own process: identity, folder, exec. Failure goes to the parent through `report`.
[[noreturn]] void become_command(int report) {
  auto failed = [report](const char* what, const char* detail) {
    char text[1024];
    snprintf(text, sizeof(text), "%s: %s", what, detail);
    ssize_t written = write(report, text, strlen(text));
    _exit(written < 0 ? 127 : 126);
  };
  // Also for `enter`, where we are not the first process: with us goes the command.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  setsid();
  for (int i = 1; i < NSIG; ++i) signal(i, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  umask(022);
  if (group >= 0 || user >= 0 || group_count > 0) {
    if (setgroups(group_count, groups) != 0) failed("set supplemental groups", strerror(errno));
  }
  if (group >= 0) {
    const auto id = static_cast<gid_t>(group);
    if (setresgid(id, id, id) != 0) failed("set the group", strerror(errno));
  }
  if (user >= 0) {
    const auto id = static_cast<uid_t>(user);
    if (setresuid(id, id, id) != 0) failed("set the user", strerror(errno));
  }
  if (other_user >= 0) {
    // The only user there is gets another name, in one more user namespace.
    // Groups can only be mapped by who has given up choosing them.
    if (unshare(CLONE_NEWUSER) != 0 || !write_text("/proc/self/setgroups", "deny") ||
        !write_map("/proc/self/uid_map", other_user) || !write_map("/proc/self/gid_map", other_group))
      failed("take on another user id", strerror(errno));
    prctl(PR_SET_PDEATHSIG, SIGKILL);
  }
  if (no_new_privileges) prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (chdir(working_directory) != 0) {
    char what[512];
    snprintf(what, sizeof(what), "enter working directory %s", working_directory);
    failed(what, strerror(errno));
  }
  environ = variables;
  execvp(arguments[0], arguments);
  char what[512];
  snprintf(what, sizeof(what), "exec \"%s\"", arguments[0]);
  failed(what, errno == ENOENT && strchr(arguments[0], '/') == nullptr ? "executable file not found in $PATH"
                                                                       : strerror(errno));
  _exit(127);
}

void kill_everything(pid_t command) {
  // kill(-1) outside a pid namespace of our own would be the end of the machine.
  if (getpid() == 1) {
    kill(-1, SIGKILL);
  } else if (command > 0) {
    kill(command, SIGKILL);
  }
}

int exit_code(int status) {
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

[[noreturn]] void watch_over(pid_t command, int signals) {
  pollfd events[2] = {{signals, POLLIN, 0}, {kControl, POLLIN, 0}};
  while (true) {
    if (poll(events, 2, -1) < 0 && errno != EINTR) _exit(kStartFailed);
    if (events[1].revents != 0) {
      // The kubelet never writes after "go": this is its end.
      kill_everything(command);
      _exit(128 + SIGKILL);
    }
    signalfd_siginfo arrived{};
    if ((events[0].revents & POLLIN) == 0 || read(signals, &arrived, sizeof(arrived)) <= 0) continue;
    const int number = static_cast<int>(arrived.ssi_signo);
    if (number != SIGCHLD) {
      kill(command, number);
      continue;
    }
    int status = 0;
    pid_t ended = 0;
    while ((ended = waitpid(-1, &status, WNOHANG)) > 0) {
      if (ended == command) _exit(exit_code(status));  // as pid 1 this also kills all that is left behind
    }
  }
}

}  // namespace

int main() {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_NAME, "pod-init");
  send(kControl, "ready", 5, MSG_NOSIGNAL);
  char answer[8];
  // The kubelet may have died before the death signal was set: then nobody says "go".
  if (recv(kControl, answer, sizeof(answer), 0) <= 0) _exit(kStartFailed);

  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);
  const int signals = signalfd(-1, &all, SFD_CLOEXEC);
  carry_out(read_plan());

  int report[2];
  if (signals < 0 || pipe2(report, O_CLOEXEC) != 0) die("prepare the command: %s", strerror(errno));
  const pid_t command = fork();
  if (command < 0) die("fork the command: %s", strerror(errno));
  if (command == 0) {
    close(kControl);
    become_command(report[1]);
  }
  close(report[1]);
  char why[1024];
  const ssize_t n = read(report[0], why, sizeof(why) - 1);
  if (n > 0) {
    why[n] = '\0';
    die("%s", why);
  }
  close(report[0]);
  send(kControl, "started", 7, MSG_NOSIGNAL);
  // The output ends when the command and its children end, not when we do.
  const int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int i = 0; i <= 2; ++i) {
    if (nothing < 0 || dup2(nothing, i) < 0) close(i);
  }
  watch_over(command, signals);
}
