#include "loadgen/stats/first_responses.h"

namespace hydrapool::loadgen {

void Keep(FirstResponses& responses, int status, std::string_view head, std::string_view body) {
  if (responses.size() >= kMostFirstResponses || responses.contains(status)) return;
  responses[status] = {.head = std::string(head.substr(0, kMostOfHead)),
                       .body = std::string(body.substr(0, kMostOfBody))};
}

}  // namespace hydrapool::loadgen
