#include "pool/testing/json.h"

template class nlohmann::basic_json<>;

namespace hydrapool::support {

nlohmann::json ParseJson(std::string_view text) { return nlohmann::json::parse(text, nullptr, false); }

}  // namespace hydrapool::support
