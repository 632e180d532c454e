#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hydrapool/connection.h"
#include "pool/cgi/courier_notes.h"
#include "pool/worker/request_process.h"

namespace hydrapool::cgi {

/// Who goes on with a request once its body is whole.
class BodyTaker {
 public:
  /// `head`: the request's, as it came. The body is the `length` bytes of RequestProcess::end(kBody).
  virtual Begun TakeBody(Exchange& exchange, std::string_view head, std::uint64_t length) = 0;

 protected:
  ~BodyTaker() = default;
};

/// Makes a request's body whole in a file that the parent holds too, and leaves the rest to a BodyTaker's
/// execution: a chunked body, so that its length can be told, and one on a socket whose bytes cannot be
/// spliced exactly.
///
/// Each piece goes into the file, then what is known with it into the notes, and only then are its bytes
/// consumed, as a step. So another worker finds a file that holds at least what its notes say, notes for
/// exactly what is consumed, and the rest in the socket: it goes on there, and a death costs nothing.
///
/// A body longer than Plan::most is a 413, bad chunks are a 400, one for which there is no room a 503, and
/// one that comes too slowly (TooFew) beyond the deadline a 408.
class Spooler : public Execution {
 public:
  struct Plan {
    std::string head;        ///< the request's
    bool chunked = true;     ///< else its length is known: the notes' request_total
    std::uint64_t most = 0;  ///< bytes of body
    std::string date;
    std::string lines;                   ///< of a refusal's head, whole
    std::string directory = "/var/tmp";  ///< where a body past kMostInMemory lies
    std::string name;                    ///< of the request, for the log
    std::uint32_t least_rate = 2048;     ///< TooFew
  };

  /// The body's file is held (RequestProcess::HoldBody), and the notes say how far it is.
  Spooler(Exchange& exchange, BodyTaker& taker, Plan plan);

  /// Begins with the next round of the loop. Not for one that takes over.
  void Start();

  void OnStepDone() override;
  void OnReadable() override;
  void OnDeadline() override;

 private:
  void Read();
  void Take(std::string_view seen);
  [[nodiscard]] bool Append(std::string_view data, std::uint64_t at);
  [[nodiscard]] bool MoveToDisk(std::uint64_t size);
  [[nodiscard]] SpoolNote& Present() const;
  [[nodiscard]] CourierNotes& notes() const { return NotesOf(exchange_); }
  void Finish();
  void Refuse(int status, std::string_view why);

  /// So many bytes in one turn: then the worker's other connections come first.
  static constexpr std::size_t kTurn = std::size_t{64} * 1024;

  Exchange& exchange_;
  RequestProcess& process_;
  BodyTaker& taker_;
  Plan plan_;
  std::vector<char> buffer_;
  bool begun_ = false;
  bool over_ = false;
  EventLoop::Timer turn_;
};

}  // namespace hydrapool::cgi
