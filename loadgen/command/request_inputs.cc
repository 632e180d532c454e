#include "loadgen/command/request_options.h"

namespace hydrapool::loadgen {

std::vector<std::pair<std::string, std::string>> RequestOptions::Files() const {
  const auto of = [](const std::optional<std::string>& data) {
    return data && data->starts_with('@') ? data->substr(1) : std::string();
  };
  return {{"--request-file", request_.file}, {"--session-file", request_.session_file},
          {"--replay", request_.replay},     {"--data", of(request_.data)},
          {"--cacert", extras_.ca},          {"--data-template", of(request_.data_template)},
          {"--cert", extras_.certificate},   {"--key", extras_.key}};
}

}  // namespace hydrapool::loadgen
