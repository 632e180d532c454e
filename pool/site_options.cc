#include "pool/site_options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <utility>

#include "pool/option_checks.h"
#include "pool/option_names.h"
#include "pool/sys/units.h"

namespace hydrapool::server {
namespace {

const std::map<std::string, cgi::Symlinks> kSymlinks{
    {"beneath", cgi::Symlinks::kBeneath}, {"owner", cgi::Symlinks::kOwner}, {"all", cgi::Symlinks::kAll}};
const std::map<std::string, http::ProxyFields> kProxyFields{{"either", http::ProxyFields::kEither},
                                                            {"x-forwarded", http::ProxyFields::kXForwarded},
                                                            {"forwarded", http::ProxyFields::kForwarded}};

}  // namespace

void SiteOptions::AddTo(CLI::App& app) {
  AddMounts(app);
  AddGuards(app);
  AddPrograms(app);
  AddQueue(app);
  AddRules(app);
  AddProxies(app);
  AddBodies(app);
}

void SiteOptions::AddMounts(CLI::App& app) {
  app.add_option(
         "--mount", mounts_,
         "A part of the site: /cgi-bin/=cgi:DIR (its programs), /git=program:FILE (one program), "
         "/=files:DIR, "
         "*.php=with:FILE (files of such names are programs, run by that one); the longest path has it; "
         "//HOST/...=KIND:PATH is of that host alone; repeatable")
      ->check(MountLine)
      ->type_name("AT=KIND:PATH")
      ->allow_extra_args(false);
  app.add_option("--index", rules_.index,
                 "What a directory's path stands for, the first that is there: index.html,index.php")
      ->delimiter(',')
      ->check(FileName)
      ->type_name("NAME,...")
      ->allow_extra_args(false)
      ->default_str("index.html");
  app.add_option("--cgi-dir", cgi_dir_, "Directory of CGI programs: --mount PREFIX=cgi:DIR")
      ->type_name("DIR");
  app.add_option("--cgi-prefix", cgi_prefix_, "URL prefix under which they are served")
      ->check(Prefix)
      ->type_name("PATH")
      ->capture_default_str();
}

void SiteOptions::AddGuards(CLI::App& app) {
  app.add_option("--require", guards_,
                 "A password for a path and all below it, of a user in an htpasswd file (htpasswd -B; --user "
                 "reads it); repeatable")
      ->check(GuardLine)
      ->type_name("/PATH=FILE")
      ->allow_extra_args(false);
  app.add_option("--allow", allowed_,
                 "Of the users of --require at the same path only these, or those of a group; repeatable")
      ->check(AllowLine)
      ->type_name("/PATH=USER,@GROUP,...")
      ->allow_extra_args(false);
  app.add_option("--group-file", group_file_, "Groups for --allow (htgroup: NAME: USER USER ...)")
      ->type_name("FILE");
  app.add_option("--realm", realm_, "What browsers are told that the password is for")
      ->check(Realm)
      ->type_name("TEXT")
      ->capture_default_str();
}

void SiteOptions::AddPrograms(CLI::App& app) {
  app.add_option("--cgi-env", cgi_.server.extra, "A variable for every CGI program; repeatable")
      ->check(NameAndValue)
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  app.add_option("--cgi-timeout", cgi_timeout_,
                 "How long a program may let its client wait, at first and for more")
      ->check(Patience)
      ->type_name("TIME")
      ->capture_default_str();
  app.add_option(
         "--document-root", cgi_.server.document_root,
         "DOCUMENT_ROOT of CGI programs, and the root of PATH_TRANSLATED (default: what is mounted at /, or "
         "the first directory)")
      ->type_name("DIR");
  app.add_option(
         "--cgi-symlinks", rules_.scripts.symlinks,
         "Symlinks to follow out of a mount's directory: owner (to what the link's owner or root owns), "
         "beneath (none) or all")
      ->transform(OneOf(kSymlinks))
      ->type_name(Choice(kSymlinks))
      ->default_str("owner");
  app.add_flag("--cgi-set-id", cgi_.set_id,
               "Let CGI programs gain rights by set-id helpers (sendmail, sudo): no_new_privs is off");
  app.add_flag("--cgi-strict", cgi_strict_,
               "Refuse what RFC 3875, 6.2, calls no answer: one without Content-Type, Location and Status");
  app.add_flag("--pass-authorization", cgi_.server.pass_authorization,
               "Give CGI programs the Authorization field: they check passwords themselves");
  app.add_flag("--encoded-slashes", rules_.scripts.encoded_slashes,
               "Take %2F in the path behind a CGI program for a slash instead of refusing it");
}

void SiteOptions::AddQueue(CLI::App& app) {
  app.add_option("--max-cgi", cgi_.max_processes,
                 "CGI programs at once (fewer where the limit of open files is low); past it requests wait")
      ->check(CLI::Range(1, 100'000))
      ->type_name("N")
      ->capture_default_str();
  app.add_option(
         "--max-cgi-per-address", cgi_.max_of_client,
         "Of these for one address (of IPv6: for one /64), as a --trusted-proxy tells it; past it its "
         "requests wait and those of others do not; 0: no limit")
      ->check(CLI::Range(0, 100'000))
      ->type_name("N")
      ->capture_default_str();
  app.add_option("--cgi-queue", cgi_.max_waiting, "Requests that wait for their turn at most; past it 503")
      ->check(CLI::Range(0, 1'000'000))
      ->type_name("N")
      ->capture_default_str();
  app.add_option("--cgi-queue-timeout", cgi_queue_timeout_, "How long they wait, then 503; 0: not at all")
      ->check(TimeOrNever)
      ->type_name("TIME")
      ->capture_default_str();
}

void SiteOptions::AddRules(CLI::App& app) {
  app.add_option(
         "--cgi-limit", limits_,
         "A limit of each CGI program: cpu=10s, as=512M (memory), fsize=1G (of a file), nproc=64 (of its "
         "user), nofile=1024, core=0; and of it with all that it starts, in its cgroup: memory-max=512M, "
         "tasks-max=64; repeatable")
      ->check(LimitLine)
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  app.add_option(
         "--cgi-cgroup", cgi_.cgroup,
         "A cgroup of version 2 that the server may have (Delegate=yes): each CGI program runs in one of "
         "its own below it, and what it has started ends with it, in whatever session")
      ->type_name("DIR");
  app.add_option(
         "--program-rule", rules_of_programs_,
         "For the programs at a path and below it: /PATH=timeout:10m, /PATH=env:NAME=VALUE, "
         "/PATH=limit:cpu=10s, /PATH=user:NAME[:GROUP] (where root starts it), /PATH=max-cgi:8 (of them "
         "together at once; past it they wait); the longest path has the last word; repeatable")
      ->check(RuleLine)
      ->type_name("/PATH=KEY:VALUE")
      ->allow_extra_args(false);
}

void SiteOptions::AddProxies(CLI::App& app) {
  app.add_option("--trusted-proxy", trusted_,
                 "A proxy in front, by address or network (10.0.0.0/8, or unix: whoever comes over a UNIX "
                 "socket): its "
                 "PROXY header and its fields X-Forwarded-*, Forwarded say who asks; repeatable")
      ->check(TrustedPeer)
      ->type_name("ADDRESS[/N]")
      ->allow_extra_args(false);
  app.add_option("--proxy-fields", cgi_.believed.fields,
                 "Of a trusted proxy: x-forwarded, forwarded, or either, where X-Forwarded-For comes first")
      ->transform(OneOf(kProxyFields))
      ->type_name(Choice(kProxyFields))
      ->default_str("either");
  app.add_flag("--raw-targets", raw_targets_,
               "Take bytes past 0x7f in a request's target instead of refusing them");
}

void SiteOptions::AddBodies(CLI::App& app) {
  app.add_option(
         "--body-memory", cgi_.body_memory,
         "For bodies that are made whole before their program starts (chunked ones, large ones on UNIX "
         "sockets), a megabyte each at most; what does not fit lies in --body-dir")
      ->transform(CLI::AsSizeValue(false))
      ->transform(PlainSize())
      ->type_name("BYTES")
      ->default_str("64MB");
  app.add_option("--body-dir", cgi_.body_directory,
                 "Where bodies lie that are made whole and do not fit; 503 where it is full")
      ->type_name("DIR")
      ->capture_default_str();
  app.add_option(
         "--min-body-rate", cgi_.least_rate,
         "How fast, in bytes a second, the body of a request for a CGI program must come and be taken "
         "once --cgi-timeout has passed")
      ->transform(CLI::AsSizeValue(false))
      ->transform(PlainSize())
      ->check(CLI::Range(1, 1 << 30))
      ->type_name("BYTES")
      ->default_str("2K");
  app.add_option("--max-body", cgi_.max_body, "The largest request body for a CGI program; past it 413")
      ->transform(CLI::AsSizeValue(false))
      ->transform(PlainSize())
      ->type_name("BYTES")
      ->default_str("1GB");
}

void SiteOptions::Fill(SiteConfig& site) const {
  for (const std::string& text : mounts_) site.mounts.push_back(*cgi::Mount::Parse(text));
  if (!cgi_dir_.empty()) site.mounts.push_back({cgi::Mount::Kind::kPrograms, cgi_prefix_, cgi_dir_});
  for (const std::string& text : guards_) site.guards.push_back(*cgi::Guard::Parse(text));
  for (const std::string& text : allowed_) site.guards.push_back(*cgi::Guard::ParseAllowed(text));
  site.group_file = group_file_;
  site.realm = realm_;
  site.rules = rules_;
  cgi::Config cgi = cgi_;
  site.heads.raw_targets = cgi.heads.raw_targets = raw_targets_;
  for (const std::string& peer : trusted_) (void)cgi.believed.peers.Add(peer);
  site.believed = cgi.believed;
  const auto programs = [](const cgi::Mount& mount) { return mount.kind != cgi::Mount::Kind::kFiles; };
  if (std::ranges::none_of(site.mounts, programs)) return;
  cgi.server.software = "hydrapool/" HYDRAPOOL_VERSION;
  if (cgi_strict_) cgi.reading = cgi::HeadReading::kStrict;
  cgi.patience = *sys::ParseDuration(cgi_timeout_);
  for (const std::string& text : limits_) (void)cgi::SetLimit(cgi.limits, text);
  for (const std::string& text : rules_of_programs_) cgi.rules.push_back(*cgi::ProgramRule::Parse(text));
  cgi.wait = *ParseTimeOrNever(cgi_queue_timeout_);
  site.cgi = std::move(cgi);
}

}  // namespace hydrapool::server
