# Read by Spark's own scripts at their start. Java's log-in wants a name for the user that it runs as, and a cluster may choose any
# number: such a user is given one, by a file of users that only this process and its children see.
if ! getent passwd "$(id -u)" >/dev/null; then
  spark_users=${TMPDIR:-/tmp}/spark-users
  echo "spark:x:$(id -u):$(id -g):${SPARK_USER_NAME:-spark}:/home/spark:/usr/sbin/nologin" >"$spark_users.passwd"
  echo "spark:x:$(id -g):" >"$spark_users.group"
  export NSS_WRAPPER_PASSWD=$spark_users.passwd NSS_WRAPPER_GROUP=$spark_users.group
  export LD_PRELOAD=libnss_wrapper.so${LD_PRELOAD:+:$LD_PRELOAD}
fi
