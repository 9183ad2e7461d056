// Both login machines, fed packets that an attacker chooses. Neither reads out of bounds, loops, or
// ends well by chance: nobody is verified without knowing a password that no input can hold. And
// stored passwords as somebody writes them down.
//
// Input: one byte of options, then packets, each with its length in two bytes before it; or the
// text of a stored password.

#include <algorithm>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "protocol/auth/client_auth.h"
#include "protocol/auth/server_auth.h"
#include "protocol/auth/stored_password.h"

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

// As servers store it; the fewest rounds that there can be.
CryptedPassword crypted() {
  CryptedPassword stored;
  stored.rounds = 1000;
  stored.salt.fill('s');
  stored.text = sha256_crypt(password(), stored.salt, stored.rounds);
  return stored;
}

Account stored_account(std::uint8_t options) {
  static const KnownPassword native = KnownPassword::of(native_verifier(password()));
  static const KnownPassword slow = KnownPassword::of(crypted());
  std::vector<KnownPassword> known;
  if ((options & 2) != 0) known.push_back(native);
  if ((options & 4) != 0) known.push_back(slow);
  if (known.empty()) known = {KnownPassword::of(password()), slow};
  const Account account = Account::listed(std::move(known));
  return (options & 32) != 0 ? account.denied_like_this() : account;
}

Account account(std::uint8_t options) {
  if ((options & 16) != 0) return stored_account(options);
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

void check(ServerAuth& auth, ServerAuthStep step, std::uint8_t options) {
  if (step.kind == ServerAuthStep::Kind::check) {
    if ((options & 16) == 0) std::abort();  // no other account has a stored password
    const auto which = step.check.run();
    step = auth.checked(std::move(step.check), which);
    if (step.kind != ServerAuthStep::Kind::denied) std::abort();
  }
  if (step.kind == ServerAuthStep::Kind::verified) std::abort();
  if (step.kind == ServerAuthStep::Kind::wait && step.send.empty()) std::abort();
}

void server_side(std::uint8_t options, ByteReader in) {
  ServerAuth auth({make_nonce().value(), &key(), (options & 8) != 0});
  const auto response = decode_handshake_response(next_packet(in));
  if (!response) return;
  check(auth, auth.start(*response, account(options)), options);
  while (!in.empty()) check(auth, auth.feed(next_packet(in)), options);

  ByteReader again(as_bytes(response->user));
  const auto request = decode_change_user(again.rest(), response->capabilities);
  if (request)
    check(auth,
          auth.start_change_user(*request, response->capabilities, account(options),
                                 make_nonce().value()),
          options);
}

// Either it is one, or there are words for why not; and its bytes may be written in hexadecimal.
void stored_text(std::string_view text) {
  const auto parsed = parse_stored_password(text);
  const std::string wrong = what_is_wrong_with_stored_password(text);
  if (parsed.has_value() != wrong.empty()) std::abort();
  if (!parsed || text[0] == '0') return;
  std::string hexadecimal = "0x";
  for (const char c : text) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    const auto byte = static_cast<std::uint8_t>(c);
    hexadecimal += {kDigits[byte >> 4], kDigits[byte & 15]};
  }
  const auto again = parse_stored_password(hexadecimal);
  if (!again || again->index() != parsed->index()) std::abort();
  const auto* slow = std::get_if<CryptedPassword>(&*parsed);
  if (slow == nullptr) return;
  const auto& same = std::get<CryptedPassword>(*again);
  if (same.rounds != slow->rounds || same.salt != slow->salt || same.text != slow->text)
    std::abort();
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
  if (data[0] & 64) {
    stored_text(as_text(in.rest()));
  } else if (data[0] & 1) {
    server_side(data[0], in);
  } else {
    client_side(data[0], in);
  }
  return 0;
}
