# shellcheck shell=bash disable=SC2034,SC2154
# What scripts/site-test tries of each program, and the Debian packages that it needs. Each function gets a directory of its
# own; it returns 1 with `why`. (It is called where set -e does not hold: steps are joined by &&.)

all=(git gitweb cgit php forms mail awstats nagios4 munin smokeping mapserver fossil hgweb cvsweb)
declare -A needs=([git]="git nginx-light" [gitweb]=gitweb [cgit]=cgit [php]=php-cgi [forms]=libcgi-pm-perl [mail]=postfix [awstats]=awstats
  [nagios4]=nagios4-cgi [munin]=munin [smokeping]=smokeping [mapserver]=cgi-mapserver [fossil]=fossil [hgweb]=mercurial
  [cvsweb]=cvsweb)

# A repository of one commit, DIRECTORY/NAME.git, which the server's user may read.
repository() {
  git init -q --bare -b main "$1/$2.git" && git -C "$1/$2.git" config http.receivepack true &&
    git -c init.defaultBranch=main clone -q "$1/$2.git" "$1/$2-work" 2>/dev/null &&
    echo 'hello from a file' >"$1/$2-work/README" && git -C "$1/$2-work" add README &&
    git -C "$1/$2-work" -c user.name=joe -c user.email=joe@localhost commit -q -m 'the first commit' &&
    git -C "$1/$2-work" push -q origin HEAD:main && chmod -R a+rX "$1" && own "$1"
}

# own DIRECTORY: it is the server's user's.
own() { ((EUID != 0)) || chown -R www-data:www-data "$1"; }

# nginx_in_front DIRECTORY PORT: as Debian's comes (a proxy speaks HTTP/1.0), but for its limit of 1 MB for a body. Its process in
# $nginx.
nginx_in_front() {
  local tries
  cat >"$1/nginx.conf" <<CONF
daemon off; pid $1/nginx.pid; error_log $1/nginx.log crit; $( ((EUID != 0)) || echo 'user root;')
events { }
http { access_log off; client_max_body_size 0; client_body_temp_path $1/body; proxy_temp_path $1/proxy;
       server { listen 127.0.0.1:$2; location / { proxy_pass $url; } } }
CONF
  nginx -p "$1" -c "$1/nginx.conf" 2>/dev/null &
  nginx=$!
  for ((tries = 0; tries < 100; tries++)); do
    curl -s --noproxy '*' -o /dev/null "http://127.0.0.1:$2/" && return
    sleep 0.05
  done
  why="nginx did not start: $(tail -1 "$1/nginx.log")"
  return 1
}

# git_through_nginx DIRECTORY GIT...: a push and a clone of so much again.
git_through_nginx() {
  local directory=$1 front=$((port + 1)) nginx='' status=0
  shift
  nginx_in_front "$directory" "$front" && head -c "$large" /dev/urandom >"$directory/clone/more" && why='push through nginx' &&
    "$@" -C "$directory/clone" add more && "$@" -C "$directory/clone" commit -q -m 'more' &&
    "$@" -C "$directory/clone" push -q "http://joe:secret@127.0.0.1:$front/git/site.git" HEAD:main &&
    why='clone through nginx' && "$@" clone -q "http://joe:secret@127.0.0.1:$front/git/site.git" "$directory/through" &&
    cmp "$directory/clone/more" "$directory/through/more" || status=1
  [[ -z $nginx ]] || { kill -TERM "$nginx" && wait "$nginx"; } 2>/dev/null || true
  return "$status"
}

try_git() {
  local git=(git -c user.name=joe -c user.email=joe@localhost -c http.proxy= -c 'safe.directory=*')
  repository "$1" site && printf 'joe:%s\n' "$(openssl passwd -6 secret)" >"$1/htpasswd" && chmod 644 "$1/htpasswd" &&
    serve git --cgi-env "GIT_PROJECT_ROOT=$1" --cgi-env GIT_HTTP_EXPORT_ALL=1 --require "/git=$1/htpasswd" &&
    why='clone' && "${git[@]}" clone -q "http://joe:secret@127.0.0.1:$port/git/site.git" "$1/clone" &&
    head -c "$large" /dev/urandom >"$1/clone/large" && "${git[@]}" -C "$1/clone" add large &&
    "${git[@]}" -C "$1/clone" commit -q -m 'large' && why='push' &&
    "${git[@]}" -C "$1/clone" push -q origin HEAD:main && why='clone of what was pushed' &&
    "${git[@]}" clone -q "http://joe:secret@127.0.0.1:$port/git/site.git" "$1/again" &&
    cmp "$1/clone/large" "$1/again/large" && git_through_nginx "$1" "${git[@]}" && why='a wrong password is let in' &&
    ! GIT_TERMINAL_PROMPT=0 "${git[@]}" clone -q "http://joe:wrong@127.0.0.1:$port/git/site.git" "$1/wrong" 2>/dev/null
}

try_gitweb() {
  repository "$1" site && printf '$projectroot = "%s"; 1;\n' "$1" >"$1/gitweb.conf" &&
    serve gitweb --cgi-env "GITWEB_CONFIG=$1/gitweb.conf" && gets /gitweb/ 'site.git' && assets /gitweb/ &&
    gets '/gitweb/?p=site.git;a=blob_plain;f=README;hb=main' 'hello from a file' &&
    gets /gitweb/gitweb.cgi/site.git/commit/HEAD 'the first commit'
}

try_cgit() {
  repository "$1" site && printf 'css=/cgit-css/cgit.css\nlogo=/cgit-css/cgit.png\nfavicon=/cgit-css/favicon.ico\nvirtual-root=/cgit/\nscan-path=%s\n' "$1" \
    >"$1/cgitrc" && serve cgit --cgi-env "CGIT_CONFIG=$1/cgitrc" && gets /cgit/ 'site' && assets /cgit/ &&
    gets /cgit/site.git/plain/README 'hello from a file' && gets /cgit/site.git/log/ 'the first commit'
}

try_php() {
  mkdir -p "$1/www" && cat >"$1/www/index.php" <<'PHP' && echo 'b{}' >"$1/www/style.css" && chmod -R a+rX "$1" &&
<?php session_save_path('/tmp'); session_start(); $_SESSION['n'] = ($_SESSION['n'] ?? 0) + 1; ?>
<link rel="stylesheet" href="/style.css">
<?php echo "visit $_SESSION[n] info [", $_SERVER['PATH_INFO'] ?? '', "] name [", $_POST['name'] ?? '', "]";
if (isset($_FILES['f'])) echo " file ", md5_file($_FILES['f']['tmp_name']); ?>
PHP
    serve php --mount "/=files:$1/www" --mount '*.php=with:/usr/bin/php-cgi' && gets / 'visit 1' -c "$1/jar" && assets / &&
    gets / 'visit 2' -b "$1/jar" && gets /index.php/more/path 'info \[/more/path\]' &&
    gets /index.php 'name \[a b&c\]' --data-urlencode 'name=a b&c' && head -c 1500000 /dev/urandom >"$1/upload" &&
    gets /index.php "file $(md5sum <"$1/upload" | cut -c1-32)" -F "f=@$1/upload"
}

try_forms() {
  mkdir -p "$1/cgi" "$1/www" && cat >"$1/cgi/form.pl" <<'PERL' && cat >"$1/cgi/wsgi.py" <<'PYTHON' &&
#!/usr/bin/perl
use CGI; use Digest::MD5; my $q = CGI->new;
print $q->header(-cookie => $q->cookie(-name => 'seen', -value => 1)), 'name=', $q->param('name') // '', ' cookie=', $q->cookie('seen') // '';
if (my $f = $q->upload('f')) { print ' file=', Digest::MD5->new->addfile($f)->hexdigest }
PERL
#!/usr/bin/python3
from wsgiref.handlers import CGIHandler
def app(environ, start):
    body = environ['wsgi.input'].read(int(environ.get('CONTENT_LENGTH') or 0))
    start('200 OK', [('Content-Type', 'text/plain')])
    return [('%s %s %d' % (environ['REQUEST_METHOD'], environ['PATH_INFO'], len(body))).encode()]
CGIHandler().run(app)
PYTHON
    chmod -R a+rX "$1" && chmod 755 "$1"/cgi/* && head -c 3000000 /dev/urandom >"$1/upload" &&
    serve forms --mount "/cgi-bin/=cgi:$1/cgi" --mount "/=files:$1/www" &&
    gets '/cgi-bin/form.pl?name=x%20y' 'name=x y' && gets /cgi-bin/form.pl 'cookie=1' -b seen=1 &&
    gets /cgi-bin/form.pl "file=$(md5sum <"$1/upload" | cut -c1-32)" -F "f=@$1/upload" &&
    gets /cgi-bin/wsgi.py/a/b 'GET /a/b 0' && gets /cgi-bin/wsgi.py/c 'POST /c 3000000' --data-binary "@$1/upload" &&
    gets /cgi-bin/wsgi.py/d 'POST /d 3000000' -H 'Transfer-Encoding: chunked' --data-binary "@$1/upload"
}

# Where Postfix does not run, what is to be sent lies in its maildrop.
try_mail() {
  local before
  mkdir -p "$1/cgi" && cat >"$1/cgi/mail" <<'SHELL' && chmod 755 "$1" "$1/cgi" "$1/cgi/mail" &&
#!/bin/sh
printf 'To: root@localhost\nSubject: a form\n\n%s\n' "$QUERY_STRING" | /usr/sbin/sendmail -t && echo 'Content-Type: text/plain
' && echo sent
SHELL
    before=$(find /var/spool/postfix/maildrop /var/spool/postfix/incoming /var/spool/postfix/active -type f 2>/dev/null | wc -l) &&
    serve forms --mount "/cgi-bin/=cgi:$1/cgi" --cgi-set-id && gets '/cgi-bin/mail?hello' 'sent' &&
    why='no mail lies in the queue' && { postfix status 2>/dev/null ||
      (($(find /var/spool/postfix/maildrop /var/spool/postfix/incoming /var/spool/postfix/active -type f | wc -l) > before)); }
}

try_awstats() {
  cat >"$1/awstats.test.conf" <<CONF && chmod -R a+rX "$1" && own "$1" &&
LogFile="$1/log"
LogFormat=1
SiteDomain="test"
DirData="$1"
DirIcons="/awstats-icon"
AllowToUpdateStatsFromBrowser=1
DNSLookup=0
CONF
    printf '192.0.2.1 - - [%s +0000] "GET /looked-at HTTP/1.1" 200 5 "-" "Mozilla/5.0"\n' "$(date -u +%d/%b/%Y:%H:%M:%S)" \
      >"$1/log" && chmod 644 "$1/log" &&
    perl /usr/lib/cgi-bin/awstats.pl -config=test -configdir="$1" -update >/dev/null && own "$1" &&
    serve awstats --cgi-env "AWSTATS_ENABLE_CONFIG_DIR=$1" &&
    gets "/cgi-bin/awstats.pl?config=test&configdir=$1&framename=mainright" 'Statistics for' &&
    assets "/cgi-bin/awstats.pl?config=test&configdir=$1&framename=mainright"
}

try_nagios4() {
  printf 'nagiosadmin:%s\n' "$(openssl passwd -6 secret)" >"$1/htpasswd" && chmod 644 "$1/htpasswd" &&
    serve nagios4 --require "/nagios4=$1/htpasswd" --require "/cgi-bin/nagios4=$1/htpasswd" &&
    gets /nagios4/ 'Nagios' -u nagiosadmin:secret && assets /nagios4/ -u nagiosadmin:secret &&
    gets /cgi-bin/nagios4/status.cgi 'Nagios' -u nagiosadmin:secret &&
    assets /cgi-bin/nagios4/status.cgi -u nagiosadmin:secret &&
    why='no password was asked for' && [[ $(curl -s --noproxy '*' -o /dev/null -w '%{http_code}' "$url/nagios4/") == 401 ]]
}

# as COMMAND...: as the server's user.
as() {
  if ((EUID == 0)); then runuser -u www-data -- "$@"; else "$@"; fi
}

try_munin() {
  mkdir -p "$1/db" "$1/html" "$1/log" "$1/run" && cat >"$1/munin.conf" <<CONF && chmod -R a+rX "$1" && own "$1" &&
dbdir $1/db
htmldir $1/html
logdir $1/log
rundir $1/run
tmpldir /etc/munin/templates
staticdir /etc/munin/static
graph_strategy cgi
html_strategy cgi
cgiurl_graph /munin-cgi/munin-cgi-graph
[localhost.localdomain]
  address 127.0.0.1
  update no
CONF
    { as /usr/share/munin/munin-update --config_file "$1/munin.conf" >/dev/null 2>&1 || true; } &&
    { as /usr/share/munin/munin-limits --config "$1/munin.conf" >/dev/null 2>&1 || true; } &&
    serve munin --cgi-env "MUNIN_CONFIG=$1/munin.conf" && gets /munin/ 'Munin' && assets /munin/
}

# Its directory for the running is made by its service.
try_smokeping() {
  if [[ ! -d /run/smokeping ]]; then
    why='/run/smokeping is not there, and only root can make it'
    ((EUID == 0)) && install -d -o smokeping -g smokeping /run/smokeping || return 1
  fi
  serve smokeping && gets /smokeping/smokeping.cgi 'SmokePing' && assets /smokeping/smokeping.cgi
}

try_mapserver() {
  cat >"$1/a.map" <<'MAPFILE' && chmod -R a+rX "$1" &&
MAP
  SIZE 100 100
  EXTENT 0 0 10 10
  IMAGETYPE png
  LAYER
    TYPE polygon
    STATUS default
    FEATURE
      POINTS 1 1 9 1 9 9 1 9 1 1 END
    END
    CLASS
      STYLE
        COLOR 255 0 0
      END
    END
  END
END
MAPFILE
    printf 'CONFIG\n  ENV\n    MS_MAP_PATTERN "^%s/"\n  END\nEND\n' "$1" >"$1/mapserver.conf" && chmod 644 "$1/mapserver.conf" &&
    serve mapserver --cgi-env "MAPSERVER_CONFIG_FILE=$1/mapserver.conf" && gets "/cgi-bin/mapserv?map=$1/a.map&mode=map" 'PNG' &&
    why='no picture' && file "$work/page" | grep -q 'PNG image data, 100 x 100'
}

try_fossil() {
  own "$1" && USER=joe HOME=$1 fossil init "$1/r.fossil" >/dev/null && printf '#!/usr/bin/fossil\nrepository: %s\n' "$1/r.fossil" \
    >"$1/r.cgi" && chmod 755 "$1/r.cgi" && chmod a+rX "$1" && own "$1" && serve fossil --mount "/=program:$1/r.cgi" &&
    gets /timeline 'initial empty check-in' && assets /timeline && why='clone' &&
    USER=joe HOME=$1 fossil clone "$url/" "$1/clone.fossil" >/dev/null
}

try_hgweb() {
  export HGRCPATH=/dev/null
  hg init "$1/r" && echo 'hello from a file' >"$1/r/README" && hg -R "$1/r" -q commit -A -u joe -m 'the first commit' &&
    printf '[web]\nallow-push = *\npush_ssl = no\n' >"$1/r/.hg/hgrc" &&
    sed "s|^config = .*|config = b\"$1/r\"|" /usr/share/doc/mercurial-common/examples/hgweb.cgi >"$1/hgweb.cgi" &&
    chmod 755 "$1/hgweb.cgi" && chmod -R a+rX "$1" && own "$1" && serve hgweb --mount "/hg=program:$1/hgweb.cgi" &&
    gets /hg/ 'the first commit' && assets /hg/ && why='clone and push' && hg -q clone "$url/hg/" "$1/clone" &&
    echo more >>"$1/clone/README" && hg -R "$1/clone" -q commit -u joe -m 'the second commit' && hg -R "$1/clone" -q push &&
    gets /hg/ 'the second commit'
}

# It looks for its configuration beside itself first.
try_cvsweb() {
  cvs -d "$1/cvs" init && mkdir -p "$1/m" && echo 'hello from a file' >"$1/m/README" &&
    (cd "$1/m" && cvs -d "$1/cvs" -Q import -m 'the first commit' m joe start) && cp /usr/lib/cgi-bin/cvsweb "$1/cvsweb" &&
    sed "s|'/var/lib/cvs'|'$1/cvs'|" /etc/cvsweb/cvsweb.conf >"$1/cvsweb.conf" && chmod -R a+rX "$1" && own "$1" &&
    serve cvsweb --mount "/cgi-bin/cvsweb=program:$1/cvsweb" --mount /cvsweb/=files:/usr/share/cvsweb &&
    gets /cgi-bin/cvsweb/ 'm/' && assets /cgi-bin/cvsweb/ && gets '/cgi-bin/cvsweb/m/README' 'the first commit'
}
