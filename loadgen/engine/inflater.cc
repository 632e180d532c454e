#include "loadgen/engine/inflater.h"

#include <new>

#include "pool/http/text.h"

namespace hydrapool::loadgen {
namespace {

constexpr int kGzipOrZlib = 15 + 32;
constexpr int kBare = -15;

/// The first byte of the zlib format names the method, 8 (RFC 1950, section 2.2), that of gzip is 0x1f. No
/// bare stream begins so: it would be with a stored block whose padding is not zero, or with a block of no
/// type.
bool IsBare(char first) {
  const auto byte = static_cast<unsigned char>(first);
  return (byte & 0x0f) != Z_DEFLATED && byte != 0x1f;
}

}  // namespace

bool Inflater::Knows(std::string_view content_coding) {
  using http::EqualsIgnoringCase;
  return EqualsIgnoringCase(content_coding, "gzip") || EqualsIgnoringCase(content_coding, "x-gzip") ||
         EqualsIgnoringCase(content_coding, "deflate");
}

void Inflater::Begin(std::string_view content_coding) {
  began_ = ended_ = broken_ = false;
  may_be_bare_ = http::EqualsIgnoringCase(content_coding, "deflate");
  if (state_) {
    ::inflateReset2(&state_->stream, kGzipOrZlib);
    return;
  }
  auto state = std::make_unique<State>();
  if (::inflateInit2(&state->stream, kGzipOrZlib) != Z_OK) throw std::bad_alloc();
  state_.reset(state.release());
}

void Inflater::Give(std::string_view bytes) {
  auto& stream = state_->stream;
  if (may_be_bare_ && !began_ && !bytes.empty() && IsBare(bytes.front())) ::inflateReset2(&stream, kBare);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.avail_out = 1;  // nothing waits to be taken
}

bool Inflater::HasMore() const {
  return state_->stream.avail_in > 0 || (!ended_ && state_->stream.avail_out == 0);
}

std::string_view Inflater::Next() {
  auto& [stream, out] = *state_;
  if (ended_) ::inflateReset(&stream);  // a further member (RFC 1952, section 2.2)
  began_ = true;
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int result = ::inflate(&stream, Z_NO_FLUSH);
  ended_ = result == Z_STREAM_END;
  broken_ = result != Z_OK && result != Z_BUF_ERROR && !ended_;
  return {out.data(), out.size() - stream.avail_out};
}

}  // namespace hydrapool::loadgen
