#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "loadgen/command/cli.h"
#include "loadgen/command/help.h"
#include "loadgen/command/output_files.h"
#include "loadgen/plan/base64.h"
#include "loadgen/plan/curl_line.h"
#include "loadgen/plan/har_file.h"
#include "loadgen/plan/openapi_file.h"
#include "loadgen/plan/request_file.h"
#include "loadgen/plan/text_file.h"
#include "loadgen/plan/text_template.h"
#include "pool/sys/utf8.h"

namespace hydrapool::loadgen {
namespace {

constexpr HelpTexts kImportHelp = {
    .usage = "loadgen import [OPTIONS] KIND FILE",
    .examples = R"(  loadgen import curl command.txt >requests.jsonl
  loadgen import har shop.har -o requests.jsonl
  loadgen import openapi api.yaml | loadgen --request-file - http://h:8080/
)",
    .notes = R"(KIND is curl (commands as browsers copy them), har (an HTTP Archive as browsers
save it) or openapi (OpenAPI 3 as JSON or YAML: a request for each operation,
with its examples). FILE may be - for standard input.

What comes out is for loadgen --request-file: a request a line, which sends what
FILE has, so '{counter}' in it becomes '{brace}counter}' or '%7Bcounter%7D', and
a body that is no UTF-8 becomes "body_base64". Look at it before sending it: it
may hold credentials, and requests that change something.

Exit codes:
  0  written
  1  an output failed
  2  wrong usage, a file that is none of that kind, or that would be overwritten
)"};

struct Imported {
  std::vector<Target> targets = {};
  std::vector<std::string> notes = {};
};

/// Without what would be replaced in it, or end its line.
std::string Encoded(std::string_view url) {
  std::string encoded;
  for (const char c : url) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && byte < 0x7f && c != '{' && c != '}') {
      encoded.push_back(c);
    } else {
      encoded += fmt::format("%{:02X}", byte);
    }
  }
  return encoded;
}

sys::Result<Imported> Import(const std::string& kind, const std::string& text) {
  if (kind == "curl") {
    auto lines = ParseCurlLines(text);
    if (!lines) return tl::unexpected(lines.error());
    return Imported{.targets = std::move(lines->targets), .notes = std::move(lines->notes)};
  }
  if (kind == "openapi") {
    auto requests = ParseOpenApi(text);
    if (!requests) return tl::unexpected(requests.error());
    return Imported{.targets = std::move(requests->targets), .notes = std::move(requests->notes)};
  }
  const auto har = ParseHar(text);
  if (!har) return tl::unexpected(har.error());
  Imported imported;
  if (har->others > 0)
    imported.notes.push_back(
        fmt::format("left out: {} that are no http requests (data:, ws: …)", har->others));
  for (const auto& entry : har->entries) {
    if (entry.lacks.empty()) {
      imported.targets.push_back(entry.target);
    } else {
      imported.notes.push_back(
          fmt::format("left out: {} {}: {}", entry.target.method, Encoded(entry.target.url), entry.lacks));
    }
  }
  return imported;
}

std::string Dump(const nlohmann::ordered_json& json) { return json.dump(-1, ' ', true) + "\n"; }

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const auto size = sys::CharacterAt(text);
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

/// As a line of a request file, which is text: a body of other bytes is base64.
sys::Result<std::string> RequestLine(const Target& target) {
  const auto url = Encoded(target.url);
  const bool plain = IsMethod(target.method) && !url.empty() && !url.starts_with('#');
  if (plain && target.headers.empty() && target.body.text().empty() && target.user.empty())
    return target.method == "GET" ? url + "\n" : fmt::format("{} {}\n", target.method, url);
  nlohmann::ordered_json json = {{"method", target.method}, {"url", url}};
  std::vector<std::string> headers;
  for (const auto& header : target.headers) headers.push_back(Literal(header));
  if (!target.user.empty()) headers.push_back("Authorization: Basic " + ToBase64(target.user));
  if (!headers.empty()) json["headers"] = headers;
  try {
    if (!target.body) return Dump(json);
    if (IsUtf8(target.body.text())) {
      json["body"] = Literal(target.body.text());
    } else {
      json["body_base64"] = ToBase64(target.body.text());
    }
    return Dump(json);
  } catch (const nlohmann::json::exception&) {
    return sys::Failure(
        fmt::format("{} {}: a header is no UTF-8, which has no place in a request file", target.method, url));
  }
}

}  // namespace

int ImportCommand(int argc, const char* const* argv) {
  CLI::App app("Makes a file of requests of what other tools write.", "loadgen import");
  SetHelp(app, kImportHelp);
  std::string kind;
  std::string path;
  std::string out = "-";
  app.add_option("KIND", kind, "curl, har or openapi")
      ->type_name("{curl|har|openapi}")
      ->required()
      ->check(CLI::IsMember({"curl", "har", "openapi"}).description(""));
  app.add_option("FILE", path, "the file that is read")->type_name("")->required();
  app.add_option("-o,--output", out, "where the requests are written; - is standard output")
      ->type_name("FILE")
      ->group("Output");
  if (const auto code = ParseFlags(app, argc, argv)) return *code;
  const auto text = ReadText(path);
  if (!text) return Complain(kUsage, text.error().message);
  const auto imported = Import(kind, *text);
  if (!imported) return Complain(kUsage, fmt::format("{}: {}", path, imported.error().message));
  if (imported->targets.empty()) {
    const auto& notes = imported->notes;
    return Complain(kUsage, path + " has no requests" + (notes.empty() ? "" : "; " + notes.front()));
  }
  std::string lines;
  for (const auto& target : imported->targets) {
    const auto line = RequestLine(target);
    if (!line) return Complain(kUsage, fmt::format("{}: {}", path, line.error().message));
    lines += *line;
  }
  const auto files = TextFiles::Open({{"--output", out}}, DistinctFiles({{"FILE", path}}));
  if (!files) return Complain(kUsage, files.error().message);
  std::string notes;
  for (const auto& note : imported->notes) notes += note + "\n";
  const auto written = files->Write(notes, [&](const std::string&) { return lines; });
  return written ? kRan : Complain(kNothing, written.error().message);
}

}  // namespace hydrapool::loadgen
