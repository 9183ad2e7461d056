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

ServerAuthStep ServerAuth::start(const HandshakeResponse& response, const Account& account) {
  account_ = account;
  used_password_ = !is_no_password(response.auth_response);
  can_switch_ = (response.capabilities & kPluginAuth) != 0;
  if (!can_switch_ || response.plugin == kNativePassword)
    return start_native(response.auth_response);
  if (response.plugin == kCachingSha2) return check_sha2(response.auth_response);
  if (response.plugin == kClearPassword && options_.secure_channel && used_password_)
    return check_clear(response.auth_response);
  return switch_to(kCachingSha2);
}

ServerAuthStep ServerAuth::start_change_user(const ChangeUser& request, Capabilities capabilities,
                                             const Account& account, const Nonce& fresh) {
  account_ = account;
  used_password_ = !is_no_password(request.auth_response);
  can_switch_ = (capabilities & kPluginAuth) != 0;
  if (!can_switch_) return start_native(request.auth_response);
  // Libraries answer with the native method before they are asked, and if asked by a switch to it,
  // they answer the same old nonce again: so it counts here or not at all.
  if (request.plugin == kNativePassword && account_.kind_ != Account::Kind::unknown) {
    const auto which = account_.by_native(request.auth_response, options_.nonce);
    if (which) return verified_by_native(*which, request.auth_response, options_.nonce);
  }
  nonce_ = fresh;
  return switch_to(kCachingSha2);
}

// The client computed its answer with the native method, from the greeting's nonce, although the
// greeting named another method.
ServerAuthStep ServerAuth::start_native(Bytes answer) {
  // What the answer does not settle has to be told in full authentication.
  const bool asks_more = account_.may_learn() || account_.needs_more_than_native();
  // Libraries that prefer the native method send nothing when the greeting names another one, and
  // wait for the switch, with or without a password.
  if (answer.empty() && can_switch_) return switch_to(asks_more ? kCachingSha2 : kNativePassword);
  const auto which = account_.by_native(answer, nonce_);
  const bool settled = which && account_.kind_ != Account::Kind::unknown;
  if (!settled && asks_more && can_switch_) return switch_to(kCachingSha2);
  const bool cannot_tell =
      account_.kind_ == Account::Kind::unknown || account_.needs_more_than_native();
  if (!settled && cannot_tell) return denied(AuthDenial::method_unsupported);
  return check_native(answer);
}

ServerAuthStep ServerAuth::switch_to(std::string_view plugin) {
  can_switch_ = false;
  std::string request;
  encode_auth_switch_request(request, plugin, nonce_);
  return wait(plugin == kNativePassword ? State::native_answer : State::sha2_answer,
              std::move(request));
}

ServerAuthStep ServerAuth::feed(Bytes payload) {
  switch (state_) {
    case State::idle:
    case State::checking:
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
  const auto which = account_.by_native(answer, nonce_);
  return which ? verified_by_native(*which, answer, nonce_) : denied(AuthDenial::wrong_password);
}

ServerAuthStep ServerAuth::verified_by_native(std::size_t which, Bytes answer, const Nonce& nonce) {
  ServerAuthStep step = verified(which);
  if (step.kind == ServerAuthStep::Kind::verified)
    step.native_key = native_key(answer, nonce, *account_.passwords_[which].native);
  return step;
}

ServerAuthStep ServerAuth::ask_for_more() {
  if (state_ != State::idle || !can_switch_) return denied(AuthDenial::method_unsupported);
  for (KnownPassword& known : account_.passwords_) known.native_is_enough = known.sha2.has_value();
  return switch_to(kCachingSha2);
}

ServerAuthStep ServerAuth::check_sha2(Bytes answer) {
  used_password_ = !is_no_password(answer);
  if (!used_password_) return check_empty();
  if (answer.size() != kCachingSha2ScrambleSize) return denied(AuthDenial::wrong_password);
  const auto which = account_.by_sha2(answer, nonce_);
  if (account_.kind_ == Account::Kind::unknown) return ask_for_password();
  if (which) return verified(*which, more_data(kFastAuthOk));
  const bool asks_more = account_.may_learn() || account_.needs_more_than_sha2();
  return asks_more ? ask_for_password() : denied(AuthDenial::wrong_password);
}

ServerAuthStep ServerAuth::check_empty() {
  const auto which = account_.empty_one();
  if (which) return verified(*which);
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
  const auto which = account_.by_password(password.view());
  if (account_.kind_ == Account::Kind::unknown) return learned(std::move(password));
  if (which) return verified_by_password(*which, std::move(password));
  if (account_.may_learn()) return learned(std::move(password));
  ServerAuthStep step;
  step.check.crypted = account_.crypted();
  if (step.check.crypted.empty()) return denied(AuthDenial::wrong_password);
  state_ = State::checking;
  step.kind = ServerAuthStep::Kind::check;
  step.check.password = std::move(password);
  return step;
}

ServerAuthStep ServerAuth::checked(PasswordCheck check, std::optional<std::size_t> which) {
  if (state_ != State::checking) return denied(AuthDenial::malformed);
  if (!which) return denied(AuthDenial::wrong_password);
  return verified_by_password(*which, std::move(check.password));
}

ServerAuthStep ServerAuth::wait(State state, std::string send) {
  state_ = state;
  ServerAuthStep step;
  step.kind = ServerAuthStep::Kind::wait;
  step.send = std::move(send);
  return step;
}

// The only way in without a further proof.
ServerAuthStep ServerAuth::verified(std::size_t which, std::string send) {
  if (account_.nobody_ || account_.kind_ == Account::Kind::unknown)
    return denied(AuthDenial::wrong_password);
  state_ = State::idle;
  ServerAuthStep step;
  step.kind = ServerAuthStep::Kind::verified;
  step.which = which;
  step.send = std::move(send);
  return step;
}

ServerAuthStep ServerAuth::verified_by_password(std::size_t which, Secret password) {
  ServerAuthStep step = verified(which);
  if (step.kind == ServerAuthStep::Kind::verified) step.password = std::move(password);
  return step;
}

ServerAuthStep ServerAuth::learned(Secret password) {
  if (account_.nobody_) return denied(AuthDenial::wrong_password);
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
