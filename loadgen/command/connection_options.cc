#include <fmt/format.h>
#include <sys/un.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <tuple>
#include <utility>

#include "loadgen/command/request_options.h"
#include "loadgen/command/secrets.h"
#include "loadgen/engine/endpoint.h"
#include "loadgen/engine/source_addresses.h"
#include "loadgen/engine/tls_context.h"
#include "loadgen/plan/http_url.h"
#include "loadgen/plan/text_file.h"
#include "loadgen/plan/url_scheme.h"
#include "pool/sys/socket.h"
#include "pool/sys/units.h"

namespace hydrapool::loadgen {

sys::Result<void> RequestOptions::FillConnection(Plan& plan) const {
  plan.wire.keep_alive = connection_.reuse != "close";
  plan.wire.unix_socket = connection_.unix_socket;
  if (connection_.unix_socket.size() >= sizeof sockaddr_un::sun_path)
    return sys::Failure(fmt::format("--unix-socket: a path has at most {} bytes, this one {}",
                                    sizeof sockaddr_un::sun_path - 1, connection_.unix_socket.size()));
  plan.wire.connect_to = connection_.connect_to;
  if (!connection_.connect_to.empty() && !sys::SplitHostPort(connection_.connect_to))
    return sys::Failure(
        fmt::format("--connect-to '{}' is not HOST:PORT (like 127.0.0.1:8443)", connection_.connect_to));
  if (!extras_.proxy.empty()) {
    if (const auto proxy = CheckProxy(extras_.proxy); !proxy)
      return sys::Failure(
          fmt::format("-x '{}' {}", WithoutSecrets("-x", extras_.proxy), proxy.error().message));
  }
  if (!extras_.user.empty() && extras_.user.find(':') == std::string::npos)
    return sys::Failure("-u is USER:PASSWORD");
  plan.wire.extras = extras_;
  for (const auto& entry : connection_.resolve) {
    if (!ParseResolved(entry))
      return sys::Failure(fmt::format("--resolve '{}' is not HOST:PORT:ADDRESS[,ADDRESS]", entry));
  }
  plan.wire.resolve = connection_.resolve;
  if (const auto why = UnusableSource(connection_.bind)) return sys::Failure(*why);
  plan.wire.bind = connection_.bind;
  for (const auto& [flag, text, time] :
       {std::tuple("--connect-timeout", &connection_.connect_timeout, &plan.wire.connect_timeout),
        std::tuple("--resolve-every", &connection_.resolve_every, &plan.wire.resolve_every)}) {
    if (text->empty()) continue;
    const auto parsed = sys::ParseDuration(*text);
    if (!parsed) return sys::Failure(fmt::format("{} {}", flag, parsed.error().message));
    *time = *parsed;
  }
  for (const auto& [flag, path] :
       {std::pair("--cacert", &extras_.ca), std::pair("--cert", &extras_.certificate),
        std::pair("--key", &extras_.key)}) {
    if (path->empty()) continue;
    if (const auto text = ReadWholeFile(*path); !text)
      return sys::Failure(fmt::format("{}: {}", flag, text.error().message));
  }
  if (const auto wrong = WrongCertificates(extras_); !wrong.empty()) return sys::Failure(wrong);
  plan.wire.streams = connection_.streams;
  if (!connection_.reuse.starts_with("reuse:")) {
    if (connection_.reuse == "keepalive" || connection_.reuse == "close") return {};
  } else {
    const auto* end = connection_.reuse.data() + connection_.reuse.size();
    const auto [stop, error] = std::from_chars(connection_.reuse.data() + 6, end, plan.wire.reuse);
    if (error == std::errc() && stop == end && plan.wire.reuse > 0) return {};
  }
  return sys::Failure(fmt::format("--connection '{}' is not keepalive, close or reuse:N", connection_.reuse));
}

void RequestOptions::AddConnection(CLI::App& app) {
  app.option_defaults()->group(kConnectionGroup);
  app.add_option("--connection", connection_.reuse,
                 "keepalive, close (a new connection for each request), or reuse:N (for each N)")
      ->type_name("{keepalive|close|reuse:N}")
      ->capture_default_str();
  app.add_option("--unix-socket", connection_.unix_socket,
                 "connect to this UNIX socket, whatever the URL's host")
      ->type_name("PATH");
  app.add_option("--connect-to", connection_.connect_to,
                 "connect there, whatever the URL's host and port, which Host and TLS keep")
      ->type_name("HOST:PORT");
  app.add_option("--resolve", connection_.resolve, "addresses of a host, not the resolver's; repeatable")
      ->type_name("HOST:PORT:ADDRESS[,…]")
      ->allow_extra_args(false);
  app.add_option("--resolve-every", connection_.resolve_every,
                 "ask the resolver again so often; new connections lead where it then says (default: once)")
      ->type_name("TIME");
  app.add_option("--bind", connection_.bind,
                 "addresses of this machine that connections come from, in turn: some 28,000 from each")
      ->type_name("ADDRESS,…")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("--connect-timeout", connection_.connect_timeout, "for a connection (default: --timeout)")
      ->type_name("TIME");
  app.add_flag("--tls-resume", extras_.resume,
               "new connections take up earlier TLS sessions (default: each makes a full handshake)");
  auto* http2 =
      app.add_flag("--http2", extras_.http2, "HTTP/2: over TLS, or with prior knowledge to http:// URLs");
  app.add_option("--streams", connection_.streams,
                 "so many requests at a time on each connection, as far as the server allows (HTTP/2)")
      ->type_name("N")
      ->check(CLI::Range(1, 1'000'000).description(""))
      ->needs(http2)
      ->capture_default_str();
  app.add_option("--limit-rate", extras_.limit_rate, "bytes a second of each request and response, like 64k")
      ->transform(CLI::AsSizeValue(false).description(""))
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 40).description(""))
      ->type_name("BYTES");
  app.add_flag("-L,--location", extras_.follow, "follow redirects; what counts is the last response");
  app.add_flag("-k,--insecure", extras_.insecure, "do not check certificates");
  app.add_option("--cacert", extras_.ca, "who may vouch for servers, instead of the system's (PEM)")
      ->type_name("FILE");
  auto* certificate = app.add_option("--cert", extras_.certificate, "a certificate of one's own (PEM)");
  certificate->type_name("FILE");
  app.add_option("--key", extras_.key, "its key, where --cert does not have it (PEM)")
      ->type_name("FILE")
      ->needs(certificate);
  app.add_flag("--cookies", extras_.cookies, "each connection keeps the cookies it was given");
  auto* user =
      app.add_option("-u,--user", extras_.user, "credentials, as before a URL's host; no output shows either")
          ->type_name("USER:PASSWORD");
  app.add_flag("--digest", extras_.digest, "prove --user by Digest instead of Basic")->needs(user);
  app.add_option("-x,--proxy", extras_.proxy, "go through this proxy (http://, https://, socks5://)")
      ->type_name("URL");
}

}  // namespace hydrapool::loadgen
