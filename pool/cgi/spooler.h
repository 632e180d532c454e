#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hydrapool/connection.h"
#include "pool/cgi/body_file.h"
#include "pool/cgi/courier_notes.h"
#include "pool/cgi/courier_tools.h"
#include "pool/http/chunked_decoder.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool::cgi {

/// Who goes on with a request once its body is whole.
class BodyTaker {
 public:
  /// `head`: the request's, as it came. `file`: the body, `length` bytes.
  virtual Begun TakeBody(Exchange& exchange, std::string_view head, sys::UniqueFd file,
                         std::uint64_t length) = 0;

 protected:
  ~BodyTaker() = default;
};

/// Makes a chunked request body whole, so that its length can be told, and leaves the rest to a BodyTaker's
/// execution.
///
/// The bytes leave the socket as they come: the request cannot be run again, and if this worker dies before
/// the process runs, the client gets the handler's abandoned reply. A body longer than Plan::most is a 413,
/// bad chunks are a 400, and one that comes at less than 2 KiB a second beyond the deadline a 408.
class Spooler : public Execution {
 public:
  struct Plan {
    std::string head;        ///< the request's
    std::uint64_t most = 0;  ///< bytes of body
    bool send_continue = false;
    std::string date;
    std::string directory = "/var/tmp";  ///< where a body past BodyFile::kMostInMemory lies
    std::string name;                    ///< of the request, for the log
  };

  Spooler(Exchange& exchange, BodyTaker& taker, SpoolBudget& budget, Plan plan);

  void OnStepDone() override;
  void OnReadable() override;
  void OnDeadline() override;

 private:
  void Read();
  void Finish();
  void Refuse(int status, std::string_view why);

  /// So many bytes in one turn: then the worker's other connections come first.
  static constexpr std::size_t kTurn = std::size_t{64} * 1024;

  Exchange& exchange_;
  BodyTaker& taker_;
  Plan plan_;
  std::optional<SpoolBudget::Body> body_;  // until it is the program's
  BodyFile file_;
  http::ChunkedDecoder decoder_;
  std::vector<char> buffer_;
  std::uint64_t came_before_;  ///< bytes consumed when the deadline was set
  bool begun_ = false;
  bool over_ = false;
  EventLoop::Timer turn_;
};

}  // namespace hydrapool::cgi
