#pragma once

#include <functional>
#include <string>
#include <vector>

#include "pool/shared/test_world.h"

namespace hydrapool::testing {

/// One kind of request: how it is answered, and what the client, the process and the kernel must have seen in
/// the end.
struct Kind {
  std::string name;
  std::string request;
  std::string output;  // of its process, where it has one
  std::string answer;
  std::string input;
  /// Carries the request on from wherever the lease stands; called again by each worker.
  std::function<void(World&, Machine&)> serve;
  bool may_abandon = false;  // it must not run twice: a death may be answered by an excuse instead
  bool may_be_cut = false;   // its answer lies in its worker's memory: a death may end it by a reset
};

std::vector<Kind> Kinds();

/// Twenty pipelined requests, answered one after the other.
Kind Twenty();

/// Serves one request of a kind while workers die at the seam calls of the given numbers, one number for each
/// worker. Returns what is wrong with what the client got: "" for nothing. `calls`: of the last worker.
std::string Serve(const Kind& kind, const std::vector<int>& deaths, unsigned seed, Fault fault,
                  int* calls = nullptr);

}  // namespace hydrapool::testing
