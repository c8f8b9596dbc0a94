// The table of commands. A new command is a row here, a line in command_functions.h and a file of its name.
#include "cmd/ctl/command.h"
#include "cmd/ctl/command_functions.h"

namespace ctl {

namespace {

using Count = Argument::Count;

constexpr Flag kFilename{.name = "filename",
                         .letter = 'f',
                         .takes = Takes::File,
                         .value = "FILE",
                         .help = "Manifest; - is standard input"};
constexpr Flag kOutput{.name = "output",
                       .letter = 'o',
                       .takes = Takes::Choice,
                       .help = "Format",
                       .choices = "yaml|json",
                       .standard = "yaml"};
constexpr Flag kOperatorFlags{.name = "operator-flags",
                              .takes = Takes::Text,
                              .value = "FLAGS",
                              .help = "Flags of the operator that is meant, as its container has them"};
constexpr Flag kSparkVersion{.name = "spark-version",
                             .takes = Takes::Text,
                             .value = "VERSION",
                             .help = "Instead of spec.sparkVersion"};
constexpr Flag kNamespace{.name = "namespace",
                          .letter = 'n',
                          .takes = Takes::Namespace,
                          .value = "NAME",
                          .help = "Namespace where the manifest names none",
                          .standard = "default"};

std::vector<Command> without_cluster() {
  return {
      {.name = "render",
       .summary = "Print what the operator makes of an application",
       .flags = {kFilename,
                 {.name = "as",
                  .takes = Takes::Choice,
                  .help = "Kubernetes objects, or a shell script that ends in spark-submit",
                  .choices = "objects|spark-submit",
                  .standard = "objects"},
                 kSparkVersion,
                 kOutput,
                 kNamespace,
                 kOperatorFlags},
       .about = "Needs no cluster. Applications of the file (and what its schedules would run) become the "
                "objects that "
                "the operator\ncreates, in that order. Ids that come from the application's UID and from the "
                "time are "
                "those of an application\nthat has none. Exit code 1: only spark-submit can submit it.\n",
       .examples = "render -f deploy/examples/spark-pi.yaml\nrender -f deploy/examples/spark-pi.yaml --as "
                   "spark-submit",
       .run = render},
      {.name = "convert",
       .summary = "Make a SparkApplication of a spark-submit command",
       .arguments = {{.name = "COMMAND", .takes = Takes::Text, .count = Count::Rest}},
       .flags = {{.name = "filename",
                  .letter = 'f',
                  .takes = Takes::File,
                  .value = "FILE",
                  .help = "Shell script that holds the command; - is standard input"},
                 {.name = "name", .takes = Takes::Text, .value = "NAME", .help = "Name of the application"},
                 {.name = "spark-version",
                  .takes = Takes::Text,
                  .value = "VERSION",
                  .help = "Where the image's tag does not tell it"},
                 kOutput,
                 {.name = "namespace",
                  .letter = 'n',
                  .takes = Takes::Namespace,
                  .value = "NAME",
                  .help = "Instead of spark.kubernetes.namespace"}},
       .about = "Needs no cluster and runs nothing. Pod templates and properties files that the command "
                "names are read. "
                "What could\nnot be taken over is told on standard error.\n",
       .examples = "convert -- spark-submit --master k8s://https://host:6443 --deploy-mode cluster --conf "
                   "spark.kubernetes.container.image=spark:3.5.7 local:///opt/app.py",
       .run = convert},
  };
}

std::vector<Command> of_files() {
  return {
      {.name = "diff",
       .summary = "Show what applying a manifest would change",
       .flags = {kFilename, kOperatorFlags},
       .about =
           "The application as it is and as it would be (the server is asked, and stores nothing), whether "
           "that "
           "restarts it, and\nthe objects that the operator would make of both.\nExit codes: 0 nothing would "
           "change, 1 something would, 2 wrong input, 3 the cluster cannot be asked.\n",
       .examples = "diff -f deploy/examples/spark-pi.yaml",
       .uses_cluster = true,
       .run = diff},
  };
}

constexpr Flag kSchedule{.name = "schedule", .help = "NAME is that of a ScheduledSparkApplication"};
constexpr Flag kAllNamespaces{.name = "all-namespaces", .letter = 'A', .help = "Of all namespaces"};
constexpr Flag kLogs{.name = "logs", .letter = 'l', .help = "Follow the driver's log to its end"};
constexpr Flag kTable{.name = "output",
                      .letter = 'o',
                      .takes = Takes::Choice,
                      .help = "Format",
                      .choices = "table|yaml|json",
                      .standard = "table"};
const Argument kName{.name = "NAME", .takes = Takes::Application};
const Argument kNames{.name = "NAME", .takes = Takes::Application, .count = Count::Some};

std::vector<Command> that_look() {
  return {
      {.name = "list",
       .summary = "List applications",
       .flags = {kAllNamespaces,
                 {.name = "selector",
                  .letter = 'l',
                  .takes = Takes::Text,
                  .value = "SELECTOR",
                  .help = "Only those with these labels: team=blue,tier!=test"},
                 {.name = "state",
                  .takes = Takes::Choice,
                  .help = "Only those in this state",
                  .choices =
                      "NEW|SUBMITTED|RUNNING|COMPLETED|FAILED|SUBMISSION_FAILED|PENDING_RERUN|INVALIDATING|"
                      "SUCCEEDING|FAILING|SUSPENDING|SUSPENDED|RESUMING|UNKNOWN"},
                 {.name = "schedules", .help = "ScheduledSparkApplications instead"},
                 {.name = "output",
                  .letter = 'o',
                  .takes = Takes::Choice,
                  .help = "Format",
                  .choices = "table|wide|yaml|json|name",
                  .standard = "table"}},
       .examples = "list\nlist --all-namespaces --state FAILED -o wide",
       .uses_cluster = true,
       .run = list},
      {.name = "status",
       .summary = "Show where an application is",
       .arguments = {kName},
       .flags = {kTable},
       .examples = "status spark-pi",
       .uses_cluster = true,
       .run = status},
      {.name = "why",
       .summary = "Explain why an application does not run, failed, or is gone",
       .arguments = {kName},
       .flags = {{.name = "output",
                  .letter = 'o',
                  .takes = Takes::Choice,
                  .help = "Format",
                  .choices = "text|yaml|json",
                  .standard = "text"}},
       .about =
           "One answer from the application's status, its pods, its namespace's quotas, its service account, "
           "webhooks, events,\nand what the API server says to its driver now (a dry run: nothing is "
           "stored). What "
           "may not be read is left out\nand named.\nExit codes: 0 there is an answer; 1 there is no such "
           "application, or the cluster cannot be asked; 2 wrong input.\n",
       .examples = "why spark-pi",
       .uses_cluster = true,
       .run = why},
      {.name = "log",
       .summary = "Print the log of the driver, or of an executor",
       .arguments = {kName},
       .flags = {{.name = "follow", .letter = 'f', .help = "Go on until the container has ended"},
                 {.name = "executor",
                  .letter = 'e',
                  .takes = Takes::Number,
                  .value = "ID",
                  .help = "Of this executor instead of the driver"},
                 {.name = "previous",
                  .letter = 'p',
                  .help = "Of an earlier attempt, as far as its pods are left"},
                 {.name = "tail", .takes = Takes::Number, .value = "LINES", .help = "Only the last lines"}},
       .about = "Waits up to 30 seconds for a driver that is about to start.\n",
       .examples = "log spark-pi -f\nlog spark-pi --executor 1",
       .uses_cluster = true,
       .run = log},
      {.name = "forward",
       .summary = "Make the driver's web interface a port of this machine",
       .arguments = {kName},
       .flags = {{.name = "local-port",
                  .letter = 'l',
                  .takes = Takes::Number,
                  .value = "PORT",
                  .help = "Of this machine, on loopback; 0 is any free one",
                  .standard = "4040"},
                 {.name = "remote-port",
                  .letter = 'r',
                  .takes = Takes::Number,
                  .value = "PORT",
                  .help = "Of the driver",
                  .standard = "4040"},
                 {.name = "timeout",
                  .takes = Takes::Duration,
                  .value = "DURATION",
                  .help = "How long to wait for a driver that runs",
                  .standard = "1m"}},
       .about = "Goes on until the driver has ended, or until Ctrl-C.\nNeeds the right to get and create "
                "pods/portforward, and to get pods.\n",
       .examples = "forward spark-pi\nforward spark-pi --local-port 8080",
       .uses_cluster = true,
       .run = forward},
      {.name = "event",
       .summary = "Print the events of an application",
       .arguments = {kName},
       .flags = {{.name = "follow", .letter = 'f', .help = "Go on until Ctrl-C"}, kTable},
       .examples = "event spark-pi",
       .uses_cluster = true,
       .run = event},
      {.name = "top",
       .summary = "Show what applications ask of the cluster, and use",
       .flags = {kAllNamespaces,
                 {.name = "sort-by",
                  .takes = Takes::Choice,
                  .help = "Largest first",
                  .choices = "memory|cpu|executors|name",
                  .standard = "memory"},
                 {.name = "all", .help = "Also those that hold nothing"},
                 kTable},
       .about = "Requests of the pods that have not ended; what they use, where the cluster has a metrics "
                "server.\n",
       .examples = "top --all-namespaces",
       .uses_cluster = true,
       .run = top},
  };
}

std::vector<Command> that_change() {
  return {
      {.name = "create",
       .summary = "Create the applications of a manifest, or one from a schedule",
       .arguments = {{.name = "FILE|NAME", .takes = Takes::File, .count = Count::Optional}},
       .flags = {kFilename,
                 {.name = "from",
                  .takes = Takes::Schedule,
                  .value = "SCHEDULE",
                  .help = "NAME is created from this ScheduledSparkApplication's template"},
                 {.name = "delete", .letter = 'd', .help = "Delete one that has the name, first"},
                 kLogs,
                 {.name = "dry-run", .help = "The server checks it and stores nothing"}},
       .about =
           "Nothing is created unless all applications of the file are fine. Files of this machine are not "
           "uploaded.\n",
       .examples = "create -f deploy/examples/spark-pi.yaml --logs\ncreate tonight --from nightly",
       .uses_cluster = true,
       .run = create},
      {.name = "delete",
       .summary = "Delete applications",
       .arguments = {kNames},
       .flags = {kSchedule,
                 {.name = "wait", .help = "Until they are gone"},
                 {.name = "timeout",
                  .takes = Takes::Duration,
                  .value = "DURATION",
                  .help = "How long to wait",
                  .standard = "1m"},
                 {.name = "ignore-not-found", .help = "One that is not there is fine"}},
       .examples = "delete spark-pi",
       .uses_cluster = true,
       .run = delete_applications},
      {.name = "rerun",
       .summary = "Run applications again that have ended",
       .arguments = {kNames},
       .flags = {{.name = "force", .help = "Also those that run: their run is ended"}},
       .about = "What an edit of the spec does, without an edit: the operator deletes the driver, sets "
                "counters back and "
                "submits again.\nNeeds the right to patch sparkapplications/status.\n",
       .examples = "rerun spark-pi",
       .uses_cluster = true,
       .run = rerun},
      {.name = "suspend",
       .summary = "Let applications or schedules pause",
       .arguments = {kNames},
       .flags = {kSchedule},
       .about = "The driver of an application is deleted; its next run begins anew.\n",
       .examples = "suspend spark-pi\nsuspend --schedule nightly",
       .uses_cluster = true,
       .run = suspend},
      {.name = "resume",
       .summary = "Let applications or schedules go on",
       .arguments = {kNames},
       .flags = {kSchedule},
       .examples = "resume spark-pi",
       .uses_cluster = true,
       .run = resume},
      {.name = "run-now",
       .summary = "Start a run of a schedule by hand",
       .arguments = {{.name = "SCHEDULE", .takes = Takes::Schedule}},
       .flags = {{.name = "name", .takes = Takes::Text, .value = "NAME", .help = "Of the application"},
                 {.name = "force", .help = "Although another run is running and the schedule forbids that"},
                 kLogs},
       .about = "An application as the schedule makes it, with its labels and owner; history limits count it "
                "as any "
                "other. The\nschedule's own times stay as they are. Works for suspended schedules, too.\n",
       .examples = "run-now nightly",
       .uses_cluster = true,
       .run = run_now},
  };
}

std::vector<Command> of_this_machine() {
  return {
      {.name = "local up",
       .summary = "Start a cluster on this machine, without containers; prints the kubeconfig to use",
       .about = "Environment: SPARK_OPERATOR_LOCAL_DIR (its state), SPARK_OPERATOR_IMAGES (Spark releases, "
                "laid out by\n"
                "deploy/lib/fetch_spark.sh), SPARK_OPERATOR_LOCAL_FLAGS (of its operator, as `spark-operator "
                "controller "
                "start` has them).\n",
       .run_alone = local_up},
      {.name = "local run",
       .summary = "Apply a manifest there, follow its applications to their end, print their output",
       .arguments = {{.name = "FILE", .takes = Takes::File}},
       .about = "Starts a cluster for the time of the run when none is up.\n",
       .run_alone = local_run},
      {.name = "local down",
       .summary = "End that cluster and everything it started",
       .run_alone = local_down},
      {.name = "local kubelet",
       .summary = "Join this machine to another API server, as a node without containers",
       .arguments = {{.name = "FLAGS", .takes = Takes::Text, .count = Count::Rest}},
       .run_alone = local_kubelet},
      {.name = "local serve",
       .summary = "What stands behind local up",
       .arguments = {{.name = "DESCRIPTOR"}},
       .run_alone = local_serve,
       .hidden = true},
      {.name = "completion",
       .summary = "Print what a shell needs to complete commands",
       .arguments = {{.name = "bash|zsh"}},
       .about = "For bash: source <(sparkctl completion bash). For zsh: source <(sparkctl completion zsh).\n",
       .run = completion},
      {.name = "__complete",
       .summary = "What the completion scripts ask",
       .arguments = {{.name = "WORD", .takes = Takes::Text, .count = Count::Rest}},
       .run = complete,
       .hidden = true},
  };
}

std::vector<Command> all_commands() {
  std::vector<Command> all;
  for (auto part : {that_look(), that_change(), of_files(), without_cluster(), of_this_machine()})
    for (Command& command : part) all.push_back(std::move(command));
  return all;
}

}  // namespace

const std::vector<Command>& commands() {
  static const std::vector<Command> table = all_commands();
  return table;
}

const Command* find_command(std::string_view name) {
  for (const Command& command : commands())
    if (command.name == name) return &command;
  return nullptr;
}

const std::vector<Flag>& cluster_flags() {
  static const std::vector<Flag> flags{
      {.name = "namespace",
       .letter = 'n',
       .takes = Takes::Namespace,
       .value = "NAME",
       .help = "Namespace; the context's when not given"},
      {.name = "kubeconfig",
       .letter = 'k',
       .takes = Takes::File,
       .value = "FILE",
       .help = "Instead of $KUBECONFIG and ~/.kube/config"},
      {.name = "context", .takes = Takes::Context, .value = "NAME", .help = "Instead of the current context"},
      {.name = "request-timeout",
       .takes = Takes::Duration,
       .value = "DURATION",
       .help = "How long one request may take",
       .standard = "30s"},
  };
  return flags;
}

}  // namespace ctl
