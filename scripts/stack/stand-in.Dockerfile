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

FROM debian:bookworm-slim AS haproxy
RUN apt-get -qq update && \
    DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install haproxy wget
USER haproxy

FROM debian:bookworm-slim AS nginx
RUN apt-get -qq update && \
    DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install nginx-light

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

# Of programs that were built here: scripts/stack-test --containers --bin DIR. The last, for what comes before it is built too.
FROM debian:bookworm-slim AS hydrapool
COPY packages /tmp/
RUN apt-get -qq update && \
    DEBIAN_FRONTEND=noninteractive xargs apt-get -qq -y --no-install-recommends install </tmp/packages && \
    useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin hydrapool
COPY bin/ /usr/local/bin/
COPY cgi-bin/ /srv/cgi-bin/
COPY scenarios/ /srv/scenarios/
RUN ln -s ../cgi-bin /srv/scenarios/cgi-bin
USER 10001:10001
