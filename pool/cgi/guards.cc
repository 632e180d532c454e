#include "pool/cgi/guards.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "pool/cgi/percent.h"
#include "pool/cgi/script_path.h"
#include "pool/sys/log.h"

namespace hydrapool::cgi {
namespace {

/// What cannot be decoded is refused by whoever would have it; until then it is what it looks like.
std::string FoldedAsAsked(std::string_view path) {
  const auto decoded = DecodePath(path, true);
  return Folded(decoded ? std::string_view(*decoded) : path);
}

}  // namespace

sys::Result<Guard> Guard::Parse(const std::string& text) {
  const auto equals = text.find("=/");
  if (!text.starts_with('/') || equals == text.npos)
    return sys::Failure("'" + text + "' is not /PATH=/HTPASSWD");
  std::string at = text.substr(0, equals);
  if (at.ends_with('/')) at.pop_back();
  if (Folded(at) != at)
    return sys::Failure("'" + text + "': '" + at + "' is no path without '.', '..' and '//'");
  if (at.find('%') != at.npos || HasEscape(at))
    return sys::Failure("'" + text + "': a path is given without escapes ('%')");
  return Guard{.at = std::move(at), .file = text.substr(equals + 1)};
}

sys::Result<Guard> Guard::ParseAllowed(const std::string& text) {
  const auto equals = text.find('=');
  const auto fault = sys::Failure("'" + text + "' is not /PATH=USER,@GROUP,...");
  if (equals == text.npos) return fault;
  auto guard = Parse(text.substr(0, equals) + "=/");
  if (!guard) return fault;
  guard->file.clear();
  std::istringstream names(text.substr(equals + 1));
  for (std::string name; std::getline(names, name, ',');) {
    if (name.empty() || name == "@") return fault;
    guard->allowed.push_back(std::move(name));
  }
  if (guard->allowed.empty()) return fault;
  return guard;
}

Groups::Groups(std::string path) : path_(std::move(path)) { Load(); }

void Groups::Load() {
  struct stat info {};
  if (::stat(path_.c_str(), &info) == 0 && !S_ISREG(info.st_mode))
    throw std::runtime_error(path_ + ": not a regular file");
  std::ifstream file(path_);
  if (!file || ::stat(path_.c_str(), &info) != 0)
    throw std::runtime_error(fmt::format("{}: {}", path_, std::generic_category().message(errno)));
  changed_ = info.st_mtim;
  groups_.clear();
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == line.npos || line.starts_with('#')) continue;
    const auto colon = line.find(':');
    if (colon == 0 || colon == line.npos)
      throw std::runtime_error(fmt::format("{}:{}: not NAME: USER USER", path_, number));
    std::istringstream users(line.substr(colon + 1));
    for (std::string user; users >> user;) groups_[line.substr(0, colon)].insert(user);
  }
}

bool Groups::Has(std::string_view group, const std::string& user) {
  if (const auto now = ChangedAt(path_); !Same(now, changed_)) {
    changed_ = now;
    try {
      Load();
    } catch (const std::exception& error) {
      sys::log::Error("{}: there are no groups meanwhile", error.what());
      groups_.clear();
    }
  }
  const auto found = groups_.find(group);
  return found != groups_.end() && found->second.contains(user);
}

Guards::Guards(const std::vector<Guard>& guards, std::string realm, const std::string& group_file)
    : challenge_(fmt::format("WWW-Authenticate: Basic realm=\"{}\", charset=\"UTF-8\"\r\n", realm)) {
  std::map<std::string, std::shared_ptr<Passwords>> files;
  if (!group_file.empty()) groups_.emplace(group_file);
  for (const Guard& guard : guards) {
    if (guard.file.empty()) continue;
    if (std::ranges::find(points_, guard.at, &Point::at) != points_.end())
      throw std::runtime_error("two passwords are required at " + guard.at +
                               "/: one of them would not count");
    auto& passwords = files[guard.file];
    if (passwords == nullptr) passwords = std::make_shared<Passwords>(guard.file);
    points_.push_back({guard.at, passwords, {}});
  }
  for (const Guard& guard : guards) {
    if (guard.allowed.empty()) continue;
    const auto point = std::ranges::find(points_, guard.at, &Point::at);
    if (point == points_.end())
      throw std::runtime_error("users are allowed at " + guard.at + "/, and no password is required there");
    const auto is_group = [](const std::string& name) { return name.starts_with('@'); };
    if (!groups_ && std::ranges::any_of(guard.allowed, is_group))
      throw std::runtime_error("a group is allowed at " + guard.at + "/, and there is no file of groups");
    std::ranges::copy(guard.allowed, std::back_inserter(point->allowed));
  }
  std::ranges::stable_sort(points_, [](const Point& a, const Point& b) { return a.at.size() > b.at.size(); });
}

const Guards::Point* Guards::PointOf(std::string_view path) const {
  return points_.empty() || !path.starts_with('/') ? nullptr : PointOfFolded(FoldedAsAsked(path));
}

const Guards::Point* Guards::PointOfFolded(const std::string& folded) const {
  const auto found = std::ranges::find_if(points_, [&](const Point& point) {
    return folded.starts_with(point.at) &&
           (folded.size() == point.at.size() || folded[point.at.size()] == '/');
  });
  return found == points_.end() ? nullptr : &*found;
}

bool Guards::CoversAny(const std::vector<std::string>& decoded) const {
  return std::ranges::any_of(
      decoded, [this](const std::string& path) { return PointOfFolded(Folded(path)) != nullptr; });
}

bool Guards::Allows(const Point& point, const std::string& user) {
  return point.allowed.empty() || std::ranges::any_of(point.allowed, [&](const std::string& name) {
           return name.starts_with('@') ? groups_->Has(std::string_view(name).substr(1), user) : name == user;
         });
}

bool Guards::Proves(const http::Request& request, const Point* point) {
  if (point == nullptr) return true;
  const auto credentials = Credentials::Parse(request.Find("Authorization").value_or(""));
  return credentials && point->passwords->Check(credentials->user, credentials->password) &&
         Allows(*point, credentials->user);
}

bool Guards::PassesTo(const http::Request& request, const std::vector<std::string>& decoded) {
  return std::ranges::all_of(decoded, [&](const std::string& path) {
    const Point* const point = PointOfFolded(Folded(path));
    return point == PointOf(request.path) || Proves(request, point);
  });
}

std::optional<std::string> Guards::UserOf(const http::Request& request,
                                          const std::vector<std::string>& decoded) const {
  if (PointOf(request.path) == nullptr && !CoversAny(decoded)) return std::nullopt;
  const auto credentials = Credentials::Parse(request.Find("Authorization").value_or(""));
  return credentials ? std::optional(credentials->user) : std::nullopt;
}

}  // namespace hydrapool::cgi
