#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "pool/simulation/request.h"
#include "pool/sys/clock.h"

namespace hydrapool::simulation {

class World;
struct Process;

/// What a CGI program does with its input.
enum class ProgramManner : char {
  kReads = 'a',      ///< reads all of it, then answers with a digest of it
  kIgnores = 'n',    ///< closes it and answers
  kRedirects = 'r',  ///< closes it and names another program of the server, which answers
  kEchoes = 'e',     ///< answers with it, piece by piece
};

/// The body of the answer of a program to a request with this body.
std::string ProgramAnswer(ProgramManner manner, std::uint32_t id, std::uint32_t size, std::string_view body);

/// A CGI program after its exec, as a small machine: it reads its input, writes its head and its body, and
/// ends. Descriptors 0 and 1 are those that it was given.
class Program {
 public:
  /// `query`: "MANNER.ID.SIZE.LENGTH"; with LENGTH 1 it promises the length of its answer.
  Program(World& world, Process& process, std::string_view query);

  [[nodiscard]] bool CanAct() const;
  void Act();
  [[nodiscard]] Nanos pauses_until() const { return pauses_until_; }

 private:
  void Read();
  void Write();
  [[nodiscard]] bool Reads() const;
  [[nodiscard]] bool Ignores() const {
    return manner_ == ProgramManner::kIgnores || manner_ == ProgramManner::kRedirects;
  }

  World& world_;
  Process& process_;
  ProgramManner manner_;
  std::uint32_t id_ = 0;
  std::uint32_t size_ = 0;
  bool promises_ = false;
  bool cleans_up_ = false;
  std::uint64_t pauses_ = 0;  // so often it is silent for a while
  Nanos pauses_until_ = 0;
  std::string input_;
  std::string to_write_;
  std::size_t echoed_ = 0;
  bool input_over_ = false;
  bool head_written_ = false;
  bool body_known_ = false;
};

}  // namespace hydrapool::simulation
