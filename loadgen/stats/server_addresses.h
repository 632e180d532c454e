#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hydrapool::loadgen {

/// Which addresses of the server a run's connections led to: "127.0.0.1:8080", "[::1]:8080", a UNIX socket's
/// path. With a proxy they are the proxy's.
///
///     const auto place = addresses.Tried(address, size);      // connect(2) is called
///     addresses.Connected(place);                             // it can carry requests: secured, where it
///     must be
///
/// Memory is constant: the first kMost addresses have counts of their own, all others together those of
/// kOthers. A value that merges. Not for several threads.
class ServerAddresses {
 public:
  static constexpr std::size_t kMost = 32;
  static constexpr std::string_view kOthers = "others";

  struct Row {
    std::string address = {};
    std::uint64_t tried = 0;
    std::uint64_t connected = 0;
    [[nodiscard]] bool operator==(const Row& other) const = default;
  };

  std::size_t Tried(const sockaddr* address, socklen_t size);
  void Connected(std::size_t place) { ++rows_[place].connected; }
  void Add(const Row& row);
  void Merge(const ServerAddresses& other);

  /// In the order in which they were first tried.
  [[nodiscard]] const std::vector<Row>& rows() const { return rows_; }
  [[nodiscard]] bool operator==(const ServerAddresses& other) const = default;

 private:
  Row& At(std::string_view address);

  std::vector<Row> rows_;
};

/// An address for people. Pure.
[[nodiscard]] std::string AddressText(const sockaddr* address, socklen_t size);

}  // namespace hydrapool::loadgen
