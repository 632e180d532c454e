#pragma once

#include <functional>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "pool/testing/http_client.h"
#include "pool/testing/scratch.h"

namespace hydrapool::support {

/// What a client does and sees; the ids of the CGI requests it makes are to be executed once each.
struct Path {
  std::string name;
  std::set<std::string> passes;  ///< the worker's failpoints that it passes for certain
  std::vector<std::string> ids;
  std::function<void(HttpClient&)> exchange;
  bool local = false;  ///< over a UNIX socket
};

inline void PrintTo(const Path& path, std::ostream* out) { *out << path.name; }

/// Every way in which a request goes through a worker: plain ones, programs, streams. The programs are those
/// of MakeCountingPrograms, nph-hello and coded (MakeRequestPrograms).
std::vector<Path> Paths();

/// The programs and the file that Paths() asks for; the programs write their executions into `record`. The
/// server wants SiteFlags beside `--cgi-dir`.
void MakeRequestPrograms(const ScratchDir& programs, const std::string& record);

std::vector<std::string> SiteFlags(const ScratchDir& programs);

}  // namespace hydrapool::support
