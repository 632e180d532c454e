#include "loadgen/engine/body_check.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <new>

#include "pool/http/text.h"

namespace hydrapool::loadgen {
namespace {

std::string Hex(const unsigned char* bytes, std::size_t n) {
  std::string text;
  for (std::size_t i = 0; i < n; ++i) {
    text.push_back("0123456789abcdef"[bytes[i] >> 4]);
    text.push_back("0123456789abcdef"[bytes[i] & 15]);
  }
  return text;
}

}  // namespace

void BodyCheck::Free::operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }

BodyCheck::BodyCheck(const Plan& plan) : expect_(plan.expect) {
  if (plan.expect.sha256.empty()) return;
  sha256_.reset(EVP_MD_CTX_new());
  if (!sha256_) throw std::bad_alloc();
}

void BodyCheck::Begin(std::string_view content_coding) {
  encoded_ = !content_coding.empty() && !http::EqualsIgnoringCase(content_coding, "identity");
  readable_ = !encoded_ || Inflater::Knows(content_coding);
  if (encoded_ && readable_) inflater_.Begin(content_coding);
  length_ = 0;
  end_.clear();
  if (sha256_ && EVP_DigestInit_ex(sha256_.get(), EVP_sha256(), nullptr) != 1) throw std::bad_alloc();
}

void BodyCheck::Feed(std::string_view bytes) {
  if (!readable_) return;
  if (!encoded_) return Take(bytes);
  readable_ = inflater_.Feed(bytes, [this](std::string_view decoded) { Take(decoded); });
}

void BodyCheck::Take(std::string_view bytes) {
  length_ += bytes.size();
  if (sha256_) EVP_DigestUpdate(sha256_.get(), bytes.data(), bytes.size());
  const auto wanted = expect_.end.size();
  end_.append(bytes.substr(bytes.size() - std::min(bytes.size(), wanted)));
  if (end_.size() > wanted) end_.erase(0, end_.size() - wanted);
}

bool BodyCheck::Matches() {
  if (!readable_ || (encoded_ && !inflater_.whole())) return false;
  if (sha256_) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    EVP_DigestFinal_ex(sha256_.get(), digest.data(), &size);
    if (Hex(digest.data(), size) != expect_.sha256) return false;
  }
  return end_ == expect_.end;
}

}  // namespace hydrapool::loadgen
