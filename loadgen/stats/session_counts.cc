#include "loadgen/stats/session_counts.h"

namespace hydrapool::loadgen {

void SessionCounts::Merge(const SessionCounts& other) {
  begun += other.begun;
  complete += other.complete;
  failed += other.failed;
  cut += other.cut;
  took.Merge(other.took);
}

}  // namespace hydrapool::loadgen
