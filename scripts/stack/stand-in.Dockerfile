# Stand-ins for images that cannot be pulled on a machine without a registry: what scripts/stack-test --containers needs
# of them. Not for use.
FROM debian:bookworm-slim AS prometheus
RUN apt-get -qq update && \
    DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install prometheus wget && \
    mkdir /prometheus && chown nobody:nogroup /prometheus
USER nobody
VOLUME /prometheus
ENTRYPOINT ["prometheus"]

FROM debian:bookworm-slim AS alertmanager
RUN apt-get -qq update && \
    DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install prometheus-alertmanager
USER nobody
ENTRYPOINT ["prometheus-alertmanager"]

# Healthy once the provisioned files are there, its own directory can be written and the data source answers.
FROM debian:bookworm-slim AS grafana
RUN apt-get -qq update && \
    DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install busybox wget
USER 472
WORKDIR /var/lib/grafana
CMD ["sh", "-euc", "\
  path=$(sed -n 's/^ *path: //p' /etc/grafana/provisioning/dashboards/*.yml); \
  url=$(sed -n 's/^ *url: //p' /etc/grafana/provisioning/datasources/*.yml); \
  cp $path/*.json dashboard.json; \
  mkdir -p api; \
  wget -q -O api/health $url/-/ready; \
  exec busybox httpd -f -p 3000"]
