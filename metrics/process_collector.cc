#include "metrics/process_collector.h"

#include <string>
#include <utility>

#include "metrics/family.h"
#include "metrics/process_stats.h"

namespace hydrapool::metrics {

std::vector<prometheus::MetricFamily> ProcessCollector::Collect() const {
  const ProcessStats stats = ReadProcessStats();
  std::vector<prometheus::MetricFamily> families;
  families.push_back(
      CounterFamily("process_cpu_seconds_total", "Total user and system CPU time spent in seconds."));
  AddSample(families.back(), stats.cpu_seconds);

  const auto gauge = [&families](std::string name, std::string help, auto value) {
    families.push_back(GaugeFamily(std::move(name), std::move(help)));
    AddSample(families.back(), static_cast<double>(value));
  };
  gauge("process_open_fds", "Number of open file descriptors.", stats.open_fds);
  gauge("process_max_fds", "Maximum number of open file descriptors.", stats.max_fds);
  gauge("process_resident_memory_bytes", "Resident memory size in bytes.", stats.resident_bytes);
  gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.", stats.virtual_bytes);
  gauge("process_threads", "Number of OS threads in the process.", stats.threads);
  gauge("process_start_time_seconds", "Start time of the process since unix epoch in seconds.",
        stats.start_time_seconds);
  return families;
}

}  // namespace hydrapool::metrics
