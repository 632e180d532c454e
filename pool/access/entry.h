#pragma once

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "hydrapool/connection.h"
#include "pool/shared/lease.h"
#include "pool/worker/answer_watcher.h"

namespace hydrapool::access {

/// What is kept of a request in its connection's docket (worker/answer_watcher.h), until its line is written:
/// by whichever worker finishes its answer. Each text is cut at a length of its own, so that all of them fit.
class Entry {
 public:
  enum class Text : std::uint8_t { kId, kClient, kUser, kMethod, kTarget, kReferer, kAgent, kScript };
  static constexpr std::array<std::uint16_t, 8> kMost{64, 64, 64, 24, 900, 250, 250, 200};

  /// The one of a connection, whatever is in it.
  static Entry& Of(const Connection& connection) {
    return *reinterpret_cast<Entry*>(connection.docket().bytes().data());
  }

  void Set(Text which, std::string_view text);
  [[nodiscard]] std::string_view Get(Text which) const;
  /// It was longer.
  [[nodiscard]] bool WasCut(Text which) const { return sizes_[Index(which)] > kMost[Index(which)]; }

  /// An answer begins with these bytes: its status and the size of its head are read off them. Once a byte
  /// of it has left, what follows is more of it; until then another answer may take its place (where a worker
  /// has died).
  void NoteAnswer(std::string_view first_bytes, std::uint64_t total_sent);

  Nanos begun = 0;              ///< CLOCK_MONOTONIC
  std::uint64_t answer_at = 0;  ///< sent before the answer, on the connection
  std::uint32_t head = 0;       ///< bytes of the answer's head
  pid_t worker = 0;             ///< that has filled it
  std::uint16_t status = 0;     ///< 0: there is no answer yet
  std::uint8_t minor_version = 1;
  std::uint8_t part = 0;  ///< of the site (Reply::part)
  bool answering = false;
  bool again = false;  ///< a worker has died over the request

 private:
  static constexpr std::size_t Index(Text which) { return static_cast<std::size_t>(which); }

  std::array<std::uint16_t, 8> sizes_{};  // what they were before they were cut
  std::array<char, 1816> bytes_;          // the sum of kMost
};
static_assert(sizeof(Entry) <= kDocketBytes && std::is_trivially_copyable_v<Entry>);

}  // namespace hydrapool::access
