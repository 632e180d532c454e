#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "loadgen/command/request_options.h"
#include "loadgen/plan/plan.h"
#include "pool/sys/error.h"

namespace CLI {
class App;
}

namespace hydrapool::loadgen {

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
  /// Without those that make no sense where rate and time are chosen by `loadgen search`.
  void AddForSearch(CLI::App& app);

  /// What the flags mean together. Reads the files they name. `cores` is how many threads are worth having.
  [[nodiscard]] sys::Result<Plan> Understand(int cores) const;
  /// The files that it reads, for DistinctFiles.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> Files() const { return request_.Files(); }

 private:
  void AddConnections(CLI::App& app);
  void AddArrival(CLI::App& app);
  void AddTimeout(CLI::App& app);
  [[nodiscard]] sys::Result<std::optional<double>> Rate() const;
  sys::Result<void> FillLoad(int cores, Plan& plan) const;
  [[nodiscard]] sys::Result<void> FitsReplay() const;
  sys::Result<void> FillRate(Plan& plan) const;
  sys::Result<void> FillTimes(Plan& plan) const;
  sys::Result<void> FillRamp(Plan& plan) const;
  sys::Result<void> FillConnections(int cores, Plan& plan) const;

  std::string arrival_;
  std::string rate_;
  std::string stages_;
  std::string saturate_ = "queue";
  std::string warmup_;
  std::string ramp_;
  std::string start_at_;
  std::string replica_;
  std::string duration_;
  std::string timeout_ = "10s";
  std::optional<std::uint64_t> count_;
  std::optional<int> threads_;
  int connections_ = 10;
  RequestOptions request_;
};

}  // namespace hydrapool::loadgen
