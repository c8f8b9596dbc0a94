# Two images of the operator.
#
#   docker build --target operator       -t spark-operator:0.1.0 .          # the operator alone: no shell, no Java
#   docker build --target operator-spark -t spark-operator:0.1.0-spark .    # with Spark and Java, for the spark-submit submitter
#
# Both run as user 185 or any other, on a read-only root file system. deploy/image/build.sh makes the same without a container
# engine; `test/run.sh chart --image` runs this file and compares. For arm64: docker build --platform linux/arm64; the compiler
# runs on the builder's own architecture.
ARG DEBIAN=debian:bookworm

FROM --platform=$BUILDPLATFORM ${DEBIAN} AS build
COPY deploy/lib /source/deploy/lib
RUN bash -euc '. /source/deploy/lib/packages.sh; install_packages "${BUILD_PACKAGES[@]}" tzdata binutils python3'
COPY . /source
WORKDIR /source
ARG TARGETARCH
RUN out=build/image-$TARGETARCH && \
    if [ "$TARGETARCH" = "$(dpkg --print-architecture)" ]; then deploy/image/build.sh operator "$out"; \
    else deploy/image/cross.sh "$TARGETARCH" "$out"; fi && mv "$out/operator.root" /root-of-operator

FROM scratch AS operator
COPY --from=build /root-of-operator /
USER 185:185
ENTRYPOINT ["/usr/bin/spark-operator"]

FROM --platform=$BUILDPLATFORM ${DEBIAN} AS spark
ARG SPARK_VERSION=4.0.5
RUN apt-get update && apt-get install -y --no-install-recommends python3 python3-pip ca-certificates
COPY deploy/lib /source/deploy/lib
COPY deploy/examples/java /source/deploy/examples/java
RUN SPARK_OPERATOR_IMAGES=/images /source/deploy/lib/fetch_spark.sh ${SPARK_VERSION} && mv /images/spark/${SPARK_VERSION}/opt/spark /opt/spark

FROM ${DEBIAN} AS operator-spark
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates tzdata openjdk-17-jre-headless libnss-wrapper && \
    rm -rf /var/lib/apt/lists/* /usr/share/doc/* /usr/share/man/* /usr/share/locale/*
COPY --from=spark /opt/spark/bin /opt/spark/bin
COPY --from=spark /opt/spark/sbin /opt/spark/sbin
COPY --from=spark /opt/spark/jars /opt/spark/jars
COPY deploy/image/spark-env.sh /opt/spark/conf/spark-env.sh
# Libraries that this Debian has stay its own, as newer ones may be installed over them.
RUN --mount=type=bind,from=build,source=/root-of-operator,target=/operator cp -an /operator/usr/. /usr/ && cp -a /operator/home/spark /home/ && \
    cp -a /operator/etc/k8s-webhook-server /etc/
RUN echo 'spark:x:185:185::/home/spark:/usr/sbin/nologin' >>/etc/passwd && echo 'spark:x:185:' >>/etc/group && \
    mkdir -p /run/secrets/kubernetes.io/serviceaccount
ARG TARGETARCH
ENV SPARK_HOME=/opt/spark JAVA_HOME=/usr/lib/jvm/java-17-openjdk-$TARGETARCH
USER 185:185
ENTRYPOINT ["/usr/bin/spark-operator"]
