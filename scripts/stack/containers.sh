# shellcheck shell=bash disable=SC2034,SC2154
# The stack of docker-compose.yml for real, on a private Docker daemon; sourced by scripts/stack-test.
#
# The images are built by a daemon in the machine's own network. It then makes room for one in a network namespace,
# where bridges, service names and published ports do no harm; that one has no way out.

cache=$root/build/containers
netns='' daemon='' brought_up=

docker_() { /usr/bin/docker "$@"; }
compose() { docker-compose --project-name hydrapool-test --file docker-compose.yml --file scripts/stack/stand-in.yml "$@"; }

# start_daemon COMMAND...: COMMAND and its options end with those of dockerd.
start_daemon() {
  "$@" --data-root "$cache/docker" --exec-root "$work/exec" --pidfile "$work/docker.pid" --host "$DOCKER_HOST" \
    >>"$cache/dockerd.log" 2>&1 &
  daemon=$!
  within 30 "a Docker daemon ($1) is ready" quietly docker_ version
}

stop_daemon() {
  [[ -n $daemon ]] || return 0
  kill -TERM "$daemon" 2>/dev/null || true
  wait "$daemon" || true
  daemon=''
  umount "$work/exec/netns/default" 2>/dev/null || true
}

remove_containers() {
  [[ -z $brought_up ]] || compose --profile peers down --volumes --remove-orphans --timeout 5 >/dev/null 2>&1 || true
  stop_daemon
  [[ -z $netns ]] || ip netns delete "$netns"
}

# build_image TAG OPTION...
build_image() {
  local tag=$1
  shift
  DOCKER_BUILDKIT=0 docker_ build --network host --tag "$tag" "$@" . >"$cache/build.log" 2>&1 ||
    fail "building $tag: $(tail -n 5 "$cache/build.log")"
  printf '%s\n' "  ok   $tag is built"
}

# The base image and the project's own.
build_hydrapool() {
  if [[ ! -e $cache/base.tar ]]; then
    say 'debian:bookworm-slim is made by mmdebstrap'
    mmdebstrap --quiet --format=tar --variant=minbase --include=ca-certificates bookworm "$cache/base.new" || die 'mmdebstrap failed'
    mv "$cache/base.new" "$cache/base.tar"
  fi
  docker_ image inspect debian:bookworm-slim >/dev/null 2>&1 ||
    docker_ import "$cache/base.tar" debian:bookworm-slim >/dev/null
  if [[ -n ${prebuilt-} ]]; then
    build_from_programs "$prebuilt"
  else
    build_image hydrapool:local --file scripts/Dockerfile
  fi
}

# build_from_programs DIR: the project's image with the programs that a build here has made, and what they link.
build_from_programs() {
  local context=$work/context
  mkdir -p "$context/bin"
  cp "$1"/{hydrapool,loadgen,harness} "$context/bin/"
  strip "$context"/bin/*
  cp -r "$1/../cgi-bin" harness/scenarios "$context/"
  ldd "$context"/bin/* | awk '$2 == "=>" { sub(".*/", "*/", $3); print $3 }' | sort -u | xargs dpkg --search |
    sed 's/:.*//' | sort -u | xargs echo git >"$context/packages"
  DOCKER_BUILDKIT=0 docker_ build --network host --tag hydrapool:local --file scripts/stack/stand-in.Dockerfile \
    --target hydrapool "$context" >"$cache/build.log" 2>&1 || fail "building hydrapool:local: $(tail -n 5 "$cache/build.log")"
  printf '%s\n' "  ok   hydrapool:local is made of the programs in $1"
}

build_images() {
  local each image grafana
  build_hydrapool
  for each in prometheus alertmanager haproxy nginx; do
    image=$(sed -n "s/^ *image: \\(.*$each:.*\\)/\\1/p" docker-compose.yml)
    say "$image is a stand-in: Debian's $each"
    build_image "$image" --file scripts/stack/stand-in.Dockerfile --target "$each"
  done
  grafana=$(sed -n 's/^ *image: \(grafana\/.*\)/\1/p' docker-compose.yml)
  say "$grafana is a stand-in: it has the provisioned files and reaches the data source, but draws nothing"
  build_image hydrapool-stand-in/grafana:local --file scripts/stack/stand-in.Dockerfile --target grafana
}

# Each is running, and healthy where it says so.
all_healthy() {
  reason=$(compose ps --quiet | xargs /usr/bin/docker inspect --format \
    '{{.Name}} {{.State.Status}} {{with .State.Health}}{{.Status}}{{else}}healthy{{end}}')
  [[ $(grep -c ' running healthy$' <<<"$reason") == 9 ]]
}

all_hardened() {
  reason=$(compose ps --quiet | xargs /usr/bin/docker inspect | jq --raw-output '.[] | select(
      .HostConfig.CapDrop != ["ALL"] or .HostConfig.ReadonlyRootfs != true or .HostConfig.Privileged
      or (.HostConfig.SecurityOpt | index("no-new-privileges:true") | not)
      or (.Config.User | . == "" or . == "root" or startswith("0"))
      or any(.HostConfig.PortBindings[]?[]; .HostIp != "127.0.0.1")) | .Name') && [[ -z $reason ]]
}

container() { compose ps --quiet "$1"; }
pool_started_at() { docker_ inspect --format '{{.State.StartedAt}}' "$(container pool)"; }
pool_was_restarted() { [[ $(pool_started_at) != "$1" ]]; }
kills_are_seen() { holds 'sum(hydrapool_worker_exits_total{cause="SIGKILL"}) >= 3'; }

a_killed_parent_comes_back() {
  local before pid
  before=$(pool_started_at)
  pid=$("${ask[@]}" http://127.0.0.1:9180/status.json | jq .pid)
  docker_ exec "$(container holder)" bash -c "kill -KILL $pid"
  within 30 'the pool is restarted when its parent is killed' pool_was_restarted "$before"
  within 30 'and all are healthy again' all_healthy
  within 60 'and its workers are killed again' kills_are_seen
}

drain_on_stop() {
  local ids
  mapfile -t ids < <(container pool)
  compose --profile peers stop >/dev/null 2>&1
  reason="exit codes $(docker_ inspect --format '{{.State.ExitCode}}' "${ids[@]}" | xargs)"
  [[ $reason == 'exit codes 0 0 0' ]]
}

instance_of_the_pool() {
  "${ask[@]}" "$prometheus_url/api/v1/query" --data-urlencode 'query=hydrapool_build_info' |
    jq --raw-output '.data.result[0].metric.instance'
}

# Found by their name, and all of them served by HAProxy.
three_pools() {
  compose up --detach --no-build --no-recreate --scale pool=3 >>"$cache/compose.log" 2>&1 || fail "scale: $(tail -n 3 "$cache/compose.log")"
  within 30 'three pools are scraped' holds 'count(up{job="hydrapool"} == 1) == 3'
  within 30 'and each of them gets requests' holds 'count(job:hydrapool_worker_requests:rate1m > 0) == 3'
}

with_a_peer() {
  compose --profile peers up --detach --no-build --no-recreate --scale pool=3 >>"$cache/compose.log" 2>&1 ||
    fail "peers: $(tail -n 3 "$cache/compose.log")"
  within 30 'nginx beside it is loaded and watched' holds 'sum(rate(loadgen_requests_total{job="peer", outcome="ok"}[15s])) > 0'
  within 30 'and its workers are killed too' peer_is_killed
}
peer_is_killed() { compose logs --no-color peer-faults | grep -q '"outcome":"dead"'; }

verdict_is_pass() {
  reason=$(compose --profile ci run --rm -T verdict 2>&1 | tail -n 5)
  [[ $reason == *PASS* ]]
}

test_containers() {
  local tool
  ((EUID == 0)) || die '--containers needs root'
  for tool in /usr/bin/docker dockerd docker-compose mmdebstrap iptables ip nsenter jq; do
    command -v "$tool" >/dev/null || die "$tool is missing: apt-get install docker.io docker-compose mmdebstrap" \
      iptables iproute2
  done
  work=$(mktemp -d "${TMPDIR:-/tmp}/hydrapool-stack.XXXXXX")
  mkdir -p "$cache"
  export DOCKER_HOST=unix://$work/docker.sock LC_ALL=C.UTF-8

  start_daemon dockerd --iptables=false --ip6tables=false --ip-forward=false --bridge=none
  build_images
  stop_daemon

  export PROMETHEUS_CONFIG=$work/prometheus
  mkdir "$PROMETHEUS_CONFIG"
  cp metrics/prometheus/{recording,alerting}.yml "$PROMETHEUS_CONFIG"
  prometheus_yml >"$PROMETHEUS_CONFIG/prometheus.yml"

  netns=hydrapool-stack-$$
  ip netns add "$netns"
  ip -n "$netns" link set lo up
  start_daemon nsenter --net="/run/netns/$netns" dockerd
  say 'docker-compose up'
  brought_up=yes
  SECONDS=0
  compose up --detach --no-build >"$cache/compose.log" 2>&1 || fail "up: $(tail -n 5 "$cache/compose.log")"
  within 60 'all nine are healthy' all_healthy
  say "  $SECONDS s after up"
  check 'no capabilities, no root, read-only, ports on 127.0.0.1 only' all_hardened

  ask=(nsenter --net="/run/netns/$netns" "${ask[@]}")
  prometheus_url=http://127.0.0.1:9090
  within 30 'every target is scraped' targets_are_up 3
  list_queries "$(instance_of_the_pool)" 20s
  within 60 "each of ${#unanswered[@]} queries of panels and recording rules has data" queries_had_data
  within 30 'kills are seen' kills_are_seen
  check 'nothing was lost or cut' holds 'sum(hydrapool_lost_total) + sum(hydrapool_cut_total) == 0'
  check 'every rule is healthy and none of the critical alerts is up' rules_are_healthy
  check 'the dashboard is where Grafana looks for it' grafana_has_the_dashboard
  a_killed_parent_comes_back
  three_pools
  with_a_peer
  check 'the verdict of everything-at-once is PASS' verdict_is_pass
  check 'all pools drain when they are stopped' drain_on_stop
}

grafana_has_the_dashboard() { "${ask[@]}" http://127.0.0.1:3000/dashboard.json | cmp --silent - "$dashboard"; }
