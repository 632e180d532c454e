#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "hydrapool/connection.h"
#include "hydrapool/handler.h"
#include "pool/cgi/handler.h"
#include "pool/cgi/mounts.h"
#include "pool/files/answer.h"
#include "pool/files/media_types.h"
#include "pool/files/sender.h"
#include "pool/http/request.h"
#include "pool/http/response_writer.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool::files {

/// Answers a GET or HEAD for a file that Mounts has found: its type by its name, with ETag and Last-Modified,
/// conditions and ranges (answer.h). A file NAME.br or NAME.gz beside it, no older than it, is sent in its
/// place to who takes that coding. Where there was none is looked again after a second.
///
/// What fits is read at once and is a Reply; larger files are sent in steps (sender.h), whose file the parent
/// holds too: a worker's death costs nothing, and a file that is replaced meanwhile is sent to its end as it
/// was.
///
/// Not promised: that a file that is overwritten in place is sent as it was. A read from a slow disk blocks
/// the worker. One for each worker.
class Handler final : public cgi::FileAnswerer {
 public:
  /// `extra_lines`: of the answer to the request in hand; it outlives the handler.
  Handler(WorkerContext& worker, const std::string& extra_lines);

  /// What a request for which OnRequest says Start is begun with.
  struct Prepared {
    sys::UniqueFd file;
    Answer answer;
    std::size_t consume = 0;
    bool keep = false;
  };
  /// `consume`: bytes of the request, all of which have come.
  Decision OnRequest(const Connection& connection, const http::Request& request, cgi::FileFound found,
                     std::size_t consume, std::optional<Prepared>& prepared);
  [[nodiscard]] std::optional<Reply> AnswerWhole(const Connection& connection, const http::Request& request,
                                                 cgi::FileFound found, std::size_t consume,
                                                 std::string_view lines) override;
  /// Starts the request for which OnRequest has just said Start.
  Begun Begin(Exchange& exchange, const http::Request& request, Prepared prepared);
  /// Takes over a request that has a sender's notes.
  static std::unique_ptr<Execution> Resume(Exchange& exchange) {
    return std::make_unique<FileSender>(exchange);
  }

 private:
  struct Opened {
    sys::UniqueFd file;
    FileFacts facts;
  };
  [[nodiscard]] tl::expected<Opened, cgi::Refusal> Open(const http::Request& request, cgi::FileFound& found);
  /// The coded sibling of a file that is chosen in its place.
  void ChooseSibling(const http::Request& request, const cgi::FileFound& found, struct stat& chosen,
                     Opened& opened) const;
  [[nodiscard]] Answer AnswerTo(const http::Request& request, const FileFacts& facts, bool keep_alive,
                                std::string_view lines);
  [[nodiscard]] Reply ReadWhole(const http::Request& request, const Answer& answer, int file,
                                std::size_t consume, bool keep, std::string_view lines);
  [[nodiscard]] Reply Refuse(const http::Request& request, std::size_t consume, const cgi::Refusal& refusal,
                             bool keep_alive, std::string_view lines);

  WorkerContext& worker_;
  const std::string& extra_lines_;
  const MediaTypes types_;
  http::DateCache date_;
  std::uint64_t boundaries_ = 0;
  using Place = std::pair<const cgi::ScriptDirectory*, std::string>;
  std::map<Place, sys::Nanos> alone_;  // files without siblings, and until when that is believed
};

}  // namespace hydrapool::files
