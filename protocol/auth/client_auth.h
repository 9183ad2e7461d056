// The conversation in which we log in to a server. Protocol documentation: "Connection Phase",
// "Authentication Method Mismatch".

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/auth/nonce.h"
#include "protocol/auth/parsec.h"
#include "protocol/byte_reader.h"
#include "protocol/capabilities.h"
#include "protocol/handshake.h"

namespace weir::protocol {

// Why we ended a login that the server would have gone on with.
enum class LoginRefusal : std::uint8_t {
  none,
  malformed,               // the server sent what the protocol does not allow here
  server_too_old,          // no 4.1 protocol, or no nonce
  method_unsupported,      // the account's authentication method is not one of ours
  weak_method,             // the server asked for a method that gives the password away
  several_factors,         // the account wants more than a password
  password_wanted,         // the account's method takes the password, and only native_key is known
  password_unencryptable,  // the server's RSA key is unusable, or the password too long for it
};

// What the caller does next.
struct ClientAuthStep {
  enum class Kind : std::uint8_t {
    send,    // send `send` as one packet, even if it is empty, then feed() the next payload
    wait,    // feed() the next payload; there is nothing to send
    done,    // logged in; `packet` is the OK packet
    failed,  // the server said no; `packet` is its error packet, to pass on. Before the greeting it
             // has no SQLSTATE
    refused,  // we say no; `refusal` and `text` tell why. Close
  };

  ClientAuthStep() = default;
  ClientAuthStep(ClientAuthStep&&) = default;
  ClientAuthStep& operator=(ClientAuthStep&&) = default;
  ~ClientAuthStep();

  Kind kind = Kind::refused;
  std::string send;  // may hold the password, so it is wiped with the step
  Bytes packet;      // a view into the payload just fed
  LoginRefusal refusal = LoginRefusal::none;
  std::string text;  // for people: what happened and what to do; names the method, never a secret
};

// Drive it so: feed() the greeting's payload and every payload after it, until the step is neither
// send nor wait. Frames, sequence numbers and every limit in time are the caller's; `send` takes
// the number after that of the packet just fed.
class ClientAuth {
 public:
  // Everything here is borrowed and must live until the login is over.
  struct Options {
    std::string_view user;
    std::string_view password;
    // SHA1(password), see native_password.h, when the password is not known. Then only the native
    // method will do.
    std::string_view native_key = {};
    std::string_view database;  // empty: none
    std::uint8_t collation = 0;
    // What the caller would like. Flags that belong to the login itself (4.1 protocol, methods,
    // database, attributes) are added and removed here as needed. kSsl only when the channel is TLS
    // already.
    Capabilities capabilities = 0;
    std::string_view attributes;  // made with append_attribute; empty: none
    bool secure_channel = false;  // TLS or a unix socket: a password may travel as it is
  };

  explicit ClientAuth(const Options& options) : options_(options) {}

  // The channel becomes TLS between the greeting, which is still to be fed, and the response to it.
  // The request for TLS is then the first kSslRequestSize bytes of that response, as a packet of
  // its own.
  void use_tls() {
    options_.capabilities |= kSsl;
    options_.secure_channel = true;
  }

  ClientAuthStep feed(Bytes payload);

  // What both sides keep to. Settled once the greeting was fed and the step was send.
  Capabilities capabilities() const { return capabilities_; }

  // From the greeting; settled likewise.
  const std::string& server_version() const { return server_version_; }
  std::uint32_t connection_id() const { return connection_id_; }
  std::uint8_t server_collation() const { return server_collation_; }
  Capabilities server_capabilities() const { return server_capabilities_; }

 private:
  enum class State : std::uint8_t { greeting, verdict, public_key, parsec_recipe, over };

  ClientAuthStep on_greeting(Bytes payload);
  ClientAuthStep on_verdict(Bytes payload);
  ClientAuthStep on_switch(Bytes payload);
  ClientAuthStep on_ed25519(Bytes nonce);
  ClientAuthStep on_parsec(Bytes nonce);
  ClientAuthStep on_parsec_recipe(Bytes payload);
  ClientAuthStep on_more_data(Bytes payload);
  ClientAuthStep on_public_key(Bytes payload);
  bool negotiate(const Greeting& greeting);
  std::string scramble(std::string_view plugin);

  ClientAuthStep send(std::string payload);
  ClientAuthStep over(ClientAuthStep::Kind kind, Bytes packet);
  ClientAuthStep refuse(LoginRefusal refusal, std::string text);

  Options options_;
  State state_ = State::greeting;
  int switches_ = 0;
  bool more_data_due_ = false;  // caching_sha2_password, before the server said fast or full
  Nonce nonce_{};
  ParsecNonce parsec_nonce_{};
  Capabilities capabilities_ = 0;
  std::string server_version_;
  std::uint32_t connection_id_ = 0;
  std::uint8_t server_collation_ = 0;
  Capabilities server_capabilities_ = 0;
};

}  // namespace weir::protocol
