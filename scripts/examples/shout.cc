// A whole server on the pool: answers every line in capitals, and keeps doing so while its workers are
// killed.
//     shout [HOST:PORT]        then:  nc 127.0.0.1 8080
#include <algorithm>
#include <cctype>

#include "hydrapool/process_pool.h"

struct Shout {
  explicit Shout(hydrapool::WorkerContext&) {}  // one for each worker, built after the fork
  hydrapool::Decision OnInput(hydrapool::Connection&, std::string_view peeked) {
    const auto end = peeked.find('\n');
    if (end == peeked.npos) return hydrapool::NeedMore{};
    std::string line(peeked.substr(0, end + 1));
    std::ranges::transform(line, line.begin(),
                           [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return hydrapool::Reply{.consume = end + 1, .bytes = std::move(line)};
  }
  static std::string AbandonedReply() {
    return "unavailable\n";
  }  // where a request can be neither finished nor run again
};

int main(int argc, char** argv) {
  return hydrapool::ProcessPool<Shout>({.workers = 4})
      .Serve(hydrapool::Listen(argc > 1 ? argv[1] : "127.0.0.1:8080"));
}
