# Read by Spark's own scripts at their start. Java's log-in wants a name for the user that it runs as, and a cluster may choose any
# number: such a user is given one, by a file of users that only this process and its children see.
if ! getent passwd "$(id -u)" >/dev/null; then
  spark_users=${TMPDIR:-/tmp}/spark-users-$(id -u)
  # Several start at once and read the same files: each writes its own and renames it, so that nobody sees half of one.
  echo "spark:x:$(id -u):$(id -g):${SPARK_USER_NAME:-spark}:/home/spark:/usr/sbin/nologin" >"$spark_users.passwd.$$"
  echo "spark:x:$(id -g):" >"$spark_users.group.$$"
  mv -f "$spark_users.passwd.$$" "$spark_users.passwd"
  mv -f "$spark_users.group.$$" "$spark_users.group"
  export NSS_WRAPPER_PASSWD=$spark_users.passwd NSS_WRAPPER_GROUP=$spark_users.group
  export LD_PRELOAD=libnss_wrapper.so${LD_PRELOAD:+:$LD_PRELOAD}
fi
