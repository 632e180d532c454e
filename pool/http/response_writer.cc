#include "pool/http/response_writer.h"

#include <fmt/format.h>

#include <array>
#include <iterator>

namespace hydrapool::http {

std::string_view ReasonPhrase(int status) {
  switch (status) {
    case 100:
      return "Continue";
    case 101:
      return "Switching Protocols";
    case 102:
      return "Processing";
    case 103:
      return "Early Hints";
    case 104:
      return "Upload Resumption Supported";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 203:
      return "Non-Authoritative Information";
    case 204:
      return "No Content";
    case 205:
      return "Reset Content";
    case 206:
      return "Partial Content";
    case 207:
      return "Multi-Status";
    case 208:
      return "Already Reported";
    case 226:
      return "IM Used";
    case 300:
      return "Multiple Choices";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 305:
      return "Use Proxy";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 402:
      return "Payment Required";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 407:
      return "Proxy Authentication Required";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 421:
      return "Misdirected Request";
    case 422:
      return "Unprocessable Content";
    case 423:
      return "Locked";
    case 424:
      return "Failed Dependency";
    case 425:
      return "Too Early";
    case 426:
      return "Upgrade Required";
    case 428:
      return "Precondition Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 451:
      return "Unavailable For Legal Reasons";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    case 506:
      return "Variant Also Negotiates";
    case 507:
      return "Insufficient Storage";
    case 508:
      return "Loop Detected";
    case 510:
      return "Not Extended";
    case 511:
      return "Network Authentication Required";
    default:
      return "Unknown";
  }
}

std::string HttpDate(std::time_t seconds_since_epoch) {
  static constexpr std::array kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::tm t{};
  ::gmtime_r(&seconds_since_epoch, &t);
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays[static_cast<std::size_t>(t.tm_wday)],
                     t.tm_mday, kMonths[static_cast<std::size_t>(t.tm_mon)], t.tm_year + 1900, t.tm_hour,
                     t.tm_min, t.tm_sec);
}

std::string_view DateCache::At(sys::Nanos now) {
  if (date_.empty() || now - made_at_ >= sys::kSecond) {
    date_ = HttpDate(std::time(nullptr));
    made_at_ = now;
  }
  return date_;
}

void AppendHead(std::string& out, const ResponseHead& head) {
  const auto field = [&out](std::string_view name, std::string_view value) {
    if (value.empty()) return;
    out.append(name).append(value).append("\r\n");
  };
  const auto text = [](const fmt::format_int& number) {
    return std::string_view(number.data(), number.size());
  };
  out.append("HTTP/1.1 ")
      .append(text(fmt::format_int(head.status)))
      .append(" ")
      .append(head.reason.empty() ? ReasonPhrase(head.status) : head.reason)
      .append("\r\nServer: hydrapool\r\n");
  field("Date: ", head.date);
  field("Content-Type: ", head.content_type);
  if (head.content_length) field("Content-Length: ", text(fmt::format_int(*head.content_length)));
  if (head.chunked) field("Transfer-Encoding: ", "chunked");
  if (!head.keep_alive && head.minor_version == 1) field("Connection: ", "close");
  if (head.keep_alive && head.minor_version == 0) field("Connection: ", "keep-alive");
  out.append(head.extra).append("\r\n");
}

std::string ErrorResponse(int status, bool keep_alive, bool head_request, std::string_view detail,
                          std::string_view date, int minor_version, std::string_view extra) {
  const std::string body =
      fmt::format("{} {}{}{}\n", status, ReasonPhrase(status), detail.empty() ? "" : ": ", detail);
  std::string out;
  AppendHead(out, {.status = status,
                   .keep_alive = keep_alive,
                   .minor_version = minor_version,
                   .content_length = body.size(),
                   .content_type = "text/plain; charset=utf-8",
                   .date = date,
                   .extra = extra});
  if (!head_request) out += body;
  return out;
}

void AppendChunkHeader(std::string& out, std::size_t size) {
  fmt::format_to(std::back_inserter(out), "{:x}\r\n", size);
}

}  // namespace hydrapool::http
