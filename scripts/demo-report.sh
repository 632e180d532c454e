# shellcheck shell=bash disable=SC2034,SC2154
# The demo's last screen; sourced by scripts/demo. Reads what a run has left in $logs.

# total NAME [LABELS-PATTERN]: the sum of a family's samples in metrics.txt.
total() {
  awk -v name="$1" -v labels="${2-}" '
    index($1, name) == 1 && substr($1, length(name) + 1, 1) ~ /^[{]?$/ && $1 ~ labels { sum += $NF }
    END { printf "%d\n", sum }' "$logs/metrics.txt"
}

# quantile NAME Q: of a histogram in metrics.txt, in milliseconds, as Prometheus computes it; "-" where it is empty.
quantile() {
  awk -v bucket="$1_bucket{" -v q="$2" '
    index($1, bucket) == 1 {
      match($1, /le="[^"]*"/); le = substr($1, RSTART + 4, RLENGTH - 5)
      if (!(le in seen)) order[++n] = le
      seen[le] += $NF
    }
    END {
      rank = q * seen["+Inf"]
      if (rank == 0) { print "-"; exit }
      low = 0; below = 0
      for (i = 1; i <= n; i++) {
        le = order[i]
        if (seen[le] >= rank) break
        low = le; below = seen[le]
      }
      high = le == "+Inf" ? low : le
      printf "%.2f ms\n", 1000 * (low + (high - low) * (rank - below) / (seen[le] - below))
    }' "$logs/metrics.txt"
}

# of FILE FILTER: a value out of a JSON file; 0 where there is none.
of() { jq -r "($2) // 0" "$logs/$1" 2>/dev/null || echo 0; }

# loads FILTER: the sum of a value over the load generators' reports.
loads() { jq -s "[.[] | ($1) // 0] | add" "$logs"/load-*.json; }

# echoes FILTER: the sum of a value over the checks with ids.
echoes() { jq -s "[.[] | ($1) // 0] | add" "$logs"/echo-*.json; }

# How many CGI requests with an id were not executed exactly once.
not_executed_once() {
  local ids
  ids=$(awk '{ print $2 }' "$logs/executions" | sort | uniq -c | awk '$1 == 1' | wc -l)
  echo $(($(of echo-record.json .sent) - ids))
}

# p99 LOAD: the 99th percentile of its latency from when a request was due, in milliseconds.
p99() { of "load-$1.json" '.latency_us.response.p99 / 10 | round / 100'; }

# git_count FILTER: how many lines of the git journal are such.
git_count() { jq -s "map(select($1)) | length" "$logs/git.jsonl"; }

# Git operations that failed without a worker having died between their start and their end.
unexplained_git_failures() {
  jq -s --slurpfile faults "$logs/faults.jsonl" '
    map(select(.ok == false) as $op | $op
        | select(all($faults[]; .outcome != "dead" or .unix_ms < $op.start_ms or .unix_ms > $op.end_ms)))
    | length' "$logs/git.jsonl"
}

problems=()
# must NAME VALUE OPERATOR VALUE: what PASS needs, in test's operators.
must() {
  test "${2:-0}" "$3" "$4" || problems+=("$1: $2")
}

judge() {
  must 'requests sent' "$sent" -gt 0
  must 'requests failed' "$failed" -eq 0
  must 'requests lost' "$lost" -eq 0
  must 'answers cut' "$cut" -eq 0
  must 'answers duplicated, extra or wrong' "$doubled" -eq 0
  must 'CGI requests not executed exactly once' "$strayed" -eq 0
  must 'kills landed' "$kills" -gt 0
  must 'requests rescued while in flight' "$in_flight" -gt 0
  must 'whole git operations' "$git_whole" -gt 0
  must 'git results corrupt' "$git_corrupt" -eq 0
  must 'git failures without a kill' "$git_unexplained" -eq 0
  must 'commits pushed but not arrived once' "$((git_pushes - git_commits))" -eq 0
  must 'branch updates beside the pushes' "$((git_updates - git_pushes))" -eq 0
}

# Prints the screen; fails where the verdict is FAIL.
report() {
  local sent ok failed lost cut rescued in_flight doubled strayed kills
  local git_whole git_failed git_corrupt git_unexplained git_pushes git_commits git_updates
  sent=$(($(loads .requests.sent) + $(echoes .sent)))
  ok=$(($(loads .requests.ok) + $(echoes .ok)))
  failed=$((sent - ok - $(loads .requests.in_flight_at_end)))
  lost=$(total hydrapool_lost_total) cut=$(total hydrapool_cut_total)
  rescued=$(total hydrapool_rescued_total) in_flight=$((rescued - $(total hydrapool_rescued_total '"idle"')))
  doubled=$(echoes '.duplicate + .extra + .wrong') strayed=$(not_executed_once)
  kills=$(of faults.json .faults.landed)
  git_whole=$(git_count '.ok == true') git_failed=$(git_count '.ok == false')
  git_corrupt=$(git_count '.corrupt') git_unexplained=$(unexplained_git_failures)
  git_pushes=$(jq -s 'last.pushes // -1' "$logs/git.jsonl")
  git_commits=$(jq -s 'last.commits // -1' "$logs/git.jsonl")
  git_updates=$(jq -s 'last.updates // -1' "$logs/git.jsonl")
  judge

  printf '\n%sHydrapool: %s workers killed under load in %s s%s\n\n' "$bold" "$kills" "$seconds" "$plain"
  printf '  requests   %s sent, %s ok, %s failed, %s lost, %s cut\n' "$sent" "$ok" "$failed" "$lost" "$cut"
  printf '  exactly 1  %s with an id of their own: %s answered twice or wrongly; %s of %s CGI runs not exactly once\n' \
    "$(echoes .sent)" "$doubled" "$strayed" "$(of echo-record.json .sent)"
  printf '  rescued    %s: %s idle, %s reading, %s executing, %s responding\n' "$rescued" \
    "$(total hydrapool_rescued_total '"idle"')" "$(total hydrapool_rescued_total '"reading"')" \
    "$(total hydrapool_rescued_total '"executing"')" "$(total hydrapool_rescued_total '"responding"')"
  printf '  latency    p99 %s ms for /, %s ms for /cgi-bin/hello\n' \
    "$(p99 hello)" "$(p99 cgi)"
  printf '  kills      %s of %s landed, one every 250 ms\n' "$kills" "$(of faults.json .faults.planned)"
  printf '  reap       p50 %s, p99 %s\n' "$(quantile hydrapool_reap_seconds 0.5)" "$(quantile hydrapool_reap_seconds 0.99)"
  printf '  recovery   p50 %s, p99 %s\n' \
    "$(quantile hydrapool_recovery_seconds 0.5)" "$(quantile hydrapool_recovery_seconds 0.99)"
  printf "  balance    Jain's index %s over connections leased, %s over requests answered\n" \
    "$(of status.json '.fairness.connections * 1000 | round / 1000')" \
    "$(of status.json '.fairness.requests * 1000 | round / 1000')"
  printf '  git        %s whole, %s failed visibly (%s without a kill), %s corrupt; %s of %s pushes arrived once\n' \
    "$git_whole" "$git_failed" "$git_unexplained" "$git_corrupt" "$git_commits" "$git_pushes"
  printf '\n  look at    %s: loads, faults, git and the last /metrics as files, server.log\n' "${logs#"$PWD"/}"
  printf '             http://%s/metrics and /status.json while it runs\n\n' "$admin"
  if ((${#problems[@]})); then
    printf '  %sFAIL%s\n' "$red" "$plain"
    printf '    %s\n' "${problems[@]}"
    return 1
  fi
  printf '  %sPASS%s\n' "$green" "$plain"
}
