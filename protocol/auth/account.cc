#include "protocol/auth/account.h"

#include <algorithm>
#include <string>
#include <utility>

#include "protocol/auth/digest.h"

namespace weir::protocol {

KnownPassword KnownPassword::of(std::string_view password) {
  KnownPassword known;
  known.empty = password.empty();
  known.native = native_verifier(password);
  known.sha2 = caching_sha2_verifier(password);
  return known;
}

KnownPassword KnownPassword::of(const StoredPassword& stored) {
  KnownPassword known;
  if (const auto* native = std::get_if<NativeVerifier>(&stored)) known.native = *native;
  if (const auto* crypted = std::get_if<CryptedPassword>(&stored)) known.crypted = *crypted;
  return known;
}

std::optional<std::size_t> PasswordCheck::run() const {
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < crypted.size(); ++i) {
    if (crypted[i] && crypted[i]->is(password.view())) found = i;
  }
  return found;
}

Account::Account(Kind kind, std::vector<KnownPassword> passwords)
    : kind_(kind), passwords_(std::move(passwords)) {}

Account Account::listed(std::string_view password) {
  return {Kind::listed, {KnownPassword::of(password)}};
}
Account Account::listed(std::vector<KnownPassword> passwords) {
  return {Kind::listed, std::move(passwords)};
}
Account Account::learnt(std::string_view password) {
  return {Kind::learnt, {KnownPassword::of(password)}};
}
// The passwords of these two are placeholders: ServerAuth::verified() lets neither in.
Account Account::unknown() {
  return {Kind::unknown, {KnownPassword::of("unknown")}};
}
Account Account::denied() {
  return listed("nobody").denied_like_this();
}

Account Account::denied_like_this() const {
  Account other = *this;
  other.nobody_ = true;
  return other;
}

std::optional<std::size_t> Account::by_native(Bytes answer, const Nonce& nonce) const {
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < passwords_.size(); ++i) {
    const KnownPassword& known = passwords_[i];
    if (known.takes_native() && native_verify(answer, nonce, *known.native)) found = i;
  }
  return found;
}

std::optional<std::size_t> Account::by_sha2(Bytes answer, const Nonce& nonce) const {
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < passwords_.size(); ++i) {
    const KnownPassword& known = passwords_[i];
    if (known.sha2 && caching_sha2_verify(answer, nonce, *known.sha2)) found = i;
  }
  return found;
}

std::optional<std::size_t> Account::by_password(std::string_view password) const {
  const KnownPassword told = KnownPassword::of(password);
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < passwords_.size(); ++i) {
    const KnownPassword& known = passwords_[i];
    const bool right = known.sha2
                           ? equal_in_constant_time(*told.sha2, *known.sha2)
                           : known.native && equal_in_constant_time(*told.native, *known.native);
    if (right) found = i;
  }
  return found;
}

std::optional<std::size_t> Account::empty_one() const {
  const auto found = std::find_if(passwords_.begin(), passwords_.end(),
                                  [](const KnownPassword& known) { return known.empty; });
  if (found == passwords_.end()) return std::nullopt;
  return static_cast<std::size_t>(found - passwords_.begin());
}

bool Account::needs_more_than_native() const {
  return !std::all_of(passwords_.begin(), passwords_.end(),
                      [](const KnownPassword& known) { return known.takes_native(); });
}

bool Account::needs_more_than_sha2() const {
  return !std::all_of(passwords_.begin(), passwords_.end(),
                      [](const KnownPassword& known) { return known.sha2.has_value(); });
}

// Those that nothing quicker stands for.
std::vector<std::optional<CryptedPassword>> Account::crypted() const {
  std::vector<std::optional<CryptedPassword>> all;
  bool some = false;
  for (const KnownPassword& known : passwords_) {
    all.push_back(known.sha2 ? std::nullopt : known.crypted);
    some = some || all.back();
  }
  if (!some) all.clear();
  return all;
}

Decoys::Decoys(std::string_view secret, std::size_t choices)
    : key_(sha256(as_bytes(secret))), choices_(choices) {}

std::size_t Decoys::choose(std::string_view name) const {
  std::string text(as_text(key_));
  text += name;
  const Sha256Digest digest = sha256(as_bytes(text));
  wipe(text);
  ByteReader in(digest);
  return in.int4() % choices_;
}

}  // namespace weir::protocol
