#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "loadgen/plan/plan.h"
#include "pool/sys/error.h"

namespace CLI {
class App;
}

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

 private:
  void AddRequest(CLI::App& app);
  void AddConnection(CLI::App& app);
  void AddExpectations(CLI::App& app);
  sys::Result<void> FillOneRequest(Plan& plan) const;
  sys::Result<void> FillConnection(Plan& plan) const;
  sys::Result<void> FillExpectations(Plan& plan) const;

  std::vector<std::string> urls_;
  std::vector<std::string> targets_;
  std::string file_;
  std::string method_;
  std::optional<std::string> data_;
  std::optional<std::string> data_template_;
  std::vector<std::string> headers_;
  std::string connection_ = "keepalive";
  std::string unix_socket_;
  std::string connect_to_;
  std::string connect_timeout_;
  std::vector<std::string> resolve_;
  bool path_as_is_ = false;
  Extras extras_;
  std::vector<int> expect_status_;
  std::optional<std::uint64_t> expect_length_;
  std::string expect_sha256_;
  std::string expect_end_;
  std::string worker_header_ = "X-Worker";
  std::uint64_t seed_ = 1;
};

}  // namespace hydrapool::loadgen
