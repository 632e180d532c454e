# shellcheck shell=bash disable=SC2154
# What is checked of the rules, the dashboard and a running Prometheus; sourced by scripts/stack-test. Prometheus is at
# $prometheus_url, spoken to by the command ${ask[@]}.

dashboard=$root/metrics/grafana/dashboards/hydrapool.json
ask=(curl --silent --show-error --fail --noproxy '*' --max-time 5)
reason=''

# fail REASON: the end.
fail() {
  printf '%s\n' "  ${red}FAIL${plain} $*"
  exit 1
}

# check WHAT COMMAND...: a line for it; the end if it fails. The command may say why in $reason.
check() {
  local what=$1
  shift
  reason=''
  "$@" || fail "$what${reason:+: $reason}"
  printf '%s\n' "  ok   $what"
}

# within SECONDS WHAT COMMAND...: the same, tried until it holds.
within() {
  local deadline=$((SECONDS + $1))
  shift
  while reason='' && ! "${@:2}" 2>/dev/null; do
    if ((SECONDS >= deadline)); then check "$@"; fi
    sleep 0.5
  done
  printf '%s\n' "  ok   $1"
}

# promtool's words only if it has something to complain of.
quietly() { reason=$("$@" 2>&1) && reason=''; }

in_rules() { (cd metrics/prometheus && "$@"); }

dashboard_is_sound() {
  local uid
  uid=$(sed -n 's/^ *uid: //p' metrics/grafana/provisioning/datasources/prometheus.yml)
  reason=$(jq --raw-output --arg uid "$uid" '
    def overlap($a; $b): $a.x < $b.x + $b.w and $b.x < $a.x + $a.w and $a.y < $b.y + $b.h and $b.y < $a.y + $a.h;
    [
      (.. | strings | select(test("[$][{](?!datasource[}])")) | "an input that provisioning does not fill: " + .),
      ((.templating.list[] | select(.name == "datasource") | .current.value) // "none"
        | select(. != $uid) | "the datasource that it begins with is not the provisioned one: " + .),
      (([.panels[] | select(.type != "row") | ., .targets[]] + [.templating.list[] | select(.type == "query")]
        + [.annotations.list[] | select(.expr)])[] | select(.datasource.uid != "${datasource}")
        | "not the chosen datasource: \(.title // .expr // .name)"),
      (.panels[] | select(.type != "row" and ((.targets | length) == 0 or any(.targets[]; (.expr // "") == "")))
        | "no query: " + .title),
      (.panels[] | select(.type != "row" and ((.description // "") == "" or .fieldConfig.defaults.unit == null))
        | "no description or no unit: " + .title),
      (.panels[] | select(.type == "stat" and (any(.fieldConfig.defaults.mappings[]; .options.match == "null+nan") | not))
        | "the colour of a good value where there is none: " + .title),
      (.panels | group_by(.id)[] | select(length > 1) | "one id twice: \(.[0].id)"),
      (.panels as $p | range($p | length) as $i | range($i) as $j
        | select(overlap($p[$i].gridPos; $p[$j].gridPos)) | "overlap: \($p[$i].title), \($p[$j].title)"),
      (.panels[] | select(.gridPos.x + .gridPos.w > 24) | "too wide: " + .title)
    ] | .[]' "$dashboard") && [[ -z $reason ]]
}

# What the dashboard asks, panels and annotations, of INSTANCE with Grafana's intervals filled in: queries INSTANCE RATE RANGE
# shellcheck disable=SC2016  # Grafana's variables, not the shell's
queries() {
  local exprs
  mapfile -t exprs < <(jq --raw-output '(.panels[].targets[]?.expr), (.annotations.list[].expr // empty)' "$dashboard")
  exprs=("${exprs[@]//'$instance'/"$1"}")
  exprs=("${exprs[@]//'$__rate_interval'/"$2"}")
  printf '%s\n' "${exprs[@]//'$__range'/"$3"}"
}

# Each of them is in dashboard_test.yml with an answer, and none that the dashboard does not ask.
queries_have_known_answers() {
  reason=$(diff <(queries pool:9180 20s 15m | sort -u) \
    <(sed -n "s/^ *- expr: '\(.*\)'$/\1/p" metrics/prometheus/dashboard_test.yml | sort -u)) && reason=''
  [[ -z $reason ]] && ! grep -q 'exp_samples: \[\]' metrics/prometheus/dashboard_test.yml
}

# None of its shares and percentiles stands still when nothing happens any more: quiet_test.yml says so of each.
nothing_stands_still() {
  local expr='histogram_quantile|:p99_|errors:ratio|\^ 2 /'
  reason=$(diff <(queries pool:9180 20s 15m | grep -E "$expr" | sort -u) \
    <(sed -n "s/^ *- { expr: '\(.*\)', eval_time: .*, exp_samples: \[\] }$/\1/p" metrics/prometheus/quiet_test.yml | sort -u)) &&
    quietly in_rules promtool test rules quiet_test.yml
}

# Metrics that rules, their tests and the dashboard name, and that metrics/README.md does not have.
# shellcheck disable=SC2016  # Markdown's backquotes
names_are_known() {
  reason=$(comm -13 <(sed -En 's/^\| `([a-z_]+)` \| (counter|gauge|histogram|summary) .*/\1/p' metrics/README.md | sort) \
    <({ jq --raw-output '(.. | .expr? // empty), (.templating.list[].definition // empty)' "$dashboard" &&
      grep -vhE '^ *(#|- name:)' metrics/prometheus/{recording,alerting}.yml metrics/prometheus/*_test.yml; } |
      grep -oP '(?<![:\w])(hydrapool|loadgen|process)_[a-z_]+(?![\w:./])' | sed -E 's/_(bucket|count|sum)$//' | sort -u)) && [[ -z $reason ]]
}

# Each alert says what to do first, is told of in metrics/README.md, and fires in a test.
# shellcheck disable=SC2016  # Markdown's backquotes
alerts_are_whole() {
  local rules=metrics/prometheus names
  names=$(sed -n 's/^ *- alert: //p' $rules/alerting.yml | sort)
  reason=$(
    diff <(printf '%s\n' "$names") <(sed -En 's/^\| `(Hydrapool[A-Za-z]+)` \| (critical|warning) .*/\1/p' metrics/README.md | sort) &&
      diff <(printf '%s\n' "$names") <(grep -h -A 2 'alertname:' $rules/*_test.yml | grep -B 2 'exp_alerts:' |
        sed -n 's/.*alertname: //p' | sort -u) &&
      [[ $(grep -c ' runbook:' $rules/alerting.yml) == $(wc -l <<<"$names") ]] || printf 'an alert without a runbook'
  ) && [[ -z $reason ]]
}

# The configuration as the Prometheus that is here can read it: what only Prometheus 3 knows is marked so.
prometheus_yml() {
  if [[ $(prometheus --version 2>&1) == *'version 2.'* ]]; then
    grep -v '# Prometheus 3$' metrics/prometheus/prometheus.yml
  else
    cat metrics/prometheus/prometheus.yml
  fi
}

prometheus_config_is_right() {
  local checked
  checked=$(mktemp -d "${TMPDIR:-/tmp}/hydrapool-config.XXXXXX")
  cp metrics/prometheus/{recording,alerting}.yml "$checked"
  prometheus_yml >"$checked/prometheus.yml"
  quietly promtool check config "$checked/prometheus.yml"
  rm -r "$checked"
  [[ -z $reason ]]
}

static_checks() {
  say 'Rules and dashboard'
  check 'prometheus.yml and its rules' prometheus_config_is_right
  check 'alertmanager.yml' quietly amtool check-config metrics/prometheus/alertmanager.yml
  check 'known answers of the rules' quietly in_rules promtool test rules rules_test.yml
  check 'what is told of incidents, and how soon' quietly in_rules promtool test rules incidents_test.yml
  check 'each alert has a runbook, a row in metrics/README.md and a test in which it fires' alerts_are_whole
  check 'the dashboard' dashboard_is_sound
  check "each of the dashboard's queries has a known answer" queries_have_known_answers
  check 'and gives it' quietly in_rules promtool test rules dashboard_test.yml
  check 'no share and no percentile of it stands still when nothing happens' nothing_stands_still
  check 'rules, their tests and the dashboard name no metric that metrics/README.md does not have' names_are_known
}

ready() { "${ask[@]}" "$prometheus_url/-/ready" >/dev/null; }

# query EXPR: the result's samples that are numbers, one a line.
query() {
  "${ask[@]}" "$prometheus_url/api/v1/query" --data-urlencode "query=$1" |
    jq --raw-output '.data.result[].value[1] | select(. != "NaN")'
}

# holds EXPR: a comparison that leaves something.
holds() {
  reason=$1
  [[ -n $(query "$1") ]]
}

# targets_are_up N: there are N, and all are up.
targets_are_up() {
  local health
  health=$("${ask[@]}" "$prometheus_url/api/v1/targets?state=active" |
    jq --raw-output '.data.activeTargets[] | "\(.scrapeUrl) \(.health) \(.lastError)"')
  reason=$health
  [[ $(wc -l <<<"$health") == "$1" ]] && ! grep -qv ' up ' <<<"$health"
}

# list_queries INSTANCE WINDOW: those of every panel and every recording rule, to $unanswered; WINDOW stands for
# $__rate_interval. (An annotation has nothing to say while nothing happens.)
list_queries() {
  mapfile -t unanswered < <(queries "$1" "$2" 5m | head --lines "$(jq '[.panels[].targets[]?.expr] | length' "$dashboard")" &&
    sed -n 's/^ *- record: //p' metrics/prometheus/recording.yml)
}

# Each of $unanswered must have data once, not all at once.
queries_had_data() {
  local expr left=()
  for expr in "${unanswered[@]}"; do
    [[ -n $(query "$expr") ]] || left+=("$expr")
  done
  unanswered=("${left[@]}")
  reason=${left[0]-}
  ((${#left[@]} == 0))
}

# Prometheus has asked for OpenMetrics, and keeps which request fell into a bucket.
exemplars_are_kept() {
  "${ask[@]}" "$prometheus_url/api/v1/query_exemplars" --data-urlencode 'query=hydrapool_request_seconds_bucket' \
    --data-urlencode "start=$(date --date '-2 min' +%s)" --data-urlencode "end=$(date +%s)" |
    jq --exit-status 'any(.data[].exemplars[]; .labels.request_id | length > 0)' >/dev/null
}

# families FILE...: the name and type of each metric that pages in text format have.
families() { sed -n 's/^# TYPE //p' "$@" | sort; }

# pages_are_documented URL...: what metrics/README.md has in its tables is on these pages, with its type, and the other
# way round.
pages_are_documented() {
  local url
  for url; do
    "${ask[@]}" "$url" || return
  done >"$work/pages"
  # shellcheck disable=SC2016  # Markdown's backquotes
  reason=$(diff <(sed -En 's/^\| `([a-z_]+)` \| (counter|gauge|histogram|summary) \|.*/\1 \2/p' metrics/README.md | sort) \
    <(families "$work/pages")) && reason=''
}

rules_are_healthy() {
  reason=$("${ask[@]}" "$prometheus_url/api/v1/rules" | jq --raw-output '.data.groups[].rules[]
    | select(.health != "ok" or (.state == "firing" and .labels.severity == "critical"))
    | "\(.name) \(.health) \(.state) \(.lastError // "")"') && [[ -z $reason ]]
}
