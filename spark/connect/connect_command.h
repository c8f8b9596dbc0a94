// The command line of a Spark Connect server, as one text for bash.
//
//   auto command = connect_server_command(connect, "k8s://https://10.0.0.1:443");
//   // ${SPARK_HOME}/sbin/start-connect-server.sh --master k8s://… --conf spark.kubernetes.namespace=ns …
//
// Words in upstream's order, joined by single spaces. sparkConf and hadoopConf are quoted always, other words
// where the shell would read more than text in them; only ${SPARK_HOME} and the pod's address are the
// shell's to fill in. spark-submit keeps the last --conf of a key, so typed fields win over sparkConf;
// spark.driver.bindAddress is the user's where it is given.
//
// The text carries sparkConf's secrets. Thread: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "api/spark_connect.h"
#include "kube/base/result.h"

namespace spark {

// Error InvalidInput: nobody says which image executors have.
kube::Result<std::string> connect_server_command(const api::SparkConnect& connect,
                                                 std::string_view master_url);

// A word that bash reads as exactly this text.
std::string shell_word(std::string_view text);

// What executors' names begin with: the name, shortened and made unique where Spark refuses longer ones.
std::string executor_name_prefix(std::string_view connect);

// Where the server listens for clients, and with its user interface: sparkConf may move them.
std::int32_t connect_port(const api::SparkConnectSpec& spec);
std::int32_t connect_ui_port(const api::SparkConnectSpec& spec);

}  // namespace spark
