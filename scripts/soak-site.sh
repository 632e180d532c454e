# shellcheck shell=bash disable=SC2154
# The subject `site` of scripts/soak: a whole site while any process of its server is killed.

site_port=18320 site_admin=127.0.0.1:18321

make_site() {
  mkdir -p "$work/site" "$work/private" "$work/programs"
  "$bin/../cgi-bin/flood" >"$work/flood" </dev/null
  sed '1,/^$/d' "$work/flood" >"$work/site/file"
  echo private >"$work/private/page"
  cp "$bin/../cgi-bin/record" "$bin/../cgi-bin/flood" "$work/programs/"
  cat >"$work/programs/hop" <<'CODE'
#!/bin/sh
echo "HOP hop-$QUERY_STRING $$" >>"$HYDRAPOOL_RECORD_FILE"
printf 'Location: /cgi-bin/record?id=%s\n\n' "$QUERY_STRING"
CODE
  cat >"$work/programs/nph-say" <<'CODE'
#!/bin/sh
printf 'HTTP/1.1 200 OK\r\nContent-Length: %d\r\nContent-Type: text/plain\r\n\r\n%s' "${#QUERY_STRING}" "$QUERY_STRING"
CODE
  chmod +x "$work/programs"/*
  echo "joe:$(openssl passwd -apr1 secret)" >"$work/htpasswd"
  : >"$work/executions"
}

# Prints the table; fails where anything was lost, doubled or wrong, or nothing was tried.
soak_site() {
  local kills tries last
  ! curl --silent --noproxy '*' --max-time 2 "http://$site_admin/livez" >/dev/null || die "somebody answers at $site_admin already"
  make_site
  "$bin/hydrapool" --listen "127.0.0.1:$site_port" --admin "$site_admin" --workers 4 --log-level warn \
    --mount "/site/=files:$work/site" --mount "/private/=files:$work/private" --mount "/cgi-bin/=cgi:$work/programs" \
    --require "/private=$work/htpasswd" --cgi-env "HYDRAPOOL_RECORD_FILE=$work/executions" 2>"$work/server.log" &
  server=$!
  admin=$site_admin
  [[ $(ask_status .parent.lives | wc -l) == 1 ]] || die "the server does not start: $(tail -n 1 "$work/server.log")"
  say "A site for $seconds s: any of its server's processes killed each $every"
  "$bin/harness" inject --admin "$site_admin" --target any --every "$every" --jitter 0.5 --for "${seconds}s" --seed "$seed" \
    --json "$work/faults" >/dev/null 2>&1 &
  helpers+=("$!")
  python3 scripts/site-clients.py "$site_port" "$seconds" "$work/executions" "$work/site/file" \
    >"$work/rows" 2>"$work/problems" || die "$(tail -n 1 "$work/problems")"
  wait "${helpers[@]}" || true
  helpers=()
  kills=$(jq -e .faults.landed "$work/faults" 2>/dev/null) || die 'harness inject has left no result'
  printf '%-12s %10s %6s %8s %6s\n' kind requests lost doubled wrong
  awk -F '\t' '{ printf "%-12s %10d %6d %8d %6d\n", $1, $2, $3, $4, $5 }' "$work/rows"
  awk -F '\t' -v kills="$kills" '{ n += $2; l += $3; d += $4; w += $5 }
    END { printf "%-12s %10d %6d %8d %6d   over %d kills\n", "all", n, l, d, w, kills }' "$work/rows"
  last=$(ask_status .pid)  # another than was started, where that was killed
  ((last > 1)) || { say "${red}FAIL: nobody answers at $site_admin" && return 1; }
  server=$last
  kill -TERM "$server"
  for ((tries = 0; tries < 400; tries++)); do kill -0 "$server" 2>/dev/null || break; sleep 0.1; done
  ! kill -0 "$server" 2>/dev/null || die 'the server does not end'
  server=''
  if [[ $kills -gt 0 ]] && awk -F '\t' '{ bad += $3 + $4 + $5 } END { exit bad > 0 }' "$work/rows"; then
    say "${green}PASS"
  else
    cat "$work/problems"
    tail -n 5 "$work/server.log"
    say "${red}FAIL" && return 1
  fi
}
