#include "pool/simulation/served_pool.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include "hydrapool/process_pool.h"
#include "pool/parent/pool.h"
#include "pool/shared/scoreboard.h"
#include "pool/simulation/handler.h"
#include "pool/site.h"
#include "pool/sys/scratch_dir.h"
#include "pool/sys/signals.h"

namespace hydrapool::simulation {
namespace {

const std::string& ProgramDirectory() {
  static const sys::ScratchDir directory("hydrapool-simulation");
  static const std::string path = [] {
    const std::string program = directory / "p";
    std::ofstream(program) << "#!/bin/false\n";
    std::filesystem::permissions(program, std::filesystem::perms::owner_all);
    return directory.path().string();
  }();
  return path;
}

}  // namespace

void PrepareDirectory() { ProgramDirectory(); }

int ServePool(bool http, std::uint32_t programs, const PoolOptions& options, UniqueFd listener) {
  sys::SignalEvents::ForgetInChild();  // of the last episode's pool
  if (!http) return ProcessPool<Handler>(options).Serve(std::move(listener));
  const server::SiteConfig config{.mounts = {{cgi::Mount::Kind::kPrograms, "/cgi-bin/", ProgramDirectory()}},
                                  .cgi = cgi::Config{.patience = kNever, .max_processes = programs}};
  const auto make = [config](WorkerContext& worker) { return server::Site(worker, config); };
  ProcessPool<server::Site> pool(options, make);
  ScoreboardOf(pool.pool()).signs().processes_limit = programs;
  return pool.Serve(std::move(listener));
}

}  // namespace hydrapool::simulation
