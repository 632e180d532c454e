#include <csignal>

#include "harness/command/cli.h"

int main(int argc, char** argv) {
  // A reader that leaves ends no run. A handler, for what is ignored the server would inherit.
  std::signal(SIGPIPE, [](int) {});
  return hydrapool::harness::Main(argc, argv);
}
