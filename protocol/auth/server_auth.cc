#include "protocol/auth/server_auth.h"

#include <utility>

namespace weir::protocol {
namespace {

constexpr std::string_view kClearPassword = "mysql_clear_password";
constexpr std::size_t kMaxClearPassword = 256;  // servers take no longer ones

std::string more_data(std::string_view data) {
  std::string payload;
  encode_auth_more_data(payload, data);
  return payload;
}

std::string more_data(std::uint8_t course) {
  return more_data(std::string_view(reinterpret_cast<const char*>(&course), 1));
}

// Libraries say "no password" by an empty packet or by a lone NUL.
bool is_no_password(Bytes answer) {
  return answer.empty() || (answer.size() == 1 && answer[0] == 0);
}

}  // namespace

Account::Account(Kind kind, std::string_view password)
    : kind_(kind),
      empty_password_(password.empty()),
      native_(native_verifier(password)),
      sha2_(caching_sha2_verifier(password)) {}

Account Account::listed(std::string_view password) {
  return {Kind::listed, password};
}
Account Account::learnt(std::string_view password) {
  return {Kind::learnt, password};
}
// The passwords of these two are placeholders: verified() lets neither in.
Account Account::unknown() {
  return {Kind::unknown, "unknown"};
}
Account Account::denied() {
  return {Kind::nobody, "nobody"};
}

bool Account::has_password(std::string_view password) const {
  return equal_in_constant_time(caching_sha2_verifier(password), sha2_);
}

ServerAuthStep ServerAuth::start(const HandshakeResponse& response, const Account& account) {
  account_ = account;
  used_password_ = !is_no_password(response.auth_response);
  const bool can_switch = (response.capabilities & kPluginAuth) != 0;
  if (!can_switch || response.plugin == kNativePassword)
    return start_native(response.auth_response, can_switch);
  if (response.plugin == kCachingSha2) return check_sha2(response.auth_response);
  if (response.plugin == kClearPassword && options_.secure_channel && used_password_)
    return check_clear(response.auth_response);
  return switch_to(kCachingSha2);
}

ServerAuthStep ServerAuth::start_change_user(const ChangeUser& request, Capabilities capabilities,
                                             const Account& account, const Nonce& fresh) {
  account_ = account;
  used_password_ = !is_no_password(request.auth_response);
  if ((capabilities & kPluginAuth) == 0) return start_native(request.auth_response, false);
  // Libraries answer with the native method before they are asked, and if asked by a switch to it,
  // they answer the same old nonce again: so it counts here or not at all.
  if (request.plugin == kNativePassword && account_.kind_ != Account::Kind::unknown &&
      native_verify(request.auth_response, options_.nonce, account_.native_))
    return verified();
  nonce_ = fresh;
  return switch_to(kCachingSha2);
}

// The client computed its answer with the native method, from the greeting's nonce, although the
// greeting named another method.
ServerAuthStep ServerAuth::start_native(Bytes answer, bool can_switch) {
  if (account_.kind_ == Account::Kind::unknown)
    return can_switch ? switch_to(kCachingSha2) : denied(AuthDenial::method_unsupported);
  // Libraries that prefer the native method send nothing when the greeting names another one, and
  // wait for the switch, with or without a password.
  if (answer.empty() && can_switch)
    return switch_to(account_.may_learn() ? kCachingSha2 : kNativePassword);
  // A password that has changed since it was learnt is learnt again.
  if (can_switch && account_.may_learn() && !native_verify(answer, nonce_, account_.native_))
    return switch_to(kCachingSha2);
  return check_native(answer);
}

ServerAuthStep ServerAuth::switch_to(std::string_view plugin) {
  std::string request;
  encode_auth_switch_request(request, plugin, nonce_);
  return wait(plugin == kNativePassword ? State::native_answer : State::sha2_answer,
              std::move(request));
}

ServerAuthStep ServerAuth::feed(Bytes payload) {
  switch (state_) {
    case State::idle:
      break;
    case State::native_answer:
      return check_native(payload);
    case State::sha2_answer:
      return check_sha2(payload);
    case State::full_answer:
      return check_full(payload);
    case State::encrypted_answer:
      return check_encrypted(payload);
  }
  return denied(AuthDenial::malformed);
}

// Servers call a native answer of a wrong length a bad handshake, and a caching_sha2 one a wrong
// password; so do we.
ServerAuthStep ServerAuth::check_native(Bytes answer) {
  used_password_ = !answer.empty();
  if (answer.empty()) return check_empty();
  if (answer.size() != kNativeScrambleSize) return denied(AuthDenial::malformed);
  if (native_verify(answer, nonce_, account_.native_)) return verified();
  return denied(AuthDenial::wrong_password);
}

ServerAuthStep ServerAuth::check_sha2(Bytes answer) {
  used_password_ = !is_no_password(answer);
  if (!used_password_) return check_empty();
  if (answer.size() != kCachingSha2ScrambleSize) return denied(AuthDenial::wrong_password);
  const bool right = caching_sha2_verify(answer, nonce_, account_.sha2_);
  if (account_.kind_ == Account::Kind::unknown) return ask_for_password();
  if (right) return verified(more_data(kFastAuthOk));
  return account_.may_learn() ? ask_for_password() : denied(AuthDenial::wrong_password);
}

ServerAuthStep ServerAuth::check_empty() {
  if (account_.empty_password_) return verified();
  return account_.may_learn() ? learned(Secret()) : denied(AuthDenial::wrong_password);
}

ServerAuthStep ServerAuth::ask_for_password() {
  if (!options_.secure_channel && options_.key == nullptr)
    return denied(AuthDenial::method_unsupported);
  return wait(State::full_answer, more_data(kFullAuthNeeded));
}

// On a secure channel the password comes as it is, otherwise under our key, which the client may
// ask for first or have had before. Some libraries do not see that a channel is secure and ask
// there too; a lone 0x02 is no password, as it has no NUL.
ServerAuthStep ServerAuth::check_full(Bytes answer) {
  const bool asks_for_key = answer.size() == 1 && answer[0] == kRequestPublicKey;
  if (asks_for_key && options_.key != nullptr)
    return wait(State::encrypted_answer, more_data(options_.key->public_pem()));
  return options_.secure_channel ? check_clear(answer) : check_encrypted(answer);
}

ServerAuthStep ServerAuth::check_encrypted(Bytes answer) {
  std::optional<Secret> password = options_.key->decrypt_password(answer, nonce_);
  if (!password) return denied(AuthDenial::wrong_password);
  return check_password(std::move(*password));
}

ServerAuthStep ServerAuth::check_clear(Bytes answer) {
  ByteReader in(answer);
  const std::string_view password = in.nul_text();
  if (!in.complete() || password.size() > kMaxClearPassword)
    return denied(AuthDenial::wrong_password);
  return check_password(Secret(password));
}

ServerAuthStep ServerAuth::check_password(Secret password) {
  const bool right = account_.has_password(password.view());
  if (account_.kind_ == Account::Kind::unknown) return learned(std::move(password));
  if (right) return verified();
  return account_.may_learn() ? learned(std::move(password)) : denied(AuthDenial::wrong_password);
}

ServerAuthStep ServerAuth::wait(State state, std::string send) {
  state_ = state;
  ServerAuthStep step;
  step.kind = ServerAuthStep::Kind::wait;
  step.send = std::move(send);
  return step;
}

// The only way in without a further proof.
ServerAuthStep ServerAuth::verified(std::string send) {
  if (account_.kind_ != Account::Kind::listed && account_.kind_ != Account::Kind::learnt)
    return denied(AuthDenial::wrong_password);
  state_ = State::idle;
  ServerAuthStep step;
  step.kind = ServerAuthStep::Kind::verified;
  step.send = std::move(send);
  return step;
}

ServerAuthStep ServerAuth::learned(Secret password) {
  state_ = State::idle;
  ServerAuthStep step;
  step.kind = ServerAuthStep::Kind::learned;
  step.password = std::move(password);
  return step;
}

ServerAuthStep ServerAuth::denied(AuthDenial denial) {
  state_ = State::idle;
  ServerAuthStep step;
  step.denial = denial;
  return step;
}

}  // namespace weir::protocol
