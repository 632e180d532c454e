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

# How many CGI requests with an id were not executed exactly once.
not_executed_once() {
  local ids
  ids=$(awk '{ print $2 }' "$logs/executions" | sort | uniq -c | awk '$1 == 1' | wc -l)
  echo $(($(of echo-record.json .sent) - ids))
}

# p99 INDEX: the 99th percentile of a load's latency from when a request was due, in milliseconds.
p99() { of run.json ".load[$1].report.latency_us.response.p99 / 10 | round / 100"; }

# git_count FILTER: how many lines of the git journal are such.
git_count() { jq -s "map(select($1)) | length" "$logs/git.jsonl"; }

# Git operations that failed without a worker having died between their start and their end.
unexplained_git_failures() {
  jq -s --slurpfile run "$logs/run.json" '
    map(select(.ok == false) as $op | $op
        | select(all($run[0].faults[]; .outcome != "dead" or .unix_ms < $op.start_ms or .unix_ms > $op.end_ms)))
    | length' "$logs/git.jsonl"
}

problems=()
# must NAME VALUE OPERATOR VALUE: what PASS needs, in test's operators.
must() {
  test "${2:-0}" "$3" "$4" || problems+=("$1: $2")
}

judge() {
  must 'requests failed' "$failed" -eq 0
  must 'requests lost' "$lost" -eq 0
  must 'answers cut' "$cut" -eq 0
  must 'answers duplicated, extra or wrong' "$doubled" -eq 0
  must 'CGI requests not executed exactly once' "$strayed" -eq 0
  must 'whole git operations' "$git_whole" -gt 0
  must 'git results corrupt' "$git_corrupt" -eq 0
  must 'git failures without a kill' "$git_unexplained" -eq 0
  must 'commits pushed but not arrived once' "$((git_pushes - git_commits))" -eq 0
  must 'branch updates beside the pushes' "$((git_updates - git_pushes))" -eq 0
}

# Prints the screen. The verdict is the scenario's, or FAIL where what ran beside it was not whole; its code is returned.
report() {
  local verdict sent ok failed lost cut rescued doubled strayed kills
  local git_whole git_failed git_corrupt git_unexplained git_pushes git_commits git_updates
  verdict=$(jq -r .verdict "$logs/run.json")
  sent=$(($(of run.json .requests.sent) + $(of echo-record.json .sent)))
  ok=$(($(of run.json .requests.ok) + $(of echo-record.json .ok)))
  failed=$((sent - ok - $(of run.json .requests.in_flight_at_end)))
  lost=$(total hydrapool_lost_total) cut=$(total hydrapool_cut_total)
  rescued=$(total hydrapool_rescued_total)
  doubled=$(($(of run.json '.requests | .duplicated + .wrong') +
    $(of echo-record.json '.duplicate + .extra + .wrong')))
  strayed=$(not_executed_once) kills=$(of run.json .per_fault.landed)
  git_whole=$(git_count '.ok == true') git_failed=$(git_count '.ok == false')
  git_corrupt=$(git_count '.corrupt') git_unexplained=$(unexplained_git_failures)
  git_pushes=$(jq -s 'last.pushes // -1' "$logs/git.jsonl")
  git_commits=$(jq -s 'last.commits // -1' "$logs/git.jsonl")
  git_updates=$(jq -s 'last.updates // -1' "$logs/git.jsonl")
  judge
  ((${#problems[@]} == 0)) || verdict=FAIL
  mapfile -t -O "${#problems[@]}" problems < <(jq -r '.reasons[]' "$logs/run.json")

  printf '\n%sHydrapool: %s workers killed under load in %s s%s\n\n' "$bold" "$kills" "$seconds" "$plain"
  printf '  requests   %s sent, %s ok, %s failed, %s lost, %s cut\n' "$sent" "$ok" "$failed" "$lost" "$cut"
  printf '  exactly 1  %s with an id of their own: %s answered twice or wrongly; %s of %s CGI runs not exactly once\n' \
    "$(($(of run.json .requests.with_ids) + $(of echo-record.json .sent)))" "$doubled" "$strayed" "$(of echo-record.json .sent)"
  printf '  rescued    %s: %s idle, %s reading, %s executing, %s responding\n' "$rescued" \
    "$(total hydrapool_rescued_total '"idle"')" "$(total hydrapool_rescued_total '"reading"')" \
    "$(total hydrapool_rescued_total '"executing"')" "$(total hydrapool_rescued_total '"responding"')"
  printf '  latency    p99 %s ms for /, %s ms for /cgi-bin/hello\n' \
    "$(p99 0)" "$(p99 1)"
  printf '  kills      %s of %s landed, one every 250 ms\n' "$kills" "$(of run.json '.faults | length')"
  printf '  reap       p50 %s, p99 %s\n' "$(quantile hydrapool_reap_seconds 0.5)" "$(quantile hydrapool_reap_seconds 0.99)"
  printf '  recovery   p50 %s, p99 %s\n' \
    "$(quantile hydrapool_recovery_seconds 0.5)" "$(quantile hydrapool_recovery_seconds 0.99)"
  printf "  balance    Jain's index %s over connections leased, %s over requests answered\n" \
    "$(of status.json '.fairness.connections * 1000 | round / 1000')" \
    "$(of status.json '.fairness.requests * 1000 | round / 1000')"
  printf '  git        %s whole, %s failed visibly (%s without a kill), %s corrupt; %s of %s pushes arrived once\n' \
    "$git_whole" "$git_failed" "$git_unexplained" "$git_corrupt" "$git_commits" "$git_pushes"
  printf '\n  look at    %s: demo.yaml and its run.json, git and the last /metrics as files, server.log\n' "${logs#"$PWD"/}"
  printf '             http://%s/metrics and /status.json while it runs\n\n' "$admin"
  if [[ $verdict == PASS ]]; then
    printf '  %sPASS%s\n' "$green" "$plain"
    return
  fi
  printf '  %s%s%s\n' "$red" "$verdict" "$plain"
  printf '    %s\n' "${problems[@]}"
  [[ $verdict == FAIL ]] && return 1
  return "$cannot_run"
}
