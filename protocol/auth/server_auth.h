// The conversation in which we authenticate a client. Protocol documentation: "Connection Phase",
// "Authentication Method Mismatch".

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/auth/account.h"
#include "protocol/auth/nonce.h"
#include "protocol/auth/rsa_key.h"
#include "protocol/auth/secret.h"
#include "protocol/handshake.h"

namespace weir::protocol {

// How a login ended that did not succeed, for the error packet.
enum class AuthDenial : std::uint8_t {
  none,
  wrong_password,      // 1045/28000, "Access denied for user ..."
  method_unsupported,  // 1251/08004: the password must be learnt, and the client only knows old
                       // methods
  malformed,           // 1043/08S01, "Bad handshake"
};

// What the caller does next. `send`, unless empty, is one payload to send first, whatever the kind.
struct ServerAuthStep {
  enum class Kind : std::uint8_t {
    wait,      // then feed() the client's next payload
    verified,  // the client is who it says; after `send` comes the OK packet
    learned,   // `password` is what the client claims; prove it with the primary, then OK or error
    check,     // run `check` where that may take its time, then checked()
    denied,    // send the error that `denial` names, and close
  };

  Kind kind = Kind::denied;
  std::string send;
  Secret password;        // when learned; when verified, if the client has told it
  std::size_t which = 0;  // when verified: the one of the account's passwords
  Secret native_key;      // when verified by the native method: SHA1(password)
  PasswordCheck check;
  AuthDenial denial = AuthDenial::none;
};

// Drive it so:
//   1. send a greeting with options.nonce and the plugin kCachingSha2, decode the response;
//   2. look the user up, step = start(response, account);
//   3. while step.kind is wait: send step.send, step = feed(the next payload); when it is check:
//      step = checked(step.check, step.check.run()).
// The same object serves COM_CHANGE_USER later in the connection, through start_change_user().
// Frames, sequence numbers, the OK and error packets and every limit in time are the caller's. What
// the caller reads from the client may hold a password: its buffer is the caller's to wipe.
class ServerAuth {
 public:
  struct Options {
    Nonce nonce;  // the greeting's
    const RsaKey* key =
        nullptr;  // outlives this object; null: full authentication needs a secure channel
    bool secure_channel = false;  // TLS or a unix socket: a password may travel as it is
  };

  explicit ServerAuth(const Options& options) : options_(options), nonce_(options.nonce) {}

  // TLS has begun between the greeting and the response to it.
  void secure_channel() { options_.secure_channel = true; }

  // Begins a login. The response is not needed afterwards.
  ServerAuthStep start(const HandshakeResponse& response, const Account& account);

  // Begins a change of user on a connection that is logged in. `fresh` is a nonce never used
  // before, which the client is made to answer; only an answer by the native method may be to the
  // greeting's nonce, as on a real server. `capabilities` are those of the login.
  ServerAuthStep start_change_user(const ChangeUser& request, Capabilities capabilities,
                                   const Account& account, const Nonce& fresh);

  // The client's answer to what the last step sent. Denied as malformed when no answer was due.
  ServerAuthStep feed(Bytes payload);

  // What came of a check.
  ServerAuthStep checked(PasswordCheck check, std::optional<std::size_t> which);

  // Verified by the native method, but the password itself is wanted: asks the client for it, as
  // far as it can still be asked. Denied as method_unsupported when it cannot.
  ServerAuthStep ask_for_more();

  // For the text of error 1045: "(using password: YES)" or NO.
  bool used_password() const { return used_password_; }

 private:
  enum class State : std::uint8_t {
    idle,
    native_answer,
    sha2_answer,
    full_answer,
    encrypted_answer,
    checking
  };

  ServerAuthStep start_native(Bytes answer);
  ServerAuthStep switch_to(std::string_view plugin);
  ServerAuthStep check_native(Bytes answer);
  ServerAuthStep check_sha2(Bytes answer);
  ServerAuthStep verified_by_native(std::size_t which, Bytes answer, const Nonce& nonce);
  ServerAuthStep check_empty();
  ServerAuthStep ask_for_password();
  ServerAuthStep check_full(Bytes answer);
  ServerAuthStep check_encrypted(Bytes answer);
  ServerAuthStep check_clear(Bytes answer);
  ServerAuthStep check_password(Secret password);

  ServerAuthStep wait(State state, std::string send);
  ServerAuthStep verified(std::size_t which, std::string send = {});
  ServerAuthStep verified_by_password(std::size_t which, Secret password);
  ServerAuthStep learned(Secret password);
  ServerAuthStep denied(AuthDenial denial);

  Options options_;
  Nonce nonce_;  // the one that the client answers now
  State state_ = State::idle;
  bool used_password_ = false;
  bool can_switch_ = false;  // the client can be asked to change its method; once in a login
  Account account_ = Account::denied();  // of the login under way
};

}  // namespace weir::protocol
