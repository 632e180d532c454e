#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "loadgen/plan/plan.h"
#include "pool/sys/error.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace hydrapool::loadgen {

/// The heading in --help of what says how requests are sent.
inline constexpr const char* kConnectionGroup = "Connections";

/// The flags that say what a request is, how its connection is used and what response is expected. As
/// PlanOptions.
class RequestOptions {
 public:
  void AddTo(CLI::App& app);
  /// Reads the files the flags name.
  sys::Result<void> Fill(Plan& plan) const;
  /// Those files, by flag; some are empty or "-".
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> Files() const;

 private:
  void AddRequest(CLI::App& app);
  void AddReplay(CLI::App& app, const std::vector<CLI::Option*>& others);
  void AddConnection(CLI::App& app);
  void AddExpectations(CLI::App& app);
  sys::Result<void> FillRequests(Plan& plan) const;
  sys::Result<void> FillOneRequest(Plan& plan) const;
  sys::Result<void> FillConnection(Plan& plan) const;
  sys::Result<void> FillExpectations(Plan& plan) const;

  struct Request {
    std::vector<std::string> urls = {};
    std::vector<std::string> targets = {};
    std::string file = {};
    std::string session_file = {};
    std::string replay = {};
    double speed = 1;
    bool replay_unsafe = false;
    std::vector<std::string> replay_only = {};
    std::string method = {};
    std::optional<std::string> data = {};
    std::optional<std::string> data_template = {};
    std::vector<std::string> headers = {};
  };
  struct Connection {
    std::string reuse = "keepalive";
    int streams = 1;
    std::string unix_socket = {};
    std::string connect_to = {};
    std::string connect_timeout = {};
    std::vector<std::string> resolve = {};
    std::string resolve_every = {};
    std::vector<std::string> bind = {};
    bool path_as_is = false;
  };

  Request request_;
  Connection connection_;
  Extras extras_;
  Expectation expect_;
  std::string worker_header_ = "X-Worker";
  std::uint64_t seed_ = 1;
};

}  // namespace hydrapool::loadgen
