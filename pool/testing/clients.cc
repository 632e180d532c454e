#include "pool/testing/clients.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <thread>

namespace hydrapool::support {
namespace {

class Member {
 public:
  Member(const std::string& address, int number, const std::function<Question(const std::string&)>& question)
      : address_(address), number_(number), question_(question) {}

  void AskUntil(sys::Nanos end) {
    for (int count = 0; sys::Now() < end; ++count) AskOnce(fmt::format("{}-{}", number_, count));
    if (client_) CheckEnd();
  }
  [[nodiscard]] const CrowdResult& result() const { return result_; }

 private:
  void AskOnce(const std::string& id) {
    if (!client_) client_ = std::make_unique<HttpClient>(address_);
    const Question question = question_(id);
    const auto answer = client_->Ask(question.request);
    if (!answer) {
      result_.problems.push_back(fmt::format("{}: {}", id, client_->error()));
      client_.reset();
      return;
    }
    if (answer->status == question.status && answer->body == question.body) {
      result_.answered.push_back(id);
    } else {
      result_.problems.push_back(fmt::format("{}: status {}, {} bytes where {} are right: {}", id,
                                             answer->status, answer->body.size(), question.body.size(),
                                             answer->body.substr(0, 100)));
    }
    if (question.closes || !answer->keeps_open()) CheckEnd();
  }
  void CheckEnd() {
    const std::string rest = client_->Rest();
    if (!rest.empty()) result_.problems.push_back("after the last answer: " + rest.substr(0, 100));
    client_.reset();
  }

  const std::string address_;
  const int number_;
  const std::function<Question(const std::string&)>& question_;
  std::unique_ptr<HttpClient> client_;
  CrowdResult result_;
};

}  // namespace

CrowdResult AskInCrowd(const std::string& address, int clients, sys::Nanos duration,
                       const std::function<Question(const std::string& id)>& question) {
  const sys::Nanos end = sys::Now() + duration;
  std::vector<Member> members;
  for (int i = 0; i < clients; ++i) members.emplace_back(address, i, question);
  std::vector<std::thread> threads;
  threads.reserve(members.size());
  for (Member& member : members) threads.emplace_back([&member, end] { member.AskUntil(end); });
  for (std::thread& thread : threads) thread.join();
  CrowdResult all;
  for (const Member& member : members) {
    const CrowdResult& one = member.result();
    all.answered.insert(all.answered.end(), one.answered.begin(), one.answered.end());
    all.problems.insert(all.problems.end(), one.problems.begin(), one.problems.end());
  }
  return all;
}

std::string FirstOf(const std::vector<std::string>& lines) {
  std::string text = fmt::format("{} in all\n", lines.size());
  for (std::size_t i = 0; i < std::min<std::size_t>(lines.size(), 10); ++i) text += lines[i] + "\n";
  return text;
}

}  // namespace hydrapool::support
