#include "pool/testing/faults.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <sstream>
#include <vector>

#include "pool/admin/client.h"
#include "pool/testing/json.h"

namespace hydrapool::support {
namespace {

std::vector<std::string> Arguments(const ServerProcess& server, const Fault& fault) {
  std::vector<std::string> arguments{"inject",   "--parent",     std::to_string(server.pid()),
                                     "--admin",  server.admin(), "--fault",
                                     fault.kind, "--target",     fault.target,
                                     "--every",  fault.every,    "--seed",
                                     "7",        "--json",       "-"};
  if (fault.count > 0) {
    arguments.insert(arguments.end(), {"--count", std::to_string(fault.count)});
  } else {
    arguments.insert(arguments.end(), {"--for", "60s"});
  }
  return Harness(arguments);
}

}  // namespace

Injection::Injection(const ServerProcess& server, const Fault& fault) : command_(Arguments(server, fault)) {}

void Injection::End() {
  command_.Signal(SIGINT);
  const Finished finished = command_.Wait(std::chrono::seconds(20));
  EXPECT_TRUE(finished.ok()) << finished.output;
  const auto begin = finished.output.find("{\n");
  const auto end = finished.output.rfind("}\n");
  if (begin == std::string::npos || end == std::string::npos) return;
  const auto summary = ParseJson(finished.output.substr(begin, end + 1 - begin));
  landed_ = summary.at("faults").at("landed");
}

void ExpectNothingLost(const ServerProcess& server) {
  const auto totals = server.Status().at("totals");
  for (const std::string name : {"lost", "cut", "abandoned", "poison", "unavailable"})
    EXPECT_EQ(totals.at(name), 0) << name;
  ExpectOnlyFaultsEndedWorkers(server);
}

void ExpectOnlyFaultsEndedWorkers(const ServerProcess& server) {
  const auto page = admin::HttpGet(server.admin(), "/metrics", std::chrono::seconds(10));
  ASSERT_TRUE(page);
  std::istringstream lines(page->body);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("hydrapool_worker_exits_total{") || line.ends_with(" 0")) continue;
    const auto is = [&line](const char* cause) { return line.find(cause) != line.npos; };
    EXPECT_TRUE(is("\"SIGKILL\"") || is("\"exit_0\"") || is("\"SIGTERM\"")) << line;
  }
}

}  // namespace hydrapool::support
