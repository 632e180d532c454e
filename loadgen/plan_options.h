#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "loadgen/plan.h"
#include "pool/sys/error.h"

namespace CLI {
class App;
}

namespace loadgen {

/// The flags that say what to send, how often and for how long.
///
///     PlanOptions flags;
///     flags.AddTo(app);
///     app.parse(argc, argv);
///     auto plan = flags.Understand(cores);
///
/// `flags` must stay where it is until the app has parsed. Errors are one line that names the flag.
class PlanOptions {
 public:
  void AddTo(CLI::App& app);

  /// What the flags mean together. Reads the files they name. `cores` is how many threads are worth having.
  [[nodiscard]] sys::Result<Plan> Understand(int cores) const;

 private:
  void AddLoad(CLI::App& app);
  void AddRequest(CLI::App& app);
  sys::Result<void> FillRequest(Plan& plan) const;
  sys::Result<void> FillLoad(int cores, Plan& plan) const;
  sys::Result<void> FillRate(Plan& plan) const;
  sys::Result<void> FillTimes(Plan& plan) const;
  sys::Result<void> FillConnections(int cores, Plan& plan) const;

  std::vector<std::string> urls_;
  std::vector<std::string> targets_;
  std::string arrival_;
  std::string rate_;
  std::string stages_;
  std::string saturate_ = "queue";
  std::string warmup_;
  std::string start_at_;
  std::string replica_;
  std::string duration_;
  std::string timeout_ = "10s";
  std::optional<std::uint64_t> count_;
  std::optional<int> threads_;
  int connections_ = 10;
  std::string method_;
  std::optional<std::string> data_;
  std::string connection_ = "keepalive";
  std::vector<std::string> headers_;
  std::string unix_socket_;
  std::vector<int> expect_status_;
  std::optional<std::uint64_t> expect_length_;
  std::string worker_header_ = "X-Worker";
  std::uint64_t seed_ = 1;
};

}  // namespace loadgen
