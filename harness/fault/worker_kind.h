#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "harness/fault/targets.h"

/// Telling a server's workers from its other children: nginx's cache loader, PostgreSQL's background writer.
namespace hydrapool::harness {

/// A living child that runs its parent's program, and what it calls itself (/proc/PID/cmdline).
struct Fork {
  ProcessView worker;
  std::string title = {};

  bool operator==(const Fork&) const = default;
};

struct Forks {
  std::vector<ProcessView> workers = {};
  std::vector<Fork> others = {};
};

/// Pure. Titles that differ only in numbers are of one kind. Where all are of one kind, all are workers; else
/// those that say "worker", "pool" or "child" are; else the kind with most members. Where no kind has most,
/// no child is a worker.
///
/// Not promised: what servers do not say. Apache's cgid has its workers' title.
[[nodiscard]] Forks TellApart(std::vector<Fork> forks);

/// "pid 7 'nginx: cache loader process', pid 8 'nginx: cache manager process'": at most three of them.
[[nodiscard]] std::string TitlesOf(const std::vector<Fork>& forks);

/// The living children of `parent` that run the program that it runs: not the CGI programs that it has
/// adopted. Where an executable may not be read (another user's, or a process that is not dumpable) the names
/// (comm) are compared instead.
[[nodiscard]] Forks ForksOf(pid_t parent);

/// That parent, if it lives, and its workers.
[[nodiscard]] ServerProcesses ProcessesOf(pid_t parent);

}  // namespace hydrapool::harness
