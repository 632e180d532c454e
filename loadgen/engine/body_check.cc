#include "loadgen/engine/body_check.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <new>

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

BodyCheck::BodyCheck(const Plan& plan) : plan_(plan) {
  if (plan.expect.sha256.empty()) return;
  sha256_.reset(EVP_MD_CTX_new());
  if (!sha256_) throw std::bad_alloc();
}

void BodyCheck::Begin() {
  end_.clear();
  if (sha256_ && EVP_DigestInit_ex(sha256_.get(), EVP_sha256(), nullptr) != 1) throw std::bad_alloc();
}

void BodyCheck::Feed(std::string_view bytes) {
  if (sha256_) EVP_DigestUpdate(sha256_.get(), bytes.data(), bytes.size());
  const auto wanted = plan_.expect.end.size();
  end_.append(bytes.substr(bytes.size() - std::min(bytes.size(), wanted)));
  if (end_.size() > wanted) end_.erase(0, end_.size() - wanted);
}

bool BodyCheck::Matches() {
  if (sha256_) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    EVP_DigestFinal_ex(sha256_.get(), digest.data(), &size);
    if (Hex(digest.data(), size) != plan_.expect.sha256) return false;
  }
  return end_ == plan_.expect.end;
}

}  // namespace hydrapool::loadgen
