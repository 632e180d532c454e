#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pool/cgi/courier_notes.h"
#include "pool/cgi/courier_tools.h"
#include "pool/http/chunked_decoder.h"
#include "pool/sys/unique_fd.h"
#include "pool/worker/connection.h"

namespace hydrapool::cgi {

/// An anonymous file in memory (memfd_create(2)), close-on-exec; empty where the system refuses.
sys::UniqueFd MemoryFile();

/// Makes a chunked request body whole, so that its length can be told, and then becomes what `then` begins
/// with it.
///
/// The bytes leave the socket as they come: the request cannot be run again, and if this worker dies before
/// the process runs, the client gets the handler's abandoned reply. A body past `most` is a 413, bad chunks
/// are a 400.
class Spooler : public hydrapool::Execution {
 public:
  using Then = std::function<hydrapool::Begun(sys::UniqueFd file, std::uint64_t length)>;

  Spooler(hydrapool::Connection& connection, SpoolBudget& budget, std::uint64_t most, bool send_continue,
          std::string_view date, Then then);

  void OnStepDone() override;
  void OnReadable() override;
  void OnProcessEnd() override;
  void OnDeadline() override;

 private:
  void Read();
  void Finish();
  void Refuse(int status, std::string_view why);

  hydrapool::Connection& connection_;
  SpoolBudget::Share share_;
  std::optional<SpoolBudget::Body> body_;  // until it is the program's
  const std::uint64_t most_;
  const std::string date_;
  Then then_;
  std::unique_ptr<hydrapool::Execution> next_;  // what it has become
  sys::UniqueFd file_;
  std::uint64_t length_ = 0;
  http::ChunkedDecoder decoder_;
  std::vector<char> buffer_;
  bool send_continue_;
  bool begun_ = false;
  bool over_ = false;
  sys::EventLoop::Timer start_;
};

}  // namespace hydrapool::cgi
