// Both login machines, fed packets that an attacker chooses. Neither reads out of bounds, loops, or
// ends well by chance: nobody is verified without knowing a password that no input can hold.
//
// Input: one byte of options, then packets, each with its length in two bytes before it.

#include <algorithm>
#include <cstdlib>
#include <string>

#include "protocol/auth/client_auth.h"
#include "protocol/auth/server_auth.h"

namespace weir::protocol {
namespace {

const RsaKey& key() {
  static const RsaKey made = RsaKey::generate().value();
  return made;
}

// Not known to the fuzzer, and not to be found within its lifetime.
const std::string& password() {
  static const std::string made = [] {
    const Nonce nonce = make_nonce().value();
    return std::string(as_text(nonce));
  }();
  return made;
}

Account account(std::uint8_t options) {
  switch ((options >> 1) & 3) {
    case 0:
      return Account::listed(password());
    case 1:
      return Account::learnt(password());
    case 2:
      return Account::unknown();
    default:
      return Account::denied();
  }
}

Bytes next_packet(ByteReader& in) {
  const std::size_t length = in.int2();
  return in.bytes(std::min(length, in.remaining()));
}

void check(const ServerAuthStep& step) {
  if (step.kind == ServerAuthStep::Kind::check) std::abort();  // no account has a stored password
  if (step.kind == ServerAuthStep::Kind::verified) std::abort();
  if (step.kind == ServerAuthStep::Kind::wait && step.send.empty()) std::abort();
}

void server_side(std::uint8_t options, ByteReader in) {
  ServerAuth auth({make_nonce().value(), &key(), (options & 8) != 0});
  const auto response = decode_handshake_response(next_packet(in));
  if (!response) return;
  check(auth.start(*response, account(options)));
  while (!in.empty()) check(auth.feed(next_packet(in)));

  ByteReader again(as_bytes(response->user));
  const auto request = decode_change_user(again.rest(), response->capabilities);
  if (request)
    check(auth.start_change_user(*request, response->capabilities, account(options),
                                 make_nonce().value()));
}

void client_side(std::uint8_t options, ByteReader in) {
  ClientAuth::Options login;
  login.user = "app";
  login.password = password();
  login.database = (options & 2) ? "shop" : "";
  login.capabilities = kTransactions | kDeprecateEof;
  login.secure_channel = (options & 8) != 0;
  ClientAuth auth(login);
  bool over = false;
  while (!in.empty()) {
    const ClientAuthStep step = auth.feed(next_packet(in));
    const bool ends =
        step.kind != ClientAuthStep::Kind::send && step.kind != ClientAuthStep::Kind::wait;
    if (over && step.kind != ClientAuthStep::Kind::refused) std::abort();
    if (!login.secure_channel && step.send.find(password()) != std::string::npos) std::abort();
    if (step.text.find(password()) != std::string::npos) std::abort();
    over = over || ends;
  }
}

}  // namespace
}  // namespace weir::protocol

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir::protocol;
  if (size == 0) return 0;
  ByteReader in({data + 1, size - 1});
  if (data[0] & 1) {
    server_side(data[0], in);
  } else {
    client_side(data[0], in);
  }
  return 0;
}
